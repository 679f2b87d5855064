//! Which operation works in which key state, as data: `spec/kms_key_states.json`, read into closed types (`svc:ST-1`…`svc:ST-3`).

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::Value;

use super::key::{Key, KeyState};

/// What a state makes of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// It works.
    Works,
    /// It does not.
    Fails(StateError),
    /// It depends on the key or its part.
    Depends(Vec<Condition>),
    /// The combination does not exist; refused like an unusable key.
    NotApplicable,
}

/// The error of a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateError {
    /// `DisabledException`, …
    pub code: String,
    /// With `{key_arn}` for the key; none where the text is not known.
    pub message: Option<String>,
}

/// When a cell with a `?` fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// Footnote 7: imported material, or a custom key store.
    ImportedOrCustomStore,
    /// Footnote 8: imported material.
    Imported,
    /// Footnote 9: no imported material.
    NotImported,
    /// Footnote 10: it is the new target.
    NewTarget,
}

/// The part a key plays in an operation on two of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyPart {
    /// The only key, the source, or the current target of an alias.
    Subject,
    /// The destination, or the new target of an alias.
    Target,
}

/// The error that the state of a key causes for an operation, if it does (`svc:K-32` step 4).
pub(crate) fn state_error(operation: &str, key: &Key, part: KeyPart) -> Option<(String, Option<String>)> {
    let cell = TABLE.get(operation)?.get(&key.state)?;
    let text = |message: &Option<String>| message.as_ref().map(|message| message.replace("{key_arn}", &key.arn()));
    match cell {
        Cell::Works => None,
        Cell::Fails(error) => Some((error.code.clone(), text(&error.message))),
        Cell::NotApplicable => Some(("KMSInvalidStateException".to_owned(), None)),
        Cell::Depends(conditions) => conditions.iter().find_map(|condition| condition.error(key, part)),
    }
}

impl Condition {
    fn error(self, key: &Key, part: KeyPart) -> Option<(String, Option<String>)> {
        let imported = key.origin == "EXTERNAL";
        let wrong_origin = format!(
            "{} origin is {} which is not valid for this operation.",
            key.arn(),
            key.origin
        );
        match self {
            Self::ImportedOrCustomStore if imported || key.in_custom_key_store() => {
                Some(("UnsupportedOperationException".to_owned(), Some(wrong_origin)))
            }
            Self::NotImported if !imported => Some(("UnsupportedOperationException".to_owned(), Some(wrong_origin))),
            Self::Imported if imported => Some(("KMSInvalidStateException".to_owned(), None)),
            Self::NewTarget if part == KeyPart::Target => Some((
                "KMSInvalidStateException".to_owned(),
                Some(if key.state == KeyState::PendingReplicaDeletion {
                    format!("{} is pending replica deletion.", key.arn())
                } else {
                    format!("{} is pending deletion.", key.arn())
                }),
            )),
            _ => None,
        }
    }
}

/// Reads a table: operation -> state -> cell.
///
/// # Errors
/// What is not understood, and where.
pub fn read(text: &str) -> Result<BTreeMap<String, BTreeMap<KeyState, Cell>>, String> {
    let file: File = serde_json::from_str(text).map_err(|error| error.to_string())?;
    for (number, footnote) in &file.footnotes {
        footnote_condition(number, footnote)?;
    }
    let mut table = BTreeMap::new();
    for (operation, row) in file.operations {
        let mut cells = BTreeMap::new();
        for (name, value) in row {
            if name == "basis" {
                continue;
            }
            let state = KeyState::named(&name).ok_or_else(|| format!("{operation}: unknown state `{name}`"))?;
            let cell: CellRow =
                serde_json::from_value(value).map_err(|error| format!("{operation}, {name}: {error}"))?;
            cells.insert(
                state,
                cell.read(&file.footnotes)
                    .map_err(|why| format!("{operation}, {name}: {why}"))?,
            );
        }
        if cells.len() != KeyState::ALL.len() {
            return Err(format!(
                "{operation}: {} of {} states",
                cells.len(),
                KeyState::ALL.len()
            ));
        }
        table.insert(operation, cells);
    }
    Ok(table)
}

static TABLE: LazyLock<BTreeMap<String, BTreeMap<KeyState, Cell>>> = LazyLock::new(|| {
    read(include_str!("../../spec/kms_key_states.json"))
        .expect("kms_key_states.json is part of this crate and a test reads it")
});

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "source")]
    _source: Value,
    #[serde(rename = "snapshot")]
    _snapshot: Value,
    #[serde(rename = "states")]
    _states: Vec<String>,
    #[serde(rename = "state_applicability")]
    _state_applicability: Value,
    footnotes: BTreeMap<String, Footnote>,
    operations: BTreeMap<String, BTreeMap<String, Value>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Footnote {
    code: String,
    message_or_condition: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CellRow {
    result: String,
    #[serde(default)]
    footnotes: Vec<u32>,
    #[serde(default, rename = "errors")]
    _errors: Vec<Value>,
    model_error: Option<ErrorRow>,
    #[serde(default, rename = "note", alias = "notes")]
    _notes: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ErrorRow {
    code: String,
    message: String,
}

impl CellRow {
    fn read(self, footnotes: &BTreeMap<String, Footnote>) -> Result<Cell, String> {
        let conditions = || -> Result<Vec<Condition>, String> {
            self.footnotes
                .iter()
                .filter_map(|number| {
                    let number = number.to_string();
                    match footnotes.get(&number) {
                        None => Some(Err(format!("unknown footnote {number}"))),
                        Some(footnote) => footnote_condition(&number, footnote).transpose(),
                    }
                })
                .collect()
        };
        match self.result.as_str() {
            "ok" => {
                let conditions = conditions()?;
                Ok(if conditions.is_empty() {
                    Cell::Works
                } else {
                    Cell::Depends(conditions)
                })
            }
            "cond" => Ok(Cell::Depends(conditions()?)),
            "n/a" => Ok(Cell::NotApplicable),
            "fail" => {
                conditions()?;
                let error = self.model_error.ok_or("a failing cell needs `model_error`")?;
                // A text that states a condition is no text that AWS sends.
                let message = (!error.message.starts_with("IF ")).then_some(error.message);
                Ok(Cell::Fails(StateError {
                    code: error.code,
                    message,
                }))
            }
            other => Err(format!("unknown result `{other}`")),
        }
    }
}

/// The condition a footnote states; none for footnotes that only name an error.
fn footnote_condition(number: &str, footnote: &Footnote) -> Result<Option<Condition>, String> {
    let known_codes = [
        "DisabledException",
        "KMSInvalidStateException",
        "UnsupportedOperationException",
    ];
    if !known_codes.contains(&footnote.code.as_str()) {
        return Err(format!("footnote {number}: unknown code `{}`", footnote.code));
    }
    match footnote.message_or_condition.as_str() {
        "IF origin is EXTERNAL or key is in a custom key store" => Ok(Some(Condition::ImportedOrCustomStore)),
        "IF key has imported key material" => Ok(Some(Condition::Imported)),
        "IF key cannot have / does not have imported key material" => Ok(Some(Condition::NotImported)),
        text if text.ends_with("(only when the pending key is the destination/new target)") => {
            Ok(Some(Condition::NewTarget))
        }
        text if text.starts_with("IF ") => Err(format!("footnote {number}: unknown condition `{text}`")),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_table_is_understood() {
        let table = read(include_str!("../../spec/kms_key_states.json")).expect("every word is known");
        assert!(table.len() >= 45, "{}", table.len());
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        let text = include_str!("../../spec/kms_key_states.json");
        assert!(read(&text.replace("\"result\": \"cond\"", "\"result\": \"maybe\"")).is_err());
        assert!(read(&text.replace("IF key has imported key material", "IF the moon is full")).is_err());
    }

    #[test]
    fn cells_say_what_the_specification_says() {
        let cell = |operation: &str, state| &TABLE[operation][&state];
        let fails = |operation: &str, state| match cell(operation, state) {
            Cell::Fails(error) => Some(error.code.clone()),
            _ => None,
        };
        // svc:ST-1, svc:ST-3, svc:G-9
        assert_eq!(
            fails("Decrypt", KeyState::Disabled).as_deref(),
            Some("DisabledException")
        );
        assert_eq!(
            fails("Decrypt", KeyState::PendingDeletion).as_deref(),
            Some("KMSInvalidStateException")
        );
        assert_eq!(
            fails("CreateGrant", KeyState::Disabled).as_deref(),
            Some("DisabledException")
        );
        assert_eq!(*cell("CreateGrant", KeyState::Unavailable), Cell::Works);
        assert_eq!(*cell("RetireGrant", KeyState::PendingDeletion), Cell::Works);
        assert_eq!(*cell("PutKeyPolicy", KeyState::Disabled), Cell::Works);
        assert_eq!(
            *cell("UpdateAlias", KeyState::PendingDeletion),
            Cell::Depends(vec![Condition::NewTarget])
        );
        assert_eq!(
            fails("CancelKeyDeletion", KeyState::Enabled).as_deref(),
            Some("KMSInvalidStateException")
        );
    }
}
