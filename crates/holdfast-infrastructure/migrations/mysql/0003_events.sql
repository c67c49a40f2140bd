-- What the world is told: lines that were crossed, and events that wait until everybody who is to hear them has.

-- Rises with every outcome of the order that is told.
ALTER TABLE orders ADD COLUMN event_seq BIGINT NOT NULL DEFAULT 0;

-- The lines that movements crossed: 1 low, 2 out, 3 back in stock. `available` is the product's over all locations.
CREATE TABLE IF NOT EXISTS alerts (
    item          BIGINT  NOT NULL,
    sequence      BIGINT  NOT NULL,
    crossing      TINYINT NOT NULL,
    available     BIGINT  NOT NULL,
    reorder_level BIGINT  NOT NULL,
    PRIMARY KEY (item, sequence, crossing)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- Rows stand in the order in which they were written, so they are added at one end and removed at the other; of one
-- key that is the order of (key_seq, part).
CREATE TABLE IF NOT EXISTS outbox (
    destination VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    stream      TINYINT     NOT NULL,
    written_at  BIGINT      NOT NULL,
    event_key   BINARY(16)  NOT NULL,
    key_seq     BIGINT      NOT NULL,
    part        BIGINT      NOT NULL,
    kind        TINYINT     NOT NULL,
    told_at     BIGINT      NOT NULL,
    data        MEDIUMBLOB  NOT NULL,
    PRIMARY KEY (destination, stream, written_at, event_key, key_seq, part)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- Records and payments that can never be applied, until somebody has dealt with them: 0 open, 1 retried, 2 discarded. `origin`
-- is a hash of where one came from and what it says, so that it is put away once.
CREATE TABLE IF NOT EXISTS dead_letters (
    id              BINARY(16)   NOT NULL,
    origin          BINARY(16)   NOT NULL,
    status          TINYINT      NOT NULL,
    put_away_at     BIGINT       NOT NULL,
    settled_at      BIGINT,
    topic           VARCHAR(255),
    topic_partition BIGINT,
    topic_offset    BIGINT,
    code            VARCHAR(64)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    cause           VARCHAR(500) NOT NULL,
    kind            VARCHAR(128),
    order_id        CHAR(36)     CHARACTER SET ascii COLLATE ascii_bin,
    note            VARCHAR(500),
    settled_by      VARCHAR(64),
    outcome         VARCHAR(16)  CHARACTER SET ascii COLLATE ascii_bin,
    outcome_code    VARCHAR(64)  CHARACTER SET ascii COLLATE ascii_bin,
    content         MEDIUMBLOB   NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY dead_letters_by_origin (origin),
    -- Few are open, and they are counted once a second.
    KEY dead_letters_by_status (status, id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

INSERT INTO leases (duty, holder, `until`, epoch) VALUES ('relay', '', 0, 0) ON DUPLICATE KEY UPDATE duty = VALUES(duty);
