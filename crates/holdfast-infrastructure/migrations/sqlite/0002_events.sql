-- What the world is told: lines that were crossed, and events that wait until everybody who is to hear them has.

-- Rises with every outcome of the order that is told.
ALTER TABLE orders ADD COLUMN event_seq INTEGER NOT NULL DEFAULT 0;

-- The lines that movements crossed: 1 low, 2 out, 3 back in stock. `available` is the product's over all locations.
CREATE TABLE alerts (
    item          INTEGER NOT NULL,
    sequence      INTEGER NOT NULL,
    crossing      INTEGER NOT NULL,
    available     INTEGER NOT NULL,
    reorder_level INTEGER NOT NULL,
    PRIMARY KEY (item, sequence, crossing)
) STRICT, WITHOUT ROWID;

-- Rows stand in the order in which they were written, so they are added at one end and removed at the other; of one
-- key that is the order of (key_seq, part).
CREATE TABLE outbox (
    destination TEXT    NOT NULL,
    stream      INTEGER NOT NULL,
    written_at  INTEGER NOT NULL,
    event_key   BLOB    NOT NULL,
    key_seq     INTEGER NOT NULL,
    part        INTEGER NOT NULL,
    kind        INTEGER NOT NULL,
    told_at     INTEGER NOT NULL,
    data        BLOB    NOT NULL,
    PRIMARY KEY (destination, stream, written_at, event_key, key_seq, part)
) STRICT, WITHOUT ROWID;
