-- Rows of one result, seen at several places, form a chain: `head` is the one where it was seen first (null: that is itself), `prev` the one that it
-- came from. `place`: in its message, from 0. What became of it stands in the first row: `state` (lab/inventory/custody.h), why, and of which row.
ALTER TABLE result ADD COLUMN place INTEGER NOT NULL DEFAULT 0;
ALTER TABLE result ADD COLUMN head INTEGER;
ALTER TABLE result ADD COLUMN prev INTEGER;
ALTER TABLE result ADD COLUMN step TEXT;    -- how it compares with the row that it came from
ALTER TABLE result ADD COLUMN changed TEXT; -- what did
ALTER TABLE result ADD COLUMN state INTEGER NOT NULL DEFAULT 0;
ALTER TABLE result ADD COLUMN why TEXT;
ALTER TABLE result ADD COLUMN part TEXT;
ALTER TABLE result ADD COLUMN finding TEXT;
ALTER TABLE result ADD COLUMN last INTEGER;               -- the row where it was seen last
ALTER TABLE result ADD COLUMN awaited INTEGER NOT NULL DEFAULT 0; -- results of its sender go on, as a rule

DROP INDEX result_message;
CREATE INDEX result_message ON result(run, message, place);
CREATE INDEX result_head ON result(head) WHERE head IS NOT NULL;
CREATE INDEX result_state ON result(state, n) WHERE head IS NULL;
CREATE INDEX result_awaited ON result(n) WHERE awaited = 1 AND state = 0;

-- Whose results were seen at a second place.
CREATE TABLE followed(
  src INTEGER PRIMARY KEY
) STRICT;
