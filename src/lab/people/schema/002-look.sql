-- Who was shown what is hidden, of which record, and why. The newest 100,000; the ledger has them all.
CREATE TABLE look(
  n INTEGER PRIMARY KEY,
  record INTEGER NOT NULL,
  time INTEGER NOT NULL,
  person TEXT NOT NULL,
  what TEXT NOT NULL,
  why TEXT NOT NULL,
  subject INTEGER NOT NULL,
  event TEXT NOT NULL,
  patient TEXT
) STRICT;
CREATE INDEX look_person ON look(person, time);
CREATE INDEX look_subject ON look(subject);

INSERT INTO role VALUES ('privacy officer');

INSERT INTO role_permission VALUES
  ('local administrator', 'phi', 'look'), ('lab manager', 'phi', 'look'), ('technologist', 'phi', 'look'),
  ('local administrator', 'looks', 'read'), ('lab manager', 'looks', 'read'), ('auditor', 'looks', 'read'),
  ('privacy officer', 'looks', 'read'), ('privacy officer', 'today', 'read'), ('privacy officer', 'device', 'read'),
  ('privacy officer', 'result', 'read'), ('privacy officer', 'finding', 'read'), ('privacy officer', 'ledger', 'read'),
  ('privacy officer', 'ledger', 'verify');
