-- Lists of devices that were read in, and what each value was before: one can be taken back as a whole. `record` is the first of those that tell it.
CREATE TABLE asset_list(
  record INTEGER PRIMARY KEY,
  person TEXT,
  time INTEGER NOT NULL,
  devices INTEGER NOT NULL DEFAULT 0,
  undone_person TEXT,
  undone_time INTEGER,
  undone_record INTEGER -- null: it stands
) STRICT;

-- One value that a list told. Field '': the list made the device.
CREATE TABLE asset_told(
  list INTEGER NOT NULL REFERENCES asset_list(record),
  asset INTEGER NOT NULL,
  field TEXT NOT NULL,
  record INTEGER NOT NULL, -- that told it
  value TEXT, -- what a person had said before, who, when; null: nobody had
  person TEXT,
  time INTEGER,
  before INTEGER,
  PRIMARY KEY (list, asset, field)
) STRICT, WITHOUT ROWID;
CREATE INDEX asset_told_asset ON asset_told(asset, field);
