-- Lists of devices by when they were seen, and their counts: from indexes alone, without a look at every row.
CREATE INDEX asset_last_seen ON asset(root, last_seen);
CREATE INDEX asset_first_seen ON asset(root, first_seen);
CREATE INDEX asset_whole ON asset(role) WHERE root = n;
CREATE INDEX asset_sends ON asset(root) WHERE results_sent > 0;
CREATE INDEX asset_refused ON asset(root) WHERE admission = 'refused' AND retired = 0;
