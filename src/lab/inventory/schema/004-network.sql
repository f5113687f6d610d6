-- Conversations, added up: who asked (src) whom (dst) over what. a and b are the identities that held the two addresses then
-- (a message's sender: the instrument behind it, if there is one); 0: none did.
-- The rows of a lab protocol also count its messages, which are there before their connection ends.
CREATE TABLE conversation(
  src TEXT NOT NULL,
  dst TEXT NOT NULL,
  app TEXT NOT NULL,
  a INTEGER NOT NULL,
  b INTEGER NOT NULL,
  packets INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  messages INTEGER NOT NULL,
  first_seen INTEGER NOT NULL,
  last_seen INTEGER NOT NULL,
  PRIMARY KEY (src, dst, app, a, b)
) STRICT, WITHOUT ROWID;
CREATE INDEX conversation_a ON conversation(a);
CREATE INDEX conversation_b ON conversation(b);
