-- Packets whose keys were destroyed when they had been kept long enough: when, by which record; and how far that went, for those that a rebuilt view never had.
ALTER TABLE packets ADD COLUMN removed INTEGER;
CREATE TABLE packets_removed(
  record INTEGER PRIMARY KEY,
  time INTEGER NOT NULL,
  last INTEGER NOT NULL -- the last record that is gone
) STRICT;
