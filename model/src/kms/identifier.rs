//! From the text that names a key to the key (`svc:K-10`, `svc:K-33`).

use super::key::{Key, KeyRef};
use super::table::Operation;
use crate::name::{AccountId, Arn, Region};
use crate::world::state::{AliasRef, State};
use crate::world::trace::{Refusal, Stop};

/// What an identifier came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Resolved {
    /// A key that exists.
    Found {
        /// The key.
        key: KeyRef,
        /// The alias name it was named by (`svc:C-11`).
        alias: Option<String>,
    },
    /// A key of another account that does not exist: the caller learns only that access is denied (`svc:K-32`).
    ForeignUnknown {
        /// The ARN as it was given.
        arn: String,
        /// The account in it.
        account: AccountId,
    },
}

/// Resolves an identifier in the account and Region of the caller.
pub(crate) fn resolve(
    state: &State,
    operation: &Operation,
    caller: Option<&AccountId>,
    region: &Region,
    text: &str,
) -> Result<Resolved, Stop> {
    if let Some(rest) = text.strip_prefix("arn:") {
        return resolve_arn(state, operation, caller, region, text, rest);
    }
    let Some(account) = caller else {
        return Err(invalid_key_id(text));
    };
    if text.starts_with("alias/") {
        if !operation.takes_alias {
            return Err(invalid_key_id(text));
        }
        let at = AliasRef {
            account: account.clone(),
            region: region.clone(),
            name: text.to_owned(),
        };
        return match target(state, &at) {
            Some(key) => Ok(Resolved::Found {
                key,
                alias: Some(text.to_owned()),
            }),
            None => Err(alias_not_found(&at)),
        };
    }
    if !is_key_id(text) {
        return Err(invalid_key_id(text));
    }
    let at = KeyRef {
        account: account.clone(),
        region: region.clone(),
        id: text.to_owned(),
    };
    if state.key(&at).is_some() {
        Ok(Resolved::Found { key: at, alias: None })
    } else {
        Err(key_not_found(&at.arn()))
    }
}

/// The key behind a resolved identifier.
///
/// # Panics
/// Never for a [`Resolved::Found`] of the same state.
pub(crate) fn key<'a>(state: &'a State, key: &KeyRef) -> &'a Key {
    state
        .key(key)
        .expect("a resolved key is in the state it was resolved in")
}

/// Whether a text has the form of a key id: a UUID or `mrk-` and 32 hexadecimal digits.
pub(crate) fn is_key_id(text: &str) -> bool {
    let hexadecimal =
        |part: &str, length: usize| part.len() == length && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    if let Some(rest) = text.strip_prefix("mrk-") {
        return hexadecimal(rest, 32);
    }
    let parts: Vec<&str> = text.split('-').collect();
    parts.len() == 5
        && parts
            .iter()
            .zip([8, 4, 4, 4, 12])
            .all(|(part, length)| hexadecimal(part, length))
}

fn resolve_arn(
    state: &State,
    operation: &Operation,
    caller: Option<&AccountId>,
    region: &Region,
    text: &str,
    rest: &str,
) -> Result<Resolved, Stop> {
    let arn = Arn::new(text).ok().filter(|_| rest.starts_with("aws:kms:"));
    let Some((arn, account)) = arn.and_then(|arn| arn.account().map(|account| (arn, account))) else {
        return Err(invalid_key_id(text));
    };
    if arn.field(3) != region.as_str() {
        return Err(Refusal::error("NotFoundException", 400, format!("Invalid arn {}", arn.field(3))).into());
    }
    let foreign = caller.is_some_and(|caller| *caller != account);
    let resource = arn.field(5);
    if let Some(id) = resource.strip_prefix("key/") {
        let at = KeyRef {
            account,
            region: region.clone(),
            id: id.to_owned(),
        };
        return if state.key(&at).is_some() {
            Ok(Resolved::Found { key: at, alias: None })
        } else if foreign {
            Ok(Resolved::ForeignUnknown {
                arn: text.to_owned(),
                account: at.account,
            })
        } else {
            Err(key_not_found(text))
        };
    }
    if !resource.starts_with("alias/") || !operation.takes_alias {
        return Err(invalid_key_id(text));
    }
    let at = AliasRef {
        account,
        region: region.clone(),
        name: resource.to_owned(),
    };
    match target(state, &at) {
        Some(key) => Ok(Resolved::Found {
            key,
            alias: Some(at.name),
        }),
        None if foreign => Ok(Resolved::ForeignUnknown {
            arn: text.to_owned(),
            account: at.account,
        }),
        None => Err(alias_not_found(&at)),
    }
}

fn target(state: &State, at: &AliasRef) -> Option<KeyRef> {
    state.contents.aliases.get(at)?.target.latest().clone()
}

pub(crate) fn key_not_found(arn: &str) -> Stop {
    Refusal::error("NotFoundException", 400, format!("Key '{arn}' does not exist")).into()
}

pub(crate) fn alias_not_found(at: &AliasRef) -> Stop {
    Refusal::error("NotFoundException", 400, format!("Alias {} is not found.", at.arn())).into()
}

fn invalid_key_id(text: &str) -> Stop {
    Refusal::error("NotFoundException", 400, format!("Invalid keyId '{text}'")).into()
}

#[cfg(test)]
mod tests {
    use super::is_key_id;

    #[test]
    fn key_ids_are_uuids_or_multi_region_ids() {
        // svc:K-33
        assert!(is_key_id("1234abcd-12ab-34cd-56ef-1234567890ab"));
        assert!(is_key_id("mrk-1234abcd12ab34cd56ef1234567890ab"));
        for text in [
            "foo",
            "",
            "1234abcd-12ab-34cd-56ef",
            "mrk-1",
            "1234abcd-12ab-34cd-56ef-1234567890ag",
        ] {
            assert!(!is_key_id(text), "{text}");
        }
    }
}
