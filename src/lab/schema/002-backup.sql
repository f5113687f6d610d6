-- Backups that were made and not removed by the program, and what the test of each said.
CREATE TABLE backup(
  id TEXT PRIMARY KEY,
  at INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  records INTEGER NOT NULL,
  place TEXT NOT NULL,
  tested_at INTEGER,
  holds INTEGER,
  why TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX backup_at ON backup(at);

-- How far what was kept has been removed: one row a kind.
CREATE TABLE retention(
  kind TEXT PRIMARY KEY,
  until TEXT NOT NULL, -- the last day that is gone
  records INTEGER NOT NULL,
  bytes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
