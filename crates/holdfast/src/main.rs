//! The Holdfast inventory service and its command line.
fn main() {}
