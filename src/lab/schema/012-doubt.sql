-- Held because results may be wrong: two people let it go on.
ALTER TABLE link ADD COLUMN doubt INTEGER NOT NULL DEFAULT 0;
