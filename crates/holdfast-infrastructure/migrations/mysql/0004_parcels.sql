-- How many events a row of the outbox holds. Where they are several they are packed in `data`, and the other columns are those of
-- the first. An embedded store does so; here each event has its row, which tells what comes first of a key.
ALTER TABLE outbox ADD COLUMN events BIGINT NOT NULL DEFAULT 1;
