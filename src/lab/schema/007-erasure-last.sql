-- The last record that an erasure takes: what came after the decision stays.
ALTER TABLE erasure ADD COLUMN last INTEGER;
