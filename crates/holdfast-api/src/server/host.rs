//! The `Host` of a request: HTTP/1.1 wants one, so that everybody on the way speaks of the same server (RFC 9112,
//! section 3.2).

use http::header::HOST;
use http::{Request, Version};

use crate::problem::Problem;

/// What is wrong with the host that a request names, if something is.
pub(super) fn fault_of<B>(request: &Request<B>) -> Option<Problem> {
    let mut named = request.headers().get_all(HOST).iter();
    let detail = match (named.next(), named.next()) {
        (None, _) if request.version() < Version::HTTP_11 => return None,
        (Some(host), None) if is_fit(host.as_bytes()) => return None,
        (None, _) => "must be there: HTTP/1.1 asks for it",
        (Some(_), None) => "must be a host, with a port or without",
        (Some(_), Some(_)) => "must be there once",
    };
    Some(Problem::fault("/header/Host", detail))
}

/// Whether these are a host and perhaps a port: none of what stands around them in an address, and no list.
fn is_fit(host: &[u8]) -> bool {
    host.iter().all(|byte| byte.is_ascii_graphic() && !b"/?#@,\\\"<>{}|^`".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_named_once_and_is_nothing_else() {
        let is_refused = |version, hosts: &[&str]| {
            let request = Request::builder().version(version);
            let request = hosts.iter().fold(request, |request, host| request.header(HOST, *host));
            fault_of(&request.body(()).expect("a request")).is_some()
        };
        for host in ["", "holdfast", "shop.example:8080", "127.0.0.1:1", "[::1]:8080", "a%20b"] {
            assert!(!is_refused(Version::HTTP_11, &[host]), "{host}");
        }
        for host in ["a b", "a,b", "a/b", "http://a", "u@a", "a?b", "a#b", "a\\b"] {
            assert!(is_refused(Version::HTTP_11, &[host]), "{host}");
        }
        for two in [["a", "b"], ["a", "a"]] {
            assert!(is_refused(Version::HTTP_11, &two) && is_refused(Version::HTTP_10, &two));
        }
        assert!(is_refused(Version::HTTP_11, &[]) && !is_refused(Version::HTTP_10, &[]));
    }
}
