//! Holds answers against the OpenAPI document, and the document against itself.

use http::Method;
use serde_json::Value;

use crate::house::Heard;

/// Fails unless the answer is one that the document promises. Paths that are no route must be answered as such.
pub(crate) fn must_be_documented(document: &Value, method: &Method, path: &str, heard: &Heard) {
    assert!(heard.headers.contains_key("x-request-id"), "every answer has a request id: {heard:?}");
    if heard.status >= 400 && !path.starts_with("/health") {
        must_fit(document, &document["components"]["schemas"]["Problem"], &heard.body, "problem");
        assert_eq!(heard.header("content-type"), Some("application/problem+json"));
        assert_eq!(heard.body["status"], heard.status);
        let request_id = heard.header("x-request-id").expect("an id");
        assert_eq!(heard.body["requestId"], request_id, "the body tells the id of the answer");
        let is_safe = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
        assert_eq!(heard.body["outcome"].is_null(), is_safe, "a write tells its outcome: {heard:?}");
        let passes = matches!(heard.status, 429 | 503);
        assert_eq!(heard.headers.contains_key("retry-after"), passes, "{heard:?}");
    }
    let Some(operation) = operation(document, method, path) else {
        assert!(!path.starts_with("/api/") || matches!(heard.status, 404 | 405 | 200), "undocumented: {method} {path}");
        return;
    };
    let response = &operation["responses"][heard.status.to_string()];
    assert!(response.is_object(), "{method} {path} answers {} {}, undocumented", heard.status, heard.body);
    let described = response["description"].as_str().unwrap_or_default();
    // A dead letter has a code too.
    let code = if heard.status >= 400 { heard.code() } else { "" };
    assert!(code.is_empty() || described.contains(&format!("`{code}`")), "{method} {path}: {code} is undocumented");
    if let Some(content) = response["content"].as_object() {
        let kind = heard.header("content-type").and_then(|kind| kind.split(';').next()).expect("a content type");
        assert!(content.contains_key(kind), "{method} {path} answers {kind}");
        must_fit(document, &content[kind]["schema"], &heard.body, &format!("{method} {path}"));
    }
}

fn operation<'d>(document: &'d Value, method: &Method, path: &str) -> Option<&'d Value> {
    let fits = |template: &str| {
        let (mut parts, mut names) = (path.split('/'), template.split('/'));
        loop {
            match (parts.next(), names.next()) {
                (None, None) => return true,
                (Some(part), Some(name)) if (name.starts_with('{') && !part.is_empty()) || part == name => {}
                _ => return false,
            }
        }
    };
    let paths = document["paths"].as_object().expect("paths");
    let exact = paths.get(path).or_else(|| paths.iter().find(|(template, _)| fits(template)).map(|(_, item)| item));
    exact?.get(method.as_str().to_lowercase())
}

/// Fails unless `value` fits `schema`, as far as our document goes: types, members, words, limits.
pub(crate) fn must_fit(document: &Value, schema: &Value, value: &Value, place: &str) {
    if let Some(reference) = schema["$ref"].as_str() {
        let schema = document.pointer(reference.trim_start_matches('#')).expect("a known schema");
        return must_fit(document, schema, value, place);
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        must_fit(document, part, value, place);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let problem = value.get("code").is_some();
        let choice = choices
            .iter()
            .find(|choice| choice["$ref"].as_str().is_some_and(|name| name.ends_with("Problem") == problem));
        return must_fit(document, choice.expect("a choice"), value, place);
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let is = |kind: &str| match kind {
        "null" => value.is_null(),
        "string" => value.is_string(),
        "integer" => value.is_u64() || value.is_i64(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    };
    assert!(kinds.is_empty() || kinds.iter().any(|kind| is(kind)), "{place}: {value} is no {kinds:?}");
    if let (Some(least), Some(number)) = (schema["minimum"].as_u64(), value.as_u64()) {
        assert!(number >= least, "{place}: {number} is below {least}");
    }
    if let (Some(words), false) = (schema["enum"].as_array(), value.is_null()) {
        assert!(words.contains(value), "{place}: {value} is none of the words");
    }
    if let (Some("date-time"), Some(text)) = (schema["format"].as_str(), value.as_str()) {
        assert!(text.len() == 27 && text.ends_with('Z'), "{place}: {text} is no time");
    }
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        assert!(value.get(name).is_some(), "{place}: {name} is missing in {value}");
    }
    if let (Some(known), Some(members)) = (schema["properties"].as_object(), value.as_object()) {
        for (name, member) in members.iter().filter(|(name, _)| known.contains_key(*name)) {
            must_fit(document, &known[name], member, &format!("{place}.{name}"));
        }
    }
    for (at, element) in value.as_array().into_iter().flatten().enumerate() {
        must_fit(document, &schema["items"], element, &format!("{place}[{at}]"));
    }
}
