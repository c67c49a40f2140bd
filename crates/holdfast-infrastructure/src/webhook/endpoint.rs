//! One endpoint that events are posted to.

use std::net::IpAddr;

use ureq::http::Uri;

use super::authorities::Authorities;
use super::networks;
use super::signature::SigningSecret;

/// The most letters of a name: the outbox has room for 64, and the word in front needs some.
const NAME_MAX: usize = 56;

/// One endpoint.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// What people and the outbox know it by.
    pub(super) name: String,
    pub(super) address: Uri,
    /// What events to it are signed with: each gives a signature.
    pub(super) secrets: Vec<SigningSecret>,
    /// Whether it may be in a private network, and without TLS.
    pub(super) may_be_private: bool,
    /// Who vouches for its certificate.
    pub(super) authorities: Authorities,
    /// Where events come from, by their own account.
    pub(super) source: String,
}

/// Why nothing can be posted to an endpoint. The address itself is not told, for it may hold a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnfitEndpoint {
    /// Its name.
    #[error("its name is not one of up to 56 ASCII letters, digits, `-` and `_`")]
    Name,
    /// Its address.
    #[error("its address is none such as https://shop.example/hooks")]
    Address,
    /// Its address has a password.
    #[error("its address has a user or a password in it, which would be sent; the signature tells who sends")]
    Password,
    /// Its address has no TLS.
    #[error("its address is not https, which webhooks.allow_private = true alone permits")]
    Unencrypted,
    /// Its address is in a private network.
    #[error("its address is in a private network, which webhooks.allow_private = true alone permits")]
    Private,
    /// It has no secret.
    #[error("it has no secret in webhooks.secrets")]
    NoSecret,
}

impl Endpoint {
    /// An endpoint of this name.
    ///
    /// # Errors
    ///
    /// [`UnfitEndpoint`].
    pub fn new(
        name: &str,
        address: &str,
        secrets: Vec<SigningSecret>,
        may_be_private: bool,
        authorities: Authorities,
        source: String,
    ) -> Result<Self, UnfitEndpoint> {
        let is_fit = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
        if name.is_empty() || name.len() > NAME_MAX || !name.chars().all(is_fit) {
            return Err(UnfitEndpoint::Name);
        }
        let address: Uri = address.parse().map_err(|_| UnfitEndpoint::Address)?;
        let authority = address.authority().ok_or(UnfitEndpoint::Address)?;
        if authority.as_str().contains('@') {
            return Err(UnfitEndpoint::Password);
        }
        match address.scheme_str() {
            Some("https") => {}
            Some("http") if may_be_private => {}
            Some("http") => return Err(UnfitEndpoint::Unencrypted),
            _ => return Err(UnfitEndpoint::Address),
        }
        let host = authority.host();
        if host.is_empty() {
            return Err(UnfitEndpoint::Address);
        }
        // Names are looked at when they are resolved, each time anew.
        let written: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
        if !may_be_private && written.is_some_and(|address| !networks::is_public(address)) {
            return Err(UnfitEndpoint::Private);
        }
        if secrets.is_empty() {
            return Err(UnfitEndpoint::NoSecret);
        }
        Ok(Self { name: name.to_owned(), address, secrets, may_be_private, authorities, source })
    }

    /// What the outbox knows it by.
    pub fn destination(&self) -> String {
        format!("webhook:{}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(name: &str, address: &str, may_be_private: bool) -> Result<Endpoint, UnfitEndpoint> {
        let secret = SigningSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("a secret");
        Endpoint::new(name, address, vec![secret], may_be_private, Authorities::default(), "/here".to_owned())
    }

    #[test]
    fn an_endpoint_is_named_encrypted_and_public_unless_private_ones_are_allowed() {
        let long = "n".repeat(57);
        for (name, address, fault) in [
            ("", "https://shop.example", UnfitEndpoint::Name),
            ("a b", "https://shop.example", UnfitEndpoint::Name),
            ("käse", "https://shop.example", UnfitEndpoint::Name),
            (long.as_str(), "https://shop.example", UnfitEndpoint::Name),
            ("a", "shop.example", UnfitEndpoint::Address),
            ("a", "/hooks", UnfitEndpoint::Address),
            ("a", "ftp://shop.example", UnfitEndpoint::Address),
            ("a", "https://", UnfitEndpoint::Address),
            ("a", "https://u:p@shop.example", UnfitEndpoint::Password),
            ("a", "http://shop.example", UnfitEndpoint::Unencrypted),
            ("a", "https://127.0.0.1/hooks", UnfitEndpoint::Private),
            ("a", "https://[::1]:8443/hooks", UnfitEndpoint::Private),
            ("a", "https://[::ffff:169.254.169.254]/", UnfitEndpoint::Private),
        ] {
            assert_eq!(endpoint(name, address, false).expect_err("it is unfit"), fault, "{name} {address}");
        }
        for address in ["https://shop.example/hooks?x=1", "https://9.9.9.9", "https://[2606:4700::1111]:8443/x"] {
            assert!(endpoint("shop-1_a", address, false).is_ok(), "{address}");
        }
        let longest = endpoint(&long[1..], "https://shop.example", false).expect("it is fit");
        assert_eq!(longest.destination().len(), 64, "the outbox has room for no more");
        assert!(endpoint("a", "http://127.0.0.1:8080", true).is_ok());
        let without =
            Endpoint::new("a", "https://shop.example", Vec::new(), false, Authorities::default(), String::new());
        assert_eq!(without.expect_err("nobody could tell who sends"), UnfitEndpoint::NoSecret);
    }
}
