//! ISO 4217 currencies and how many digits their minor unit has.
//!
//! Must never know: rates, locales, symbols.

/// A currency of ISO 4217. Ordered by its code.
///
/// Known are the active codes that have a minor unit, and those withdrawn since 2020, because the history of a
/// payment processor still holds them. Metals, `XDR`, `XTS` and the like have no minor unit and are refused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency {
    code: [u8; 3],
    digits: u8,
}

/// Which rule of [`Currency`] a text breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCurrency {
    /// Not three bytes.
    #[error("must have exactly 3 letters, has {bytes} bytes")]
    Length {
        /// Length given.
        bytes: usize,
    },
    /// Something else than `A` to `Z`.
    #[error("must hold only upper-case letters A to Z, not {found:?}")]
    Letter {
        /// The first offender.
        found: char,
    },
    /// Well formed, but no currency that can be counted in minor units.
    #[error("{code} is not an ISO 4217 currency with a minor unit")]
    Unknown {
        /// What was given.
        code: String,
    },
}

impl Currency {
    /// Reads an upper-case three-letter code.
    ///
    /// # Errors
    /// [`InvalidCurrency`] naming the rule.
    pub fn parse(text: &str) -> Result<Self, InvalidCurrency> {
        if let Some(found) = text.chars().find(|c| !c.is_ascii_uppercase()) {
            return Err(InvalidCurrency::Letter { found });
        }
        let code = text.as_bytes().try_into().map_err(|_| InvalidCurrency::Length { bytes: text.len() })?;
        match BY_DIGITS.iter().find(|(_, codes)| codes.binary_search(&code).is_ok()) {
            Some(&(digits, _)) => Ok(Self { code, digits }),
            None => Err(InvalidCurrency::Unknown { code: text.to_owned() }),
        }
    }

    /// Every known currency, by its code.
    pub fn all() -> impl Iterator<Item = Self> {
        let listed = BY_DIGITS.iter().flat_map(|&(digits, codes)| codes.iter().map(move |&code| Self { code, digits }));
        let mut all: Vec<Self> = listed.collect();
        all.sort_unstable();
        all.into_iter()
    }

    /// Digits of the minor unit: USD 2, JPY 0, KWD 3, CLF 4.
    #[must_use]
    pub const fn digits(self) -> u32 {
        self.digits as u32
    }

    /// The three letters.
    #[must_use]
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.code).unwrap_or_default()
    }
}

impl std::fmt::Display for Currency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.code())
    }
}

impl std::fmt::Debug for Currency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

/// The most frequent number of digits first; each list is sorted.
const BY_DIGITS: [(u8, &[[u8; 3]]); 4] = [(2, TWO), (0, ZERO), (3, THREE), (4, FOUR)];

const TWO: &[[u8; 3]] = &[
    *b"AED", *b"AFN", *b"ALL", *b"AMD", *b"ANG", *b"AOA", *b"ARS", *b"AUD", *b"AWG", *b"AZN", *b"BAM", *b"BBD",
    *b"BDT", *b"BGN", *b"BMD", *b"BND", *b"BOB", *b"BOV", *b"BRL", *b"BSD", *b"BTN", *b"BWP", *b"BYN", *b"BZD",
    *b"CAD", *b"CDF", *b"CHE", *b"CHF", *b"CHW", *b"CNY", *b"COP", *b"COU", *b"CRC", *b"CUC", *b"CUP", *b"CVE",
    *b"CZK", *b"DKK", *b"DOP", *b"DZD", *b"EGP", *b"ERN", *b"ETB", *b"EUR", *b"FJD", *b"FKP", *b"GBP", *b"GEL",
    *b"GHS", *b"GIP", *b"GMD", *b"GTQ", *b"GYD", *b"HKD", *b"HNL", *b"HRK", *b"HTG", *b"HUF", *b"IDR", *b"ILS",
    *b"INR", *b"IRR", *b"JMD", *b"KES", *b"KGS", *b"KHR", *b"KPW", *b"KYD", *b"KZT", *b"LAK", *b"LBP", *b"LKR",
    *b"LRD", *b"LSL", *b"MAD", *b"MDL", *b"MGA", *b"MKD", *b"MMK", *b"MNT", *b"MOP", *b"MRU", *b"MUR", *b"MVR",
    *b"MWK", *b"MXN", *b"MXV", *b"MYR", *b"MZN", *b"NAD", *b"NGN", *b"NIO", *b"NOK", *b"NPR", *b"NZD", *b"PAB",
    *b"PEN", *b"PGK", *b"PHP", *b"PKR", *b"PLN", *b"QAR", *b"RON", *b"RSD", *b"RUB", *b"SAR", *b"SBD", *b"SCR",
    *b"SDG", *b"SEK", *b"SGD", *b"SHP", *b"SLE", *b"SLL", *b"SOS", *b"SRD", *b"SSP", *b"STN", *b"SVC", *b"SYP",
    *b"SZL", *b"THB", *b"TJS", *b"TMT", *b"TOP", *b"TRY", *b"TTD", *b"TWD", *b"TZS", *b"UAH", *b"USD", *b"USN",
    *b"UYU", *b"UZS", *b"VED", *b"VES", *b"WST", *b"XAD", *b"XCD", *b"XCG", *b"YER", *b"ZAR", *b"ZMW", *b"ZWG",
    *b"ZWL",
];

const ZERO: &[[u8; 3]] = &[
    *b"BIF", *b"CLP", *b"DJF", *b"GNF", *b"ISK", *b"JPY", *b"KMF", *b"KRW", *b"PYG", *b"RWF", *b"UGX", *b"UYI",
    *b"VND", *b"VUV", *b"XAF", *b"XOF", *b"XPF",
];

const THREE: &[[u8; 3]] = &[*b"BHD", *b"IQD", *b"JOD", *b"KWD", *b"LYD", *b"OMR", *b"TND"];

const FOUR: &[[u8; 3]] = &[*b"CLF", *b"UYW"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_follow_iso_4217() {
        for (code, digits) in [("USD", 2), ("EUR", 2), ("JPY", 0), ("KRW", 0), ("KWD", 3), ("TND", 3), ("CLF", 4)] {
            let currency = Currency::parse(code).unwrap();
            assert_eq!((currency.digits(), currency.to_string().as_str()), (digits, code));
        }
    }

    #[test]
    fn each_rule_is_named() {
        assert_eq!(Currency::parse("US"), Err(InvalidCurrency::Length { bytes: 2 }));
        assert_eq!(Currency::parse(""), Err(InvalidCurrency::Length { bytes: 0 }));
        assert_eq!(Currency::parse("usd"), Err(InvalidCurrency::Letter { found: 'u' }));
        assert_eq!(Currency::parse("US€"), Err(InvalidCurrency::Letter { found: '€' }));
        assert_eq!(Currency::parse("XAU"), Err(InvalidCurrency::Unknown { code: "XAU".to_owned() }));
    }

    #[test]
    fn every_list_is_sorted_and_no_code_is_in_two() {
        let mut all: Vec<[u8; 3]> = Vec::new();
        for (digits, codes) in BY_DIGITS {
            assert!(codes.is_sorted(), "the list of {digits} digits");
            all.extend(codes);
        }
        all.sort_unstable();
        let codes = all.len();
        all.dedup();
        assert_eq!(all.len(), codes);
    }
}
