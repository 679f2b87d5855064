//! Checks of request parameters that several operations share: grant tokens, page limits, markers, tags.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::error::KmsError;
use super::operations::Operation;
use super::params::{Params, check_length, constraint, missing};
use crate::authorizer::known;
use crate::fault::Fault;
use crate::state::State;

/// Most grant tokens in one request.
const MOST_TOKENS: usize = 10;
/// Most tags on a key.
const MOST_TAGS: usize = 50;
/// Prefix inside markers, so that foreign text is noticed.
const MARKER: &str = "countersign-marker:";

/// `GrantTokens`.
pub(super) fn grant_tokens(params: Params<'_>) -> Result<Vec<String>, KmsError> {
    let tokens = params.strings("GrantTokens")?;
    if tokens.len() > MOST_TOKENS {
        let rule = format!("Member must have length less than or equal to {MOST_TOKENS}");
        return Err(constraint("GrantTokens", "[…]", &rule));
    }
    for token in &tokens {
        check_length("GrantTokens", token, 1, 8192)?;
    }
    Ok(tokens)
}

/// `DryRun`, for operations that take it (svc:K-26); elsewhere it is an unknown member and ignored.
pub(super) fn dry_run(params: Params<'_>, operation: &Operation) -> Result<bool, KmsError> {
    if operation.dry_run {
        params.flag("DryRun")
    } else {
        Ok(false)
    }
}

/// A token that KMS never gave out (svc:G-22).
pub(super) fn known_tokens(state: &State, tokens: &[String]) -> Result<(), KmsError> {
    if state.case.faults.contains(Fault::UnknownGrantTokenAccepted) {
        return Ok(());
    }
    match tokens.iter().find(|token| state.kms.grant_token(token).is_none()) {
        Some(_) => Err(KmsError::new("InvalidGrantTokenException", "")),
        None => Ok(()),
    }
}

/// One page of a listing.
#[derive(Debug)]
pub(super) struct Page {
    skip: usize,
    limit: usize,
}

impl Page {
    /// Reads `Limit` (1 … `highest`, default `default`) and `Marker`.
    pub(super) fn read(params: Params<'_>, default: usize, highest: i64) -> Result<Self, KmsError> {
        let limit = params.integer("Limit", 1, highest)?;
        let skip = match params.text("Marker")? {
            None => 0,
            Some(marker) => read_marker(marker).ok_or_else(|| {
                KmsError::new(
                    "InvalidMarkerException",
                    format!("Could not deserialize marker '{marker}'"),
                )
            })?,
        };
        Ok(Self {
            skip,
            limit: limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(default),
        })
    }

    /// Cuts the page out of `items` and adds `Truncated` and `NextMarker`.
    pub(super) fn answer(&self, member: &str, items: &[Value]) -> Value {
        let page: Vec<Value> = items.iter().skip(self.skip).take(self.limit).cloned().collect();
        let next = self.skip + page.len();
        let mut answer = json!({ member: page, "Truncated": next < items.len() });
        if next < items.len() {
            answer["NextMarker"] = json!(STANDARD.encode(format!("{MARKER}{next}")));
        }
        answer
    }
}

fn read_marker(marker: &str) -> Option<usize> {
    let text = String::from_utf8(STANDARD.decode(marker).ok()?).ok()?;
    text.strip_prefix(MARKER)?.parse().ok()
}

/// `Tags` as TagKey/TagValue.
pub(super) fn tags(params: Params<'_>, mandatory: bool) -> Result<BTreeMap<String, String>, KmsError> {
    if mandatory && !params.has("Tags") {
        return Err(missing("Tags"));
    }
    let mut tags = BTreeMap::new();
    for tag in params.structures("Tags")? {
        let key = tag.required("TagKey", 128)?;
        let value = tag.text("TagValue")?.ok_or_else(|| missing("TagValue"))?;
        check_length("TagValue", value, 0, 256)?;
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(KmsError::new(
                "TagException",
                "aws: prefixed tag key names are not allowed for external use.",
            ));
        }
        if tags.insert(key.to_owned(), value.to_owned()).is_some() {
            return Err(KmsError::new("TagException", "Duplicate tag keys"));
        }
    }
    if tags.len() > MOST_TAGS {
        return Err(KmsError::new("TagException", "Too many tags"));
    }
    Ok(tags)
}

/// Tags of a key after adding `more`.
pub(super) fn merged_tags(
    current: &BTreeMap<String, String>,
    more: BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, KmsError> {
    let mut merged = current.clone();
    merged.extend(more);
    if merged.len() > MOST_TAGS {
        return Err(KmsError::new("TagException", "Too many tags"));
    }
    Ok(merged)
}

/// aws:RequestTag/… and aws:TagKeys (svc:C-29).
pub(super) fn tag_keys(tags: &BTreeMap<String, String>, context: &mut crate::authorizer::Context) {
    for (key, value) in tags {
        context.add_member("aws:RequestTag/", key, value.clone());
    }
    let keys: BTreeSet<String> = tags.keys().cloned().collect();
    if !keys.is_empty() {
        context.set_many(known!("aws:tagkeys"), keys.into_iter().collect());
    }
}
