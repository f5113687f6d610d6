-- The last mail about new findings, and the last test of one: what it told, up to which record, to how many addresses, and why not to all of them.
CREATE TABLE finding_mail(
  test INTEGER PRIMARY KEY,   -- 0, 1
  time INTEGER NOT NULL,
  record INTEGER NOT NULL,
  until INTEGER NOT NULL,     -- findings that opened by records up to this one are told
  findings INTEGER NOT NULL,
  addresses INTEGER NOT NULL,
  why TEXT NOT NULL
) STRICT;
