//! Reads query strings as strictly as bodies: unknown and repeated parameters are refused, all faults are told at once.

use std::collections::HashSet;

use http::Uri;
use percent_encoding::percent_decode_str;

use crate::faults::{Complaint, Faults, below};
use crate::problem::Problem;

/// How many rows a list has where the caller does not say.
const LIMIT_DEFAULT: usize = 50;
/// The most rows of a list.
const LIMIT_MAX: usize = 500;

/// The parameters of one request.
pub(crate) struct Query {
    pairs: Vec<(String, String)>,
    known: Vec<&'static str>,
    faults: Faults,
}

impl Query {
    /// The parameters of `uri`.
    pub(crate) fn of(uri: &Uri) -> Self {
        let mut faults = Faults::default();
        if uri.query().is_some_and(|query| percent_decode_str(query).decode_utf8().is_err()) {
            faults.add("/query".to_owned(), "must be UTF-8");
        }
        let pairs = match axum::extract::Query::<Vec<(String, String)>>::try_from_uri(uri) {
            Ok(axum::extract::Query(pairs)) => pairs,
            Err(_) => {
                faults.add("/query".to_owned(), "cannot be read");
                Vec::new()
            }
        };
        let mut seen = HashSet::with_capacity(pairs.len());
        for (name, _) in &pairs {
            if !seen.insert(name.as_str()) {
                faults.add(below("/query", name), "stands there twice");
            }
        }
        Self { pairs, known: Vec::new(), faults }
    }

    /// Refuses every parameter.
    ///
    /// # Errors
    ///
    /// There is one.
    pub(crate) fn none(uri: &Uri) -> Result<(), Problem> {
        if uri.query().is_none() { Ok(()) } else { Self::of(uri).settle(Some(())) }
    }

    /// A parameter as it stands.
    pub(crate) fn text(&mut self, name: &'static str) -> Option<String> {
        self.known.push(name);
        self.pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }

    /// A parameter as `read` reads it; `None`, with the fault noted, when it is not right.
    pub(crate) fn parsed<T>(&mut self, name: &'static str, read: impl Fn(&str) -> Result<T, Complaint>) -> Option<T> {
        match read(&self.text(name)?) {
            Ok(value) => Some(value),
            Err(complaint) => {
                self.faults.add(below("/query", name), complaint);
                None
            }
        }
    }

    /// A parameter of several words with commas between them, of which any may be.
    pub(crate) fn words<T>(&mut self, name: &'static str, parse: impl Fn(&str) -> Option<T>, all: &str) -> Vec<T> {
        let read = |text: &str| -> Result<Vec<T>, Complaint> {
            text.split(',').map(|word| parse(word).ok_or_else(|| format!("must be of {all}").into())).collect()
        };
        self.parsed(name, read).unwrap_or_default()
    }

    /// How many rows the caller wants.
    pub(crate) fn limit(&mut self) -> usize {
        let read = |text: &str| {
            let digits = text.len() <= 3 && text.bytes().all(|byte| byte.is_ascii_digit());
            let limit = if digits { text.parse().ok() } else { None };
            let limit = limit.filter(|limit| (1..=LIMIT_MAX).contains(limit));
            limit.ok_or(Complaint::Borrowed("must be a whole number from 1 to 500"))
        };
        self.parsed("limit", read).unwrap_or(LIMIT_DEFAULT)
    }

    /// Notes a fault.
    pub(crate) fn complain(&mut self, name: &str, complaint: &'static str) {
        self.faults.add(below("/query", name), complaint);
    }

    /// What was read, when there is no fault and no parameter that nobody asked for.
    ///
    /// # Errors
    ///
    /// Every fault in one problem.
    pub(crate) fn settle<T>(mut self, read: Option<T>) -> Result<T, Problem> {
        for (name, _) in &self.pairs {
            if !self.known.contains(&name.as_str()) {
                self.faults.unknown(below("/query", name));
            }
        }
        self.faults.settle(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_one_to_five_hundred() {
        for (text, limit) in [("/", Some(50)), ("/?limit=1", Some(1)), ("/?limit=500", Some(500))] {
            assert_eq!(limit_of(text), limit, "{text}");
        }
        for bad in ["0", "501", "-1", "1.0", "", "1e2", "abc", "99999999999999999999", "5&limit=5", "5&x=1", "5&%FF"] {
            assert_eq!(limit_of(&format!("/?limit={bad}")), None, "{bad}");
        }
    }

    #[test]
    fn many_parameters_are_looked_through_once() {
        let many: Vec<String> = (0..10_000).map(|number| format!("{number:x}=")).collect();
        let uri: Uri = format!("/?{}", many.join("&")).parse().expect("a URI");
        let began = std::time::Instant::now();
        for _ in 0..10 {
            assert!(Query::of(&uri).settle(Some(())).is_err());
        }
        assert!(began.elapsed() < std::time::Duration::from_secs(3), "{:?}", began.elapsed());
    }

    fn limit_of(text: &str) -> Option<usize> {
        let uri: Uri = text.parse().expect("a URI");
        let mut query = Query::of(&uri);
        let limit = query.limit();
        query.settle(Some(limit)).ok()
    }
}
