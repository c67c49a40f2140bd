-- The books in MySQL or MariaDB. Each statement can be run again: whoever is interrupted starts over (docs/schema.md).
-- Text that may end in a space is kept as bytes, for these databases compare text as if it did not.

CREATE TABLE IF NOT EXISTS locations (
    number   BIGINT      NOT NULL PRIMARY KEY,
    code     VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL UNIQUE,
    name     VARCHAR(200) NOT NULL,
    priority BIGINT      NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

INSERT INTO locations (number, code, name, priority) VALUES (1, 'main', 'Main', 0) ON DUPLICATE KEY UPDATE number = 1;

-- The next free numbers. Writers take them in blocks, so numbers may be left out.
CREATE TABLE IF NOT EXISTS numbers (
    kind      VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    next_free BIGINT NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

INSERT INTO numbers (kind, next_free) VALUES ('items', 1), ('orders', 1) ON DUPLICATE KEY UPDATE kind = VALUES(kind);

-- What seldom changes of an item.
CREATE TABLE IF NOT EXISTS items (
    number          BIGINT       NOT NULL PRIMARY KEY,
    product         BINARY(16)   NOT NULL UNIQUE,
    sku             VARCHAR(80)  NOT NULL UNIQUE,
    name            VARCHAR(200) NOT NULL,
    reorder_level   BIGINT       NOT NULL,
    max_stock_level BIGINT       NOT NULL,
    created_at      BIGINT       NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- What changes with every movement, in a row as narrow as can be.
CREATE TABLE IF NOT EXISTS stock (
    item           BIGINT  NOT NULL PRIMARY KEY,
    sequence       BIGINT  NOT NULL,
    version        BIGINT  NOT NULL,
    last_restocked BIGINT,
    updated_at     BIGINT  NOT NULL,
    low            TINYINT NOT NULL,
    KEY stock_low (low)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS levels (
    item      BIGINT NOT NULL,
    location  BIGINT NOT NULL,
    available BIGINT NOT NULL,
    reserved  BIGINT NOT NULL,
    PRIMARY KEY (item, location),
    CONSTRAINT levels_available CHECK (available >= 0),
    CONSTRAINT levels_reserved CHECK (reserved >= 0)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- The audit trail. Its key is the fence: two writers that act on the same state of an item collide here.
CREATE TABLE IF NOT EXISTS movements (
    item        BIGINT         NOT NULL,
    sequence    BIGINT         NOT NULL,
    location    BIGINT         NOT NULL,
    kind        TINYINT        NOT NULL,
    quantity    BIGINT         NOT NULL,
    available   BIGINT         NOT NULL,
    reserved    BIGINT         NOT NULL,
    reservation BIGINT,
    created_at  BIGINT         NOT NULL,
    actor       VARBINARY(256) NOT NULL,
    reason      VARBINARY(256),
    reference   VARBINARY(256),
    notes       VARBINARY(500),
    PRIMARY KEY (item, sequence),
    KEY movements_by_time (created_at, item, sequence)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS orders (
    number      BIGINT     NOT NULL PRIMARY KEY,
    order_seq   BIGINT     NOT NULL,
    id          BINARY(16) NOT NULL UNIQUE,
    numbered_at BIGINT     NOT NULL,
    status      TINYINT    NOT NULL,
    events_seen BIGINT     NOT NULL,
    reserved_at BIGINT,
    expires_at  BIGINT,
    first_ttl   BIGINT,
    ended_at    BIGINT,
    reason      VARBINARY(256),
    asked       MEDIUMBLOB NOT NULL,
    KEY orders_due (status, expires_at, number)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- `number` is order number << 20 | line, which its id is made from too. `order_number` is for joins: these databases find no
-- stretch of a key for each row of another table.
CREATE TABLE IF NOT EXISTS reservations (
    number       BIGINT  NOT NULL PRIMARY KEY,
    item         BIGINT  NOT NULL,
    location     BIGINT  NOT NULL,
    quantity     BIGINT  NOT NULL,
    status       TINYINT NOT NULL,
    sequence     BIGINT  NOT NULL,
    reserved_at  BIGINT  NOT NULL,
    expired_at   BIGINT,
    ended_at     BIGINT,
    reason       VARBINARY(256),
    order_number BIGINT AS (number >> 20) STORED,
    KEY reservations_of_order (order_number, number)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS waiting_payments (
    id      BINARY(16) NOT NULL PRIMARY KEY,
    `until` BIGINT     NOT NULL,
    KEY waiting_until (`until`)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- Answers kept under the callers' keys. `number` only says which are the oldest.
CREATE TABLE IF NOT EXISTS answers (
    number      BIGINT         NOT NULL AUTO_INCREMENT PRIMARY KEY,
    scope       VARBINARY(255) NOT NULL,
    `key`       VARBINARY(255) NOT NULL,
    position    BIGINT         NOT NULL,
    fingerprint BINARY(32)     NOT NULL,
    status      SMALLINT       NOT NULL,
    body        LONGBLOB       NOT NULL,
    location    VARBINARY(1024),
    etag        VARBINARY(255),
    kept_at     BIGINT         NOT NULL,
    UNIQUE KEY answers_by_key (`key`, scope, position)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
