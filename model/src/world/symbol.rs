//! Deterministic, textually unique values for what AWS chooses: ids, tokens, ciphertexts. Nothing random and nothing secret is made
//! here; equal seeds give equal values on every machine.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The `AIDA…`, `AROA…`, `AGPA…` or `ANPA…` id of an IAM entity (`iam:P-40`): the prefix and 17 characters of base 32.
pub(crate) fn unique_id(prefix: &str, seed: &str) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut text = prefix.to_owned();
    for byte in bytes::<17>(&format!("{prefix}:{seed}")) {
        text.push(char::from(ALPHABET[usize::from(byte % 32)]));
    }
    text
}

/// A key id in the form of a version 4 UUID, or `mrk-` and 32 hexadecimal digits for a multi-Region key.
pub(crate) fn key_id(seed: &str, multi_region: bool) -> String {
    let mut raw = bytes::<16>(&format!("key:{seed}"));
    if multi_region {
        return format!("mrk-{}", hexadecimal(&raw));
    }
    raw[6] = (raw[6] & 0x0f) | 0x40;
    raw[8] = (raw[8] & 0x3f) | 0x80;
    let text = hexadecimal(&raw);
    format!(
        "{}-{}-{}-{}-{}",
        &text[..8],
        &text[8..12],
        &text[12..16],
        &text[16..20],
        &text[20..]
    )
}

/// A grant id: 64 hexadecimal digits (`svc:G-1`).
pub(crate) fn grant_id(seed: &str) -> String {
    hexadecimal(&bytes::<32>(&format!("grant:{seed}")))
}

/// A grant token: base64 text.
pub(crate) fn grant_token(seed: &str) -> String {
    STANDARD.encode(bytes::<48>(&format!("token:{seed}")))
}

/// A ciphertext or a generated plaintext: base64 text of as many bytes as asked for (at most 96).
pub(crate) fn blob(kind: &str, seed: &str, length: usize) -> String {
    STANDARD.encode(&bytes::<96>(&format!("{kind}:{seed}"))[..length.min(96)])
}

/// An upload id, a version id, a job id: hexadecimal text.
pub(crate) fn opaque_id(kind: &str, seed: &str) -> String {
    hexadecimal(&bytes::<16>(&format!("{kind}:{seed}")))
}

/// The id of a VPC, an endpoint or an organization: the prefix and 17 hexadecimal digits.
pub(crate) fn short_id(prefix: &str, seed: &str) -> String {
    format!(
        "{prefix}{}",
        &hexadecimal(&bytes::<16>(&format!("{prefix}:{seed}")))[..17]
    )
}

/// A stream of well-mixed bytes that depends on the seed only.
fn bytes<const LENGTH: usize>(seed: &str) -> [u8; LENGTH] {
    let mut state = 0xcbf2_9ce4_8422_2325_u64;
    for byte in seed.bytes() {
        state = (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    let mut stream = [0; LENGTH];
    for chunk in stream.chunks_mut(8) {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = state;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^= word >> 31;
        chunk.copy_from_slice(&word.to_le_bytes()[..chunk.len()]);
    }
    stream
}

fn hexadecimal(raw: &[u8]) -> String {
    use std::fmt::Write as _;
    raw.iter().fold(String::with_capacity(raw.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_the_forms_that_aws_gives_them() {
        assert_eq!(unique_id("AROA", "x").len(), 21);
        let id = key_id("a/k", false);
        assert_eq!(id.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
        assert_eq!(&id[14..15], "4");
        assert!(key_id("a/k", true).starts_with("mrk-"));
        assert_eq!(grant_id("x").len(), 64);
        assert_eq!(short_id("vpce-", "x").len(), 22);
    }

    #[test]
    fn equal_seeds_give_equal_values_and_others_do_not() {
        assert_eq!(key_id("a", false), key_id("a", false));
        assert_ne!(key_id("a", false), key_id("b", false));
        assert_ne!(blob("ciphertext", "1", 64), blob("ciphertext", "2", 64));
        assert_ne!(unique_id("AIDA", "x")[4..], unique_id("AROA", "x")[4..]);
    }
}
