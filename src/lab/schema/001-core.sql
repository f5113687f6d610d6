-- What every page counts, and the ledger as a list. Times are nanoseconds since 1970, UTC. Rows that go when a table is full are still counted here.
CREATE TABLE counter(
  name TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One row a leaf, the newest ones. Events of one leaf are counted by kind; the summary is that of a leaf with one event.
CREATE TABLE ledger_row(
  record INTEGER PRIMARY KEY,
  custody INTEGER NOT NULL,
  time INTEGER NOT NULL,
  event TEXT NOT NULL,
  summary TEXT NOT NULL,
  events INTEGER NOT NULL DEFAULT 1,
  flows INTEGER NOT NULL DEFAULT 0,
  evidence INTEGER NOT NULL DEFAULT 0
) STRICT;

-- The last check of the whole ledger: one row.
CREATE TABLE ledger_check(
  one INTEGER PRIMARY KEY CHECK (one = 1),
  at INTEGER NOT NULL,
  holds INTEGER NOT NULL,
  records INTEGER,
  first_bad INTEGER,
  why TEXT
) STRICT;

CREATE TABLE capture(
  name TEXT PRIMARY KEY,
  state TEXT NOT NULL,
  packets INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0,
  flows INTEGER NOT NULL DEFAULT 0,
  dropped INTEGER NOT NULL DEFAULT 0,
  damaged INTEGER NOT NULL DEFAULT 0,
  first_time INTEGER,
  last_time INTEGER,
  changed INTEGER NOT NULL,
  why TEXT, -- it is read no more, or what was dropped
  dropped_flows INTEGER NOT NULL DEFAULT 0, -- of `dropped`: records of flows and devices …
  dropped_lab INTEGER NOT NULL DEFAULT 0,   -- … and other records; the rest are packets
  dropped_first INTEGER, -- since when, and until when, as far as the sensor's counters tell
  dropped_last INTEGER,
  failures INTEGER NOT NULL DEFAULT 0, -- how often it could not be read any more in this run, when that was last, and when it came back
  failed_at INTEGER,
  back_at INTEGER
) STRICT, WITHOUT ROWID;
