//! The known key that a mistyped one was meant to be.

/// The nearest of `known` within a third of its length, by edits; a key given in the wrong section counts as near.
pub(super) fn nearest<'a>(given: &str, known: impl Iterator<Item = &'a String>) -> Option<String> {
    let (_, key) = known.map(|key| (distance_of_keys(given, key), key)).min()?;
    let edits = distance_of_keys(given, key);
    let allowed = last(key).len().div_ceil(3).max(2);
    (edits <= allowed).then(|| key.clone())
}

fn distance_of_keys(given: &str, key: &str) -> usize {
    distance(given, key).min(1 + distance(last(given), last(key)))
}

fn last(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}

/// Levenshtein's distance in characters.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (above, a) in left.chars().enumerate() {
        let mut diagonal = above;
        row[0] = above + 1;
        for (column, b) in right.iter().enumerate() {
            let substituted = diagonal + usize::from(a != *b);
            diagonal = row[column + 1];
            row[column + 1] = substituted.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_edits() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("same", "same"), 0);
    }

    #[test]
    fn only_what_is_near_is_suggested() {
        let known = ["grpc.address".to_owned(), "log".to_owned()];
        assert_eq!(nearest("grpc.adress", known.iter()).as_deref(), Some("grpc.address"));
        assert_eq!(nearest("http.address", known.iter()).as_deref(), Some("grpc.address"));
        assert_eq!(nearest("retention", known.iter()), None);
    }
}
