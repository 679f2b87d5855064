//! AWS Signature Version 4: reads the claim a request makes, verifies it against the credential store and the
//! emulator clock, and removes aws-chunked encoding. Rendering of failures is `protocol::error`'s.

mod canonical;
mod chunked;
mod claim;
mod crypto;
mod signing_keys;

use bytes::Bytes;
use http::{HeaderMap, Method};
use jiff::Timestamp;
use thiserror::Error;

use crate::fault::{Fault, FaultSet};
use crate::identity::Credential;
use crate::protocol::{Authentication, Service, SignatureForm};

use crypto::SigningKey;

pub use claim::{Claim, FORM_DATE, Scope};
pub use signing_keys::SigningKeys;

/// Longest life of a presigned URL: seven days.
pub const LONGEST_PRESIGN_SECONDS: i64 = 604_800;
/// Allowed clock skew of header signatures in seconds (contract).
pub const ALLOWED_SKEW_SECONDS: i64 = 900;

/// Why a request is not authenticated. Each protocol has its own code and text for it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AuthError {
    /// No signature where one is needed.
    #[error("the request is not signed")]
    Missing,
    /// The Authorization header or the X-Amz query parameters cannot be read.
    #[error("the authorization is malformed: {0}")]
    Malformed(String),
    /// Another signing algorithm than AWS4-HMAC-SHA256.
    #[error("the signing algorithm is not supported")]
    UnsupportedAlgorithm,
    /// The access key id is unknown, inactive, or its principal is gone.
    #[error("the access key id `{0}` is unknown")]
    UnknownAccessKey(String),
    /// Temporary credentials without or with a wrong session token, or long-term ones with a token.
    #[error("the session token is missing or wrong")]
    InvalidToken,
    /// Temporary credentials past their end.
    #[error("the session token has expired")]
    ExpiredToken,
    /// The signature differs from the one computed here.
    #[error("the signature does not match")]
    SignatureMismatch,
    /// A header signature outside the allowed skew.
    #[error("the request time is too far from the server time")]
    Skewed {
        /// When the request says it was signed.
        signed_at: Timestamp,
        /// The emulator's clock.
        server_time: Timestamp,
    },
    /// A presigned URL past its expiry.
    #[error("the presigned request has expired")]
    PresignExpired {
        /// The `X-Amz-Expires` value.
        expires_in: i64,
        /// When the URL ended.
        ended_at: Timestamp,
        /// The emulator's clock.
        server_time: Timestamp,
    },
    /// A presigned URL from the future.
    #[error("the presigned request is not valid yet")]
    PresignNotYetValid,
    /// `x-amz-…` headers that the signature does not cover.
    #[error("unsigned headers: {0}")]
    HeadersNotSigned(String),
    /// The body's hash is not the `x-amz-content-sha256` value.
    #[error("the body does not have the stated hash")]
    ContentHashMismatch {
        /// The stated hash.
        stated: String,
        /// The hash of the body as received.
        computed: String,
    },
    /// `x-amz-content-sha256` is neither a hash nor a known keyword, or is missing where S3 needs it.
    #[error("the x-amz-content-sha256 header is missing or invalid")]
    InvalidContentHash,
    /// The aws-chunked body is not well formed.
    #[error("the aws-chunked body is malformed: {0}")]
    MalformedChunks(&'static str),
}

/// The parts of a request that the signature covers.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'a> {
    /// HTTP method.
    pub method: &'a Method,
    /// Path as sent.
    pub raw_path: &'a str,
    /// Query as sent, without `?`.
    pub raw_query: &'a str,
    /// Headers.
    pub headers: &'a HeaderMap,
    /// Value of the host, should the header be absent.
    pub host: &'a str,
    /// Body as received.
    pub body: &'a Bytes,
}

/// A verified request: its payload and authentication properties.
#[derive(Debug, Clone)]
pub struct Verified {
    /// Body without aws-chunked encoding.
    pub body: Bytes,
    /// Trailers of an aws-chunked body.
    pub trailers: Vec<(String, String)>,
    /// For the service.
    pub authentication: Authentication,
}

/// Verifies `claim` for `signed` with the credential it names.
///
/// # Errors
/// Every [`AuthError`] but `Missing` and `UnknownAccessKey`, which the caller finds first.
pub fn verify(
    service: Service,
    claim: &Claim,
    credential: &Credential,
    signed: Signed<'_>,
    now: Timestamp,
    faults: FaultSet,
) -> Result<Verified, AuthError> {
    if !faults.contains(Fault::SessionTokenUnchecked) {
        check_token(claim, credential, now)?;
    }
    if !(claim.form == SignatureForm::QueryString && faults.contains(Fault::PresignExpiryIgnored)) {
        check_time(claim, now)?;
    }
    if !coverage_is_ignored(claim.form, faults) {
        check_coverage(service, claim, signed.headers)?;
    }
    let payload_hash = payload_hash(service, claim, signed)?;
    let canonical = canonical::request(service, claim, signed, &payload_hash);
    let (signing_key, new) = credential
        .signing_keys
        .derive(&credential.secret_access_key, &claim.scope);
    let expected = signing_key.sign(&[
        b"AWS4-HMAC-SHA256\n",
        claim.timestamp_text.as_bytes(),
        b"\n",
        claim.scope.text().as_bytes(),
        b"\n",
        crypto::sha256_hex(canonical.as_bytes()).as_bytes(),
    ]);
    let unverified = faults.contains(Fault::SignatureUnverified)
        || (faults.contains(Fault::UnsignedTrailerUnverified)
            && chunked::Scheme::parse(&payload_hash) == Some(chunked::Scheme::UnsignedTrailer));
    if !unverified && !crypto::equal(&expected, &claim.signature) {
        return Err(AuthError::SignatureMismatch);
    }
    if new {
        credential.signing_keys.remember(&claim.scope, signing_key.clone());
    }
    let (body, trailers) = open_body(claim, &signing_key, signed, &payload_hash)?;
    Ok(Verified {
        body,
        trailers,
        authentication: Authentication {
            form: claim.form,
            signed_at: Some(claim.signed_at),
            content_sha256: Some(payload_hash),
        },
    })
}

/// Verifies the signature of an HTML form: the policy, as it was sent, is the string to sign. How long it may be used
/// is the policy's own business, but no signing key is older than seven days (sigv4-HTTPPOSTConstructPolicy).
///
/// # Errors
/// [`AuthError::InvalidToken`], [`AuthError::ExpiredToken`], [`AuthError::PresignExpired`] or
/// [`AuthError::SignatureMismatch`].
pub fn verify_form(claim: &Claim, credential: &Credential, policy: &str, now: Timestamp) -> Result<(), AuthError> {
    check_token(claim, credential, now)?;
    check_time(claim, now)?;
    let signing_key = SigningKey::derive(&credential.secret_access_key, &claim.scope);
    let expected = signing_key.sign(&[policy.as_bytes()]);
    if crypto::equal(&expected, &claim.signature) {
        Ok(())
    } else {
        Err(AuthError::SignatureMismatch)
    }
}

fn check_token(claim: &Claim, credential: &Credential, now: Timestamp) -> Result<(), AuthError> {
    match (&credential.session_token, &claim.session_token) {
        (None, None) => {}
        (Some(expected), Some(given)) if crypto::equal(expected, given) => {}
        _ => return Err(AuthError::InvalidToken),
    }
    match &credential.session {
        Some(session) if session.expires_at <= now => Err(AuthError::ExpiredToken),
        _ => Ok(()),
    }
}

fn check_time(claim: &Claim, now: Timestamp) -> Result<(), AuthError> {
    let age = now.as_second() - claim.signed_at.as_second();
    match claim.expires_in {
        Some(expires_in) if age > expires_in => Err(AuthError::PresignExpired {
            expires_in,
            ended_at: claim
                .signed_at
                .checked_add(jiff::SignedDuration::from_secs(expires_in))
                .unwrap_or(claim.signed_at),
            server_time: now,
        }),
        Some(_) if age < -ALLOWED_SKEW_SECONDS => Err(AuthError::PresignNotYetValid),
        None if age.abs() > ALLOWED_SKEW_SECONDS => Err(AuthError::Skewed {
            signed_at: claim.signed_at,
            server_time: now,
        }),
        _ => Ok(()),
    }
}

/// Whether an active fault accepts headers that the signature does not cover.
fn coverage_is_ignored(form: SignatureForm, faults: FaultSet) -> bool {
    faults.contains(match form {
        SignatureForm::Header => Fault::UnsignedHeaderAccepted,
        SignatureForm::QueryString => Fault::PresignedExtraHeaderAccepted,
        SignatureForm::Form | SignatureForm::Unsigned => return false,
    })
}

/// `host` must be signed everywhere; S3 also insists on every `x-amz-…` header.
fn check_coverage(service: Service, claim: &Claim, headers: &HeaderMap) -> Result<(), AuthError> {
    if !claim.signs("host") {
        return Err(AuthError::Malformed(
            "'Host' must be a 'SignedHeader' in the AWS Authorization.".to_owned(),
        ));
    }
    if service != Service::S3 {
        return Ok(());
    }
    let mut missing: Vec<&str> = headers
        .keys()
        .map(http::HeaderName::as_str)
        .filter(|name| name.starts_with("x-amz-") && *name != "x-amz-user-agent" && !claim.signs(name))
        .collect();
    missing.sort_unstable();
    if missing.is_empty() {
        Ok(())
    } else {
        Err(AuthError::HeadersNotSigned(missing.join(", ")))
    }
}

/// The payload line of the canonical request. A plain hash is compared with the body at once.
fn payload_hash(service: Service, claim: &Claim, signed: Signed<'_>) -> Result<String, AuthError> {
    let stated = signed
        .headers
        .get("x-amz-content-sha256")
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned)
        .or_else(|| claim.content_sha256.clone());
    let computed = || crypto::sha256_hex(signed.body);
    match (service, stated) {
        (Service::S3, None) if claim.form == SignatureForm::QueryString => Ok("UNSIGNED-PAYLOAD".to_owned()),
        (Service::S3, None) => Err(AuthError::InvalidContentHash),
        (_, None) => Ok(computed()),
        (Service::S3, Some(keyword)) if chunked::Scheme::parse(&keyword).is_some() || keyword == "UNSIGNED-PAYLOAD" => {
            Ok(keyword)
        }
        (_, Some(hash)) if hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            let computed = computed();
            if hash == computed {
                Ok(hash)
            } else {
                Err(AuthError::ContentHashMismatch { stated: hash, computed })
            }
        }
        (_, Some(_)) => Err(AuthError::InvalidContentHash),
    }
}

fn open_body(
    claim: &Claim,
    signing_key: &SigningKey,
    signed: Signed<'_>,
    payload_hash: &str,
) -> Result<(Bytes, Vec<(String, String)>), AuthError> {
    let Some(scheme) = chunked::Scheme::parse(payload_hash) else {
        return Ok((signed.body.clone(), Vec::new()));
    };
    let decoded_length = signed
        .headers
        .get("x-amz-decoded-content-length")
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.parse::<usize>().ok());
    chunked::decode(scheme, claim, signing_key, signed.body, decoded_length)
}

#[cfg(test)]
mod tests;
