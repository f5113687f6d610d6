-- How many results there are of each state, kept as rows come, change and go: counting hundreds of thousands for every look at a page takes longer than
-- the page has. A result counts once, where it was seen first.
CREATE TABLE result_tally(
  state INTEGER PRIMARY KEY,
  results INTEGER NOT NULL
) STRICT;
INSERT INTO result_tally SELECT state, count(*) FROM result WHERE head IS NULL GROUP BY state;

CREATE TRIGGER result_tally_new AFTER INSERT ON result WHEN new.head IS NULL BEGIN
  INSERT INTO result_tally VALUES (new.state, 1) ON CONFLICT (state) DO UPDATE SET results = results + 1;
END;
CREATE TRIGGER result_tally_gone AFTER DELETE ON result WHEN old.head IS NULL BEGIN
  UPDATE result_tally SET results = results - 1 WHERE state = old.state;
END;
CREATE TRIGGER result_tally_out AFTER UPDATE OF state, head ON result WHEN old.head IS NULL AND (new.head IS NOT NULL OR new.state <> old.state) BEGIN
  UPDATE result_tally SET results = results - 1 WHERE state = old.state;
END;
CREATE TRIGGER result_tally_in AFTER UPDATE OF state, head ON result WHEN new.head IS NULL AND (old.head IS NOT NULL OR new.state <> old.state) BEGIN
  INSERT INTO result_tally VALUES (new.state, 1) ON CONFLICT (state) DO UPDATE SET results = results + 1;
END;

-- Those that are awaited, by time: only the last hours of them are looked at.
DROP INDEX result_awaited;
CREATE INDEX result_awaited ON result(time) WHERE awaited = 1 AND state = 0;
