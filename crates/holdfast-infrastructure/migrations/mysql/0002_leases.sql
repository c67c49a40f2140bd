-- Who does what, of services that share the books. `until` is a time of the database's clock; `epoch` rises when a duty changes
-- hands.

CREATE TABLE IF NOT EXISTS leases (
    duty    VARCHAR(16)    CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    holder  VARBINARY(128) NOT NULL,
    `until` BIGINT         NOT NULL,
    epoch   BIGINT         NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

INSERT INTO leases (duty, holder, `until`, epoch) VALUES ('sweep', '', 0, 0), ('purge', '', 0, 0)
    ON DUPLICATE KEY UPDATE duty = VALUES(duty);
