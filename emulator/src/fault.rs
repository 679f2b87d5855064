//! The seeded faults: deliberate violations of single rules, switchable by name.
//!
//! Here live the names, the set type and parsing by name; what is said of each fault stands in the tables of the
//! families below (id, broken rule, story, who sees it, what published flaw it stands for). The code that
//! misbehaves lives beside the code that behaves: each hook asks `FaultSet::contains`.

mod conditions;
mod context;
mod grants;
mod key_policies;
mod key_states;
mod layers;
mod matching;
mod principals;
mod requests;
mod s3;
mod sse_kms;
mod variants;
mod watch;

use std::fmt;

pub use variants::Fault;
pub use watch::take_came_by;

/// Who can see that a fault is active.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// Whoever asks the authorizer: policies and one request, as in an evaluator case. The services show it too.
    Authorizer,
    /// Only who uses the services: the fault sits in what they ask, store or answer.
    World,
    /// Only who sends what no SDK sends: a forged signature, a header that nobody signed, a key with dot segments.
    Request,
}

impl Tier {
    /// `authorizer`, `world` or `request`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Authorizer => "authorizer",
            Self::World => "world",
            Self::Request => "request",
        }
    }
}

/// What the registry says about one fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultEntry {
    /// The fault.
    pub fault: Fault,
    /// Its name on the command line and in the control plane.
    pub id: &'static str,
    /// The rule it breaks.
    pub rule: &'static str,
    /// What goes wrong, in one sentence.
    pub story: &'static str,
    /// Who can see it.
    pub tier: Tier,
    /// The published flaw it stands for: an advisory, an issue, or what a named version of a product does.
    pub class: Option<&'static str>,
}

impl FaultEntry {
    const fn stands_for(mut self, class: &'static str) -> Self {
        self.class = Some(class);
        self
    }
}

const fn authorizer(fault: Fault, id: &'static str, rule: &'static str, story: &'static str) -> FaultEntry {
    FaultEntry {
        fault,
        id,
        rule,
        story,
        tier: Tier::Authorizer,
        class: None,
    }
}

const fn world(fault: Fault, id: &'static str, rule: &'static str, story: &'static str) -> FaultEntry {
    FaultEntry {
        fault,
        id,
        rule,
        story,
        tier: Tier::World,
        class: None,
    }
}

const fn request(fault: Fault, id: &'static str, rule: &'static str, story: &'static str) -> FaultEntry {
    FaultEntry {
        fault,
        id,
        rule,
        story,
        tier: Tier::Request,
        class: None,
    }
}

/// The tables of all families.
const FAMILIES: &[&[FaultEntry]] = &[
    principals::ENTRIES,
    matching::ENTRIES,
    conditions::ENTRIES,
    context::ENTRIES,
    layers::ENTRIES,
    key_policies::ENTRIES,
    grants::ENTRIES,
    key_states::ENTRIES,
    sse_kms::ENTRIES,
    s3::ENTRIES,
    requests::ENTRIES,
];

/// Every fault, in the order of the [`Fault`] variants.
pub const FAULTS: &[FaultEntry] = &IN_ORDER;

const COUNT: usize = {
    let mut count = 0;
    let mut family = 0;
    while family < FAMILIES.len() {
        count += FAMILIES[family].len();
        family += 1;
    }
    count
};

// INVARIANT: entry n describes the variant with discriminant n; the build fails otherwise.
static IN_ORDER: [FaultEntry; COUNT] = {
    let mut entries = [FAMILIES[0][0]; COUNT];
    let mut family = 0;
    while family < FAMILIES.len() {
        let mut row = 0;
        while row < FAMILIES[family].len() {
            let entry = FAMILIES[family][row];
            entries[entry.fault as usize] = entry;
            row += 1;
        }
        family += 1;
    }
    let mut place = 0;
    while place < COUNT {
        assert!(entries[place].fault as usize == place, "a fault has no entry");
        place += 1;
    }
    entries
};

impl Fault {
    /// The registry entry of this fault.
    pub fn entry(self) -> &'static FaultEntry {
        &FAULTS[self as usize]
    }

    /// The name of this fault on the command line and in the control plane.
    pub fn id(self) -> &'static str {
        self.entry().id
    }

    /// Finds a fault by its exact name.
    ///
    /// # Errors
    /// [`UnknownFault`] when no fault has that name.
    pub fn from_id(id: &str) -> Result<Self, UnknownFault> {
        FAULTS
            .iter()
            .find(|entry| entry.id == id)
            .map(|entry| entry.fault)
            .ok_or_else(|| UnknownFault(id.to_owned()))
    }

    /// The word of a set that holds the fault, and its bit there.
    const fn place(self) -> (usize, u64) {
        (self as usize / FAULTS_PER_WORD, 1 << (self as usize % FAULTS_PER_WORD))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.id())
    }
}

/// A name that no fault has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown fault `{0}`")]
pub struct UnknownFault(pub String);

/// A set of active faults; empty by default.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct FaultSet([u64; WORDS]);

/// Room for every fault.
const WORDS: usize = COUNT.div_ceil(FAULTS_PER_WORD);
/// The last bit of each word says that the set is watched.
const FAULTS_PER_WORD: usize = 63;
const WATCHED: u64 = 1 << FAULTS_PER_WORD;

impl FaultSet {
    /// No fault at all: the emulator behaves.
    pub const EMPTY: Self = Self([0; WORDS]);

    /// Whether the fault is active.
    #[inline]
    pub fn contains(self, fault: Fault) -> bool {
        let (word, bit) = fault.place();
        // One test where nothing is on, watched or not.
        self.0[word] & (bit | WATCHED) != 0 && self.answer(fault)
    }

    #[cold]
    fn answer(self, fault: Fault) -> bool {
        if self.0[0] & WATCHED != 0 {
            watch::note(fault);
        }
        self.holds(fault)
    }

    const fn holds(self, fault: Fault) -> bool {
        let (word, bit) = fault.place();
        self.0[word] & bit != 0
    }

    /// The set as one that notes which faults it is asked for ([`take_came_by`]).
    #[must_use]
    pub const fn watched(mut self) -> Self {
        let mut word = 0;
        while word < WORDS {
            self.0[word] |= WATCHED;
            word += 1;
        }
        self
    }

    /// Whether no fault is active and nobody watches.
    pub const fn is_empty(self) -> bool {
        let mut word = 0;
        while word < WORDS {
            if self.0[word] != 0 {
                return false;
            }
            word += 1;
        }
        true
    }

    /// Activates a fault.
    pub const fn insert(&mut self, fault: Fault) {
        let (word, bit) = fault.place();
        self.0[word] |= bit;
    }

    /// The set with one more fault.
    #[must_use]
    pub const fn with(mut self, fault: Fault) -> Self {
        self.insert(fault);
        self
    }

    /// The set of the named faults.
    ///
    /// # Errors
    /// [`UnknownFault`] for the first name that no fault has.
    pub fn from_ids<I, S>(ids: I) -> Result<Self, UnknownFault>
    where
        I: IntoIterator<Item = S>,
        S: AsRef<str>,
    {
        let mut set = Self::EMPTY;
        for id in ids {
            set.insert(Fault::from_id(id.as_ref())?);
        }
        Ok(set)
    }

    /// The active faults in registry order.
    pub fn iter(self) -> impl Iterator<Item = Fault> {
        FAULTS
            .iter()
            .map(|entry| entry.fault)
            .filter(move |fault| self.holds(*fault))
    }
}

impl fmt::Debug for FaultSet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.iter().map(Fault::id)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::{FAULTS, Fault, FaultSet, UnknownFault};
    use std::collections::BTreeSet;

    #[test]
    fn every_entry_sits_at_its_discriminant_and_has_its_own_id() {
        let mut ids = BTreeSet::new();
        for (index, entry) in FAULTS.iter().enumerate() {
            assert_eq!(entry.fault as usize, index, "{}", entry.id);
            assert_eq!(entry.fault.entry(), entry);
            assert!(ids.insert(entry.id), "duplicate id {}", entry.id);
            assert_eq!(Fault::from_id(entry.id), Ok(entry.fault));
        }
    }

    #[test]
    fn a_set_is_exactly_the_named_faults() {
        let set = FaultSet::from_ids(["boundary-skipped", "key-state-ignored"]).expect("both exist");
        assert!(set.contains(Fault::BoundarySkipped));
        assert!(set.contains(Fault::KeyStateIgnored));
        assert_eq!(set.iter().count(), 2);
        assert!(FaultSet::EMPTY.is_empty());
    }

    #[test]
    fn an_unknown_name_is_an_error_with_the_contract_text() {
        let error = FaultSet::from_ids(["x"]).expect_err("no such fault");
        assert_eq!(error, UnknownFault("x".to_owned()));
        assert_eq!(error.to_string(), "unknown fault `x`");
    }
}
