//! Hashes, HMACs and the constant-time comparison that SigV4 is made of. Nothing about requests.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::Scope;

/// SHA-256 in lower-case hexadecimal.
pub(super) fn sha256_hex(bytes: &[u8]) -> String {
    hex_text(&Sha256::digest(bytes).into())
}

/// HMAC-SHA256.
pub(super) fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of every length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// HMAC-SHA256 in lower-case hexadecimal.
pub(super) fn hmac_hex(key: &[u8], message: &[u8]) -> String {
    hex_text(&hmac(key, message))
}

/// 64 digits at once: `hex::encode` makes its text digit by digit, which shows in a profile.
fn hex_text(bytes: &[u8; 32]) -> String {
    let mut digits = [0; 64];
    hex::encode_to_slice(bytes, &mut digits).expect("64 digits hold 32 bytes");
    std::str::from_utf8(&digits)
        .expect("hexadecimal digits are ASCII")
        .to_owned()
}

/// The SigV4 signing key of a secret for one scope.
pub(super) fn signing_key(secret: &str, scope: &Scope) -> [u8; 32] {
    let date = hmac(format!("AWS4{secret}").as_bytes(), scope.date.as_bytes());
    let region = hmac(&date, scope.region.as_bytes());
    let service = hmac(&region, scope.service.as_bytes());
    hmac(&service, b"aws4_request")
}

/// Comparison whose time depends on the length only.
pub(super) fn equal(left: &str, right: &str) -> bool {
    left.as_bytes().ct_eq(right.as_bytes()).into()
}
