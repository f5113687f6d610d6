-- How much was done between two days, and how much of it late.
CREATE INDEX training_done_day ON training_done(day, late);
