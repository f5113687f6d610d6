-- The packets that are kept of a finding: where on the ledger they lie. The newest 10,000.
CREATE TABLE packets(
  n INTEGER PRIMARY KEY,
  finding TEXT NOT NULL,
  record INTEGER NOT NULL,
  time INTEGER NOT NULL,
  packets INTEGER NOT NULL,
  bytes INTEGER NOT NULL
) STRICT;
CREATE INDEX packets_finding ON packets(finding);
