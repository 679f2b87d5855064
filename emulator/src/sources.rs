//! The two inputs that make the emulator impure, injected: the clock and the source of ids and secrets.

use std::fmt;
use std::sync::Mutex;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

/// Where the current time comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// A clock that stands still.
    Fixed(Timestamp),
}

impl Clock {
    /// The current instant.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => Timestamp::now(),
            Self::Fixed(instant) => *instant,
        }
    }
}

/// Where ids, secrets, tokens and key material come from.
pub struct IdSource(Mutex<Generator>);

enum Generator {
    OperatingSystem,
    Seeded { seed: u64, counter: u64 },
}

impl fmt::Debug for IdSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("IdSource")
    }
}

impl IdSource {
    /// Randomness of the operating system.
    #[must_use]
    pub fn operating_system() -> Self {
        Self(Mutex::new(Generator::OperatingSystem))
    }

    /// A deterministic stream for tests and fuzzing: same seed, same ids. Never a source of real secrets.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self(Mutex::new(Generator::Seeded { seed, counter: 0 }))
    }

    /// How much of a deterministic stream was drawn; `None` for randomness of the operating system.
    #[must_use]
    pub fn position(&self) -> Option<u64> {
        match &*self.generator() {
            Generator::OperatingSystem => None,
            Generator::Seeded { counter, .. } => Some(*counter),
        }
    }

    /// Goes back in a deterministic stream, or forth. Randomness of the operating system has no position.
    pub fn go_to(&self, position: u64) {
        if let Generator::Seeded { counter, .. } = &mut *self.generator() {
            *counter = position;
        }
    }

    fn generator(&self) -> std::sync::MutexGuard<'_, Generator> {
        // A poisoned lock only means another request panicked between two bytes; the stream stays usable.
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Fills `buffer`.
    pub fn fill(&self, buffer: &mut [u8]) {
        match &mut *self.generator() {
            Generator::OperatingSystem => {
                getrandom::fill(buffer).expect("the operating system has no randomness; nothing here can work without");
            }
            Generator::Seeded { seed, counter } => {
                for chunk in buffer.chunks_mut(32) {
                    let mut hasher = Sha256::new();
                    hasher.update(b"countersign-id-stream");
                    hasher.update(seed.to_be_bytes());
                    hasher.update(counter.to_be_bytes());
                    *counter += 1;
                    chunk.copy_from_slice(&hasher.finalize()[..chunk.len()]);
                }
            }
        }
    }

    /// `count` random bytes.
    #[must_use]
    pub fn bytes(&self, count: usize) -> Vec<u8> {
        let mut buffer = vec![0; count];
        self.fill(&mut buffer);
        buffer
    }

    /// `digits` lower-case hexadecimal digits.
    #[must_use]
    pub fn hex(&self, digits: usize) -> String {
        let mut text = hex::encode(self.bytes(digits.div_ceil(2)));
        text.truncate(digits);
        text
    }

    /// A version-4 UUID.
    #[must_use]
    pub fn uuid(&self) -> String {
        let mut bytes = [0_u8; 16];
        self.fill(&mut bytes);
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        let text = hex::encode(bytes);
        format!(
            "{}-{}-{}-{}-{}",
            &text[..8],
            &text[8..12],
            &text[12..16],
            &text[16..20],
            &text[20..]
        )
    }

    /// `count` characters of `A-Z2-7`, the alphabet of IAM unique ids and access key ids.
    #[must_use]
    pub fn base32(&self, count: usize) -> String {
        const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        self.bytes(count)
            .into_iter()
            .map(|byte| char::from(ALPHABET[usize::from(byte & 31)]))
            .collect()
    }

    /// An IAM unique id such as `AROA…` (21 characters).
    #[must_use]
    pub fn unique_id(&self, prefix: &str) -> String {
        format!("{prefix}{}", self.base32(17))
    }
}

/// Clock and id source together.
#[derive(Debug)]
pub struct Sources {
    /// Time when no case sets its own clock.
    pub clock: Clock,
    /// Ids, secrets, key material.
    pub ids: IdSource,
}

impl Sources {
    /// Machine clock and operating-system randomness.
    #[must_use]
    pub fn system() -> Self {
        Self {
            clock: Clock::System,
            ids: IdSource::operating_system(),
        }
    }

    /// A still clock and deterministic ids.
    #[must_use]
    pub fn seeded(seed: u64, now: Timestamp) -> Self {
        Self {
            clock: Clock::Fixed(now),
            ids: IdSource::seeded(seed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_seeds_give_equal_streams_and_ids_do_not_repeat() {
        let (left, right) = (IdSource::seeded(7), IdSource::seeded(7));
        assert_eq!(left.uuid(), right.uuid());
        assert_eq!(left.unique_id("AROA"), right.unique_id("AROA"));
        assert_ne!(left.uuid(), left.uuid());
        assert_ne!(IdSource::seeded(8).hex(64), IdSource::seeded(7).hex(64));
    }

    #[test]
    fn shapes_are_those_of_aws() {
        let ids = IdSource::operating_system();
        assert!(crate::names::KeyId::parse(&ids.uuid()).is_some());
        assert_eq!(ids.unique_id("AIDA").len(), 21);
        assert_eq!(ids.hex(33).len(), 33);
    }
}
