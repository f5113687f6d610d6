-- Training: who is to do what by when, and what was done. A day is a number: days since 1970, in the lab's time zone. 99999999: never.

-- Who reads mail where, and whom their lateness is told to.
CREATE TABLE account_contact(
  account TEXT PRIMARY KEY,
  mail TEXT NOT NULL,              -- '': none
  manager TEXT NOT NULL            -- '': the lab managers
) STRICT, WITHOUT ROWID;

-- What was assigned. A policy counts as a course, "policy:" before its id.
CREATE TABLE training_rule(
  n INTEGER PRIMARY KEY,           -- the record; of a policy 64 times it, and the place in its list of roles
  course TEXT NOT NULL,
  role TEXT NOT NULL,              -- '': everybody
  site TEXT NOT NULL,              -- '': every site
  account TEXT NOT NULL,           -- '': not one person
  from_day INTEGER NOT NULL,
  days INTEGER NOT NULL,           -- to do it in
  renew INTEGER NOT NULL,          -- months; 0: once
  by TEXT NOT NULL,
  why TEXT NOT NULL,
  time INTEGER NOT NULL,
  ended INTEGER NOT NULL,          -- when; 0: it holds
  ended_by TEXT NOT NULL,
  ended_why TEXT NOT NULL
) STRICT;
CREATE INDEX training_rule_course ON training_rule(course, ended);

-- Who counts as what: role '' once for each site of a person, and once for each role at a site.
CREATE TABLE training_member(
  account TEXT NOT NULL,
  role TEXT NOT NULL,
  site TEXT NOT NULL,
  since INTEGER NOT NULL,          -- day
  PRIMARY KEY (account, role, site)
) STRICT, WITHOUT ROWID;
CREATE INDEX training_member_role ON training_member(role, site, account);

CREATE TABLE training_duty(
  account TEXT NOT NULL,
  course TEXT NOT NULL,
  assigned INTEGER NOT NULL,       -- day
  renew INTEGER NOT NULL,
  due INTEGER NOT NULL,            -- by the end of this day it is to be done, or done again
  done INTEGER NOT NULL,           -- 1: it was, and counts until `due`
  record INTEGER NOT NULL,         -- of the last time that counts; -1
  refresher INTEGER NOT NULL,      -- the record of an open refresher; -1
  PRIMARY KEY (account, course)
) STRICT, WITHOUT ROWID;
CREATE INDEX training_duty_course ON training_duty(course, due, account);

CREATE TABLE training_person(
  account TEXT PRIMARY KEY,
  duties INTEGER NOT NULL,
  done INTEGER NOT NULL,
  next INTEGER NOT NULL            -- the first day of all her duties
) STRICT, WITHOUT ROWID;
CREATE INDEX training_person_next ON training_person(next, account);

-- Duties by what they are counted for; role '' and site '': all.
CREATE TABLE training_count(
  role TEXT NOT NULL,
  site TEXT NOT NULL,
  course TEXT NOT NULL,
  done INTEGER NOT NULL,
  due INTEGER NOT NULL,
  n INTEGER NOT NULL,
  PRIMARY KEY (role, site, course, done, due)
) STRICT, WITHOUT ROWID;

-- Everything that was done, for as long as the ledger is kept.
CREATE TABLE training_done(
  record INTEGER NOT NULL,
  account TEXT NOT NULL,
  course TEXT NOT NULL,            -- '': a classroom topic that is no course
  version INTEGER NOT NULL,
  title TEXT NOT NULL,
  how TEXT NOT NULL,               -- test, classroom, acknowledged
  day INTEGER NOT NULL,
  time INTEGER NOT NULL,
  late INTEGER NOT NULL,           -- 1: after the day by which it was due
  by TEXT NOT NULL,                -- trainer; '': nobody
  PRIMARY KEY (account, course, record)
) STRICT, WITHOUT ROWID;
CREATE INDEX training_done_record ON training_done(record, account);

CREATE TABLE training_month(
  month INTEGER NOT NULL,          -- year * 100 + month
  course TEXT NOT NULL,
  on_time INTEGER NOT NULL,
  late INTEGER NOT NULL,
  PRIMARY KEY (month, course)
) STRICT, WITHOUT ROWID;

CREATE TABLE training_standing(
  record INTEGER PRIMARY KEY,
  day INTEGER NOT NULL,
  assigned INTEGER NOT NULL,
  done INTEGER NOT NULL,
  late INTEGER NOT NULL
) STRICT;

CREATE TABLE training_refresher(
  record INTEGER PRIMARY KEY,
  account TEXT NOT NULL,
  course TEXT NOT NULL,
  why TEXT NOT NULL,
  cause INTEGER NOT NULL,
  day INTEGER NOT NULL,
  due INTEGER NOT NULL,
  done INTEGER NOT NULL            -- record; -1: open
) STRICT;
CREATE INDEX training_refresher_account ON training_refresher(account, course, done);

-- Texts of courses, so that an attempt is judged by what it began with.
CREATE TABLE training_text(
  sha256 TEXT PRIMARY KEY,
  course TEXT NOT NULL,
  version INTEGER NOT NULL,
  title TEXT NOT NULL,
  record INTEGER NOT NULL,
  text TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE training_policy(
  id TEXT PRIMARY KEY,
  title TEXT NOT NULL,
  version INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  record INTEGER NOT NULL,
  day INTEGER NOT NULL,
  ended INTEGER NOT NULL           -- 1: it is no longer there
) STRICT, WITHOUT ROWID;

CREATE TABLE training_attempt(
  id TEXT PRIMARY KEY,
  account TEXT NOT NULL,
  course TEXT NOT NULL,
  version INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  record INTEGER NOT NULL,
  begun INTEGER NOT NULL,
  drawn TEXT NOT NULL,
  asked INTEGER NOT NULL,
  pass INTEGER NOT NULL,
  answered INTEGER NOT NULL,
  right INTEGER NOT NULL,
  state TEXT NOT NULL,             -- open, passed, failed, signed
  ended INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX training_attempt_account ON training_attempt(account, course, begun);

CREATE TABLE training_answer(
  attempt TEXT NOT NULL,
  place INTEGER NOT NULL,
  chosen TEXT NOT NULL,
  right INTEGER NOT NULL,
  record INTEGER NOT NULL,
  PRIMARY KEY (attempt, place)
) STRICT, WITHOUT ROWID;

-- Of all people together: how often a question was answered, and rightly.
CREATE TABLE training_question(
  course TEXT NOT NULL,
  question TEXT NOT NULL,
  answered INTEGER NOT NULL,
  right INTEGER NOT NULL,
  PRIMARY KEY (course, question)
) STRICT, WITHOUT ROWID;

CREATE TABLE training_classroom(
  record INTEGER PRIMARY KEY,
  course TEXT NOT NULL,
  topic TEXT NOT NULL,
  trainer TEXT NOT NULL,
  day INTEGER NOT NULL,
  sha256 TEXT NOT NULL,            -- of the list that was signed; ''
  people INTEGER NOT NULL,
  by TEXT NOT NULL,
  time INTEGER NOT NULL
) STRICT;

-- What was said to whom last, so that nobody is told twice.
CREATE TABLE training_told(
  account TEXT NOT NULL,
  kind TEXT NOT NULL,              -- soon, due, late, manager
  due INTEGER NOT NULL,            -- the day that it was about
  day INTEGER NOT NULL,
  how TEXT NOT NULL,               -- mail, page
  outcome TEXT NOT NULL,           -- '': it went; else why not
  record INTEGER NOT NULL,
  PRIMARY KEY (account, kind)
) STRICT, WITHOUT ROWID;
