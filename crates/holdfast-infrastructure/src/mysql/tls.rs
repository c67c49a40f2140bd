//! How a connection to the database is encrypted: `ssl-mode` and its company, in the words of MySQL's own clients.

use std::path::PathBuf;

use mysql::{ClientIdentity, SslOpts};

/// What the parameters of an URL say about encryption.
#[derive(Debug, Default)]
struct Asked<'a> {
    mode: Option<&'a str>,
    authority: Option<&'a str>,
    certificate: Option<&'a str>,
    key: Option<&'a str>,
}

/// Takes the parameters about encryption out of an URL: what is left of it, and how connections are encrypted, if they
/// are.
///
/// # Errors
///
/// What a parameter should be.
pub(super) fn split(url: &str) -> Result<(String, Option<SslOpts>), String> {
    let Some((place, parameters)) = url.split_once('?') else { return Ok((url.to_owned(), None)) };
    let mut asked = Asked::default();
    let mut others = Vec::new();
    for parameter in parameters.split('&') {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        match name {
            "ssl-mode" => asked.mode = Some(value),
            "ssl-ca" => asked.authority = Some(value),
            "ssl-cert" => asked.certificate = Some(value),
            "ssl-key" => asked.key = Some(value),
            _ => others.push(parameter),
        }
    }
    let left = if others.is_empty() { place.to_owned() } else { format!("{place}?{}", others.join("&")) };
    Ok((left, options(&asked)?))
}

fn options(asked: &Asked<'_>) -> Result<Option<SslOpts>, String> {
    let is_named = asked.authority.is_some() || asked.certificate.is_some() || asked.key.is_some();
    let mode = asked.mode.map(str::to_ascii_lowercase).unwrap_or_default();
    let (any_certificate, any_name) = match mode.as_str() {
        "disabled" if is_named => return Err("ssl-mode is disabled, and certificates are named".to_owned()),
        "" if is_named => (false, false),
        "" | "disabled" => return Ok(None),
        "required" => (true, true),
        "verify_ca" => (false, true),
        "verify_identity" => (false, false),
        _ => return Err("ssl-mode is none of disabled, required, verify_ca, verify_identity".to_owned()),
    };
    let identity = match (asked.certificate, asked.key) {
        (Some(certificate), Some(key)) => Some(ClientIdentity::new(PathBuf::from(certificate), PathBuf::from(key))),
        (None, None) => None,
        _ => return Err("ssl-cert and ssl-key belong together".to_owned()),
    };
    let options = SslOpts::default()
        .with_root_cert_path(asked.authority.map(PathBuf::from))
        .with_client_identity(identity)
        .with_danger_skip_domain_validation(any_name)
        .with_danger_accept_invalid_certs(any_certificate);
    Ok(Some(options))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_mysqls_clients_are_understood() {
        let of = |url: &str| {
            split(url)
                .map(|(left, tls)| (left, tls.map(|tls| (tls.accept_invalid_certs(), tls.skip_domain_validation()))))
        };
        let place = "mysql://u:p@h/d".to_owned();
        assert_eq!(of("mysql://u:p@h/d"), Ok((place.clone(), None)));
        assert_eq!(of("mysql://u:p@h/d?ssl-mode=DISABLED"), Ok((place.clone(), None)));
        assert_eq!(of("mysql://u:p@h/d?ssl-mode=REQUIRED"), Ok((place.clone(), Some((true, true)))));
        assert_eq!(of("mysql://u:p@h/d?ssl-mode=VERIFY_CA&ssl-ca=/ca.pem"), Ok((place.clone(), Some((false, true)))));
        assert_eq!(of("mysql://u:p@h/d?ssl-ca=/ca.pem"), Ok((place, Some((false, false)))));
        let others = "mysql://u:p@h/d?tcp_nodelay=true".to_owned();
        let more = "mysql://u:p@h/d?ssl-mode=verify_identity&tcp_nodelay=true";
        assert_eq!(of(more), Ok((others, Some((false, false)))));
        for wrong in ["ssl-mode=preferred", "ssl-mode=required&ssl-cert=/c.pem", "ssl-mode=disabled&ssl-ca=/ca.pem"] {
            assert!(of(&format!("mysql://u:p@h/d?{wrong}")).is_err(), "{wrong}");
        }
    }
}
