//! The way to a database is encrypted, and its certificate is looked at.

use crate::certificates::certificates;
use crate::own_server::OwnServer;
use crate::program::{Program, argument};
use crate::running::Service;
use crate::shared_database::SharedDatabase;

#[test]
fn a_database_is_reached_over_tls_and_only_if_its_certificate_is_trusted() {
    if !SharedDatabase::is_there() {
        return;
    }
    let program = Program::new();
    let authority = certificates(program.folder());
    let other = Program::new();
    let nobody = certificates(other.folder());
    let in_folder = |name: &str| program.folder().join(name).display().to_string();
    let server = OwnServer::start(&[
        &format!("--ssl-ca={}", in_folder("ca.pem")),
        &format!("--ssl-cert={}", in_folder("server.pem")),
        &format!("--ssl-key={}", in_folder("server.key")),
    ]);
    let database = server.database(server.address());
    server.tell("ALTER USER holdfast@'%' REQUIRE SSL");
    let url = |parameters: &str| format!("{}{parameters}", database.url().replace("127.0.0.1", "localhost"));
    let verify = |parameters: &str| program.run(&["verify", "--database-url", &url(parameters)]);

    assert_eq!(verify("").exit, Some(1), "the database wants an encrypted connection");
    let trusted = format!("?ssl-ca={}", argument(&authority));
    for parameters in [trusted.as_str(), "?ssl-mode=required", &format!("{trusted}&ssl-mode=VERIFY_CA")] {
        assert_eq!(verify(parameters).exit, Some(0), "{parameters}: {:?}", verify(parameters));
    }
    for parameters in ["?ssl-mode=verify_identity", &format!("?ssl-ca={}", argument(&nobody))] {
        let said = verify(parameters);
        assert_eq!(said.exit, Some(8), "{parameters}: {said:?}");
        assert!(said.stderr.contains("invalid peer certificate"), "{said:?}");
    }
    assert_eq!(verify("?ssl-mode=sometimes").exit, Some(2));

    let service = Service::start(&program, &["--database-url", &url(&trusted)]);
    let encrypted = "SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'holdfast'";
    assert!(server.ask(encrypted) > 0, "the service is there, and its user may come over TLS alone");
    assert_eq!(service.stop(), Some(0));
}
