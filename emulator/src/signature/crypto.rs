//! Hashes, HMACs and the constant-time comparison that SigV4 is made of. Nothing about requests.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::Scope;

/// SHA-256 in lower-case hexadecimal.
pub(super) fn sha256_hex(bytes: &[u8]) -> String {
    hex_text(&Sha256::digest(bytes).into())
}

/// A SigV4 signing key, as far into HMAC-SHA256 as a key alone leads: half of the work of a short message.
#[derive(Clone)]
pub(super) struct SigningKey(Hmac<Sha256>);

impl SigningKey {
    /// The signing key of a secret for one scope.
    pub(super) fn derive(secret: &str, scope: &Scope) -> Self {
        let date = hmac(format!("AWS4{secret}").as_bytes(), scope.date.as_bytes());
        let region = hmac(&date, scope.region.as_bytes());
        let service = hmac(&region, scope.service.as_bytes());
        Self(keyed(&hmac(&service, b"aws4_request")))
    }

    /// The signature of the text that the parts make, in lower-case hexadecimal.
    pub(super) fn sign(&self, parts: &[&[u8]]) -> String {
        let mut mac = self.0.clone();
        for part in parts {
            mac.update(part);
        }
        hex_text(&mac.finalize().into_bytes().into())
    }
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of every length")
}

fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = keyed(key);
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// 64 digits at once: `hex::encode` makes its text digit by digit, which shows in a profile.
fn hex_text(bytes: &[u8; 32]) -> String {
    let mut digits = [0; 64];
    hex::encode_to_slice(bytes, &mut digits).expect("64 digits hold 32 bytes");
    std::str::from_utf8(&digits)
        .expect("hexadecimal digits are ASCII")
        .to_owned()
}

/// Comparison whose time depends on the length only.
pub(super) fn equal(left: &str, right: &str) -> bool {
    left.as_bytes().ct_eq(right.as_bytes()).into()
}
