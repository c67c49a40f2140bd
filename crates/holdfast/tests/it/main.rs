//! Stories about the program as a whole: what is asked on its command line, and what it answers.
#![expect(clippy::print_stderr, reason = "what was left out is said on the screen")]

mod against_a_service;
mod benches;
mod events_replayed;
mod exports;
mod imports;
mod program;
mod service;
mod settings;
mod test_data;
