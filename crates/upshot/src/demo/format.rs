//! Numbers as people read them.
//!
//! Must never know: what the numbers mean.

/// Digits in groups of three: `-1,234,567`.
pub fn grouped(number: i128) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::from(if number < 0 { "-" } else { "" });
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Minor units with their decimal point: `-1,234.50`.
pub fn money(minor: i128, digits: u32) -> String {
    if digits == 0 {
        return grouped(minor);
    }
    let unit = 10_i128.pow(digits);
    let sign = if minor < 0 { "-" } else { "" };
    let (whole, part) = (minor.abs() / unit, minor.abs() % unit);
    format!("{sign}{}.{part:0width$}", grouped(whole), width = digits as usize)
}

/// Millionths with two decimals, cut: `1,234.56`.
pub fn micro(millionths: i64) -> String {
    money(i128::from(millionths) / 10_000, 2)
}

/// A share as a signed percentage: `+1.23 %`.
pub fn signed_percent(share: f64) -> String {
    format!("{:+.2} %", share * 100.0)
}

/// A p-value; small ones as a bound.
pub fn p_value(p: f64) -> String {
    if p < 0.0001 { "<0.0001".to_owned() } else { format!("{p:.4}") }
}

/// A value that may be missing.
pub fn or_dash<T>(value: Option<T>, text: impl FnOnce(T) -> String) -> String {
    value.map_or_else(|| "-".to_owned(), text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_keep_their_sign_and_their_zeros() {
        assert_eq!([money(-5, 2), money(123_456_705, 2), money(1_000, 0)], ["-0.05", "1,234,567.05", "1,000"]);
        assert_eq!([grouped(0), grouped(999), grouped(-1_000)], ["0", "999", "-1,000"]);
        assert_eq!(micro(1_234_567_899), "1,234.56");
        assert_eq!([signed_percent(0.0123), p_value(0.000_01), p_value(0.5)], ["+1.23 %", "<0.0001", "0.5000"]);
        assert_eq!(or_dash(None::<f64>, p_value), "-");
    }
}
