-- Who may sign in, and which roles each of them has, had, from whom and why. What a role may do is no row of the store: lab/people/job.c says it.
DROP TABLE account;
DROP TABLE role_permission;
DROP TABLE role;

CREATE TABLE account(
  name TEXT PRIMARY KEY,
  display_name TEXT NOT NULL,
  state TEXT NOT NULL,              -- invited, active, closed
  password_hash TEXT NOT NULL,      -- '': none
  password_set INTEGER NOT NULL,    -- when; 0: never
  password_known INTEGER NOT NULL,  -- 1: somebody else may know it: it counts no more
  invite_hash TEXT NOT NULL,        -- of the one-time code; '': none
  invite_until INTEGER NOT NULL,
  created INTEGER NOT NULL,
  created_by TEXT NOT NULL,         -- '': the first administrator
  closed INTEGER NOT NULL,          -- when; 0: open
  reviewed INTEGER NOT NULL,        -- when somebody last said that its roles are right
  reviewed_by TEXT NOT NULL,
  last_sign_in INTEGER NOT NULL,
  changed INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Rows stay when a grant ends: they say who could do what at any time.
CREATE TABLE account_grant(
  n INTEGER PRIMARY KEY,
  account TEXT NOT NULL,
  role TEXT NOT NULL,
  site TEXT NOT NULL,               -- '': every site of this ledger
  since INTEGER NOT NULL,
  until INTEGER NOT NULL,           -- 0: no end
  by TEXT NOT NULL,
  why TEXT NOT NULL,
  record INTEGER NOT NULL,
  ended INTEGER NOT NULL,           -- when it was taken back; 0: it was not
  ended_by TEXT NOT NULL,
  ended_why TEXT NOT NULL,
  ended_record INTEGER NOT NULL     -- -1: it was not
) STRICT;
CREATE INDEX account_grant_account ON account_grant(account, ended);
