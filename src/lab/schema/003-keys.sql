-- Erasures, as the ledger says them: what of it is still to be carried out, a start finds here. Months are year * 100 + month.
CREATE TABLE erasure(
  record INTEGER PRIMARY KEY,
  time INTEGER NOT NULL,
  patient TEXT NOT NULL,
  from_month INTEGER NOT NULL,
  to_month INTEGER NOT NULL
) STRICT;

INSERT INTO role_permission VALUES
  ('local administrator', 'keys', 'read'), ('lab manager', 'keys', 'read'), ('IT', 'keys', 'read'), ('auditor', 'keys', 'read'),
  ('privacy officer', 'keys', 'read'), ('local administrator', 'keys', 'manage'), ('privacy officer', 'keys', 'manage');
