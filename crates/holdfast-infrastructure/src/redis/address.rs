//! Where a lock is: what its URL says.

use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _, RedisConnectionInfo, RedisResult};

/// What is wrong with the address of a lock. It repeats nothing of the address: there may be a password in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the address of the lock {0}")]
pub struct AddressError(&'static str);

/// Where a lock is.
#[derive(Clone)]
pub struct RedisAddress {
    pub(super) kind: Kind,
    /// The servers: one, the Sentinels, or some of a cluster.
    pub(super) nodes: Vec<Node>,
    tls: bool,
    database: i64,
    login: Login,
    sentinel_login: Login,
}

/// What the servers of an address are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The one that has the locks.
    Single,
    /// Sentinels that know it, under this name.
    Sentinels(String),
    /// Some of those that share them.
    Cluster,
}

/// A server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Node {
    pub(super) host: String,
    pub(super) port: u16,
}

/// Who asks.
#[derive(Clone, Default, PartialEq, Eq)]
struct Login {
    user: Option<String>,
    password: Option<String>,
}

impl std::fmt::Debug for RedisAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisAddress").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl RedisAddress {
    /// Reads a URL: `redis://[user:password@]host[:port][/database]`,
    /// `redis+sentinel://[user:password@]host[:port],…/service[/database][?sentinel_user=…&sentinel_password=…]` or
    /// `redis+cluster://[user:password@]host[:port],…`; with TLS `rediss` in place of `redis`.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn parse(url: &str) -> Result<Self, AddressError> {
        let (scheme, rest) = url.split_once("://").ok_or(AddressError("has no scheme such as redis://"))?;
        let (scheme, way) = scheme.split_once('+').unwrap_or((scheme, ""));
        let tls = match scheme {
            "redis" => false,
            "rediss" => true,
            _ => return Err(AddressError("begins with neither redis nor rediss")),
        };
        let (credentials, place) = rest.rsplit_once('@').unwrap_or(("", rest));
        let (place, parameters) = place.split_once('?').unwrap_or((place, ""));
        let (hosts, path) = place.split_once('/').unwrap_or((place, ""));
        let path = path.trim_end_matches('/');
        let (kind, port, database) = match way {
            "" => (Kind::Single, 6_379, path),
            "sentinel" => {
                let (service, database) = path.split_once('/').unwrap_or((path, ""));
                if service.is_empty() {
                    return Err(AddressError("names no service, as in redis+sentinel://host:26379/service"));
                }
                (Kind::Sentinels(decoded(service)?), 26_379, database)
            }
            "cluster" => (Kind::Cluster, 6_379, path),
            _ => return Err(AddressError("says neither +sentinel nor +cluster")),
        };
        let database = match database {
            "" => 0,
            number => number.parse().map_err(|_| AddressError("has a database that is no number"))?,
        };
        if kind == Kind::Cluster && database != 0 {
            return Err(AddressError("names a database, and a cluster has but one"));
        }
        let nodes = hosts.split(',').map(|host| Node::parse(host, port)).collect::<Result<Vec<_>, _>>()?;
        if kind == Kind::Single && nodes.len() > 1 {
            return Err(AddressError("names several servers: say redis+sentinel:// or redis+cluster://"));
        }
        let sentinel_login = sentinel_login(parameters, &kind)?;
        Ok(Self { kind, nodes, tls, database, login: Login::parse(credentials)?, sentinel_login })
    }

    /// Whether connections are encrypted.
    pub(super) const fn has_tls(&self) -> bool {
        self.tls
    }

    /// How to connect to a server that has locks.
    pub(super) fn of_server(&self, node: &Node) -> RedisResult<ConnectionInfo> {
        self.info(node, &self.login, self.database)
    }

    /// How to connect to a Sentinel.
    pub(super) fn of_sentinel(&self, node: &Node) -> RedisResult<ConnectionInfo> {
        self.info(node, &self.sentinel_login, 0)
    }

    fn info(&self, node: &Node, login: &Login, database: i64) -> RedisResult<ConnectionInfo> {
        let Node { host, port } = node.clone();
        let address = if self.tls {
            ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None }
        } else {
            ConnectionAddr::Tcp(host, port)
        };
        let info = address.into_connection_info()?;
        // Small packets, and somebody waits for each.
        let tcp = info.tcp_settings().clone().set_nodelay(true);
        // What it is called is one more command that a user of the lock would have to be allowed.
        let mut who = RedisConnectionInfo::default().set_db(database).set_skip_set_lib_name();
        if let Some(user) = &login.user {
            who = who.set_username(user);
        }
        if let Some(password) = &login.password {
            who = who.set_password(password);
        }
        Ok(info.set_tcp_settings(tcp).set_redis_settings(who))
    }
}

impl Node {
    fn parse(text: &str, port: u16) -> Result<Self, AddressError> {
        const NO_PORT: AddressError = AddressError("has a port that is none");
        let text = text.trim();
        let (host, port) = if let Some(inner) = text.strip_prefix('[') {
            let (host, rest) = inner.split_once(']').ok_or(AddressError("has a bracket that is not closed"))?;
            let port = rest.strip_prefix(':').map_or(Ok(port), str::parse).map_err(|_| NO_PORT)?;
            (host, port)
        } else {
            match text.rsplit_once(':') {
                Some((host, _)) if host.contains(':') => {
                    return Err(AddressError("has colons in a host: an IPv6 address stands in brackets"));
                }
                Some((host, port)) => (host, port.parse().map_err(|_| NO_PORT)?),
                None => (text, port),
            }
        };
        if host.is_empty() {
            return Err(AddressError("names no host"));
        }
        if host.contains(char::is_whitespace) {
            return Err(AddressError("has a space in a host"));
        }
        Ok(Self { host: host.to_owned(), port })
    }
}

impl Login {
    fn parse(credentials: &str) -> Result<Self, AddressError> {
        let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
        let filled = |text: &str| decoded(text).map(|text| Some(text).filter(|text| !text.is_empty()));
        let login = Self { user: filled(user)?, password: filled(password)? };
        if login.user.is_some() && login.password.is_none() {
            return Err(AddressError("names a user without a password; a password alone is :password@"));
        }
        Ok(login)
    }
}

fn sentinel_login(parameters: &str, kind: &Kind) -> Result<Login, AddressError> {
    let mut login = Login::default();
    for parameter in parameters.split('&').filter(|parameter| !parameter.is_empty()) {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        match (name, kind) {
            ("sentinel_user", Kind::Sentinels(_)) => login.user = Some(decoded(value)?),
            ("sentinel_password", Kind::Sentinels(_)) => login.password = Some(decoded(value)?),
            _ => return Err(AddressError("has a parameter that is not known")),
        }
    }
    Ok(login)
}

/// Text without its percent-encoding (RFC 3986, section 2.1).
fn decoded(text: &str) -> Result<String, AddressError> {
    const BAD: AddressError = AddressError("has a % that is no percent-encoding; a plain one is %25");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, others)) = rest.split_first() {
        rest = others;
        if *first == b'%' {
            let (digits, others) = rest.split_at_checked(2).ok_or(BAD)?;
            let digits = std::str::from_utf8(digits).map_err(|_| BAD)?;
            if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return Err(BAD);
            }
            bytes.push(u8::from_str_radix(digits, 16).map_err(|_| BAD)?);
            rest = others;
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8(bytes).map_err(|_| BAD)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes(address: &RedisAddress) -> Vec<(&str, u16)> {
        address.nodes.iter().map(|node| (node.host.as_str(), node.port)).collect()
    }

    #[test]
    fn one_server_is_named_as_everywhere() {
        let address = RedisAddress::parse("redis://h").expect("an address");
        assert_eq!((&address.kind, nodes(&address), address.database), (&Kind::Single, vec![("h", 6_379)], 0));
        let address = RedisAddress::parse("rediss://me:s%40%25@[::1]:7000/3").expect("an address");
        assert_eq!((nodes(&address), address.database, address.tls), (vec![("::1", 7_000)], 3, true));
        assert_eq!(address.login.password.as_deref(), Some("s@%"));
        let address = RedisAddress::parse("redis://:se@cret@h:1/").expect("an address");
        assert_eq!((address.login.user, address.login.password.as_deref()), (None, Some("se@cret")));
    }

    #[test]
    fn sentinels_and_clusters_are_lists() {
        let address = "redis+sentinel://u:p@a,b:7/mine/2?sentinel_password=q%26";
        let address = RedisAddress::parse(address).expect("an address");
        assert_eq!(address.kind, Kind::Sentinels("mine".to_owned()));
        assert_eq!((nodes(&address), address.database), (vec![("a", 26_379), ("b", 7)], 2));
        assert_eq!(address.sentinel_login.password.as_deref(), Some("q&"));
        let address = RedisAddress::parse("rediss+cluster://a:1,b:2").expect("an address");
        assert_eq!((&address.kind, nodes(&address)), (&Kind::Cluster, vec![("a", 1), ("b", 2)]));
    }

    #[test]
    fn what_is_wrong_is_told_without_the_secret() {
        for address in [
            "h:6379",
            "http://:geheim@h",
            "redis+ring://:geheim@h",
            "redis://:geheim@h:port",
            "redis://:geheim@h/x",
            "redis://:geheim@",
            "redis://geheim@h",
            "redis://:geheim%zz@h",
            "redis://:geheim@a,b",
            "redis://:geheim@::1",
            "redis://:geheim@a b",
            "redis://:geheim@h?geheim=1",
            "redis+sentinel://:geheim@h",
            "redis+cluster://:geheim@h/1",
        ] {
            let error = RedisAddress::parse(address).expect_err(address);
            assert!(!error.to_string().contains("geheim"), "{error}");
        }
        let address = RedisAddress::parse("redis://:geheim@h").expect("an address");
        assert!(!format!("{address:?}").contains("geheim"));
    }
}
