//! SSE-C: encryption under a key that the requester brings along and S3 forgets. Reading the headers, and deciding
//! whether a key is the one an object or upload was stored under. KMS is never involved; which operations ask is theirs.
//!
//! The codes and texts are recorded AWS answers where AWS's are public; the rest is marked.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use md5::{Digest, Md5};
use sha2::Sha256;

use super::bucket::Protection;
use super::encryption::ALGORITHM_HEADER;
use super::error::S3Error;
use crate::protocol::Authenticated;
use crate::state::State;

/// The three headers that name a key: algorithm, key, MD5 of the key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HeaderNames {
    algorithm: &'static str,
    key: &'static str,
    md5: &'static str,
}

/// The key of the object that is written or read.
pub(crate) const OBJECT: HeaderNames = HeaderNames {
    algorithm: "x-amz-server-side-encryption-customer-algorithm",
    key: "x-amz-server-side-encryption-customer-key",
    md5: "x-amz-server-side-encryption-customer-key-md5",
};
/// The key of the object that is copied from.
pub(crate) const COPY_SOURCE: HeaderNames = HeaderNames {
    algorithm: "x-amz-copy-source-server-side-encryption-customer-algorithm",
    key: "x-amz-copy-source-server-side-encryption-customer-key",
    md5: "x-amz-copy-source-server-side-encryption-customer-key-md5",
};

/// The only algorithm there is.
const AES256: &str = "AES256";
/// Bytes of an AES-256 key.
const KEY_BYTES: usize = 32;

/// A key as it came with a request.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct CustomerKey {
    bytes: Vec<u8>,
}

impl std::fmt::Debug for CustomerKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("CustomerKey")
    }
}

/// What S3 keeps of a key: enough to recognise it, too little to open anything. The bytes of the object are kept like
/// those of SSE-S3; who may have them is what SSE-C decides.
#[derive(Debug)]
pub(crate) struct CustomerProtection {
    salt: [u8; 16],
    digest: Vec<u8>,
    /// Base64, for answers.
    key_md5: String,
}

impl CustomerKey {
    /// The key that a write or an upload brings.
    ///
    /// # Errors
    /// `InvalidArgument` for a header that is missing, a key that is none and an MD5 that is another's;
    /// `InvalidEncryptionAlgorithmError`.
    pub(crate) fn of_write<'a>(
        value_of: impl Fn(&str) -> Option<&'a str>,
        names: HeaderNames,
    ) -> Result<Option<Self>, S3Error> {
        Self::read(value_of, names, true)
    }

    /// The key that a read brings. The length is not looked at here: a key of another length is simply not the key
    /// (recorded), and the MD5 may be left out (recorded).
    ///
    /// # Errors
    /// As [`Self::of_write`].
    pub(crate) fn of_read(request: &Authenticated, names: HeaderNames) -> Result<Option<Self>, S3Error> {
        Self::read(|name| request.header(name), names, false)
    }

    fn read<'a>(
        value_of: impl Fn(&str) -> Option<&'a str>,
        names: HeaderNames,
        writes: bool,
    ) -> Result<Option<Self>, S3Error> {
        let (algorithm, key, md5) = (value_of(names.algorithm), value_of(names.key), value_of(names.md5));
        if algorithm.is_none() && key.is_none() && md5.is_none() {
            return Ok(None);
        }
        match algorithm {
            Some(AES256) => {}
            Some(other) => {
                return Err(S3Error::new(
                    "InvalidEncryptionAlgorithmError",
                    400,
                    "The Encryption request you specified is not valid. Supported value: AES256.",
                )
                .with("ArgumentName", ALGORITHM_HEADER)
                .with("ArgumentValue", other));
            }
            None => {
                return Err(invalid(
                    "Requests specifying Server Side Encryption with Customer provided keys must provide a valid encryption algorithm.",
                ));
            }
        }
        let key = key.ok_or_else(|| {
            invalid(
                "Requests specifying Server Side Encryption with Customer provided keys must provide an appropriate secret key.",
            )
        })?;
        if md5.is_none() && writes {
            return Err(invalid(
                "Requests specifying Server Side Encryption with Customer provided keys must provide the client calculated MD5 of the secret key.",
            ));
        }
        let bytes = STANDARD
            .decode(key)
            .ok()
            .filter(|bytes| !writes || bytes.len() == KEY_BYTES)
            .ok_or_else(|| invalid("The secret key was invalid for the specified algorithm."))?;
        let key = Self { bytes };
        if md5.is_some_and(|md5| md5 != key.md5()) {
            return Err(invalid(
                "The calculated MD5 hash of the key did not match the hash that was provided.",
            ));
        }
        Ok(Some(key))
    }

    /// What is kept of the key.
    pub(crate) fn protection(&self, state: &State) -> CustomerProtection {
        let mut salt = [0; 16];
        state.sources.ids.fill(&mut salt);
        CustomerProtection {
            digest: self.mac(&salt).finalize().into_bytes().to_vec(),
            salt,
            key_md5: self.md5(),
        }
    }

    fn md5(&self) -> String {
        STANDARD.encode(Md5::digest(&self.bytes))
    }

    fn mac(&self, salt: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(salt).expect("HMAC takes keys of every length");
        mac.update(&self.bytes);
        mac
    }
}

impl CustomerProtection {
    /// Whether this is the key.
    fn is_under(&self, key: &CustomerKey) -> bool {
        key.mac(&self.salt).verify_slice(&self.digest).is_ok()
    }

    /// Says in an answer which key was used.
    pub(crate) fn add_headers(&self, headers: &mut HeaderMap) {
        headers.insert(OBJECT.algorithm, http::HeaderValue::from_static(AES256));
        if let Ok(md5) = http::HeaderValue::from_str(&self.key_md5) {
            headers.insert(OBJECT.md5, md5);
        }
    }
}

/// Whether a request names a key of its own for the object, wholly or in part.
pub(crate) fn is_named<'a>(value_of: impl Fn(&str) -> Option<&'a str>) -> bool {
    [OBJECT.algorithm, OBJECT.key, OBJECT.md5]
        .iter()
        .any(|name| value_of(name).is_some())
}

/// A read of an object with the key the request brought, if any (`svc:S-22`).
///
/// # Errors
/// `InvalidRequest` for a key that is missing or does not apply, `AccessDenied` for another key.
pub(crate) fn check_read(protection: &Protection, key: Option<&CustomerKey>) -> Result<(), S3Error> {
    check(protection, key, || {
        S3Error::access_denied(
            "Requests specifying Server Side Encryption with Customer provided keys must provide the correct secret key.",
        )
    })
}

/// The same for the source of a copy, whose denial says less.
///
/// # Errors
/// As [`check_read`].
pub(crate) fn check_copy_source(protection: &Protection, key: Option<&CustomerKey>) -> Result<(), S3Error> {
    check(protection, key, || S3Error::access_denied("Access Denied"))
}

/// A part of an upload: as the upload was begun.
///
/// # Errors
/// `InvalidRequest`.
pub(crate) fn check_part(protection: &Protection, key: Option<&CustomerKey>) -> Result<(), S3Error> {
    match (protection.customer(), key) {
        (None, None) => Ok(()),
        (Some(kept), Some(key)) if kept.is_under(key) => Ok(()),
        (Some(_), Some(_)) => Err(S3Error::invalid_request(
            "The provided encryption parameters did not match the ones used originally.",
        )),
        _ => Err(S3Error::invalid_request(
            "The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate encryption parameters.",
        )),
    }
}

/// The end of an upload needs no key, but takes no other.
///
/// # Errors
/// `InvalidRequest`.
pub(crate) fn check_completion(protection: &Protection, key: Option<&CustomerKey>) -> Result<(), S3Error> {
    if key.is_none() {
        Ok(())
    } else {
        check_part(protection, key)
    }
}

fn check(protection: &Protection, key: Option<&CustomerKey>, wrong: impl FnOnce() -> S3Error) -> Result<(), S3Error> {
    match (protection.customer(), key) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err(S3Error::invalid_request(
            "The encryption parameters are not applicable to this object.",
        )),
        (Some(_), None) => Err(S3Error::invalid_request(
            "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.",
        )),
        (Some(kept), Some(key)) if kept.is_under(key) => Ok(()),
        (Some(_), Some(_)) => Err(wrong()),
    }
}

/// S3 names the same argument in all of them, and no value.
fn invalid(message: &str) -> S3Error {
    S3Error::new("InvalidArgument", 400, message).with("ArgumentName", ALGORITHM_HEADER)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::Sources;

    const KEY: &[u8; 32] = b"1234567890abcdef1234567890abcdef";

    fn read(values: [Option<&str>; 3], writes: bool) -> Result<Option<CustomerKey>, String> {
        let [algorithm, key, md5] = values;
        let value_of = |name: &str| match name {
            _ if name == OBJECT.algorithm => algorithm,
            _ if name == OBJECT.key => key,
            _ if name == OBJECT.md5 => md5,
            _ => None,
        };
        CustomerKey::read(value_of, OBJECT, writes).map_err(|error| format!("{} {}", error.code, error.message))
    }

    /// Recorded answers as a table: headers, the first words of what a write and a read say; empty for success.
    #[test]
    fn header_table() {
        let key = STANDARD.encode(KEY);
        let md5 = STANDARD.encode(Md5::digest(KEY));
        let short = STANDARD.encode(&KEY[..10]);
        let short_md5 = STANDARD.encode(Md5::digest(&KEY[..10]));
        let [key, md5, short, short_md5] = [&key, &md5, &short, &short_md5].map(|text| Some(text.as_str()));
        let aes = Some("AES256");
        let no_algorithm = "InvalidArgument Requests specifying Server Side Encryption with Customer provided keys must provide a valid";
        let no_key = "InvalidArgument Requests specifying Server Side Encryption with Customer provided keys must provide an appropriate";
        let no_md5 = "InvalidArgument Requests specifying Server Side Encryption with Customer provided keys must provide the client";
        let invalid = "InvalidArgument The secret key was invalid";
        let other_md5 = "InvalidArgument The calculated MD5";
        let other_algorithm = "InvalidEncryptionAlgorithmError";
        let cases = [
            ([aes, key, md5], "", ""),
            ([Some("KMS"), key, md5], other_algorithm, other_algorithm),
            ([Some("aes256"), key, md5], other_algorithm, other_algorithm),
            ([None, key, md5], no_algorithm, no_algorithm),
            ([aes, None, md5], no_key, no_key),
            ([aes, None, None], no_key, no_key),
            ([aes, key, None], no_md5, ""),
            ([aes, short, short_md5], invalid, ""),
            ([aes, Some("***"), md5], invalid, invalid),
            ([aes, key, short_md5], other_md5, other_md5),
            ([aes, key, Some("***")], other_md5, other_md5),
        ];
        for (values, write, reads) in cases {
            for (writes, expected) in [(true, write), (false, reads)] {
                match read(values, writes) {
                    Ok(key) => assert!(key.is_some() && expected.is_empty(), "{values:?} {writes}"),
                    Err(error) => assert!(
                        !expected.is_empty() && error.starts_with(expected),
                        "{values:?} {writes}: {error}"
                    ),
                }
            }
        }
        assert_eq!(read([None, None, None], true), Ok(None));
    }

    #[test]
    fn a_key_is_recognised_and_not_shown() {
        let state = State::new(Sources::seeded(1, jiff::Timestamp::UNIX_EPOCH));
        let key = CustomerKey { bytes: KEY.to_vec() };
        let other = CustomerKey { bytes: vec![0; 32] };
        let kept = key.protection(&state);
        assert!(kept.is_under(&key) && !kept.is_under(&other));
        assert_ne!(key.protection(&state).digest, kept.digest, "salted");
        assert_eq!(format!("{key:?}"), "CustomerKey");
    }
}
