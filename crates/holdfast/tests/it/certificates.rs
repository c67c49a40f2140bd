//! Certificates of one story's own.

use std::path::{Path, PathBuf};

/// Makes an authority and a server's certificate for `localhost` in a folder; says where the authority's is.
pub(crate) fn certificates(folder: &Path) -> PathBuf {
    let mut of_authority = rcgen::CertificateParams::new(Vec::new()).expect("no names");
    of_authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    of_authority.distinguished_name.push(rcgen::DnType::CommonName, "Story authority");
    let authority_key = rcgen::KeyPair::generate().expect("a key");
    let authority = of_authority.self_signed(&authority_key).expect("a certificate");
    let issuer = rcgen::Issuer::new(of_authority, authority_key);
    let server_key = rcgen::KeyPair::generate().expect("a key");
    let of_server = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
    let server = of_server.signed_by(&server_key, &issuer).expect("a certificate");
    for (name, text) in
        [("ca.pem", authority.pem()), ("server.pem", server.pem()), ("server.key", server_key.serialize_pem())]
    {
        std::fs::write(folder.join(name), text).expect("written");
    }
    folder.join("ca.pem")
}
