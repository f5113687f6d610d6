-- What people reported. `person`: '' where nobody is known to have; `claim`: SHA-256 of the code with which its state is asked for, '' where there is none.
CREATE TABLE report(
  n INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  record INTEGER NOT NULL,
  changed INTEGER NOT NULL,
  time INTEGER NOT NULL,
  kind TEXT NOT NULL,
  text TEXT NOT NULL,
  urgent INTEGER NOT NULL,
  person TEXT NOT NULL,
  photo TEXT NOT NULL, -- '', image/jpeg, image/png
  claim TEXT NOT NULL,
  state TEXT NOT NULL, -- received, looking, answered, closed
  taken_by TEXT NOT NULL,
  answer TEXT NOT NULL,
  answered INTEGER NOT NULL -- when; 0: never
) STRICT;
CREATE INDEX report_state ON report(state, n);
CREATE INDEX report_person ON report(person, n);
CREATE INDEX report_claim ON report(claim);

CREATE TABLE report_event(
  n INTEGER PRIMARY KEY,
  report INTEGER NOT NULL REFERENCES report(n),
  time INTEGER NOT NULL,
  event TEXT NOT NULL,
  person TEXT NOT NULL,
  why TEXT NOT NULL,
  record INTEGER NOT NULL
) STRICT;
CREATE INDEX report_event_report ON report_event(report, n);
