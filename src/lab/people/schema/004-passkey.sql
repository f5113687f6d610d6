-- How people show that it is they, besides a password. Keys are public; the secret of an app and the hash of a recovery's code lie in the sealed store only.
CREATE TABLE passkey(
  id TEXT PRIMARY KEY, -- the credential's id, base64url
  handle TEXT NOT NULL UNIQUE,
  account TEXT NOT NULL,
  name TEXT NOT NULL,
  key TEXT NOT NULL, -- COSE, base64url
  user TEXT NOT NULL,
  transports TEXT NOT NULL,
  counter INTEGER NOT NULL,
  flags INTEGER NOT NULL,
  added INTEGER NOT NULL,
  used INTEGER NOT NULL DEFAULT 0,
  stopped INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX passkey_account ON passkey(account, added);

CREATE TABLE totp(
  account TEXT PRIMARY KEY,
  secret TEXT NOT NULL,
  step INTEGER NOT NULL,
  since INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Open ones only: what is used, withdrawn or taken over by a newer one goes.
CREATE TABLE recovery(
  id TEXT PRIMARY KEY,
  account TEXT NOT NULL UNIQUE,
  why TEXT NOT NULL,
  asked_by TEXT NOT NULL,
  asked_at INTEGER NOT NULL,
  approved_by TEXT NOT NULL DEFAULT '',
  hash TEXT NOT NULL DEFAULT '',
  until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
