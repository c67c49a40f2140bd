//! The connection strings of the service that Holdfast replaces, as its installations have them in the environment.

/// `server=…;port=…;database=…;user=…;password=…` as a URL.
///
/// # Errors
///
/// What is missing or not understood.
pub(super) fn mysql_url(text: &str) -> Result<String, String> {
    let (mut server, mut port, mut database, mut user, mut password) = (None, "3306", None, None, None);
    let (mut mode, mut certificates) = (None, Vec::new());
    for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').ok_or_else(|| "has a part without `=`".to_owned())?;
        match name.trim().to_ascii_lowercase().as_str() {
            "server" | "host" | "data source" | "datasource" => server = Some(value.trim()),
            "port" => port = value.trim(),
            "database" | "initial catalog" => database = Some(value.trim()),
            "user" | "uid" | "user id" | "username" => user = Some(value.trim()),
            "password" | "pwd" => password = Some(value.trim()),
            "sslmode" | "ssl mode" | "ssl-mode" => mode = ssl_mode(value.trim())?,
            "sslca" | "ssl ca" | "ssl-ca" | "cacertificatefile" | "ca certificate file" => {
                certificates.push(("ssl-ca", value.trim()));
            }
            "sslcert" | "ssl cert" | "ssl-cert" => certificates.push(("ssl-cert", value.trim())),
            "sslkey" | "ssl key" | "ssl-key" => certificates.push(("ssl-key", value.trim())),
            // Drivers know dozens of further words (pooling, time-outs …); none of them says where the database is.
            _ => {}
        }
    }
    let server = server.ok_or_else(|| "names no `server`".to_owned())?;
    let database = database.ok_or_else(|| "names no `database`".to_owned())?;
    let credentials = match (user, password) {
        (None, _) => String::new(),
        (Some(user), None) => format!("{}@", crate::percent::encoded(user)),
        (Some(user), Some(password)) => {
            format!("{}:{}@", crate::percent::encoded(user), crate::percent::encoded(password))
        }
    };
    // Drivers look at certificates where they are told to verify, and pass them over else.
    let is_verified = mode.is_some_and(|mode: &str| mode.starts_with("verify_"));
    let named = certificates.into_iter().filter(|_| is_verified);
    let encryption = mode.map(|mode| ("ssl-mode", mode)).into_iter().chain(named);
    let encryption: Vec<String> = encryption.map(|(name, value)| format!("{name}={value}")).collect();
    let parameters = if encryption.is_empty() { String::new() } else { format!("?{}", encryption.join("&")) };
    Ok(format!("mysql://{credentials}{server}:{port}/{database}{parameters}"))
}

/// `SslMode` in the words of an URL; `Preferred`, which takes what it gets, says nothing.
fn ssl_mode(mode: &str) -> Result<Option<&'static str>, String> {
    Ok(Some(match mode.to_ascii_lowercase().as_str() {
        "none" | "disabled" => "disabled",
        "preferred" => return Ok(None),
        "required" => "required",
        "verifyca" | "verify_ca" => "verify_ca",
        "verifyfull" | "verify_identity" => "verify_identity",
        _ => {
            return Err("has an SslMode that is none of Disabled, Preferred, Required, VerifyCA, VerifyFull".to_owned());
        }
    }))
}

/// `host:port[,host:port…][,option=…]` as a URL: of the options those that a URL can say, `user`, `password`, `ssl`,
/// `defaultDatabase` and `serviceName`. Hosts are Sentinels where a service is named; else several are a cluster.
pub(super) fn redis_url(text: &str) -> String {
    let mut parts = text.split(',').map(str::trim);
    let place = parts.next().unwrap_or_default();
    if place.is_empty() {
        return String::new();
    }
    let mut hosts = vec![place];
    let (mut user, mut password, mut database, mut service, mut scheme) = ("", None, None, None, "redis");
    for part in parts {
        let Some((name, value)) = part.split_once('=') else {
            hosts.push(part);
            continue;
        };
        match (name.trim().to_ascii_lowercase().as_str(), value.trim()) {
            ("user", name) => user = name,
            ("password", secret) if !secret.is_empty() => password = Some(secret),
            ("defaultdatabase", number) => database = Some(number),
            ("servicename", name) => service = Some(name),
            ("ssl", yes) if yes.eq_ignore_ascii_case("true") => scheme = "rediss",
            // Time-outs, retries and the like: none of them says where it is or who asks.
            _ => {}
        }
    }
    let place = hosts.join(",");
    let (scheme, place) = place.split_once("://").unwrap_or((scheme, &place));
    let way = match service {
        Some(_) => "+sentinel",
        None if hosts.len() > 1 => "+cluster",
        None => "",
    };
    let credentials = match password {
        Some(password) if !place.contains('@') => {
            format!("{}:{}@", crate::percent::encoded(user), crate::percent::encoded(password))
        }
        _ => String::new(),
    };
    let database = database.filter(|_| !place.contains('/')).map_or_else(String::new, |number| format!("/{number}"));
    let service = service.map_or_else(String::new, |name| format!("/{}", crate::percent::encoded(name)));
    format!("{scheme}{way}://{credentials}{place}{service}{database}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_named_with_its_encryption() {
        for (more, parameters) in [
            ("", ""),
            ("SslMode=Preferred", ""),
            ("SslMode=None;SslCa=/ca.pem", "?ssl-mode=disabled"),
            ("Ssl Mode=Required;Pooling=true", "?ssl-mode=required"),
            ("SslMode=VerifyCA;SslCa=/ca.pem", "?ssl-mode=verify_ca&ssl-ca=/ca.pem"),
            (
                "sslmode=VerifyFull; sslcert=/c.pem; sslkey=/k.pem",
                "?ssl-mode=verify_identity&ssl-cert=/c.pem&ssl-key=/k.pem",
            ),
        ] {
            let url = mysql_url(&format!("Server=db;Database=d;Uid=u;Pwd=p@;{more}"));
            assert_eq!(url, Ok(format!("mysql://u:p%40@db:3306/d{parameters}")), "{more}");
        }
        assert!(mysql_url("server=db;database=d;sslmode=perhaps").is_err_and(|fault| fault.contains("SslMode")));
    }

    #[test]
    fn a_redis_is_named_with_all_that_a_url_can_say() {
        for (text, url) in [
            ("", ""),
            ("h:6379", "redis://h:6379"),
            ("h:6379,abortConnect=false", "redis://h:6379"),
            ("h:6379,password=a=b@c", "redis://:a%3Db%40c@h:6379"),
            ("h:6380, user=app, Password=s, ssl=True, defaultDatabase=2", "rediss://app:s@h:6380/2"),
            ("redis://h:6379,password=s", "redis://:s@h:6379"),
            ("a:1,b:2,password=s", "redis+cluster://:s@a:1,b:2"),
            ("a:1, b:2,serviceName=mine,defaultDatabase=3,ssl=true", "rediss+sentinel://a:1,b:2/mine/3"),
            ("redis://:s@h:6379/1", "redis://:s@h:6379/1"),
        ] {
            assert_eq!(redis_url(text), url, "{text}");
        }
    }
}
