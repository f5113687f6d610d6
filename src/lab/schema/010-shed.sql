-- Packets whose content a sensor passed over to keep up; lab connections are never among them.
ALTER TABLE capture ADD COLUMN shed_bulk INTEGER NOT NULL DEFAULT 0;
ALTER TABLE capture ADD COLUMN shed_other INTEGER NOT NULL DEFAULT 0;
