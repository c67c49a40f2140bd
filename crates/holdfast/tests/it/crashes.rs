//! A service that is ended in the middle of its work has lost nothing that it acknowledged, and doubles nothing that is
//! asked again.

use std::ffi::OsStr;
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use crate::load::Load;
use crate::program::Program;
use crate::running::Service;
use crate::test_data::checks_every_change;

const ROUNDS: u64 = 30;
/// How soon a service must be ready after a crash.
const READY_WITHIN: Duration = Duration::from_secs(2);

#[test]
fn thirty_times_killed_under_load_and_nothing_is_lost_or_doubled() {
    let program = Program::new();
    let mut load = Load::on(&program);
    let mut starts = Vec::new();
    for _ in 0..ROUNDS {
        let mut service = Service::start_again(&program, &[]);
        starts.push(service.ready_after);
        let moment = Duration::from_millis(load.within(20, 250));
        let url = service.url().to_owned();
        load.run(&url, || {
            std::thread::sleep(moment);
            service.kill();
        });
    }
    load.must_be_kept_after_a_crash(&program);
    // The middle one, for others share this machine.
    starts.sort_unstable();
    let ready_after = starts.get(starts.len() / 2).copied().expect("thirty starts");
    assert!(ready_after <= READY_WITHIN, "ready after {ready_after:?} only");
}

#[test]
fn a_crash_at_any_step_of_a_commit_loses_and_doubles_nothing() {
    if cfg!(not(feature = "failpoints")) {
        assert!(!checks_every_change(), "the program is built without the feature failpoints");
        eprintln!("left out: crashes at each step of a commit (the program is built without the feature failpoints)");
        return;
    }
    let program = Program::new();
    let mut load = Load::on(&program);
    for place in ["begun", "decided", "saved", "before_commit", "committed"] {
        for turn in [1, 2, 30] {
            let failpoint = format!("{place}:{turn}");
            let mut service = Service::start_under(&program, &[("HOLDFAST_FAILPOINT", OsStr::new(&failpoint))], &[]);
            let url = service.url().to_owned();
            // It ends by itself.
            load.run(&url, || {});
            let ended = service.ended();
            assert!(ended.signal().is_some(), "{failpoint} is reached: {ended:?}");
        }
    }
    load.must_be_kept_after_a_crash(&program);
}
