//! What the texts of a step mean on the wire: facts of the network, durations, keys to arrange.

use std::time::Duration;

use countersign_model::case::CallStep;
use countersign_model::name::AccountId;
use http::header::{HeaderName, HeaderValue, REFERER, USER_AGENT};
use jiff::SignedDuration;
use serde_json::Value;

use crate::target::TargetError;

/// The network facts of one call.
#[derive(Debug, Default)]
pub(super) struct Network {
    pub(super) source_ip: Option<String>,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
}

/// What the `context:` of a step means on the wire. Facts that a client cannot make true are a missing capability.
pub(super) fn network_of(step: &CallStep) -> Result<Network, TargetError> {
    let mut network = Network::default();
    for (key, value) in &step.context {
        let text = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let header = |text: &str| {
            HeaderValue::from_str(text)
                .map_err(|error| TargetError::adapter(format!("`{key}` cannot be a header: {error}")))
        };
        match key.to_ascii_lowercase().as_str() {
            "aws:sourceip" | "aws:vpcsourceip" => network.source_ip = Some(text),
            "aws:useragent" => network.headers.push((USER_AGENT, header(&text)?)),
            "aws:referer" => network.headers.push((REFERER, header(&text)?)),
            "aws:securetransport" if text == "true" => {}
            _ => return Err(TargetError::unsupported(format!("the fact `{key}`"))),
        }
    }
    Ok(network)
}

/// `key.NAME.state`, with an account before it and the name in `["…"]` where needed.
pub(super) fn key_of(path: &str) -> Result<(Option<AccountId>, String), TargetError> {
    let wrong = || TargetError::adapter(format!("`{path}` cannot be arranged: `key.NAME.state` is needed"));
    let (account, rest) = match path.split_once('.') {
        Some((first, rest)) if AccountId::new(first).is_ok() => (AccountId::new(first).ok(), rest),
        _ => (None, path),
    };
    let rest = rest.strip_suffix(".state").ok_or_else(wrong)?;
    let name = match rest.strip_prefix("key[\"").and_then(|name| name.strip_suffix("\"]")) {
        Some(quoted) => quoted,
        None => rest.strip_prefix("key.").ok_or_else(wrong)?,
    };
    Ok((account, name.to_owned()))
}

/// `90s`, `10m`, `1h`, `7d`, and sums of them such as `1h30m`.
pub(super) fn parse_duration(text: &str) -> Result<SignedDuration, TargetError> {
    let wrong = || TargetError::adapter(format!("`{text}` is not a duration such as `10m` or `7d`"));
    let mut total = Duration::ZERO;
    let mut digits = String::new();
    for character in text.chars().filter(|character| !character.is_whitespace()) {
        if character.is_ascii_digit() {
            digits.push(character);
            continue;
        }
        let unit = match character {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            _ => return Err(wrong()),
        };
        let number: u64 = digits.parse().map_err(|_| wrong())?;
        let part = number.checked_mul(unit).map(Duration::from_secs).ok_or_else(wrong)?;
        total = total.checked_add(part).ok_or_else(wrong)?;
        digits.clear();
    }
    if !digits.is_empty() || text.is_empty() {
        return Err(wrong());
    }
    SignedDuration::try_from(total).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_whole_or_not_at_all() {
        for (text, seconds) in [("90s", 90), ("10m", 600), ("1h30m", 5_400), ("7d", 604_800)] {
            assert_eq!(parse_duration(text), Ok(SignedDuration::from_secs(seconds)), "{text}");
        }
        for wrong in ["", "10", "m", "1w", "-5m", "99999999999999999999d", "1h30"] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_key_to_arrange_is_named_with_or_without_its_account() {
        let account = AccountId::new("111122223333").ok();
        assert_eq!(key_of("key.example.state"), Ok((None, "example".to_owned())));
        assert_eq!(
            key_of("111122223333.key[\"a.b\"].state"),
            Ok((account, "a.b".to_owned()))
        );
        for wrong in ["example.state", "key.example", "bucket.b.state", "key.state"] {
            assert!(key_of(wrong).is_err(), "{wrong}");
        }
    }
}
