INSERT INTO role_permission VALUES
  ('local administrator', 'backup', 'read'), ('lab manager', 'backup', 'read'), ('IT', 'backup', 'read'), ('auditor', 'backup', 'read'),
  ('local administrator', 'backup', 'manage'), ('lab manager', 'backup', 'manage'), ('IT', 'backup', 'manage');
