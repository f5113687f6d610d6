-- What was done with a certificate of a link, by whom and why.
CREATE TABLE certificate_act(
  serial TEXT NOT NULL,
  act TEXT NOT NULL, -- made, revoked
  time INTEGER NOT NULL,
  person TEXT,
  why TEXT,
  record INTEGER NOT NULL,
  PRIMARY KEY (serial, act)
) STRICT, WITHOUT ROWID;

INSERT INTO role_permission VALUES
  ('local administrator', 'certificate', 'read'), ('lab manager', 'certificate', 'read'), ('IT', 'certificate', 'read'), ('auditor', 'certificate', 'read'),
  ('local administrator', 'certificate', 'manage'), ('lab manager', 'certificate', 'manage'), ('IT', 'certificate', 'manage');
