//! RSA key pairs of worlds that are gone, kept for the keys of the next one: searching primes takes longer than all the
//! rest of a test case. Which pairs are free is found out here; what a pair does is `asymmetric`'s.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::asymmetric::{PrivateKey, SeedStream};

/// How many pairs of a size are kept.
const MOST_OF_A_SIZE: usize = 8;

/// A key pair, and what it grew from.
#[derive(Debug)]
pub(super) struct KeyPair {
    key: PrivateKey,
    /// Key spec and seed of pairs that were made here; imported ones are their owner's and never used again.
    made: Option<(&'static str, [u8; 32])>,
}

impl KeyPair {
    /// A pair that somebody brought.
    pub(super) fn imported(key: PrivateKey) -> Self {
        Self { key, made: None }
    }

    fn is_kept(&self) -> bool {
        matches!(self.key, PrivateKey::Rsa(_)) && self.made.is_some()
    }
}

impl Deref for KeyPair {
    type Target = PrivateKey;

    fn deref(&self) -> &PrivateKey {
        &self.key
    }
}

/// Pairs that no living key has. It outlives worlds.
// INVARIANT: nobody else holds a pair that lies here, so that two living keys never share one that came out of it.
// Replicas of a multi-Region key share theirs by holding the same one.
#[derive(Default)]
pub struct Drawer(Mutex<Vec<KeyPair>>);

impl Drawer {
    /// A pair for a key of this spec: the one that grew from the same seed, else any of its size, else a new one; `None`
    /// for specs without cryptography here.
    pub(super) fn take(&self, spec: &'static str, seed: [u8; 32]) -> Option<Arc<KeyPair>> {
        let kept = {
            let mut pairs = self.lock();
            let same_size = |pair: &KeyPair| pair.made.is_some_and(|(of, _)| of == spec);
            let at = pairs
                .iter()
                .position(|pair| pair.made == Some((spec, seed)))
                .or_else(|| pairs.iter().position(same_size));
            at.map(|at| pairs.remove(at).key)
        };
        let key = match kept {
            Some(key) => key,
            None => PrivateKey::generate(spec, &mut SeedStream::new(seed))?,
        };
        Some(Arc::new(KeyPair {
            key,
            made: Some((spec, seed)),
        }))
    }

    /// Takes in the pairs of a world that is gone, as far as nobody else holds them and there is room.
    pub(super) fn put_away(&self, mut pairs: Vec<Arc<KeyPair>>) {
        // Related keys name one pair several times.
        pairs.sort_unstable_by_key(Arc::as_ptr);
        pairs.dedup_by(|left, right| Arc::ptr_eq(left, right));
        let mut kept = self.lock();
        for pair in pairs.into_iter().filter_map(Arc::into_inner).filter(KeyPair::is_kept) {
            let size = |pair: &KeyPair| pair.made.map(|(spec, _)| spec);
            if kept.iter().filter(|other| size(other) == size(&pair)).count() < MOST_OF_A_SIZE {
                kept.push(pair);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<KeyPair>> {
        // A panic between two pairs leaves whole pairs behind.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Drawer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Drawer")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: &str = "ECC_NIST_P256";

    fn pair(number: u8) -> Arc<KeyPair> {
        Drawer::default().take(SPEC, [number; 32]).expect("the spec is known")
    }

    /// An RSA pair costs seconds without optimisation: one serves all the tests of this file.
    fn rsa() -> Arc<KeyPair> {
        Drawer::default().take("RSA_2048", [1; 32]).expect("the spec is known")
    }

    #[test]
    fn only_what_nobody_holds_is_kept_and_given_once() {
        let drawer = Drawer::default();
        let first = rsa();
        let public = first.public_der();
        drawer.put_away(vec![Arc::clone(&first)]);
        assert!(drawer.lock().is_empty(), "somebody holds it");
        drawer.put_away(vec![Arc::clone(&first), first]);
        assert_eq!(drawer.lock().len(), 1, "the same one twice is one");
        let again = drawer.take("RSA_2048", [9; 32]).expect("there is one");
        assert_eq!(again.public_der(), public);
        assert!(drawer.lock().is_empty());
        drawer.put_away(vec![
            again,
            pair(1),
            Arc::new(KeyPair::imported(PrivateKey::P256(p256::SecretKey::random(
                &mut SeedStream::new([3; 32]),
            )))),
        ]);
        assert_eq!(drawer.lock().len(), 1, "the others cost nothing to make");
        assert!(drawer.take("ML_DSA_44", [1; 32]).is_none());
        assert_eq!(drawer.lock().len(), 1, "another size");
    }

    #[test]
    fn pairs_without_a_drawer_are_those_of_their_seed() {
        assert_eq!(pair(1).public_der(), pair(1).public_der());
        assert_ne!(pair(1).public_der(), pair(2).public_der());
    }
}
