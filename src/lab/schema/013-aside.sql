-- Store and forward: messages that the LIS refused for good. Nobody delivers them any more; a person does something about each.
ALTER TABLE link_queue ADD COLUMN type TEXT;
ALTER TABLE link_queue ADD COLUMN control_id TEXT;
ALTER TABLE link_queue ADD COLUMN results INTEGER NOT NULL DEFAULT 0;
CREATE TABLE link_aside(
  record INTEGER PRIMARY KEY, -- of the message
  link TEXT NOT NULL,
  time INTEGER NOT NULL,      -- when it came
  refused_at INTEGER NOT NULL,
  type TEXT,
  control_id TEXT,
  results INTEGER NOT NULL
) STRICT;
CREATE INDEX link_aside_link ON link_aside(link, record);
