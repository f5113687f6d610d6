-- What people did and what was done with their accounts. The newest 100,000; the ledger has them all.
CREATE TABLE act(
  record INTEGER PRIMARY KEY,
  time INTEGER NOT NULL,
  person TEXT NOT NULL,     -- who did it; '': nobody known
  account TEXT NOT NULL,    -- whose account it is about; '': none
  event TEXT NOT NULL,
  what TEXT NOT NULL,
  permission TEXT NOT NULL, -- by what right
  role TEXT NOT NULL,       -- which role gave it
  why TEXT NOT NULL,
  origin TEXT NOT NULL
) STRICT;
CREATE INDEX act_person ON act(person, record);
CREATE INDEX act_account ON act(account, record);

-- Keys of programs that use the API, by the hash of what they show.
CREATE TABLE api_token(
  id TEXT PRIMARY KEY,
  account TEXT NOT NULL,
  label TEXT NOT NULL,
  hash TEXT NOT NULL UNIQUE,
  scopes TEXT NOT NULL,     -- permissions with spaces between
  created INTEGER NOT NULL,
  until INTEGER NOT NULL,
  record INTEGER NOT NULL,
  revoked INTEGER NOT NULL, -- when; 0: not
  revoked_by TEXT NOT NULL,
  revoked_why TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX api_token_account ON api_token(account);

-- The site's own rules for passwords.
CREATE TABLE access_policy(
  one INTEGER PRIMARY KEY CHECK (one = 1),
  password_days INTEGER NOT NULL, -- 0: no longest age
  by TEXT NOT NULL,
  time INTEGER NOT NULL,
  why TEXT NOT NULL,
  record INTEGER NOT NULL
) STRICT;
