-- Phishing simulations: what was planned, whom a mail went to, what came of it.
CREATE TABLE phishing_campaign(
  id TEXT PRIMARY KEY,
  template TEXT NOT NULL,
  language TEXT NOT NULL,          -- en, es
  audience TEXT NOT NULL,          -- roles, each between two line feeds; '': everybody
  site TEXT NOT NULL,              -- '': every site
  starts INTEGER NOT NULL,
  until INTEGER NOT NULL,
  rate INTEGER NOT NULL,           -- mails an hour
  course TEXT NOT NULL,            -- the refresher
  record INTEGER NOT NULL,
  time INTEGER NOT NULL,
  by TEXT NOT NULL,
  stopped INTEGER NOT NULL,        -- when somebody stopped it; 0: nobody did
  stopped_by TEXT NOT NULL,
  stopped_why TEXT NOT NULL,
  changed INTEGER NOT NULL         -- the last record about it
) STRICT, WITHOUT ROWID;

CREATE TABLE phishing_mail(
  campaign TEXT NOT NULL,
  account TEXT NOT NULL,
  hash TEXT NOT NULL,              -- SHA-256 of what its link carries
  time INTEGER NOT NULL,
  failed TEXT NOT NULL,            -- why it did not go; '': it went
  visited INTEGER NOT NULL,        -- when first; 0: never
  signed INTEGER NOT NULL,         -- 1: the sign-in was pressed
  reported INTEGER NOT NULL,       -- when first; 0: never
  PRIMARY KEY (campaign, account)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX phishing_mail_hash ON phishing_mail(hash);
CREATE INDEX phishing_mail_account ON phishing_mail(account, time);

-- What a person counted as when the mail went: role '' once for each site, and once for each role at a site, as in training_member.
CREATE TABLE phishing_member(
  campaign TEXT NOT NULL,
  account TEXT NOT NULL,
  role TEXT NOT NULL,
  site TEXT NOT NULL,
  PRIMARY KEY (campaign, account, role, site)
) STRICT, WITHOUT ROWID;
