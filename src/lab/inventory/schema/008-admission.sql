-- Who may be there. A person decides about an identity, and about the MAC addresses that it had then: an address that turns up later, or a device that
-- evidence joins later, is not vouched for by what was said before.
CREATE TABLE admission(
  asset INTEGER PRIMARY KEY REFERENCES asset(n),
  state TEXT NOT NULL, -- vouched, refused
  person TEXT,
  why TEXT,
  time INTEGER NOT NULL,
  record INTEGER NOT NULL
) STRICT;

CREATE TABLE admission_mac(
  mac TEXT PRIMARY KEY,
  state TEXT NOT NULL,
  record INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- On the row of the root: vouched, refused, or unknown.
ALTER TABLE asset ADD COLUMN admission TEXT NOT NULL DEFAULT 'unknown';
CREATE INDEX asset_undecided ON asset(zone, root, first_seen) WHERE admission = 'unknown' AND retired = 0 AND behind IS NULL;
CREATE INDEX asset_analyzer ON asset(zone) WHERE role = 'analyzer' AND retired = 0;
