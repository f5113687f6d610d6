-- Links through the relay: what people decided about them, what was learnt, and how they were last.
CREATE TABLE link(
  name TEXT PRIMARY KEY,
  state TEXT,
  state_at INTEGER,
  bypassed INTEGER NOT NULL DEFAULT 0,
  held INTEGER NOT NULL DEFAULT 0,
  decided_by TEXT,
  decided_why TEXT,
  decided_at INTEGER,
  proposed TEXT, -- JSON: types, senders, tests, size, rate
  proposed_at INTEGER,
  policy TEXT,   -- the same, and unknown: as a person approved it
  policy_by TEXT,
  policy_at INTEGER,
  changed INTEGER NOT NULL -- record
) STRICT, WITHOUT ROWID;

-- Store and forward: messages that were taken and are not delivered, in order.
CREATE TABLE link_queue(
  record INTEGER PRIMARY KEY,
  link TEXT NOT NULL,
  run TEXT NOT NULL,
  seq INTEGER NOT NULL,
  time INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  sent INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX link_queue_link ON link_queue(link, record);

-- The last number that a relay gave, by run: the newest run.
CREATE TABLE link_seen(
  one INTEGER PRIMARY KEY CHECK (one = 1),
  run TEXT NOT NULL,
  seq INTEGER NOT NULL
) STRICT;

ALTER TABLE message ADD COLUMN link TEXT;
ALTER TABLE message ADD COLUMN leg TEXT;    -- received, forwarded
ALTER TABLE message ADD COLUMN side TEXT;   -- analyzer, lis
ALTER TABLE message ADD COLUMN verdict TEXT; -- flagged, refused: by the link's policy
CREATE INDEX message_link ON message(link, n) WHERE link IS NOT NULL;

INSERT INTO role_permission VALUES
  ('local administrator', 'links', 'read'), ('lab manager', 'links', 'read'), ('IT', 'links', 'read'), ('auditor', 'links', 'read'),
  ('local administrator', 'links', 'bypass'), ('lab manager', 'links', 'bypass'), ('IT', 'links', 'bypass'),
  ('local administrator', 'links', 'manage'), ('lab manager', 'links', 'manage'), ('IT', 'links', 'manage');
