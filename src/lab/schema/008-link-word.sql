-- What a link learnt and what may pass it, name by name. A name that had to be hidden is a token here; its record has it in clear, sealed.
CREATE TABLE link_word(
  link TEXT NOT NULL,
  list INTEGER NOT NULL, -- 0 learnt, 1 allowed
  what INTEGER NOT NULL, -- 0 type, 1 sender, 2 test
  text TEXT NOT NULL,
  record INTEGER NOT NULL, -- that says so, …
  place INTEGER NOT NULL,  -- … and where in its list
  PRIMARY KEY(link, list, what, text)
) STRICT, WITHOUT ROWID;

ALTER TABLE link DROP COLUMN proposed;
ALTER TABLE link DROP COLUMN policy;
ALTER TABLE link ADD COLUMN learn_from INTEGER;
ALTER TABLE link ADD COLUMN learn_floor INTEGER NOT NULL DEFAULT 0; -- what began earlier was taken back
ALTER TABLE link ADD COLUMN learn_size INTEGER NOT NULL DEFAULT 0;
ALTER TABLE link ADD COLUMN learn_rate INTEGER NOT NULL DEFAULT 0;
ALTER TABLE link ADD COLUMN unknown TEXT; -- pass, flag, refuse: a policy is approved
ALTER TABLE link ADD COLUMN allow_size INTEGER NOT NULL DEFAULT 0;
ALTER TABLE link ADD COLUMN allow_rate INTEGER NOT NULL DEFAULT 0;
