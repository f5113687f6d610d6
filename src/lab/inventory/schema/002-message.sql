-- The newest lab messages. `run` counts the starts of captures: ids are unique within one.
CREATE TABLE message(
  n INTEGER PRIMARY KEY,
  run INTEGER NOT NULL,
  id TEXT NOT NULL,
  record INTEGER NOT NULL,
  position INTEGER NOT NULL,
  time INTEGER NOT NULL,
  protocol TEXT NOT NULL,
  type TEXT NOT NULL,
  control_id TEXT,
  sender TEXT,
  receiver TEXT,
  version TEXT,
  charset TEXT,
  results INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  malformed TEXT,
  ack_code TEXT,
  ack_for TEXT,
  flow TEXT,
  src INTEGER REFERENCES asset(n),
  dst INTEGER REFERENCES asset(n)
) STRICT;
CREATE INDEX message_id ON message(run, id);
CREATE INDEX message_src ON message(src);
CREATE INDEX message_dst ON message(dst);
