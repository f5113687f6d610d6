-- Doors: a maker's engineer reaches one port of one device for a time. What each is follows from door.* records (lab/door.h).
CREATE TABLE door(
  n INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  state TEXT NOT NULL,          -- asked, refused, approved, open, closed
  asset TEXT NOT NULL,          -- id of the device
  address TEXT NOT NULL,        -- of the device
  source TEXT NOT NULL,         -- where the engineer comes from
  service TEXT NOT NULL,
  proto INTEGER NOT NULL,
  port INTEGER NOT NULL,
  minutes INTEGER NOT NULL,
  maker TEXT NOT NULL,          -- whose engineer; '': nobody's
  asked_by TEXT NOT NULL,
  asked_at INTEGER NOT NULL,
  why TEXT NOT NULL,
  decided_by TEXT NOT NULL DEFAULT '',
  decided_at INTEGER NOT NULL DEFAULT 0,
  decided_why TEXT NOT NULL DEFAULT '',
  until INTEGER NOT NULL DEFAULT 0,
  opened_at INTEGER NOT NULL DEFAULT 0,
  closed_at INTEGER NOT NULL DEFAULT 0,
  ended TEXT NOT NULL DEFAULT '',     -- time, withdrawn, error
  ended_why TEXT NOT NULL DEFAULT '',
  withdrawn_by TEXT NOT NULL DEFAULT '',
  withdrawn_at INTEGER NOT NULL DEFAULT 0,
  withdrawn_why TEXT NOT NULL DEFAULT '',
  packets INTEGER,              -- null: the firewall did not tell
  bytes_up INTEGER,
  bytes_down INTEGER,
  was TEXT NOT NULL DEFAULT '', -- what was known of the device when it was last looked at while the door was open: a field a line
  changed INTEGER NOT NULL      -- record
) STRICT;
CREATE INDEX door_state ON door(state);
CREATE INDEX door_address ON door(address) WHERE opened_at > 0;

-- Conversations of the device with whoever came through the door, or that it began with addresses outside while the door was open.
CREATE TABLE door_flow(
  n INTEGER PRIMARY KEY,
  door INTEGER NOT NULL,
  src TEXT NOT NULL,
  dst TEXT NOT NULL,
  proto INTEGER NOT NULL,
  port INTEGER NOT NULL,
  app TEXT NOT NULL,
  packets INTEGER NOT NULL,
  bytes_up INTEGER NOT NULL,
  bytes_down INTEGER NOT NULL,
  began INTEGER NOT NULL,
  ended INTEGER NOT NULL,
  record INTEGER NOT NULL
) STRICT;
CREATE INDEX door_flow_door ON door_flow(door, n);

-- What was another at the device while a door was open.
CREATE TABLE door_change(
  n INTEGER PRIMARY KEY,
  door INTEGER NOT NULL,
  time INTEGER NOT NULL,
  field TEXT NOT NULL,
  before TEXT NOT NULL,
  after TEXT NOT NULL,
  record INTEGER NOT NULL
) STRICT;
CREATE INDEX door_change_door ON door_change(door, n);

-- Remote access to a device, from another network, without an open door.
CREATE TABLE door_standing(
  n INTEGER PRIMARY KEY,
  src TEXT NOT NULL,
  dst TEXT NOT NULL,
  port INTEGER NOT NULL,
  app TEXT NOT NULL,
  first_seen INTEGER NOT NULL,
  last_seen INTEGER NOT NULL,
  count INTEGER NOT NULL,
  flow INTEGER NOT NULL,
  record INTEGER NOT NULL, -- the first
  UNIQUE (src, dst, port)
) STRICT;

ALTER TABLE account_grant ADD COLUMN maker TEXT NOT NULL DEFAULT ''; -- of a maker's engineer: whose
