//! The nearest of some known words to a mistyped one.

/// The known word nearest to `typed`, when one is near enough to be meant.
pub(crate) fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let far = typed.chars().count().div_ceil(3).max(2);
    let distances = known.into_iter().map(|word| (distance(typed, word), word));
    distances.filter(|(distance, _)| *distance <= far).min_by_key(|(distance, _)| *distance).map(|(_, word)| word)
}

/// How many letters have to be changed, added or taken away (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, letter) in one.chars().enumerate() {
        let mut next = vec![at.saturating_add(1)];
        for ((wanted, above), beside) in other.iter().zip(row.iter().skip(1)).zip(&row) {
            let left = next.last().copied().unwrap_or(0);
            let changed = beside.saturating_add(usize::from(letter != *wanted));
            next.push(changed.min(above.saturating_add(1)).min(left.saturating_add(1)));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_hand_finds_the_word() {
        let known = ["server.listen", "store.data", "cors.origins"];
        assert_eq!(nearest("server.listn", known), Some("server.listen"));
        assert_eq!(nearest("stroe.data", known), Some("store.data"));
        assert_eq!(nearest("something.else", known), None);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
