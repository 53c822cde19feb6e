//! Who asks: parsed once, so that whoever holds an [`Identity`] has a unit to bucket.
//!
//! Must never know: experiments.

use api::{FieldViolation, types};
use ids::MAX_IDENTITY_BYTES;

use crate::error::Error;

/// At least a user id or an anonymous id, none longer than 512 bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Identity(types::Identity);

impl Identity {
    /// Checks an identity.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming `identity`, or the part that is too long.
    pub fn parse(wire: Option<types::Identity>) -> Result<Self, Error> {
        let wire = wire.unwrap_or_default();
        if wire.user_id.is_empty() && wire.anonymous_id.is_empty() {
            return Err(Error::invalid("identity", "must have a user_id or an anonymous_id"));
        }
        let parts = [
            ("identity.user_id", &wire.user_id),
            ("identity.anonymous_id", &wire.anonymous_id),
            ("identity.session_id", &wire.session_id),
            ("identity.account_id", &wire.account_id),
        ];
        let too_long = parts.into_iter().filter(|(_, text)| text.len() > MAX_IDENTITY_BYTES).map(|(field, text)| {
            FieldViolation::new(field, format!("must have at most {MAX_IDENTITY_BYTES} bytes, has {}", text.len()))
        });
        let violations: Vec<FieldViolation> = too_long.collect();
        if violations.is_empty() { Ok(Self(wire)) } else { Err(Error::Invalid(violations)) }
    }

    /// What is randomised: the user id where there is one, else the anonymous id.
    #[must_use]
    pub fn unit(&self) -> &str {
        if self.is_user() { &self.0.user_id } else { &self.0.anonymous_id }
    }

    /// Whether the unit is a user.
    #[must_use]
    pub const fn is_user(&self) -> bool {
        !self.0.user_id.is_empty()
    }

    /// As events carry it.
    #[must_use]
    pub fn into_wire(self) -> types::Identity {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_goes_before_the_device_and_one_of_them_must_be_there() {
        let wire = types::Identity { user_id: "u".into(), anonymous_id: "a".into(), ..types::Identity::default() };
        assert_eq!(Identity::parse(Some(wire.clone())).unwrap().unit(), "u");
        let device = types::Identity { user_id: String::new(), ..wire };
        assert_eq!(Identity::parse(Some(device)).unwrap().unit(), "a");
        for nobody in [None, Some(types::Identity { session_id: "s".into(), ..types::Identity::default() })] {
            let Err(Error::Invalid(violations)) = Identity::parse(nobody) else { panic!("accepted") };
            assert_eq!(violations[0].field, "identity");
        }
    }

    #[test]
    fn parts_that_are_too_long_are_all_named() {
        let long = "x".repeat(MAX_IDENTITY_BYTES + 1);
        let wire = types::Identity { user_id: long.clone(), account_id: long, ..types::Identity::default() };
        let Err(Error::Invalid(violations)) = Identity::parse(Some(wire)) else { panic!("accepted") };
        let fields: Vec<&str> = violations.iter().map(|violation| violation.field.as_str()).collect();
        assert_eq!(fields, ["identity.user_id", "identity.account_id"]);
    }
}
