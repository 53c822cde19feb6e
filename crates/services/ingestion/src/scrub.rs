//! Personal data is hashed before anything is written: e-mail addresses wherever a text holds one, phone numbers in
//! fields named for them; raw IP addresses are dropped.

use std::borrow::Cow;

use api::ingestion::v1::Event;
use prost_types::value::Kind;
use sha2::{Digest, Sha256};

/// Property names whose values are phone numbers.
const PHONE_FIELDS: [&str; 5] = ["phone", "phone_number", "mobile", "telephone", "tel"];
/// Property names that are dropped.
const DROPPED_FIELDS: [&str; 4] = ["ip", "ip_address", "client_ip", "remote_addr"];

/// Scrubs an event in place.
pub(crate) fn scrub(event: &mut Event) {
    if let Some(identity) = &mut event.identity {
        for text in
            [&mut identity.user_id, &mut identity.anonymous_id, &mut identity.session_id, &mut identity.account_id]
        {
            scrub_in_place(text);
        }
    }
    if let Some(source) = &mut event.source {
        scrub_in_place(&mut source.campaign);
        scrub_in_place(&mut source.channel);
    }
    event.properties.retain(|name, _| !DROPPED_FIELDS.contains(&name.to_ascii_lowercase().as_str()));
    for (name, value) in &mut event.properties {
        if let Some(Kind::StringValue(text)) = &mut value.kind {
            if PHONE_FIELDS.contains(&name.to_ascii_lowercase().as_str()) {
                *text = hashed(&phone_digits(text));
            } else {
                scrub_in_place(text);
            }
        }
    }
}

fn scrub_in_place(text: &mut String) {
    if let Cow::Owned(scrubbed) = scrub_emails(text) {
        *text = scrubbed;
    }
}

/// Replaces every e-mail address by the SHA-256 of its lower-case form, in hexadecimal.
pub(crate) fn scrub_emails(text: &str) -> Cow<'_, str> {
    if !text.contains('@') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 64);
    let mut rest = text;
    while let Some((begin, end)) = next_email(rest) {
        out.push_str(&rest[..begin]);
        out.push_str(&hashed(&rest[begin..end].to_lowercase()));
        rest = &rest[end..];
    }
    if out.is_empty() && rest.len() == text.len() {
        return Cow::Borrowed(text);
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Byte range of the first `local@domain.tld`.
fn next_email(text: &str) -> Option<(usize, usize)> {
    let mut from = 0;
    while let Some(at) = text[from..].find('@').map(|place| place + from) {
        let local = |c: char| c.is_alphanumeric() || "._%+-".contains(c);
        let domain = |c: char| c.is_alphanumeric() || "-.".contains(c);
        let begin = text[..at]
            .rfind(|c| !local(c))
            .map_or(0, |before| before + text[before..].chars().next().map_or(1, char::len_utf8));
        let after = at + 1;
        let end = text[after..].find(|c| !domain(c)).map_or(text.len(), |length| after + length);
        let host = text[after..end].trim_end_matches(['.', '-']);
        let complete = host.rsplit_once('.').is_some_and(|(name, tld)| !name.is_empty() && tld.chars().count() >= 2);
        if begin < at && complete {
            return Some((begin, after + host.len()));
        }
        from = after;
    }
    None
}

fn phone_digits(text: &str) -> String {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    digits.trim_start_matches('0').to_owned()
}

fn hashed(text: &str) -> String {
    use std::fmt::Write as _;
    Sha256::digest(text.as_bytes()).iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const JOHN: &str = "62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f";

    #[test]
    fn an_address_is_hashed_wherever_it_stands() {
        assert_eq!(scrub_emails("John_Smith@Gmail.com"), JOHN);
        assert_eq!(scrub_emails("to <john_smith@gmail.com>, now."), format!("to <{JOHN}>, now."));
        assert_eq!(scrub_emails("a john_smith@gmail.com. b john_smith@gmail.com"), format!("a {JOHN}. b {JOHN}"));
    }

    #[test]
    fn what_is_no_address_stays() {
        for text in ["", "plain", "@", "a@b", "@handle", "x@ y.com", "é@"] {
            assert_eq!(scrub_emails(text), text);
        }
        assert!(!scrub_emails("é@exämple.de").contains('@'));
    }

    #[test]
    fn phones_are_hashed_in_their_fields_and_ips_are_dropped() {
        let text = |text: &str| prost_types::Value { kind: Some(Kind::StringValue(text.to_owned())) };
        let mut event = Event::default();
        event.properties.insert("phone".into(), text("+1 (650) 555-1212"));
        event.properties.insert("IP".into(), text("10.0.0.1"));
        scrub(&mut event);
        assert_eq!(
            event.properties.get("phone"),
            Some(&text("e323ec626319ca94ee8bff2e4c87cf613be6ea19919ed1364124e16807ab3176"))
        );
        assert_eq!(event.properties.len(), 1);
    }
}
