-- One row an identity: what was seen under one MAC address, one IP address without one, one instrument behind a terminal server, or one line of a list.
-- `root` is the identity whose device it is shown as: itself, or the one that it was joined with (by way of `joined_to`). What is known stays with its
-- identity, so that a wrong join can be undone. `n` is the order of first sight; `changed` the record that last changed what the device is.
CREATE TABLE asset(
  n INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  root INTEGER NOT NULL REFERENCES asset(n),
  joined_to INTEGER REFERENCES asset(n),
  joined_by TEXT, -- mac, serial, carries, person
  joined_time INTEGER,
  joined_record INTEGER,
  behind INTEGER REFERENCES asset(n), -- an instrument: the identity at whose address it speaks
  -- counted for this identity alone
  first_seen INTEGER, -- null: never seen, only told of
  last_seen INTEGER,
  messages INTEGER NOT NULL DEFAULT 0,
  results_sent INTEGER NOT NULL DEFAULT 0,
  results_received INTEGER NOT NULL DEFAULT 0,
  acks_sent INTEGER NOT NULL DEFAULT 0,
  served INTEGER NOT NULL DEFAULT 0,
  browsed INTEGER NOT NULL DEFAULT 0,
  routes INTEGER NOT NULL DEFAULT 0, -- addresses of other networks behind its MAC address
  -- judged, on the row of the root: what the device is
  changed INTEGER NOT NULL,
  title TEXT NOT NULL,
  name TEXT,
  role TEXT NOT NULL DEFAULT 'unknown',
  role_basis TEXT NOT NULL DEFAULT 'unknown',
  class TEXT,    -- of the catalog
  terminal INTEGER NOT NULL DEFAULT 0, -- by its maker it may be a terminal server
  maker TEXT,
  model TEXT,
  serial TEXT,
  software TEXT,
  hostname TEXT,
  os TEXT,
  owner TEXT,
  place TEXT,
  criticality TEXT,
  zone TEXT,
  retired INTEGER NOT NULL DEFAULT 0,
  confidence INTEGER NOT NULL DEFAULT 0,
  search TEXT NOT NULL DEFAULT '' -- lower-case, for the search box
) STRICT;
CREATE INDEX asset_root ON asset(root);
CREATE INDEX asset_behind ON asset(behind) WHERE behind IS NOT NULL;
CREATE INDEX asset_joined ON asset(joined_to) WHERE joined_to IS NOT NULL;
CREATE INDEX asset_serial ON asset(serial) WHERE serial IS NOT NULL;
CREATE INDEX asset_name ON asset(name) WHERE name IS NOT NULL;
CREATE INDEX asset_hostname ON asset(hostname) WHERE hostname IS NOT NULL;
CREATE INDEX asset_title ON asset(lower(title), n) WHERE root = n;

-- Who holds or held an address, and when. At most one holds it now.
CREATE TABLE asset_address(
  kind TEXT NOT NULL, -- ip, mac
  value TEXT NOT NULL,
  asset INTEGER NOT NULL REFERENCES asset(n),
  now INTEGER NOT NULL,
  first_seen INTEGER NOT NULL,
  last_seen INTEGER NOT NULL,
  PRIMARY KEY (value, kind, asset)
) STRICT, WITHOUT ROWID;
CREATE INDEX asset_address_asset ON asset_address(asset);
CREATE UNIQUE INDEX asset_address_now ON asset_address(value, kind) WHERE now = 1;

-- Addresses that were seen behind a MAC address without being its holder's: a router's.
CREATE TABLE asset_routed(
  mac TEXT NOT NULL,
  ip TEXT NOT NULL,
  PRIMARY KEY (mac, ip)
) STRICT, WITHOUT ROWID;

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

-- Who speaks at one address: the sender that header records name, and the port where the address listens (0: it calls). Two that take turns are two
-- instruments.
CREATE TABLE asset_voice(
  asset INTEGER NOT NULL REFERENCES asset(n),
  name TEXT NOT NULL,
  port INTEGER NOT NULL,
  protocol TEXT NOT NULL,
  first_seen INTEGER NOT NULL,
  last_seen INTEGER NOT NULL,
  messages INTEGER NOT NULL DEFAULT 0,
  results INTEGER NOT NULL DEFAULT 0,
  turns INTEGER NOT NULL DEFAULT 0,
  instrument INTEGER REFERENCES asset(n),
  PRIMARY KEY (asset, name, port)
) STRICT, WITHOUT ROWID;

-- What one source last said about one field of a device. `voice`: the sender that said it, where a header record did.
CREATE TABLE asset_fact(
  asset INTEGER NOT NULL REFERENCES asset(n),
  field TEXT NOT NULL,
  source TEXT NOT NULL,
  voice TEXT NOT NULL,
  value TEXT NOT NULL,
  time INTEGER NOT NULL,
  record INTEGER NOT NULL,
  PRIMARY KEY (asset, field, source, voice)
) STRICT, WITHOUT ROWID;
CREATE INDEX asset_fact_value ON asset_fact(field, value);

CREATE TABLE asset_evidence(
  n INTEGER PRIMARY KEY,
  asset INTEGER NOT NULL REFERENCES asset(n),
  time INTEGER NOT NULL,
  source TEXT NOT NULL,
  fields TEXT NOT NULL,
  record INTEGER NOT NULL
) STRICT;
CREATE INDEX asset_evidence_asset ON asset_evidence(asset, n);

-- What a person said, in place of what was seen.
CREATE TABLE asset_edit(
  asset INTEGER NOT NULL REFERENCES asset(n),
  field TEXT NOT NULL,
  value TEXT NOT NULL,
  person TEXT,
  time INTEGER NOT NULL,
  record INTEGER NOT NULL,
  PRIMARY KEY (asset, field)
) STRICT, WITHOUT ROWID;

-- Two that a person found to be different: evidence never joins them.
CREATE TABLE asset_distinct(
  one INTEGER NOT NULL REFERENCES asset(n),
  other INTEGER NOT NULL REFERENCES asset(n),
  PRIMARY KEY (one, other)
) STRICT, WITHOUT ROWID;
CREATE INDEX asset_distinct_other ON asset_distinct(other);

-- Lab messages an hour, by the packet clock: the last 24 hours of each.
CREATE TABLE asset_hour(
  asset INTEGER NOT NULL REFERENCES asset(n),
  hour INTEGER NOT NULL, -- hours since 1970
  messages INTEGER NOT NULL,
  PRIMARY KEY (asset, hour)
) STRICT, WITHOUT ROWID;
CREATE INDEX asset_hour_hour ON asset_hour(hour);

-- How far the clock that stamps its messages is from the packet clock: the last few measurements, in seconds without the zone.
CREATE TABLE asset_skew(
  asset INTEGER NOT NULL REFERENCES asset(n),
  place INTEGER NOT NULL,
  skew INTEGER NOT NULL,
  PRIMARY KEY (asset, place)
) STRICT, WITHOUT ROWID;

-- Which tests it reports.
CREATE TABLE asset_report(
  asset INTEGER NOT NULL REFERENCES asset(n),
  code TEXT NOT NULL,
  text TEXT,
  count INTEGER NOT NULL,
  PRIMARY KEY (asset, code)
) STRICT, WITHOUT ROWID;
