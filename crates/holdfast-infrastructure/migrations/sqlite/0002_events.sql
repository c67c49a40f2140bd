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

-- Records and payments that can never be applied, until somebody has dealt with them: 0 open, 1 retried, 2 discarded. `origin`
-- is a hash of where one came from and what it says, so that it is put away once.
CREATE TABLE dead_letters (
    id              BLOB    NOT NULL PRIMARY KEY,
    origin          BLOB    NOT NULL UNIQUE,
    status          INTEGER NOT NULL,
    put_away_at     INTEGER NOT NULL,
    settled_at      INTEGER,
    topic           TEXT,
    topic_partition INTEGER,
    topic_offset    INTEGER,
    code            TEXT    NOT NULL,
    cause           TEXT    NOT NULL,
    kind            TEXT,
    order_id        TEXT,
    note            TEXT,
    settled_by      TEXT,
    outcome         TEXT,
    outcome_code    TEXT,
    content         BLOB    NOT NULL
) STRICT;

-- Few are open, and they are counted once a second.
CREATE INDEX dead_letters_by_status ON dead_letters (status, id);
