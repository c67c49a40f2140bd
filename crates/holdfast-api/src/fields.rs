//! Walks over the members of a JSON object, gathers every fault, and leaves no member unlooked at.

use serde_json::{Map, Value};

use crate::faults::{Complaint, Faults, below};
use crate::problem::Problem;

/// The members of one object.
pub(crate) struct Fields<'v, 'f> {
    members: &'v Map<String, Value>,
    pointer: String,
    known: Vec<&'static str>,
    faults: &'f mut Faults,
}

impl<'v, 'f> Fields<'v, 'f> {
    /// The members of `value`, which stands at `pointer`. `None`, with its fault noted, when it is no object.
    pub(crate) fn of(value: &'v Value, pointer: String, faults: &'f mut Faults) -> Option<Self> {
        match value {
            Value::Object(members) => Some(Self { members, pointer, known: Vec::new(), faults }),
            _ => {
                faults.add(pointer, "must be an object");
                None
            }
        }
    }

    fn find(&mut self, name: &'static str) -> Option<&'v Value> {
        self.known.push(name);
        self.members.get(name).filter(|value| !value.is_null())
    }

    /// Notes a fault of the member `name`.
    pub(crate) fn complain(&mut self, name: &str, complaint: impl Into<Complaint>) {
        self.faults.add(below(&self.pointer, name), complaint);
    }

    /// Notes a fault of the object itself.
    pub(crate) fn complain_of_all(&mut self, complaint: impl Into<Complaint>) {
        self.faults.add(self.pointer.clone(), complaint);
    }

    /// A member that must be there. `None`, with the fault noted, when it is not there or not right.
    pub(crate) fn required<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&Value) -> Result<T, Complaint>,
    ) -> Option<T> {
        if self.find(name).is_none() {
            self.complain(name, "is required");
            return None;
        }
        self.known.pop();
        self.optional(name, read).flatten()
    }

    /// A member that may be left out or null: `Some(None)` then, and `None`, with the fault noted, when it is not
    /// right.
    #[expect(clippy::option_option, reason = "not right, left out, and there are three things")]
    pub(crate) fn optional<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&Value) -> Result<T, Complaint>,
    ) -> Option<Option<T>> {
        match self.find(name).map(read) {
            None => Some(None),
            Some(Ok(read)) => Some(Some(read)),
            Some(Err(complaint)) => {
                self.complain(name, complaint);
                None
            }
        }
    }

    /// An array of `least` to `most` objects that must be there, each read by `read`.
    pub(crate) fn objects<T>(
        &mut self,
        name: &'static str,
        most: usize,
        mut read: impl FnMut(&mut Fields<'_, '_>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let Some(value) = self.find(name) else {
            self.complain(name, "is required");
            return None;
        };
        let elements = match value {
            Value::Array(elements) if (1..=most).contains(&elements.len()) => elements,
            Value::Array(_) => {
                self.complain(name, format!("must have 1 to {most} elements"));
                return None;
            }
            _ => {
                self.complain(name, "must be an array");
                return None;
            }
        };
        let pointer = below(&self.pointer, name);
        let mut objects = Vec::with_capacity(elements.len());
        for (at, element) in elements.iter().enumerate() {
            let Some(mut fields) = Fields::of(element, format!("{pointer}/{at}"), self.faults) else { continue };
            objects.extend(read(&mut fields));
            fields.finish();
        }
        (objects.len() == elements.len()).then_some(objects)
    }

    /// Notes every member that nobody asked for.
    pub(crate) fn finish(self) {
        for name in self.members.keys().filter(|name| !self.known.contains(&name.as_str())) {
            self.faults.unknown(below(&self.pointer, name));
        }
    }
}

/// Reads a body that is an object.
///
/// # Errors
///
/// Every fault in one problem.
pub(crate) fn decode<T>(body: &Value, read: impl FnOnce(&mut Fields<'_, '_>) -> Option<T>) -> Result<T, Problem> {
    let mut faults = Faults::default();
    let decoded = Fields::of(body, String::new(), &mut faults).and_then(|mut fields| {
        let decoded = read(&mut fields);
        fields.finish();
        decoded
    });
    faults.settle(decoded)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::read;

    #[test]
    fn all_faults_are_told_at_once() {
        let body = json!({"quantity": 0, "lines": [{"quantity": 1}, 7, {"quantity": "5", "color": "red"}], "x~y": 1});
        let problem = decode(&body, |fields| {
            let quantity = fields.required("quantity", read::quantity);
            let lines = fields.objects("lines", 10, |line| line.required("quantity", read::quantity));
            let sku = fields.required("sku", read::string(read::product_id));
            Some((quantity?, lines?, sku?))
        })
        .expect_err("faults");
        let body: Value = serde_json::from_slice(&problem.body(true)).expect("JSON");
        let pointers: Vec<&str> =
            body["errors"].as_array().expect("errors").iter().filter_map(|e| e["pointer"].as_str()).collect();
        assert_eq!(pointers, ["/quantity", "/lines/1", "/lines/2/quantity", "/lines/2/color", "/sku", "/x~0y"]);
        assert_eq!(body["code"], "validation_failed");
    }

    #[test]
    fn unknown_fields_alone_have_a_code_of_their_own() {
        let problem = decode(&json!({"a": 1}), |_| Some(())).expect_err("unknown");
        assert_eq!(problem.code().as_str(), "unknown_field");
    }
}
