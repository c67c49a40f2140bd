-- The books of the embedded store. Why each index is there, and why others are not: docs/schema.md.

CREATE TABLE books (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    batch      INTEGER NOT NULL,
    decided_at INTEGER NOT NULL
) STRICT;

INSERT INTO books (id, batch, decided_at) VALUES (1, 0, 0);

CREATE TABLE locations (
    number   INTEGER PRIMARY KEY,
    code     TEXT    NOT NULL UNIQUE,
    name     TEXT    NOT NULL,
    priority INTEGER NOT NULL
) STRICT;

INSERT INTO locations (number, code, name, priority) VALUES (1, 'main', 'Main', 0);

-- What seldom changes of an item.
CREATE TABLE items (
    number          INTEGER PRIMARY KEY,
    product         BLOB    NOT NULL UNIQUE,
    sku             TEXT    NOT NULL UNIQUE,
    name            TEXT    NOT NULL,
    reorder_level   INTEGER NOT NULL,
    max_stock_level INTEGER NOT NULL,
    created_at      INTEGER NOT NULL
) STRICT;

-- What changes with every movement, in a row as narrow as can be.
CREATE TABLE stock (
    item           INTEGER PRIMARY KEY,
    sequence       INTEGER NOT NULL,
    version        INTEGER NOT NULL,
    last_restocked INTEGER,
    updated_at     INTEGER NOT NULL,
    low            INTEGER NOT NULL
) STRICT;

CREATE INDEX stock_low ON stock (item) WHERE low = 1;

CREATE TABLE levels (
    item      INTEGER NOT NULL,
    location  INTEGER NOT NULL,
    available INTEGER NOT NULL CHECK (available >= 0),
    reserved  INTEGER NOT NULL CHECK (reserved >= 0),
    PRIMARY KEY (item, location)
) STRICT, WITHOUT ROWID;

-- The audit trail, in order of commit. `quantity` is negative where an adjustment took units away; the levels are those
-- afterwards. Movements of an order name its reservation (order number << 20 | line) instead of repeating the order's id.
CREATE TABLE movements (
    item        INTEGER NOT NULL,
    sequence    INTEGER NOT NULL,
    location    INTEGER NOT NULL,
    kind        INTEGER NOT NULL,
    quantity    INTEGER NOT NULL,
    available   INTEGER NOT NULL,
    reserved    INTEGER NOT NULL,
    reservation INTEGER,
    created_at  INTEGER NOT NULL,
    actor       TEXT    NOT NULL,
    reason      TEXT,
    reference   TEXT,
    notes       TEXT
) STRICT;

-- The fence: (item, sequence) is unique, for the stage follows from the sequence. Standing in front, the stage keeps the
-- entries of products that move alike side by side, so a batch over many products touches few pages.
CREATE UNIQUE INDEX movements_fence ON movements (sequence >> 4, item, sequence);
CREATE INDEX movements_by_time ON movements (created_at, item, sequence);

CREATE TABLE orders (
    number      INTEGER PRIMARY KEY,
    id          BLOB    NOT NULL,
    numbered_at INTEGER NOT NULL,
    status      INTEGER NOT NULL,
    order_seq   INTEGER NOT NULL,
    events_seen INTEGER NOT NULL,
    reserved_at INTEGER,
    expires_at  INTEGER,
    first_ttl   INTEGER,
    ended_at    INTEGER,
    reason      TEXT,
    asked       BLOB    NOT NULL
) STRICT;

-- Order ids are random. One index a run of 1 024 orders keeps the pages that new orders touch few; which runs can hold
-- an id, the writer knows from a filter in memory (order_runs.rs).
CREATE UNIQUE INDEX orders_by_id ON orders (number >> 10, id);
CREATE INDEX orders_due ON orders (expires_at) WHERE status = 1 AND expires_at IS NOT NULL;

-- `number` is order number << 20 | line, which its id is made from too.
CREATE TABLE reservations (
    number      INTEGER PRIMARY KEY,
    item        INTEGER NOT NULL,
    location    INTEGER NOT NULL,
    quantity    INTEGER NOT NULL,
    status      INTEGER NOT NULL,
    sequence    INTEGER NOT NULL,
    reserved_at INTEGER NOT NULL,
    expired_at  INTEGER,
    ended_at    INTEGER,
    reason      TEXT
) STRICT;

CREATE TABLE waiting_payments (
    id    BLOB PRIMARY KEY,
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Answers kept under the callers' keys.
CREATE TABLE answers (
    number      INTEGER PRIMARY KEY,
    scope       TEXT    NOT NULL,
    key         TEXT    NOT NULL,
    position    INTEGER NOT NULL,
    fingerprint BLOB    NOT NULL,
    status      INTEGER NOT NULL,
    body        BLOB    NOT NULL,
    location    TEXT,
    etag        TEXT,
    kept_at     INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX answers_by_key ON answers (key, scope, position);
