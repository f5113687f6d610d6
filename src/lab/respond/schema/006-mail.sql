-- Mails that somebody was not sure about. Their subject and text lie sealed in the record `record`, nowhere here.
CREATE TABLE mail(
  n INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  record INTEGER NOT NULL,
  changed INTEGER NOT NULL,
  time INTEGER NOT NULL,
  person TEXT NOT NULL,
  verdict TEXT NOT NULL, -- the program's: dangerous, suspicious, fine
  score INTEGER NOT NULL,
  reasons TEXT NOT NULL, -- a line each: code, tab, what it was seen in
  sender TEXT NOT NULL,
  sketch TEXT NOT NULL,
  indicators TEXT NOT NULL, -- a line each: kind, space, value
  files INTEGER NOT NULL,
  links INTEGER NOT NULL,
  scanned TEXT NOT NULL,
  exercise TEXT NOT NULL, -- '': it was none of ours
  digest TEXT NOT NULL,
  state TEXT NOT NULL, -- waiting, answered (by the program: nobody has to decide), dangerous, harmless
  decided_by TEXT NOT NULL,
  decided INTEGER NOT NULL, -- when; 0: never
  answer TEXT NOT NULL,
  incident TEXT NOT NULL
) STRICT;
CREATE INDEX mail_state ON mail(state, n);
CREATE INDEX mail_person ON mail(person, n);
CREATE INDEX mail_digest ON mail(digest);

CREATE TABLE incident(
  n INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  record INTEGER NOT NULL,
  time INTEGER NOT NULL,
  kind TEXT NOT NULL,
  title TEXT NOT NULL,
  person TEXT NOT NULL
) STRICT;

-- What a confirmed attack may be known by again.
CREATE TABLE indicator(
  n INTEGER PRIMARY KEY,
  kind TEXT NOT NULL, -- host, address, sha256
  value TEXT NOT NULL,
  incident TEXT NOT NULL,
  time INTEGER NOT NULL,
  record INTEGER NOT NULL,
  UNIQUE(kind, value)
) STRICT;
