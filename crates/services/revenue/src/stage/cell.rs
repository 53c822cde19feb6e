//! Names of the cells of the sums: fields joined by the unit separator, the first one says what the cell counts.

/// Cells `account, currency, account`: debits and credits in minor units.
pub(crate) const ACCOUNT: &str = "account";
/// Cells `credit, model, channel, campaign, currency`: conversions in millionths, gross and net in minor units.
pub(crate) const CREDIT: &str = "credit";
/// The cell of transactions without a rate.
pub(crate) const MISSING_RATES: &str = "missing_rates";
/// Cells `revenue, currency`: [`Totals`](super::Totals).
pub(crate) const REVENUE: &str = "revenue";

const SEPARATOR: char = '\u{1f}';
/// Stands for a separator inside a text.
const REPLACEMENT: &str = "\u{fffd}";

/// The name of a cell.
pub(super) fn name(kind: &str, fields: &[&str]) -> String {
    let mut name = kind.to_owned();
    for field in fields {
        name.push(SEPARATOR);
        push(&mut name, field);
    }
    name
}

/// What the names of all cells begin with that share the first fields.
pub(crate) fn prefix(kind: &str, fields: &[&str]) -> String {
    let mut prefix = name(kind, fields);
    prefix.push(SEPARATOR);
    prefix
}

/// The fields of a name after the kind; `None` unless there are exactly `N`.
pub(crate) fn fields<const N: usize>(name: &str) -> Option<[&str; N]> {
    let fields: Vec<&str> = name.split(SEPARATOR).skip(1).collect();
    fields.try_into().ok()
}

fn push(name: &mut String, field: &str) {
    if field.contains(SEPARATOR) {
        name.push_str(&field.replace(SEPARATOR, REPLACEMENT));
    } else {
        name.push_str(field);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_separator_in_a_text_moves_no_field() {
        let name = name(CREDIT, &["linear", "email", "a\u{1f}b", ""]);
        assert_eq!(fields(&name), Some(["linear", "email", "a\u{fffd}b", ""]));
        assert_eq!(fields::<3>(&name), None);
        assert!(name.starts_with(&prefix(CREDIT, &["linear"])));
    }
}
