//! Names that are looked for in texts, each with what it stands for. One pass over a text finds the few names in it, however many there are.
//! What the names are is `binding`'s affair.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Bound;

/// Bytes that are looked at together.
const BLOCK: usize = 4;
/// Entries of the table of steps: so many that the few hundred names of a long case leave most of them alone.
const STEPS: usize = 4096;
/// Bits of a hash that do not say a place in the table.
const REST: u32 = u32::BITS - STEPS.ilog2();

/// Names and their meanings. They are looked for as Wu and Manber do: where the bytes at which the shortest name could end are no bytes of any
/// name, nothing begins between here and there.
#[derive(Debug, Clone)]
pub(super) struct Names {
    meanings: BTreeMap<String, String>,
    /// How far a search may go on behind a block of bytes, by the block's hash.
    // INVARIANT: no more than the distance of the block, in the first `shortest` bytes of any name, to the last block there.
    steps: [u8; STEPS],
    /// Bytes of the shortest name, if there is one and none is shorter than a block.
    shortest: usize,
    /// Whether there is a name that is shorter than a block: then every place is looked at.
    some_are_short: bool,
}

impl Default for Names {
    fn default() -> Self {
        Self {
            meanings: BTreeMap::new(),
            steps: [0; STEPS],
            shortest: 0,
            some_are_short: false,
        }
    }
}

/// The table says nothing that the names do not say.
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
        self.some_are_short |= name.len() < BLOCK && !name.is_empty();
        self.meanings.insert(name.to_owned(), meaning.to_owned());
        if name.len() < BLOCK {
            return;
        }
        // What is longer than a step can say is looked at in part.
        let length = name.len().min(usize::from(u8::MAX));
        if self.shortest == 0 || length < self.shortest {
            self.shortest = length;
            self.steps = [narrow(length - BLOCK + 1); STEPS];
            for name in self.meanings.keys().filter(|name| name.len() >= BLOCK) {
                note_blocks(&mut self.steps, name, length);
            }
        } else {
            note_blocks(&mut self.steps, name, self.shortest);
        }
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
        self.next_in(text, 0)?;
        let mut names = self.meanings.keys();
        names.find(|name| text.contains(name.as_str())).map(String::as_str)
    }

    /// Replaces every occurrence of a name by what it stands for: leftmost first, of several at one place the longest. What was put in is
    /// not looked at again.
    pub(super) fn translate<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let Some(first) = self.next_in(text, 0) else {
            return Cow::Borrowed(text);
        };
        let mut translated = String::new();
        let mut copied = 0;
        let mut next = Some(first);
        while let Some((place, name, meaning)) = next {
            translated.push_str(&text[copied..place]);
            translated.push_str(meaning);
            copied = place + name.len();
            next = self.next_in(text, copied);
        }
        translated.push_str(&text[copied..]);
        Cow::Owned(translated)
    }

    /// The next name from a place on, the longest that begins there.
    fn next_in<'a>(&'a self, text: &str, from: usize) -> Option<(usize, &'a str, &'a str)> {
        if self.some_are_short {
            return (from..text.len()).find_map(|place| self.longest_at(text, place));
        }
        if self.shortest == 0 {
            return None;
        }
        let before_last = self.shortest - BLOCK;
        let mut last = from + before_last;
        while let Some(block) = text.as_bytes().get(last..).and_then(<[u8]>::first_chunk) {
            match self.steps[place_of(*block)] {
                0 => {
                    let found = self.longest_at(text, last - before_last);
                    if found.is_some() {
                        return found;
                    }
                    last += 1;
                }
                step => last += usize::from(step),
            }
        }
        None
    }

    /// The longest name that begins at a place of a text.
    fn longest_at(&self, text: &str, place: usize) -> Option<(usize, &str, &str)> {
        // Names are whole characters, so that they only begin where one begins.
        let rest = text.get(place..)?;
        // All names that can begin here begin with the same bytes.
        let start = match rest.get(..self.shortest) {
            Some(start) if !self.some_are_short => start,
            _ => &rest[..rest.chars().next()?.len_utf8()],
        };
        // Names that a text begins with are sorted by their length and none is behind the text itself.
        let upto = self.meanings.range::<str, _>((Bound::Unbounded, Bound::Included(rest)));
        upto.rev()
            .take_while(|(name, _)| name.starts_with(start))
            .find(|(name, _)| rest.starts_with(name.as_str()))
            .map(|(name, meaning)| (place, name.as_str(), meaning.as_str()))
    }
}

/// Notes where the blocks of a name's first bytes stand, seen from the last of them.
fn note_blocks(steps: &mut [u8; STEPS], name: &str, length: usize) {
    for (at, block) in name.as_bytes()[..length].windows(BLOCK).enumerate() {
        if let Some(block) = block.first_chunk() {
            let step = &mut steps[place_of(*block)];
            *step = (*step).min(narrow(length - BLOCK - at));
        }
    }
}

fn narrow(step: usize) -> u8 {
    u8::try_from(step).unwrap_or(u8::MAX)
}

fn place_of(block: [u8; BLOCK]) -> usize {
    (u32::from_le_bytes(block).wrapping_mul(0x9e37_79b1) >> REST) as usize
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

    fn compare(names: &BTreeMap<String, String>, text: &str) -> Result<(), TestCaseError> {
        let mut fast = Names::default();
        for (name, meaning) in names {
            fast.insert(name, meaning);
        }
        prop_assert_eq!(fast.translate(text).into_owned(), plainly(text, names));
        let first = names.keys().find(|name| text.contains(name.as_str()));
        prop_assert_eq!(fast.first_in(text), first.map(String::as_str));
        Ok(())
    }

    proptest! {
        #[test]
        fn texts_are_translated_as_one_would_say_it(
            names in prop::collection::btree_map("[ab\u{e9}]{1,7}", "[xyz]{0,3}", 0..6),
            text in "[ab\u{e9}-]{0,30}",
        ) {
            compare(&names, &text)?;
        }

        #[test]
        fn names_that_no_step_can_pass_over_are_found(
            names in prop::collection::btree_map("[ab\u{e9}]{4,9}", "[xyz]{0,3}", 0..6),
            text in "[ab\u{e9}-]{0,60}",
        ) {
            compare(&names, &text)?;
        }

        #[test]
        fn long_names_are_found_among_others(
            names in prop::collection::btree_map("[a-d]{20,24}", "[xyz]{0,3}", 1..4),
            around in "[a-d]{0,40}",
            place in 0_usize..40,
        ) {
            let name = names.keys().next().expect("there is one");
            let (before, after) = around.split_at(place.min(around.len()));
            compare(&names, &format!("{before}{name}{after}{name}"))?;
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
