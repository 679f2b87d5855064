//! Probes: ways to call an operation, the world they need, and running one in model and emulator side by side.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use countersign::differential::{CaseReport, Disagreement, DisagreementKind, StepStatus, run_case};
use countersign::target::{EmbeddedOptions, EmbeddedTarget};
use countersign_model::case::{Case, Syntax, load_str};
use countersign_model::outcome::Outcome;
use serde::Deserialize;
use serde_json::Value;

/// `probes.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Probes {
    pub(crate) permissions: Vec<Probe>,
    pub(crate) states: Vec<Probe>,
    #[serde(default)]
    pub(crate) not_over_the_wire: Vec<Missing>,
}

/// One way to call an operation.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Probe {
    pub(crate) call: String,
    /// The key whose state is in question.
    #[serde(default)]
    pub(crate) key: Option<String>,
    pub(crate) with: String,
    #[serde(default)]
    pub(crate) before: Vec<String>,
}

/// Operations that cannot be shown over the wire, exactly: those that can must not stand here.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Missing {
    /// `permissions` or `states`.
    pub(crate) of: String,
    pub(crate) calls: BTreeSet<String>,
    pub(crate) reason: String,
}

/// The file.
pub(crate) fn probes() -> Probes {
    toml::from_str(include_str!("probes.toml")).expect("probes.toml is of its form")
}

/// A table of the specification.
pub(crate) fn spec(text: &str) -> Value {
    serde_json::from_str(text).expect("the table is JSON")
}

const KEYS: &[(&str, &str)] = &[
    ("k", "{aliases: [alias/a]}"),
    ("other", "{aliases: [alias/o]}"),
    ("symmetric", "{aliases: [alias/a]}"),
    ("imported", "{origin: EXTERNAL}"),
    ("rsa", "{spec: RSA_2048, usage: SIGN_VERIFY}"),
    ("hmac", "{spec: HMAC_256, usage: GENERATE_VERIFY_MAC}"),
    ("agree", "{spec: ECC_NIST_P256, usage: KEY_AGREEMENT}"),
    ("kem", "{spec: ML_KEM_768, usage: ENCAPSULATE_DECAPSULATE}"),
    ("family", "{multi_region: true}"),
];
const BUCKETS: &[(&str, &str)] = &[
    (
        "box",
        r#"{encryption: {sse: "aws:kms", key: k}, versioning: Enabled, objects: {x: {body: hello, tags: {a: b}}}}"#,
    ),
    (
        "from",
        r#"{encryption: {sse: "aws:kms", key: other}, objects: {x: {body: hello, tags: {a: b}}}}"#,
    ),
    ("logs", "{}"),
];

impl Probe {
    /// The case: a world with what the probe names, its steps, and at last its call by the user `tested` with `policy`.
    pub(crate) fn case(&self, id: &str, policy: &Value, arrange: Option<&str>) -> Case {
        let steps = self.before.join("\n");
        let all = format!("{steps}\n{}\n{}", self.with, self.key.as_deref().unwrap_or_default());
        let buckets: Vec<_> = BUCKETS.iter().filter(|(name, _)| names(&all, name)).collect();
        let key = |name: &str| {
            let of_bucket = buckets.iter().any(|(_, text)| text.contains(&format!("key: {name}}}")));
            let aliased = self.key.is_none() && name == "k" && all.contains("alias/a");
            let other = name == "other" && all.contains("alias/o");
            of_bucket || aliased || other || all.contains(&format!("key.{name}.")) || self.key.as_deref() == Some(name)
        };
        let mut text = format!(
            "countersign: 1\nid: {id}\nsource: [{{url: \"https://example.com/\"}}]\nas_of: 2026-06-01\nworld:\n  region: us-east-1\n  accounts:\n    \"111111111111\":\n      \
             users:\n        admin: {{attached: [\"arn:aws:iam::aws:policy/AdministratorAccess\"]}}\n        tested: {{policies: {{p: {policy}}}}}\n"
        );
        let keys: Vec<_> = KEYS.iter().filter(|(name, _)| key(name)).collect();
        for (title, list) in [("keys", &keys), ("buckets", &buckets)] {
            if !list.is_empty() {
                let _ = writeln!(text, "      {title}:");
            }
            for (name, one) in list {
                let _ = writeln!(text, "        {name}: {one}");
            }
        }
        let _ = writeln!(text, "steps:");
        for step in &self.before {
            let _ = writeln!(text, "  - {step}");
        }
        if let (Some(state), Some(key)) = (arrange, &self.key) {
            let _ = writeln!(text, "  - {{arrange: {{key.{key}.state: {state}}}}}");
        }
        let subject = format!("\"{{{{key.{}.id}}}}\"", self.key.as_deref().unwrap_or_default());
        let with = self.with.replace("SUBJECT", &subject);
        let (call, shape) = match self.call.as_str() {
            "s3:PostObject" => ("s3:PutObject", "shape: post_form, "),
            call => (call, ""),
        };
        let _ = writeln!(text, "  - {{as: {{user: tested}}, call: {call}, {shape}with: {with}}}");
        load_str(id, &text, Syntax::Yaml).unwrap_or_else(|error| panic!("{error:?}\n{text}"))
    }
}

/// Whether a text names a bucket: `Bucket: box`, `CopySource: box/…`, `TargetBucket: logs`.
fn names(text: &str, bucket: &str) -> bool {
    text.split(|letter: char| !letter.is_ascii_alphanumeric())
        .any(|word| word == bucket)
}

/// Runs a case in the model and, through the SDKs, in the emulator.
///
/// # Errors
/// What is not as it should be: a world that cannot be built, a step that is not compared, a disagreement.
pub(crate) fn run(case: &Case, target: &mut EmbeddedTarget) -> Result<CaseReport, String> {
    let report = run_case(case, target).map_err(|error| error.to_string())?;
    if let Some(fault) = &report.provisioning_fault {
        return Err(format!("the world cannot be built: {fault}"));
    }
    for (place, step) in report.steps.iter().enumerate() {
        if !matches!(step.status, StepStatus::Compared) {
            return Err(format!("step {} is not compared: {:?}", place + 1, step.status));
        }
        if let Some(one) = step.disagreements.iter().find(|one| counts(one)) {
            return Err(format!(
                "step {}: {:?} at {}: model {}, emulator {}",
                place + 1,
                one.kind,
                one.path,
                one.expected,
                one.observed
            ));
        }
    }
    Ok(report)
}

/// Who decides what and why is the matter here; texts and outputs are that of the corpus and the random cases.
fn counts(one: &Disagreement) -> bool {
    !matches!(one.kind, DisagreementKind::Message | DisagreementKind::Output)
}

/// Runs a probe's case; gives back the last outcome, on which both agree.
///
/// # Errors
/// As [`run`], and a step before the last that was refused.
pub(crate) fn outcome(case: &Case, target: &mut EmbeddedTarget) -> Result<Outcome, String> {
    let report = run(case, target)?;
    let mut outcomes = report.steps.into_iter().filter_map(|step| step.expected);
    let last = outcomes.next_back().ok_or("a probe has at least its own step")?;
    for before in outcomes {
        if let Some(code) = before.code {
            return Err(format!("a step before it failed: {code} {:?}", before.message));
        }
    }
    Ok(last)
}

/// The emulator behind its SDKs.
pub(crate) fn target() -> EmbeddedTarget {
    EmbeddedTarget::in_process(EmbeddedOptions::default()).expect("a runtime can be made")
}

/// Holds the operations that failed against those that are known not to be shown over the wire.
pub(crate) fn check(of: &str, faults: &BTreeMap<String, Vec<String>>) {
    let mut known = BTreeSet::new();
    for missing in probes().not_over_the_wire {
        assert!(missing.reason.len() > 20, "{missing:?}");
        assert!(matches!(missing.of.as_str(), "permissions" | "states"), "{missing:?}");
        if missing.of == of {
            known.extend(missing.calls);
        }
    }
    let mut text = String::new();
    for (call, faults) in faults.iter().filter(|(call, _)| !known.contains(*call)) {
        let _ = writeln!(
            text,
            "{call}: {} faults; {}",
            faults.len(),
            faults.first().map_or("", String::as_str)
        );
    }
    assert!(text.is_empty(), "not as in the tables, over the wire:\n{text}");
    let stale: Vec<&String> = known.iter().filter(|call| !faults.contains_key(*call)).collect();
    assert!(stale.is_empty(), "shown over the wire by now: {stale:?}");
}
