-- What needs somebody is counted and grouped at every look at Today: from this index alone.
CREATE INDEX finding_need ON finding(rank, kind, last_time) WHERE state = 'open';
