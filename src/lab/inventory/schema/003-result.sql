-- The newest results, with what their message says about them. `search`: lower-case, for the search box.
CREATE TABLE result(
  n INTEGER PRIMARY KEY,
  record INTEGER NOT NULL,
  position INTEGER NOT NULL,
  time INTEGER NOT NULL,
  recorded INTEGER NOT NULL,
  run INTEGER NOT NULL,
  message TEXT NOT NULL,
  protocol TEXT,
  type TEXT,
  control_id TEXT,
  sender TEXT,
  receiver TEXT,
  src INTEGER REFERENCES asset(n),
  test_code TEXT,
  test_system TEXT,
  test_text TEXT,
  patient TEXT,
  specimen TEXT,
  units TEXT,
  flags TEXT NOT NULL,
  status TEXT,
  observed_at TEXT,
  search TEXT NOT NULL
) STRICT;
CREATE INDEX result_message ON result(run, message);
CREATE INDEX result_src ON result(src);
