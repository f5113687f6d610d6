-- The record that says so: of a row's step, and of what became of the result. And results by their specimen: what is proved is found by it.
ALTER TABLE result ADD COLUMN told INTEGER;
CREATE INDEX result_specimen ON result(specimen) WHERE specimen IS NOT NULL;
