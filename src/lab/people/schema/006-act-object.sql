-- What it was done to, as a reader builds a sentence of it in any language, and the device that it was done to.
ALTER TABLE act ADD COLUMN object TEXT NOT NULL DEFAULT '';
ALTER TABLE act ADD COLUMN asset TEXT NOT NULL DEFAULT '';
CREATE INDEX act_asset ON act(asset, record) WHERE asset <> '';
CREATE INDEX act_time ON act(time);

-- What lab.yaml said at the last start: a digest a setting.
CREATE TABLE setting(
  name TEXT PRIMARY KEY,
  digest TEXT NOT NULL
) STRICT, WITHOUT ROWID;
