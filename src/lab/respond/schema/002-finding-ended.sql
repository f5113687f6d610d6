-- The program itself said that it is over; met again, it opens again.
ALTER TABLE finding ADD COLUMN ended INTEGER NOT NULL DEFAULT 0;
