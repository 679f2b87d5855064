//! One policy text before both readings: the model's and the emulator's. What they answer is compared; neither is asked to decide a
//! request. Used by tests and by fuzzing, hence without the SDKs.

use countersign_emulator::authorizer::{self, Policy, PrincipalResolver, SaveRules};
use countersign_emulator::names::AccountId;
use countersign_model::policy::{Document, PolicyErrorKind, PolicyKind, repeats_a_member};
use jiff::civil::{Date, date};

/// The date whose rules apply: the suite's current date.
const TODAY: Date = date(2026, 11, 22);

/// Each kind of policy under its names on both sides.
pub const KINDS: &[(PolicyKind, authorizer::PolicyKind)] = &[
    (PolicyKind::Managed, authorizer::PolicyKind::IdentityManaged),
    (PolicyKind::Inline, authorizer::PolicyKind::IdentityInline),
    (PolicyKind::Session, authorizer::PolicyKind::Session),
    (PolicyKind::Key, authorizer::PolicyKind::KeyPolicy),
    (PolicyKind::Bucket, authorizer::PolicyKind::BucketPolicy),
    (PolicyKind::Trust, authorizer::PolicyKind::Trust),
    (PolicyKind::VpcEndpoint, authorizer::PolicyKind::VpcEndpoint),
    (PolicyKind::ServiceControl, authorizer::PolicyKind::ServiceControl),
    (PolicyKind::ResourceControl, authorizer::PolicyKind::ResourceControl),
];

/// What one reading says of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// Refusal when it is saved today: none if it can be saved.
    pub save: Option<String>,
    /// Whether the text could be evaluated if it were stored already.
    pub usable: bool,
}

/// A text on which the two readings differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The kind of policy.
    pub kind: PolicyKind,
    /// The model's reading.
    pub model: Reading,
    /// The emulator's reading.
    pub emulator: Reading,
}

/// Reads a text as every kind of policy on both sides. Quotas are not compared: the emulator's services count them, not its reader.
/// Principals are taken to exist. Texts that repeat a member are legacy (`iam:G-06`): nobody can save them today, and of a fault in a
/// repetition that does not count nothing is documented, so whether they could be used is not compared.
pub fn differences(text: &str) -> Vec<Difference> {
    let is_legacy = repeats_a_member(text);
    KINDS
        .iter()
        .filter_map(|(kind, emulators)| {
            let model = read_model(text, *kind)?;
            let emulator = read_emulator(text, *emulators);
            let agree =
                model.save.is_none() == emulator.save.is_none() && (is_legacy || model.usable == emulator.usable);
            (!agree).then_some(Difference {
                kind: *kind,
                model,
                emulator,
            })
        })
        .collect()
}

/// A text as one kind of policy: the model's reading, unless a quota speaks first, and the emulator's.
pub type Readings = (Option<Reading>, Option<Reading>);

/// A text as every kind of policy.
pub fn readings(text: &str) -> Vec<(PolicyKind, Readings)> {
    KINDS
        .iter()
        .map(|(kind, emulators)| (*kind, (read_model(text, *kind), Some(read_emulator(text, *emulators)))))
        .collect()
}

/// A text that a reading would save but could not use afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsound {
    /// The kind of policy.
    pub kind: PolicyKind,
    /// Whose reading.
    pub side: &'static str,
}

/// Reads a text as every kind of policy on both sides: whatever can be saved must be usable. Reading must never panic.
pub fn unsound(text: &str) -> Vec<Unsound> {
    let mut found = Vec::new();
    for (kind, emulators) in KINDS {
        let readings = [
            ("model", read_model(text, *kind)),
            ("emulator", Some(read_emulator(text, *emulators))),
        ];
        for (side, reading) in readings {
            if reading.is_some_and(|reading| reading.save.is_none() && !reading.usable) {
                found.push(Unsound { kind: *kind, side });
            }
        }
    }
    found
}

fn read_model(text: &str, kind: PolicyKind) -> Option<Reading> {
    let save = match Document::save(text, kind, TODAY) {
        Ok(_) => None,
        Err(error) if matches!(error.kind, PolicyErrorKind::TooLong | PolicyErrorKind::PackedTooLarge) => return None,
        Err(error) => Some(error.to_string()),
    };
    Some(Reading {
        save,
        usable: Document::parse(text, kind).is_ok(),
    })
}

fn read_emulator(text: &str, kind: authorizer::PolicyKind) -> Reading {
    let rules = SaveRules {
        as_of: TODAY,
        principals: &EverybodyExists,
    };
    Reading {
        save: Policy::save(kind, text, &rules).err().map(|error| error.to_string()),
        usable: Policy::stored(kind, text).unusable().is_none(),
    }
}

/// A world in which every user and role exists, and whatever looks like the id of a canonical user is one.
struct EverybodyExists;

impl PrincipalResolver for EverybodyExists {
    fn unique_id_of(&self, arn: &str) -> Option<String> {
        Some(
            if arn.contains(":user/") {
                "AIDAEXAMPLEEXAMPLE000"
            } else {
                "AROAEXAMPLEEXAMPLE000"
            }
            .to_owned(),
        )
    }

    fn arn_of(&self, unique_id: &str) -> Option<String> {
        let kind = if unique_id.starts_with("AIDA") { "user" } else { "role" };
        Some(format!("arn:aws:iam::111122223333:{kind}/{unique_id}"))
    }

    fn account_of_canonical_user(&self, canonical_id: &str) -> Option<AccountId> {
        let is_id = canonical_id.len() == 64 && canonical_id.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_id.then(|| AccountId::parse("111122223333")).flatten()
    }
}
