-- Events that wait stand in the order in which they were written, so the rows of a commit fill their pages, and a narrow
-- index finds them. Kept by their key, a row of 450 bytes split a page at every third event.

CREATE TABLE outbox_in_order (
    destination TEXT    NOT NULL,
    stream      INTEGER NOT NULL,
    written_at  INTEGER NOT NULL,
    event_key   BLOB    NOT NULL,
    key_seq     INTEGER NOT NULL,
    part        INTEGER NOT NULL,
    kind        INTEGER NOT NULL,
    told_at     INTEGER NOT NULL,
    data        BLOB    NOT NULL
) STRICT;

INSERT INTO outbox_in_order (destination, stream, written_at, event_key, key_seq, part, kind, told_at, data)
SELECT destination, stream, written_at, event_key, key_seq, part, kind, told_at, data FROM outbox
ORDER BY destination, stream, written_at, event_key, key_seq, part;

DROP TABLE outbox;
ALTER TABLE outbox_in_order RENAME TO outbox;

-- Of one key that is the order of (key_seq, part).
CREATE UNIQUE INDEX outbox_by_place ON outbox (destination, stream, written_at, event_key, key_seq, part);
