-- Who may sign in, and what each role may do. A permission is a noun and a verb; a request of the table names one of them.
CREATE TABLE role(
  name TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TABLE role_permission(
  role TEXT NOT NULL REFERENCES role(name),
  noun TEXT NOT NULL,
  verb TEXT NOT NULL,
  PRIMARY KEY (role, noun, verb)
) STRICT, WITHOUT ROWID;

CREATE TABLE account(
  name TEXT PRIMARY KEY,
  display_name TEXT NOT NULL,
  role TEXT NOT NULL REFERENCES role(name),
  password_hash TEXT NOT NULL,
  created INTEGER NOT NULL,
  changed INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO role VALUES ('local administrator'), ('lab manager'), ('IT'), ('auditor'), ('technologist');

INSERT INTO role_permission
WITH permission(noun, verb) AS (VALUES
  ('today', 'read'), ('device', 'read'), ('device', 'name'), ('device', 'edit'), ('device', 'import'), ('result', 'read'), ('finding', 'read'), ('finding', 'decide'),
  ('ledger', 'read'), ('ledger', 'verify'), ('ledger', 'witness'), ('metrics', 'read'))
SELECT role.name, noun, verb FROM role, permission WHERE role.name IN ('local administrator', 'lab manager', 'IT');

INSERT INTO role_permission VALUES
  ('auditor', 'today', 'read'), ('auditor', 'device', 'read'), ('auditor', 'finding', 'read'), ('auditor', 'ledger', 'read'),
  ('auditor', 'ledger', 'verify'), ('auditor', 'metrics', 'read'),
  ('technologist', 'today', 'read'), ('technologist', 'device', 'read'), ('technologist', 'result', 'read'), ('technologist', 'finding', 'read'),
  ('technologist', 'metrics', 'read');
