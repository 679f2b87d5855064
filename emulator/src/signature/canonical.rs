//! The canonical request of SigV4: path, query and header normalisation. No keys, no decisions.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::{Claim, Signed};
use crate::protocol::{Service, SignatureForm};

/// Everything but RFC 3986 unreserved characters.
const QUERY_SET: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The same, keeping `/`.
const PATH_SET: &AsciiSet = &QUERY_SET.remove(b'/');

/// Builds the canonical request text.
pub(super) fn request(service: Service, claim: &Claim, signed: Signed<'_>, payload_hash: &str) -> String {
    let mut text = String::with_capacity(1000);
    text.push_str(signed.method.as_str());
    text.push('\n');
    text.push_str(&path(service, signed.raw_path));
    text.push('\n');
    text.push_str(&query(signed.raw_query, claim.form));
    text.push('\n');
    for name in claim.signed_headers() {
        text.push_str(name);
        text.push(':');
        push_header(&mut text, signed, name);
        text.push('\n');
    }
    text.push('\n');
    text.push_str(&claim.signed_headers);
    text.push('\n');
    text.push_str(payload_hash);
    text
}

/// S3 encodes the path once and keeps it; everybody else normalises it and encodes what was sent once more.
fn path(service: Service, raw: &str) -> Cow<'_, str> {
    if raw.is_empty() || raw == "/" {
        return Cow::Borrowed("/");
    }
    if service == Service::S3 {
        return recode(raw, PATH_SET, |byte| is_unreserved(byte) || byte == b'/');
    }
    let mut segments: Vec<&str> = Vec::new();
    for segment in raw.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            other => segments.push(other),
        }
    }
    let mut normal = format!("/{}", segments.join("/"));
    if raw.ends_with('/') && normal.len() > 1 {
        normal.push('/');
    }
    Cow::Owned(utf8_percent_encode(&normal, PATH_SET).to_string())
}

fn query(raw: &str, form: SignatureForm) -> String {
    let mut pairs: Vec<(Cow<'_, str>, Cow<'_, str>)> = raw
        .split('&')
        .filter(|part| !part.is_empty())
        .map(|part| part.split_once('=').unwrap_or((part, "")))
        .map(|(name, value)| {
            let recode = |text| recode(text, QUERY_SET, is_unreserved);
            (recode(name), recode(value))
        })
        .filter(|(name, _)| form != SignatureForm::QueryString || !name.eq_ignore_ascii_case("X-Amz-Signature"))
        .collect();
    pairs.sort_unstable();
    let mut text = String::with_capacity(raw.len() + 16);
    for (index, (name, value)) in pairs.iter().enumerate() {
        if index > 0 {
            text.push('&');
        }
        text.push_str(name);
        text.push('=');
        text.push_str(value);
    }
    text
}

/// The canonical encoding of a text: every byte of `set` encoded, and nothing that is `kept`. Most texts come so.
fn recode<'a>(text: &'a str, set: &'static AsciiSet, kept: impl Fn(u8) -> bool) -> Cow<'a, str> {
    if is_canonical(text.as_bytes(), kept) {
        return Cow::Borrowed(text);
    }
    let decoded: Vec<u8> = percent_decode_str(text).collect();
    Cow::Owned(percent_encoding::percent_encode(&decoded, set).to_string())
}

/// Whether every byte is `kept` or encoded with capital digits, and none of those that are kept is encoded.
fn is_canonical(mut text: &[u8], kept: impl Fn(u8) -> bool) -> bool {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    };
    loop {
        match text {
            [] => return true,
            [b'%', high, low, rest @ ..] => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) if !kept(high << 4 | low) => text = rest,
                _ => return false,
            },
            [byte, rest @ ..] if kept(*byte) => text = rest,
            _ => return false,
        }
    }
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

/// Values of one header joined by commas, trimmed, runs of blanks collapsed.
fn push_header(text: &mut String, signed: Signed<'_>, name: &str) {
    let mut first = true;
    for value in signed.headers.get_all(name) {
        if !first {
            text.push(',');
        }
        first = false;
        if let Some(plain) = value.to_str().ok().filter(|text| has_single_blanks(text)) {
            text.push_str(plain);
            continue;
        }
        let value = String::from_utf8_lossy(value.as_bytes());
        for (index, word) in value.split_ascii_whitespace().enumerate() {
            if index > 0 {
                text.push(' ');
            }
            text.push_str(word);
        }
    }
    if first && name == "host" {
        text.push_str(signed.host);
    }
}

/// Whether there is nothing to trim and nothing to collapse.
fn has_single_blanks(text: &str) -> bool {
    let mut after_blank = true;
    for byte in text.bytes() {
        let blank = byte.is_ascii_whitespace();
        if blank && (after_blank || byte != b' ') {
            return false;
        }
        after_blank = blank;
    }
    !after_blank || text.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The short way and the long way give the same text.
    #[test]
    fn canonical_texts_are_taken_as_they_are() {
        let query = |text| recode(text, QUERY_SET, is_unreserved);
        for (sent, expected) in [
            ("", ""),
            ("a-b._~Z9", "a-b._~Z9"),
            ("a%2Fb%2B%20", "a%2Fb%2B%20"),
            ("a%2fb", "a%2Fb"),
            ("%61b", "ab"),
            ("a/b+c", "a%2Fb%2Bc"),
            ("100%", "100%25"),
            ("%4", "%254"),
            ("%zz", "%25zz"),
            ("%C3%A9", "%C3%A9"),
            ("é", "%C3%A9"),
        ] {
            assert_eq!(query(sent), expected, "{sent}");
            let canonical = is_canonical(sent.as_bytes(), is_unreserved);
            assert_eq!(canonical, sent == expected, "{sent}");
        }
    }

    #[test]
    fn header_values_are_trimmed_and_their_blanks_collapsed() {
        for (value, plain) in [
            ("", true),
            ("a", true),
            ("a b c", true),
            (" a", false),
            ("a ", false),
            ("a  b", false),
            ("a\tb", false),
            (" ", false),
        ] {
            assert_eq!(has_single_blanks(value), plain, "{value:?}");
        }
    }
}
