//! A map that only grows, for what the steps of a case make: a copy of a state shares all of it, and a step that adds one thing copies only
//! the latest few.

use std::borrow::Borrow;
use std::collections::BTreeMap;

use super::shared::Shared;

/// How many of the latest entries stand apart: so many are copied with the first entry that a step adds, and all others with the last of them.
const APART: usize = 16;

/// A map from which nothing is taken.
#[derive(Debug, Clone)]
pub(crate) struct Growing<K, V> {
    settled: Shared<BTreeMap<K, V>>,
    /// What stands here stands for what is settled under the same key.
    // INVARIANT: fewer than `APART`, the latest last.
    latest: Shared<Vec<(K, V)>>,
}

impl<K, V> Default for Growing<K, V> {
    fn default() -> Self {
        Self {
            settled: BTreeMap::new().into(),
            latest: Vec::new().into(),
        }
    }
}

impl<K: Ord + Clone, V: Clone> Growing<K, V> {
    /// The value of a key.
    pub(crate) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let latest = self.latest.iter().rev().find(|(known, _)| known.borrow() == key);
        latest.map(|(_, value)| value).or_else(|| self.settled.get(key))
    }

    /// Whether a key has a value.
    pub(crate) fn contains<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.get(key).is_some()
    }

    /// Gives a key its value, whatever it had before.
    pub(crate) fn insert(&mut self, key: K, value: V) {
        self.latest.push((key, value));
        if self.latest.len() == APART {
            let latest = std::mem::take(&mut self.latest);
            self.settled.extend(latest.iter().cloned());
        }
    }
}

impl<K: Ord + Clone, V: Clone> Extend<(K, V)> for Growing<K, V> {
    fn extend<T: IntoIterator<Item = (K, V)>>(&mut self, entries: T) {
        entries.into_iter().for_each(|(key, value)| self.insert(key, value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_what_a_plain_map_holds_and_a_copy_what_it_held() {
        for copied_at in [0, 1, APART - 1, APART, APART + 1, 3 * APART + 5] {
            let (mut growing, mut plain) = (Growing::default(), BTreeMap::new());
            let mut copies = Vec::new();
            for number in 0..100_usize {
                if number == copied_at {
                    copies.push((growing.clone(), plain.clone()));
                }
                // Keys come again after 37 entries, then with other values.
                let key = (number * 7) % 37;
                growing.insert(key, number);
                plain.insert(key, number);
            }
            copies.push((growing, plain));
            assert_eq!(copies.len(), 2);
            for (growing, plain) in copies {
                for key in 0..40 {
                    assert_eq!(growing.get(&key), plain.get(&key), "{key} after a copy at {copied_at}");
                    assert_eq!(growing.contains(&key), plain.contains_key(&key));
                }
            }
        }
    }
}
