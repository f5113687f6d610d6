-- From where somebody has signed in: who guesses elsewhere does not make them wait there.
CREATE TABLE account_place(
  account TEXT NOT NULL,
  origin TEXT NOT NULL,
  last INTEGER NOT NULL,
  PRIMARY KEY (account, origin)
) STRICT, WITHOUT ROWID;
