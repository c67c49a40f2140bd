//! What is wrong with a request, gathered until all of it is known.

use std::borrow::Cow;

use crate::field_fault::FieldFault;
use crate::problem::Problem;

/// What is wrong with one value, for the person who sent it.
pub(crate) type Complaint = Cow<'static, str>;

/// The most faults that are listed: a bound on the size of the answer.
const LISTED_MAX: usize = 1_000;

/// The faults of a request.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    listed: Vec<FieldFault>,
    more: usize,
}

impl Faults {
    /// Notes a fault.
    pub(crate) fn add(&mut self, pointer: String, detail: impl Into<Complaint>) {
        self.push(FieldFault { pointer, detail: detail.into(), is_unknown: false });
    }

    /// Notes a field that is not known.
    pub(crate) fn unknown(&mut self, pointer: String) {
        self.push(FieldFault { pointer, detail: "is not known".into(), is_unknown: true });
    }

    fn push(&mut self, fault: FieldFault) {
        if self.listed.len() < LISTED_MAX {
            self.listed.push(fault);
        } else {
            self.more = self.more.saturating_add(1);
        }
    }

    /// What was read, when there is no fault.
    ///
    /// # Errors
    ///
    /// All faults in one problem.
    pub(crate) fn settle<T>(self, read: Option<T>) -> Result<T, Problem> {
        match read {
            Some(read) if self.listed.is_empty() => Ok(read),
            _ => Err(Problem::invalid(&self.listed, self.more)),
        }
    }
}

/// The pointer of the member `name` below `pointer`.
pub(crate) fn below(pointer: &str, name: &str) -> String {
    let mut longer = String::with_capacity(pointer.len().saturating_add(name.len()).saturating_add(1));
    longer.push_str(pointer);
    longer.push('/');
    for letter in name.chars() {
        match letter {
            '~' => longer.push_str("~0"),
            '/' => longer.push_str("~1"),
            _ => longer.push(letter),
        }
    }
    longer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_escapes_what_it_is_made_of() {
        assert_eq!(below("/lines/0", "a/b~c"), "/lines/0/a~1b~0c");
    }
}
