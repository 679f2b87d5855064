//! Signing keys that were derived before. A signing key depends on secret, date, Region and service alone, so keeping it
//! decides nothing: every signature is still computed and compared.

use std::sync::{Mutex, PoisonError};

use super::Scope;
use super::crypto::SigningKey;

/// How many scopes are remembered for one secret: a few services in a few Regions.
const MOST_SCOPES: usize = 16;

/// The signing keys of one secret, by scope. A copy begins empty.
// INVARIANT: every key in it was derived from the one secret that its owner asks with, and has verified a signature.
#[derive(Default)]
pub struct SigningKeys(Mutex<Vec<(Scope, SigningKey)>>);

impl SigningKeys {
    /// The signing key of `secret` for `scope`, and whether it is new here.
    pub(super) fn derive(&self, secret: &str, scope: &Scope) -> (SigningKey, bool) {
        let known = self
            .lock()
            .iter()
            .find(|(known, _)| known == scope)
            .map(|(_, key)| key.clone());
        match known {
            Some(key) => (key, false),
            None => (SigningKey::derive(secret, scope), true),
        }
    }

    /// Remembers a key that has verified a signature; others are not worth the place.
    pub(super) fn remember(&self, scope: &Scope, key: SigningKey) {
        let mut keys = self.lock();
        if keys.len() == MOST_SCOPES {
            keys.remove(0);
        }
        keys.push((scope.clone(), key));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(Scope, SigningKey)>> {
        // A panic between two entries leaves whole entries behind.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clone for SigningKeys {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl std::fmt::Debug for SigningKeys {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("SigningKeys")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(number: usize) -> Scope {
        Scope {
            date: "20250108".to_owned(),
            region: format!("region-{number}"),
            service: "kms".to_owned(),
        }
    }

    #[test]
    fn remembered_keys_are_the_derived_ones_and_the_oldest_goes_first() {
        let keys = SigningKeys::default();
        let signature = |key: &SigningKey| key.sign(&[b"text"]);
        for number in 0..=MOST_SCOPES {
            let (key, new) = keys.derive("secret", &scope(number));
            assert!(new);
            let derived = SigningKey::derive("secret", &scope(number));
            assert_eq!(signature(&key), signature(&derived));
            keys.remember(&scope(number), key);
        }
        assert_eq!(keys.lock().len(), MOST_SCOPES);
        assert!(keys.derive("secret", &scope(0)).1, "the oldest is gone");
        for number in 1..=MOST_SCOPES {
            let derived = SigningKey::derive("secret", &scope(number));
            let (kept, new) = keys.derive("secret", &scope(number));
            assert_eq!((signature(&kept), new), (signature(&derived), false));
        }
        assert!(keys.clone().lock().is_empty(), "a changed credential begins anew");
    }
}
