//! Names that are looked for in texts, each with what it stands for. One pass over a text finds the few names in it, however many there are.
//! What the names are is `binding`'s affair.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Bound;

/// Bytes of a name that are looked at first.
const START: usize = 4;
/// Words of the filter: so many that the few hundred names of a long case leave most of their bits free.
const WORDS: usize = 256;
/// Bits of a hash that do not say a place in the filter.
const REST: u32 = u32::BITS - (WORDS * 64).ilog2();

/// Names and their meanings.
#[derive(Debug, Clone)]
pub(super) struct Names {
    meanings: BTreeMap<String, String>,
    /// One bit for the first bytes of every name.
    // INVARIANT: the bit of every name of at least `START` bytes is set.
    filter: [u64; WORDS],
    /// Whether there is a name that the filter says nothing about.
    some_are_short: bool,
}

impl Default for Names {
    fn default() -> Self {
        Self {
            meanings: BTreeMap::new(),
            filter: [0; WORDS],
            some_are_short: false,
        }
    }
}

/// The filter says nothing that the names do not say.
impl PartialEq for Names {
    fn eq(&self, other: &Self) -> bool {
        self.meanings == other.meanings
    }
}

impl Eq for Names {}

impl Names {
    /// What a name stands for.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.meanings.get(name).map(String::as_str)
    }

    /// Number of names.
    pub(super) fn len(&self) -> usize {
        self.meanings.len()
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.meanings.is_empty()
    }

    /// Gives a name its meaning; an old one goes.
    pub(super) fn insert(&mut self, name: &str, meaning: &str) {
        match name.as_bytes().first_chunk::<START>() {
            Some(start) => {
                let (word, bit) = place_of(*start);
                self.filter[word] |= bit;
            }
            None => self.some_are_short |= !name.is_empty(),
        }
        self.meanings.insert(name.to_owned(), meaning.to_owned());
    }

    /// Forgets a name.
    pub(super) fn remove(&mut self, name: &str) {
        self.meanings.remove(name);
        if self.meanings.is_empty() {
            *self = Self::default();
        }
    }

    /// The first name, in their order, that stands in a text.
    pub(super) fn first_in(&self, text: &str) -> Option<&str> {
        self.may_be_in(text).then(|| {
            let mut names = self.meanings.keys();
            names.find(|name| text.contains(name.as_str())).map(String::as_str)
        })?
    }

    /// Replaces every occurrence of a name by what it stands for: leftmost first, of several at one place the longest. What was put in is
    /// not looked at again.
    pub(super) fn translate<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if !self.may_be_in(text) {
            return Cow::Borrowed(text);
        }
        if let Some(whole) = self.meanings.get(text) {
            return Cow::Owned(whole.clone());
        }
        let mut translated = String::new();
        let mut copied = 0;
        let mut at = 0;
        while let Some((place, name, meaning)) = self.next_in(text, at) {
            translated.push_str(&text[copied..place]);
            translated.push_str(meaning);
            at = place + name.len();
            copied = at;
        }
        if copied == 0 {
            return Cow::Borrowed(text);
        }
        translated.push_str(&text[copied..]);
        Cow::Owned(translated)
    }

    /// Whether a name may stand in a text; no is certain.
    fn may_be_in(&self, text: &str) -> bool {
        if self.meanings.is_empty() {
            return false;
        }
        self.some_are_short || text.as_bytes().windows(START).any(|window| self.passes(window))
    }

    /// The next name from a place on, the longest that begins there.
    fn next_in<'a>(&'a self, text: &str, from: usize) -> Option<(usize, &'a str, &'a str)> {
        let bytes = text.as_bytes();
        (from..bytes.len())
            .filter(|place| self.some_are_short || bytes[*place..].get(..START).is_some_and(|start| self.passes(start)))
            // Names are whole characters, so that they only begin where one begins.
            .filter(|place| text.is_char_boundary(*place))
            .find_map(|place| {
                let (name, meaning) = self.longest_at(&text[place..], text.len())?;
                Some((place, name, meaning))
            })
    }

    /// The longest name that a text begins with and that is shorter than `whole`.
    fn longest_at(&self, rest: &str, whole: usize) -> Option<(&str, &str)> {
        let first = rest.chars().next()?.len_utf8();
        let start = match rest.get(..START) {
            Some(start) if !self.some_are_short => start,
            _ => &rest[..first],
        };
        // Names that a text begins with are sorted by their length and none is behind the text itself.
        let upto = self.meanings.range::<str, _>((Bound::Unbounded, Bound::Included(rest)));
        upto.rev()
            .take_while(|(name, _)| name.starts_with(start))
            .find(|(name, _)| name.len() < whole && rest.starts_with(name.as_str()))
            .map(|(name, meaning)| (name.as_str(), meaning.as_str()))
    }

    fn passes(&self, start: &[u8]) -> bool {
        start.first_chunk::<START>().is_some_and(|start| {
            let (word, bit) = place_of(*start);
            self.filter[word] & bit != 0
        })
    }
}

fn place_of(start: [u8; START]) -> (usize, u64) {
    let hash = u32::from_le_bytes(start).wrapping_mul(0x9e37_79b1) >> REST;
    (hash as usize / 64, 1 << (hash % 64))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Said in the plainest way.
    fn plainly(text: &str, names: &BTreeMap<String, String>) -> String {
        if let Some(whole) = names.get(text) {
            return whole.clone();
        }
        let mut translated = String::new();
        let mut rest = text;
        loop {
            let found = names
                .iter()
                .filter(|(name, _)| !name.is_empty())
                .filter_map(|(name, meaning)| {
                    Some((rest.find(name.as_str())?, std::cmp::Reverse(name.len()), name, meaning))
                })
                .min();
            let Some((place, _, name, meaning)) = found else { break };
            translated.push_str(&rest[..place]);
            translated.push_str(meaning);
            rest = &rest[place + name.len()..];
        }
        translated.push_str(rest);
        translated
    }

    proptest! {
        #[test]
        fn texts_are_translated_as_one_would_say_it(
            names in prop::collection::btree_map("[ab\u{e9}]{1,7}", "[xyz]{0,3}", 0..6),
            text in "[ab\u{e9}-]{0,30}",
        ) {
            let mut fast = Names::default();
            for (name, meaning) in &names {
                fast.insert(name, meaning);
            }
            prop_assert_eq!(fast.translate(&text).into_owned(), plainly(&text, &names));
            let first = names.keys().find(|name| text.contains(name.as_str()));
            prop_assert_eq!(fast.first_in(&text), first.map(String::as_str));
        }
    }

    #[test]
    fn a_forgotten_name_is_none() {
        let mut names = Names::default();
        names.insert("AIDA1", "x");
        names.remove("AIDA1");
        assert_eq!((&*names.translate("an AIDA1"), names.len()), ("an AIDA1", 0));
        assert_eq!(names, Names::default());
    }
}
