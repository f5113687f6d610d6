-- A device or system that the lab depends on. `n` is the order of first sight; `changed` the record that last changed what it is (not its counters).
CREATE TABLE asset(
  n INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  merged_into INTEGER REFERENCES asset(n),
  changed INTEGER NOT NULL,
  name TEXT,
  title TEXT NOT NULL,
  role TEXT NOT NULL DEFAULT 'unknown',
  role_basis TEXT NOT NULL DEFAULT 'unknown',
  maker TEXT,
  model TEXT,
  serial TEXT,
  software TEXT,
  hostname TEXT,
  first_seen INTEGER NOT NULL,
  last_seen INTEGER NOT NULL,
  messages INTEGER NOT NULL DEFAULT 0,
  results_sent INTEGER NOT NULL DEFAULT 0,
  results_received INTEGER NOT NULL DEFAULT 0,
  acks_sent INTEGER NOT NULL DEFAULT 0,
  served INTEGER NOT NULL DEFAULT 0,
  browsed INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX asset_merged ON asset(merged_into) WHERE merged_into IS NOT NULL;

-- Who holds an address now.
CREATE TABLE asset_address(
  kind TEXT NOT NULL,
  value TEXT NOT NULL,
  asset INTEGER NOT NULL REFERENCES asset(n),
  last_seen INTEGER NOT NULL,
  PRIMARY KEY (kind, value)
) STRICT, WITHOUT ROWID;
CREATE INDEX asset_address_asset ON asset_address(asset);

CREATE TABLE asset_protocol(
  asset INTEGER NOT NULL REFERENCES asset(n),
  protocol TEXT NOT NULL,
  PRIMARY KEY (asset, protocol)
) STRICT, WITHOUT ROWID;

-- Under which names a device sends results, and under which it receives them: who does both, if at two addresses, stands between analyzers and the LIS.
CREATE TABLE asset_alias(
  asset INTEGER NOT NULL REFERENCES asset(n),
  sends INTEGER NOT NULL,
  name TEXT NOT NULL,
  PRIMARY KEY (asset, sends, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX asset_alias_name ON asset_alias(name, sends);

-- What one source last said about one field of a device.
CREATE TABLE asset_fact(
  asset INTEGER NOT NULL REFERENCES asset(n),
  field TEXT NOT NULL,
  source TEXT NOT NULL,
  value TEXT NOT NULL,
  time INTEGER NOT NULL,
  PRIMARY KEY (asset, field, source)
) STRICT, WITHOUT ROWID;

CREATE TABLE asset_evidence(
  n INTEGER PRIMARY KEY,
  asset INTEGER NOT NULL REFERENCES asset(n),
  time INTEGER NOT NULL,
  source TEXT NOT NULL,
  fields TEXT NOT NULL
) STRICT;
CREATE INDEX asset_evidence_asset ON asset_evidence(asset, n);
