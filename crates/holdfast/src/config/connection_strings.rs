//! The connection strings of the service that Holdfast replaces, as its installations have them in the environment.

/// `server=…;port=…;database=…;user=…;password=…` as a URL.
///
/// # Errors
///
/// What is missing or not understood.
pub(super) fn mysql_url(text: &str) -> Result<String, String> {
    let (mut server, mut port, mut database, mut user, mut password) = (None, "3306", None, None, None);
    for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').ok_or_else(|| "has a part without `=`".to_owned())?;
        match name.trim().to_ascii_lowercase().as_str() {
            "server" | "host" | "data source" | "datasource" => server = Some(value.trim()),
            "port" => port = value.trim(),
            "database" | "initial catalog" => database = Some(value.trim()),
            "user" | "uid" | "user id" | "username" => user = Some(value.trim()),
            "password" | "pwd" => password = Some(value.trim()),
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
    Ok(format!("mysql://{credentials}{server}:{port}/{database}"))
}

/// `host:port[,option=…]` as a URL.
pub(super) fn redis_url(text: &str) -> String {
    let place = text.split(',').next().unwrap_or_default().trim();
    if place.contains("://") || place.is_empty() { place.to_owned() } else { format!("redis://{place}") }
}
