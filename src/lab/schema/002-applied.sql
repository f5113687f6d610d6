-- How far the tables are: one row, written together with the rows that it speaks of.
CREATE TABLE applied(
  one INTEGER PRIMARY KEY CHECK (one = 1),
  next INTEGER NOT NULL, -- records before this one are in
  basis TEXT NOT NULL,   -- what else the rows follow from: the program's projections, the catalog, the site
  skipped INTEGER NOT NULL,
  state TEXT NOT NULL    -- of whoever follows the ledger
) STRICT;

-- What the ledger says of the store itself: its last checkpoint.
CREATE TABLE store_checkpoint(
  one INTEGER PRIMARY KEY CHECK (one = 1),
  record INTEGER NOT NULL,
  life TEXT NOT NULL,
  generation INTEGER NOT NULL,
  hash TEXT NOT NULL
) STRICT;
