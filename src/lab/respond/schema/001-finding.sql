-- Something wrong. `rank` orders severities, the worst highest; lists of evidence are JSON arrays, the newest entries.
CREATE TABLE finding(
  n INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  changed INTEGER NOT NULL,
  kind TEXT NOT NULL,
  severity TEXT NOT NULL,
  rank INTEGER NOT NULL,
  title TEXT NOT NULL,
  advice TEXT NOT NULL,
  technique TEXT,
  state TEXT NOT NULL DEFAULT 'open',
  taken_by TEXT,
  first_time INTEGER NOT NULL,
  last_time INTEGER NOT NULL,
  count INTEGER NOT NULL,
  asset INTEGER REFERENCES asset(n),
  flows TEXT NOT NULL,
  messages TEXT NOT NULL,
  records TEXT NOT NULL
) STRICT;
CREATE INDEX finding_order ON finding(state, rank, n);
CREATE INDEX finding_all ON finding(rank, n);
CREATE INDEX finding_asset ON finding(asset, state);

CREATE TABLE finding_event(
  n INTEGER PRIMARY KEY,
  finding INTEGER NOT NULL REFERENCES finding(n),
  time INTEGER NOT NULL,
  event TEXT NOT NULL,
  person TEXT,
  why TEXT,
  record INTEGER NOT NULL
) STRICT;
CREATE INDEX finding_event_finding ON finding_event(finding, n);
