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
    OperatingSystem(Box<Pool>),
    Seeded { seed: u64, counter: u64 },
}

/// How much randomness is fetched at once.
const POOL: usize = 4096;

/// Randomness of the operating system, fetched ahead: a system call for every id costs more than the id.
// INVARIANT: the bytes before `used` are zero: nothing is handed out twice, and no secret stays behind.
struct Pool {
    bytes: [u8; POOL],
    used: usize,
}

impl Pool {
    fn empty() -> Box<Self> {
        Box::new(Self {
            bytes: [0; POOL],
            used: POOL,
        })
    }

    fn fill(&mut self, buffer: &mut [u8]) {
        if buffer.len() > POOL - self.used {
            if buffer.len() > POOL / 4 {
                return fill_from_system(buffer);
            }
            fill_from_system(&mut self.bytes);
            self.used = 0;
        }
        let next = &mut self.bytes[self.used..self.used + buffer.len()];
        buffer.copy_from_slice(next);
        next.fill(0);
        self.used += buffer.len();
    }
}

fn fill_from_system(buffer: &mut [u8]) {
    getrandom::fill(buffer).expect("the operating system has no randomness; nothing here can work without");
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
        Self(Mutex::new(Generator::OperatingSystem(Pool::empty())))
    }

    /// A deterministic stream for tests and fuzzing: same seed, same ids. Never a source of real secrets.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self(Mutex::new(Generator::Seeded { seed, counter: 0 }))
    }

    /// Fills `buffer`.
    pub fn fill(&self, buffer: &mut [u8]) {
        // A poisoned lock only means another request panicked between two bytes; the stream stays usable.
        let mut generator = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match &mut *generator {
            Generator::OperatingSystem(pool) => pool.fill(buffer),
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
        self.raw_uuid().to_string()
    }

    /// A version-4 UUID that is written only if somebody reads it.
    #[must_use]
    pub fn raw_uuid(&self) -> Uuid {
        let mut bytes = [0_u8; 16];
        self.fill(&mut bytes);
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        Uuid(bytes)
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

/// A version-4 UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Uuid([u8; 16]);

impl fmt::Display for Uuid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [b'-'; 36];
        for (bytes, digits) in [
            (0..4, 0..8),
            (4..6, 9..13),
            (6..8, 14..18),
            (8..10, 19..23),
            (10..16, 24..36),
        ] {
            hex::encode_to_slice(&self.0[bytes], &mut text[digits]).expect("every range has two digits a byte");
        }
        formatter.write_str(std::str::from_utf8(&text).expect("digits and dashes are ASCII"))
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
    fn the_pool_gives_nothing_twice_whatever_the_sizes() {
        let ids = IdSource::operating_system();
        let mut seen = std::collections::BTreeSet::new();
        for size in (8..200)
            .chain([POOL / 4, POOL / 4 + 1, POOL, POOL * 2])
            .cycle()
            .take(1000)
        {
            let bytes = ids.bytes(size);
            assert!(seen.insert(bytes[..8].to_vec()) && seen.insert(bytes[size - 8..].to_vec()) || size < 16);
            assert!(bytes.iter().any(|byte| *byte != 0));
        }
    }

    #[test]
    fn shapes_are_those_of_aws() {
        let ids = IdSource::operating_system();
        assert!(crate::names::KeyId::parse(&ids.uuid()).is_some());
        assert_eq!(ids.unique_id("AIDA").len(), 21);
        assert_eq!(ids.hex(33).len(), 33);
    }
}
