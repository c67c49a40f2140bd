//! A database that has drifted is refused at the start, by name.

use holdfast_infrastructure::mysql::{OpenError, TimeSource, migrate, open};

use crate::shared_store::{Database, left_out};

/// What somebody does to the schema by hand, and words of the sentence that tells it.
const DRIFTS: &[(&str, &str)] = &[
    (
        "ALTER TABLE items MODIFY sku VARCHAR(80) COLLATE utf8mb4_general_ci NOT NULL",
        "the column items.sku has the collation utf8mb4_general_ci, must have a binary one",
    ),
    (
        "ALTER TABLE levels DROP CONSTRAINT levels_available",
        "the CHECK levels_available of the table levels is missing",
    ),
    ("ALTER TABLE orders DROP INDEX id", "the table orders has no unique key on (id)"),
    (
        "ALTER TABLE movements DROP PRIMARY KEY, ADD PRIMARY KEY (sequence, item)",
        "the table movements has no unique key on (item,sequence)",
    ),
    ("ALTER TABLE waiting_payments ENGINE = MyISAM", "the table waiting_payments is kept by MyISAM, must be InnoDB"),
    ("DROP TABLE answers", "the table answers is missing"),
];

#[test]
fn a_schema_that_has_drifted_is_refused_with_each_fault_named() {
    let Some(database) = Database::make() else {
        return left_out("a_schema_that_has_drifted_is_refused_with_each_fault_named");
    };
    for (drift, words) in DRIFTS {
        database.empty();
        migrate(&database.settings(), false).expect("makes");
        open(&database.settings(), TimeSource::Database).expect("as it was made it is fit");
        database.run(drift);
        let refused = open(&database.settings(), TimeSource::Database).err().expect("it has drifted");
        let OpenError::Unfit(faults) = refused else { panic!("{refused}") };
        assert!(faults.iter().any(|fault| fault.contains(words)), "{drift}: {faults:?}");
    }
}

#[test]
fn two_migrations_that_start_at_once_make_one_schema() {
    let Some(database) = Database::make() else { return left_out("two_migrations_that_start_at_once_make_one_schema") };
    for _ in 0..5 {
        database.empty();
        std::thread::scope(|threads| {
            let starts = [(); 4].map(|()| threads.spawn(|| migrate(&database.settings(), false)));
            for start in starts {
                start.join().expect("no panic").expect("either makes it, or finds it made");
            }
        });
        open(&database.settings(), TimeSource::Database).expect("the schema is there, and fit");
    }
}
