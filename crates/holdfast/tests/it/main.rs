//! Stories about the program as a whole: what is asked on its command line, and what it answers.
#![expect(clippy::print_stderr, reason = "what was left out is said on the screen")]
#![expect(clippy::arithmetic_side_effects, reason = "tests may overflow loudly")]

mod against_a_service;
mod backup;
mod benches;
mod beside;
mod broker;
mod broker_faults;
mod client;
mod connections;
mod copies;
mod crashes;
mod cutting_proxy;
mod database_faults;
mod dead_letters;
mod disk_full;
mod encrypted_database;
mod event_stream;
mod events_and_crashes;
mod events_replayed;
mod exit_codes;
mod exports;
mod failing_disk;
mod free_port;
mod galera;
mod galera_cluster;
mod imports;
mod interrupted;
mod kafka;
mod kafka_members;
mod kafka_silent;
mod listener;
mod load;
mod lock;
mod order_traffic;
mod own_broker;
#[path = "../../../holdfast-infrastructure/tests/it/own_redis.rs"]
mod own_redis;
mod own_server;
mod privileges;
mod program;
mod published;
mod replicas;
mod replicas_and_locks;
mod republished;
mod running;
mod service;
mod settings;
mod shared_database;
mod shared_store;
mod shutdown;
mod small_disk;
mod stampede;
mod tampered;
mod test_data;
mod wall_clock;
