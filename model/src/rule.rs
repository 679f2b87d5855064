//! The catalogue of rules: every id that a trace may name, with what it says in one line, how well it is known and where it stands.
//! No rule is decided here; the entries live in `rules.toml` beside `src/`.

use std::borrow::{Borrow, Cow};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The id of a rule of the specification, with the prefix of its document: `iam:L-40`, `svc:K-20`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct RuleId(Cow<'static, str>);

/// The id of a rule. Every literal given here is in the catalogue; a test reads the sources and checks that.
pub const fn rule(id: &'static str) -> RuleId {
    RuleId(Cow::Borrowed(id))
}

impl RuleId {
    /// The id with its prefix.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The catalogue's entry.
    pub fn entry(&self) -> Option<&'static Rule> {
        find(self.as_str())
    }
}

impl From<String> for RuleId {
    fn from(id: String) -> Self {
        Self(Cow::Owned(id))
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl AsRef<str> for RuleId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for RuleId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// Rules, each once, in the order of their ids: a short list, for most parts of a decision name two or three.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Rules {
    // INVARIANT: sorted, no rule twice.
    sorted: Vec<RuleId>,
}

impl Rules {
    /// None.
    pub const fn new() -> Self {
        Self { sorted: Vec::new() }
    }

    /// Adds a rule, if it is not among them.
    pub fn insert(&mut self, rule: RuleId) {
        if let Err(place) = self.sorted.binary_search(&rule) {
            self.sorted.insert(place, rule);
        }
    }

    /// Keeps the rules that are wanted.
    pub fn retain(&mut self, wanted: impl FnMut(&RuleId) -> bool) {
        self.sorted.retain(wanted);
    }

    /// Whether the rule of an id is among them.
    pub fn contains(&self, id: &str) -> bool {
        self.sorted.binary_search_by(|rule| rule.as_str().cmp(id)).is_ok()
    }

    /// The rules in order.
    pub fn iter(&self) -> std::slice::Iter<'_, RuleId> {
        self.sorted.iter()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.sorted.len()
    }
}

impl Extend<RuleId> for Rules {
    fn extend<I: IntoIterator<Item = RuleId>>(&mut self, rules: I) {
        self.sorted.extend(rules);
        self.sorted.sort_unstable();
        self.sorted.dedup();
    }
}

impl FromIterator<RuleId> for Rules {
    fn from_iter<I: IntoIterator<Item = RuleId>>(rules: I) -> Self {
        let mut all = Self::new();
        all.extend(rules);
        all
    }
}

impl<const COUNT: usize> From<[RuleId; COUNT]> for Rules {
    fn from(rules: [RuleId; COUNT]) -> Self {
        rules.into_iter().collect()
    }
}

impl IntoIterator for Rules {
    type Item = RuleId;
    type IntoIter = std::vec::IntoIter<RuleId>;

    fn into_iter(self) -> Self::IntoIter {
        self.sorted.into_iter()
    }
}

impl<'a> IntoIterator for &'a Rules {
    type Item = &'a RuleId;
    type IntoIter = std::slice::Iter<'a, RuleId>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// One entry of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// Its id.
    pub id: RuleId,
    /// What it says, in one line.
    pub statement: String,
    /// How well it is known.
    pub status: Status,
    /// Where it stands: the address of a page, or the name of a recording.
    pub source: String,
    /// The switch that chooses between the readings of a disputed rule (a name of `Quirks`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub switch: Option<String>,
    /// What settles a question that sources leave open, without a switch: a page, a recording, the errata, another rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settled_by: Option<String>,
    /// Why the rule decides nothing here; none for a deciding rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub out_of_scope: Option<String>,
}

impl Rule {
    /// Whether some outcome depends on the rule.
    pub fn is_deciding(&self) -> bool {
        self.out_of_scope.is_none()
    }
}

/// How well a rule is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// AWS says so.
    Documented,
    /// Recorded from AWS, not promised by it.
    Observed,
    /// Follows from documented or observed rules, or is assumed so that the model is total.
    Inferred,
    /// The sources disagree or are silent; a default is chosen.
    Disputed,
}

impl fmt::Display for Status {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Documented => "documented",
            Self::Observed => "observed",
            Self::Inferred => "inferred",
            Self::Disputed => "disputed",
        })
    }
}

/// All rules, by id.
pub fn catalogue() -> &'static BTreeMap<RuleId, Rule> {
    &CATALOGUE
}

/// The entry of a rule id, if there is one.
pub fn find(id: &str) -> Option<&'static Rule> {
    CATALOGUE.get(id)
}

/// An entry as it stands in `rules.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    statement: String,
    status: Status,
    source: String,
    switch: Option<String>,
    settled_by: Option<String>,
    out_of_scope: Option<String>,
}

static CATALOGUE: LazyLock<BTreeMap<RuleId, Rule>> = LazyLock::new(|| {
    let entries: BTreeMap<String, Entry> =
        toml::from_str(include_str!("../rules.toml")).expect("rules.toml is part of this crate and a test reads it");
    entries
        .into_iter()
        .map(|(id, entry)| {
            let id = RuleId::from(id);
            let Entry {
                statement,
                status,
                source,
                switch,
                settled_by,
                out_of_scope,
            } = entry;
            (
                id.clone(),
                Rule {
                    id,
                    statement,
                    status,
                    source,
                    switch,
                    settled_by,
                    out_of_scope,
                },
            )
        })
        .collect()
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_sorted_and_stand_there_once() {
        let mut rules = Rules::from([rule("svc:K-2"), rule("iam:A-01"), rule("svc:K-2")]);
        rules.insert(rule("svc:K-11"));
        rules.insert(rule("svc:K-11"));
        rules.extend([rule("iam:A-01"), rule("iam:OQ-14")]);
        let ids: Vec<&str> = rules.iter().map(RuleId::as_str).collect();
        assert_eq!(ids, ["iam:A-01", "iam:OQ-14", "svc:K-11", "svc:K-2"]);
        assert!(rules.contains("svc:K-2") && !rules.contains("svc:K-1"));
        assert_eq!(
            (rules.len(), rules.is_empty(), Rules::new().is_empty()),
            (4, false, true)
        );
    }
}
