//! Primes for RSA keys: random start, a sieve over the numbers behind it, Miller-Rabin for what is left. The search of the `rsa` crate sieves
//! by the first primes only and takes twenty rounds; here a key costs less than half. No keys and no policies.

use std::sync::LazyLock;

use rsa::BigUint;
use rsa::rand_core::RngCore;

/// Candidates are sieved by the odd primes below.
const SIEVED_BELOW: u32 = 1 << 14;
/// Odd numbers looked at behind one start: many times the mean distance of primes of 2,048 bits.
const WINDOW: usize = 1 << 13;
/// Rounds of Miller-Rabin: enough for random candidates of 1,024 bits and more at an error below 2^-112 (FIPS 186-4, table C.3).
const ROUNDS: usize = 5;

static SMALL: LazyLock<Vec<u32>> = LazyLock::new(|| {
    let is_prime = |number: u32| {
        (3..)
            .step_by(2)
            .take_while(|d| d * d <= number)
            .all(|d| !number.is_multiple_of(d))
    };
    (3..SIEVED_BELOW)
        .step_by(2)
        .filter(|number| is_prime(*number))
        .collect()
});

/// A random prime of exactly so many bits, its two highest set, so that a product of two has twice as many. `bits` is a multiple of eight.
pub(super) fn random_prime(bits: usize, random: &mut impl RngCore) -> BigUint {
    loop {
        let mut bytes = vec![0; bits / 8];
        random.fill_bytes(&mut bytes);
        if let [first, .., last] = bytes.as_mut_slice() {
            *first |= 0xc0;
            *last |= 1;
        }
        let start = BigUint::from_bytes_be(&bytes);
        let found = unsieved(&start)
            .map(|offset| &start + BigUint::from(offset))
            .find(|candidate| is_prime(candidate, random));
        if let Some(prime) = found
            && prime.bits() == bits
        {
            return prime;
        }
    }
}

/// Even distances from an odd start to numbers that no small prime divides.
fn unsieved(start: &BigUint) -> impl Iterator<Item = u64> + use<> {
    let mut divisible = vec![false; WINDOW];
    for prime in SMALL.iter() {
        let remainder = (start % *prime)
            .to_bytes_le()
            .into_iter()
            .rev()
            .fold(0u64, |rest, byte| rest << 8 | u64::from(byte));
        let prime = u64::from(*prime);
        // The first even distance at which the prime divides: half of it is what is counted.
        let missing = (prime - remainder) % prime;
        let first = if missing % 2 == 0 {
            missing / 2
        } else {
            (missing + prime) / 2
        };
        for position in (first as usize..WINDOW).step_by(prime as usize) {
            divisible[position] = true;
        }
    }
    (0..WINDOW)
        .filter(move |position| !divisible[*position])
        .map(|position| 2 * position as u64)
}

/// Miller-Rabin with random bases. `number` is odd and large.
fn is_prime(number: &BigUint, random: &mut impl RngCore) -> bool {
    let one = BigUint::from(1u8);
    let less_one = number - &one;
    let twos = less_one.trailing_zeros().unwrap_or_default();
    let odd_part = &less_one >> twos;
    (0..ROUNDS).all(|_| {
        let mut bytes = vec![0; number.bits() / 8 - 1];
        random.fill_bytes(&mut bytes);
        // At least two, and shorter than the number.
        let base = BigUint::from_bytes_be(&bytes) + BigUint::from(2u8);
        let mut power = base.modpow(&odd_part, number);
        if power == one || power == less_one {
            return true;
        }
        (1..twos).any(|_| {
            power = &power * &power % number;
            power == less_one
        })
    })
}

#[cfg(test)]
mod tests {
    use super::{SMALL, is_prime, random_prime, unsieved};
    use crate::kms::asymmetric::SeedStream;
    use rsa::BigUint;

    #[test]
    fn small_primes_are_all_and_only_those() {
        assert_eq!(SMALL[..6], [3, 5, 7, 11, 13, 17]);
        // The 1,900 primes below 16,384 without two.
        assert_eq!(SMALL.len(), 1_899);
    }

    #[test]
    fn what_is_sieved_is_divisible_and_what_is_left_is_not() {
        let start = BigUint::from(1_000_000_007u64);
        let left: Vec<u64> = unsieved(&start).take(50).collect();
        let divisible = |number: u64| SMALL.iter().any(|prime| number.is_multiple_of(u64::from(*prime)));
        let expected = (0..)
            .step_by(2)
            .filter(|offset| !divisible(1_000_000_007 + offset))
            .take(50);
        assert_eq!(left, expected.collect::<Vec<u64>>());
    }

    #[test]
    fn primes_pass_composites_do_not() {
        let mut random = SeedStream::new([7; 32]);
        // 2^521 - 1 is a prime, 2^523 - 1 is none, and neither is a product of two primes.
        let mersenne = |bits: usize| (BigUint::from(1u8) << bits) - BigUint::from(1u8);
        assert!(is_prime(&mersenne(521), &mut random));
        assert!(!is_prime(&mersenne(523), &mut random));
        assert!(!is_prime(&(mersenne(521) * mersenne(607)), &mut random));
        let prime = random_prime(512, &mut random);
        assert_eq!(prime.bits(), 512);
        assert_ne!(prime, random_prime(512, &mut random));
    }
}
