//! Whoever reads the books beside a service that writes them sees one moment, and is in nobody's way.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::load::Load;
use crate::program::Program;
use crate::running::Service;

#[test]
fn proofs_and_exports_beside_a_service_under_load_see_books_that_fit_together() {
    let program = Program::new();
    let mut load = Load::on(&program);
    let mut service = Service::start(&program, &[]);
    let url = service.url().to_owned();
    load.run(&url, || {
        let mut movements = 0;
        for _ in 0..5 {
            let proof = program.done(&["verify"]).json();
            assert_eq!(proof["ok"], true, "{proof}");
            let later = proof["movements"].as_u64().expect("a number");
            assert!(later >= movements, "what was there stays there");
            movements = later;
            the_movements_lead_from_zero_to_somewhere(&program);
            for what in ["products", "reservations", "orders"] {
                program.done(&["export", what]);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        service.terminate();
        assert_eq!(service.ended().code(), Some(0));
    });
    let service = Service::start(&program, &[]);
    load.settle(&service);
    assert_eq!(service.stop(), Some(0));
    load.must_be_kept_by(&program);
}

/// Each movement goes on where the one in front of it ended, without a gap.
fn the_movements_lead_from_zero_to_somewhere(program: &Program) {
    let mut tips: BTreeMap<String, (u64, Value, Value)> = BTreeMap::new();
    for row in program.done(&["export", "movements", "--format", "jsonl"]).json_lines() {
        let product = row["product_id"].as_str().expect("a text").to_owned();
        let start = (0, Value::from(0), Value::from(0));
        let (sequence, available, reserved) = tips.get(&product).cloned().unwrap_or(start);
        assert_eq!(row["sequence"], sequence + 1, "{row}");
        assert_eq!((&row["quantity_before"], &row["reserved_before"]), (&available, &reserved), "{row}");
        tips.insert(product, (sequence + 1, row["quantity_after"].clone(), row["reserved_after"].clone()));
    }
}
