//! What a request says about its own signature: Authorization header or X-Amz query parameters. Verifies nothing.

use http::HeaderMap;
use jiff::Timestamp;

use super::{AuthError, LONGEST_PRESIGN_SECONDS};
use crate::protocol::SignatureForm;

/// Longest accepted list of signed headers; real clients send a dozen.
const MOST_SIGNED_HEADERS: usize = 256;

/// S3's text, typing error included, for a form whose `x-amz-date` is none.
pub const FORM_DATE: &str = "X-Amz-Date must be formated via ISO8601 Long format";

/// The credential scope, `DATE/REGION/SERVICE/aws4_request`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// `YYYYMMDD`.
    pub date: String,
    /// Region code.
    pub region: String,
    /// Service signing name.
    pub service: String,
}

impl Scope {
    /// The scope as it appears in the string to sign.
    #[must_use]
    pub fn text(&self) -> String {
        [&self.date, "/", &self.region, "/", &self.service, "/aws4_request"].concat()
    }
}

/// A request's statement about its signature.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Header or query.
    pub form: SignatureForm,
    /// Who says to have signed.
    pub access_key_id: String,
    /// Credential scope.
    pub scope: Scope,
    /// Lower-case names of the signed headers, in the order stated, between semicolons.
    pub signed_headers: String,
    /// Signature in hexadecimal.
    pub signature: String,
    /// The signing time as stated, `YYYYMMDDTHHMMSSZ`.
    pub timestamp_text: String,
    /// The same, read.
    pub signed_at: Timestamp,
    /// `X-Amz-Expires` of presigned requests.
    pub expires_in: Option<i64>,
    /// Session token.
    pub session_token: Option<String>,
    /// `X-Amz-Content-Sha256` as query parameter.
    pub content_sha256: Option<String>,
}

impl Claim {
    /// Reads the claim; `Ok(None)` when the request is not signed.
    ///
    /// # Errors
    /// [`AuthError::Malformed`] or [`AuthError::UnsupportedAlgorithm`].
    pub fn read(headers: &HeaderMap, query: &[(String, String)]) -> Result<Option<Self>, AuthError> {
        if let Some(value) = headers.get(http::header::AUTHORIZATION) {
            let text = value.to_str().map_err(|_| malformed("the header is not ASCII"))?;
            return Self::from_header(text, headers).map(Some);
        }
        let parameter = |name: &str| {
            query
                .iter()
                .find(|(key, _)| key.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.as_str())
        };
        match parameter("X-Amz-Algorithm") {
            Some("AWS4-HMAC-SHA256") => Self::from_query(parameter).map(Some),
            Some(_) => Err(AuthError::UnsupportedAlgorithm),
            None if parameter("AWSAccessKeyId").is_some() && parameter("Signature").is_some() => {
                Err(AuthError::UnsupportedAlgorithm)
            }
            None => Ok(None),
        }
    }

    /// The claim of an HTML form: `x-amz-credential`, `x-amz-date`, `x-amz-signature`, `x-amz-security-token`.
    ///
    /// # Errors
    /// [`AuthError::Malformed`] with the text that S3 has for it.
    pub fn from_form(credential: &str, date: &str, signature: &str, token: Option<&str>) -> Result<Self, AuthError> {
        if read_timestamp(date).is_none() {
            return Err(malformed(FORM_DATE));
        }
        if credential.starts_with('/') {
            return Err(malformed(
                "a non-empty Access Key (AKID) must be provided in the credential.",
            ));
        }
        let claim = Self::assemble(
            SignatureForm::Form,
            credential,
            "",
            signature,
            date,
            Some(LONGEST_PRESIGN_SECONDS),
            token.map(str::to_owned),
            None,
        )?;
        if claim.scope.service != "s3" {
            return Err(AuthError::Malformed(format!(
                "incorrect service \"{}\". This endpoint belongs to \"s3\".",
                claim.scope.service
            )));
        }
        Ok(claim)
    }

    /// True when `header` (lower case) is covered by the signature.
    #[must_use]
    pub fn signs(&self, header: &str) -> bool {
        let mut names = self.signed_headers.as_bytes().split(|byte| *byte == b';');
        names.any(|name| name == header.as_bytes())
    }

    /// Lower-case names of the signed headers, in the order stated.
    pub fn signed_headers(&self) -> impl Iterator<Item = &str> {
        self.signed_headers.split(';')
    }

    fn from_header(text: &str, headers: &HeaderMap) -> Result<Self, AuthError> {
        let Some(rest) = text.strip_prefix("AWS4-HMAC-SHA256") else {
            return Err(AuthError::UnsupportedAlgorithm);
        };
        let mut credential = None;
        let mut signed_headers = None;
        let mut signature = None;
        for part in rest.split(',') {
            match part.trim().split_once('=') {
                Some(("Credential", value)) => credential = Some(value),
                Some(("SignedHeaders", value)) => signed_headers = Some(value),
                Some(("Signature", value)) => signature = Some(value),
                _ => {}
            }
        }
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let date = header("x-amz-date").or_else(|| header("date")).ok_or_else(|| {
            malformed("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
        })?;
        Self::assemble(
            SignatureForm::Header,
            credential.ok_or_else(|| malformed("Authorization header requires 'Credential' parameter."))?,
            signed_headers.ok_or_else(|| malformed("Authorization header requires 'SignedHeaders' parameter."))?,
            signature.ok_or_else(|| malformed("Authorization header requires 'Signature' parameter."))?,
            date,
            None,
            header("x-amz-security-token").map(str::to_owned),
            None,
        )
    }

    fn from_query<'a>(parameter: impl Fn(&str) -> Option<&'a str>) -> Result<Self, AuthError> {
        let need = |name: &str| {
            parameter(name).ok_or_else(|| {
                malformed(
                    "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, \
                     X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.",
                )
            })
        };
        let expires = match parameter("X-Amz-Expires") {
            Some(text) => text
                .parse::<i64>()
                .map_err(|_| malformed("X-Amz-Expires should be a number"))?,
            // Only S3 insists on it; STS and others give presigned requests 15 minutes.
            None => super::ALLOWED_SKEW_SECONDS,
        };
        if expires < 0 {
            return Err(malformed("X-Amz-Expires must be non-negative"));
        }
        if expires > LONGEST_PRESIGN_SECONDS {
            return Err(malformed(
                "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less \
                 than 604800 seconds",
            ));
        }
        Self::assemble(
            SignatureForm::QueryString,
            need("X-Amz-Credential")?,
            need("X-Amz-SignedHeaders")?,
            need("X-Amz-Signature")?,
            need("X-Amz-Date")?,
            Some(expires),
            parameter("X-Amz-Security-Token").map(str::to_owned),
            parameter("X-Amz-Content-Sha256").map(str::to_owned),
        )
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the eight fields of a claim, named by both readers"
    )]
    fn assemble(
        form: SignatureForm,
        credential: &str,
        signed_headers: &str,
        signature: &str,
        date: &str,
        expires_in: Option<i64>,
        session_token: Option<String>,
        content_sha256: Option<String>,
    ) -> Result<Self, AuthError> {
        let fields: Vec<&str> = credential.split('/').collect();
        let [access_key_id, scope_date, region, service, "aws4_request"] = fields[..] else {
            return Err(malformed(
                "the Credential is mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".",
            ));
        };
        let signed_at = read_timestamp(date).ok_or_else(|| malformed("the request date is not YYYYMMDDTHHMMSSZ"))?;
        if !date.starts_with(scope_date) || scope_date.len() != 8 {
            return Err(malformed(
                "Invalid credential date. Date is not the same as X-Amz-Date.",
            ));
        }
        if signed_headers.split(';').nth(MOST_SIGNED_HEADERS).is_some() {
            return Err(malformed("too many signed headers"));
        }
        Ok(Self {
            form,
            access_key_id: access_key_id.to_owned(),
            scope: Scope {
                date: scope_date.to_owned(),
                region: region.to_owned(),
                service: service.to_owned(),
            },
            signed_headers: signed_headers.to_ascii_lowercase(),
            signature: signature.to_ascii_lowercase(),
            timestamp_text: date.to_owned(),
            signed_at,
            expires_in,
            session_token,
            content_sha256,
        })
    }
}

fn malformed(text: &str) -> AuthError {
    AuthError::Malformed(text.to_owned())
}

/// `YYYYMMDDTHHMMSSZ`.
fn read_timestamp(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    if bytes.len() != 16 || bytes[8] != b'T' || bytes[15] != b'Z' {
        return None;
    }
    let number = |range: std::ops::Range<usize>| -> Option<i8> { text.get(range)?.parse().ok() };
    let year: i16 = text.get(0..4)?.parse().ok()?;
    let civil = jiff::civil::DateTime::new(
        year,
        number(4..6)?,
        number(6..8)?,
        number(9..11)?,
        number(11..13)?,
        number(13..15)?,
        0,
    )
    .ok()?;
    civil
        .to_zoned(jiff::tz::TimeZone::UTC)
        .ok()
        .map(|zoned| zoned.timestamp())
}
