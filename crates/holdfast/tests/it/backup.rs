//! A copy of the folder of a stopped service is a backup.

use std::time::Duration;

use crate::folders::copy_folder;
use crate::load::Load;
use crate::program::{Program, argument};
use crate::running::Service;

#[test]
fn the_copied_folder_of_a_stopped_service_is_a_whole_store() {
    let program = Program::new();
    let mut load = Load::on(&program);
    let mut service = Service::start(&program, &[]);
    let url = service.url().to_owned();
    load.run(&url, || {
        std::thread::sleep(Duration::from_millis(200));
        service.terminate();
        assert_eq!(service.ended().code(), Some(0));
    });

    let copy = program.folder().join("copy");
    copy_folder(&program.folder().join("data"), &copy);
    let copied = ["--data", argument(&copy)];
    assert_eq!(program.done(&[&["verify"][..], &copied].concat()).json()["ok"], true);
    for what in ["products", "movements", "reservations", "orders"] {
        let original = program.done(&["export", what]).stdout;
        assert!(program.done(&[&["export", what][..], &copied].concat()).stdout == original, "other {what}");
    }
    // It goes on where the original stopped.
    let restored = Service::start(&program, &copied);
    load.settle(&restored);
    assert_eq!(restored.stop(), Some(0));
}
