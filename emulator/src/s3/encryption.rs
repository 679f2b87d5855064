//! Choosing the encryption of a write from request headers and bucket default (`svc:S-10`, `svc:S-11`, `svc:S-14`),
//! the `ServerSideEncryptionConfiguration` document, and what it blocks. No KMS call is made here; the headers of SSE-C
//! are `customer_key`'s.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::customer_key::{self, CustomerKey};
use super::error::S3Error;
use super::xml::{Element, XmlWriter};

/// Header that names the algorithm.
pub(crate) const ALGORITHM_HEADER: &str = "x-amz-server-side-encryption";
/// Header that names the KMS key.
pub(crate) const KEY_ID_HEADER: &str = "x-amz-server-side-encryption-aws-kms-key-id";
/// Header that carries the caller's encryption context.
pub(crate) const CONTEXT_HEADER: &str = "x-amz-server-side-encryption-context";
/// Header that switches the S3 Bucket Key of one object.
pub(crate) const BUCKET_KEY_HEADER: &str = "x-amz-server-side-encryption-bucket-key-enabled";
/// Longest customer encryption context, in bytes of its base64 form.
const MAXIMUM_CONTEXT_BYTES: usize = 8192;

/// A server-side encryption algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algorithm {
    /// SSE-S3: no KMS rule applies (`svc:M-5`).
    Aes256,
    /// SSE-KMS.
    Kms,
    /// DSSE-KMS: two layers, never Bucket Keys (`svc:S-14`).
    KmsDsse,
}

const ALGORITHMS: &[(Algorithm, &str)] = &[
    (Algorithm::Aes256, "AES256"),
    (Algorithm::Kms, "aws:kms"),
    (Algorithm::KmsDsse, "aws:kms:dsse"),
];

impl Algorithm {
    /// By wire name (exact).
    pub(crate) fn parse(name: &str) -> Option<Self> {
        ALGORITHMS.iter().find(|row| row.1 == name).map(|row| row.0)
    }

    /// Wire name.
    pub(crate) fn name(self) -> &'static str {
        ALGORITHMS
            .iter()
            .find(|row| row.0 == self)
            .map_or("AES256", |row| row.1)
    }

    /// Whether KMS is involved.
    pub(crate) fn uses_kms(self) -> bool {
        self != Self::Aes256
    }
}

/// What a bucket says about kinds of encryption that uploads may not ask for (BlockedEncryptionTypes API page).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BlockedEncryption {
    /// `NONE`: every kind may be used.
    Nothing,
    /// `SSE-C`.
    CustomerKeys,
}

impl BlockedEncryption {
    /// Reads it from a `ServerSideEncryptionConfiguration`; `None` leaves things as they are.
    ///
    /// # Errors
    /// `MalformedXML`.
    pub(crate) fn from_xml(body: &[u8]) -> Result<Option<Self>, S3Error> {
        let root = Element::parse_root(body, "ServerSideEncryptionConfiguration")?;
        let Some(list) = root.child("Rule").and_then(|rule| rule.child("BlockedEncryptionTypes")) else {
            return Ok(None);
        };
        let mut blocked = None;
        for kind in list.all("EncryptionType") {
            blocked = match (kind.text.trim(), blocked) {
                ("NONE", None | Some(Self::Nothing)) => Some(Self::Nothing),
                ("SSE-C", None | Some(Self::CustomerKeys)) => Some(Self::CustomerKeys),
                _ => return Err(S3Error::fixed("MalformedXML")),
            };
        }
        Ok(blocked)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Nothing => "NONE",
            Self::CustomerKeys => "SSE-C",
        }
    }
}

/// The bucket default (`svc:S-12`: never validated against KMS).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DefaultEncryption {
    /// Algorithm.
    pub(crate) algorithm: Algorithm,
    /// Key id as typed; `None` with KMS means `aws/s3`.
    pub(crate) key_id: Option<String>,
    /// S3 Bucket Keys.
    pub(crate) bucket_key: bool,
}

impl Default for DefaultEncryption {
    fn default() -> Self {
        Self {
            algorithm: Algorithm::Aes256,
            key_id: None,
            bucket_key: false,
        }
    }
}

impl DefaultEncryption {
    /// Reads a `ServerSideEncryptionConfiguration` document.
    ///
    /// # Errors
    /// `MalformedXML`, `InvalidArgument` for a key id next to AES256.
    pub(crate) fn from_xml(body: &[u8]) -> Result<Self, S3Error> {
        let malformed = || S3Error::fixed("MalformedXML");
        let root = Element::parse_root(body, "ServerSideEncryptionConfiguration")?;
        let mut rules = root.all("Rule");
        let rule = rules.next().ok_or_else(malformed)?;
        if rules.next().is_some() {
            return Err(malformed());
        }
        let Some(default) = rule.child("ApplyServerSideEncryptionByDefault") else {
            // A rule may speak of something else; one that says nothing at all is none.
            return if rule.child("BlockedEncryptionTypes").is_some() || rule.child("BucketKeyEnabled").is_some() {
                Ok(Self::default())
            } else {
                Err(malformed())
            };
        };
        let algorithm = default
            .child_text("SSEAlgorithm")
            .and_then(Algorithm::parse)
            .ok_or_else(malformed)?;
        let key_id = default
            .child_text("KMSMasterKeyID")
            .filter(|id| !id.is_empty())
            .map(str::to_owned);
        if key_id.is_some() && !algorithm.uses_kms() {
            return Err(S3Error::new(
                "InvalidArgument",
                400,
                "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse",
            ));
        }
        let bucket_key = match rule.child_text("BucketKeyEnabled") {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => return Err(malformed()),
        };
        Ok(Self {
            algorithm,
            key_id,
            bucket_key,
        })
    }

    /// Writes the document.
    pub(crate) fn to_xml(&self, blocked: Option<BlockedEncryption>) -> bytes::Bytes {
        let mut xml = XmlWriter::document();
        xml.open_root("ServerSideEncryptionConfiguration");
        xml.open("Rule");
        xml.open("ApplyServerSideEncryptionByDefault");
        xml.text("SSEAlgorithm", self.algorithm.name());
        xml.optional("KMSMasterKeyID", self.key_id.as_deref());
        xml.close("ApplyServerSideEncryptionByDefault");
        xml.text("BucketKeyEnabled", if self.bucket_key { "true" } else { "false" });
        if let Some(blocked) = blocked {
            xml.open("BlockedEncryptionTypes");
            xml.text("EncryptionType", blocked.name());
            xml.close("BlockedEncryptionTypes");
        }
        xml.close("Rule");
        xml.close("ServerSideEncryptionConfiguration");
        xml.finish()
    }
}

/// Which KMS key a write uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum KeyChoice {
    /// Identifier as typed, resolved in the requester's account (`svc:S-11`).
    Named(String),
    /// `aws/s3` of the requester's account (`svc:M-4`).
    Managed,
}

/// The effective encryption of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Effective {
    /// SSE-S3.
    S3Managed,
    /// SSE-C.
    Customer(CustomerKey),
    /// SSE-KMS or DSSE-KMS.
    Kms {
        /// DSSE.
        dsse: bool,
        /// Which key.
        key: KeyChoice,
        /// Encryption context is the bucket ARN (`svc:S-14`).
        bucket_key: bool,
        /// The caller's own context pairs.
        customer_context: BTreeMap<String, String>,
    },
}

/// The encryption headers of one request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct EncryptionHeaders {
    customer_key: Option<CustomerKey>,
    algorithm: Option<Algorithm>,
    key_id: Option<String>,
    bucket_key: Option<bool>,
    context: BTreeMap<String, String>,
}

impl EncryptionHeaders {
    /// Reads the headers.
    ///
    /// # Errors
    /// `InvalidArgument` for unknown algorithms, for KMS headers without a KMS algorithm (`svc:S-35`) and for a
    /// malformed context; what [`CustomerKey::of_write`] answers.
    pub(crate) fn read<'a>(value_of: impl Fn(&str) -> Option<&'a str>) -> Result<Self, S3Error> {
        if let Some(value) = value_of(ALGORITHM_HEADER)
            && customer_key::is_named(&value_of)
        {
            return Err(S3Error::invalid_argument(
                "Server Side Encryption with Customer provided key is incompatible with the encryption method specified",
                ALGORITHM_HEADER,
                value,
            ));
        }
        let customer_key = CustomerKey::of_write(&value_of, customer_key::OBJECT)?;
        let algorithm = match value_of(ALGORITHM_HEADER) {
            None => None,
            Some(text) => Some(Algorithm::parse(text).ok_or_else(|| {
                S3Error::invalid_argument(
                    "The encryption method specified is not supported",
                    ALGORITHM_HEADER,
                    text,
                )
            })?),
        };
        let uses_kms = algorithm.is_some_and(Algorithm::uses_kms);
        let key_id = value_of(KEY_ID_HEADER).map(str::to_owned);
        let context_text = value_of(CONTEXT_HEADER);
        for (header, present) in [(KEY_ID_HEADER, key_id.as_deref()), (CONTEXT_HEADER, context_text)] {
            if let Some(value) = present
                && !uses_kms
            {
                return Err(S3Error::invalid_argument(
                    "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms",
                    header,
                    value,
                ));
            }
        }
        let bucket_key = match value_of(BUCKET_KEY_HEADER) {
            None => None,
            Some(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Some(text) if text.eq_ignore_ascii_case("false") => Some(false),
            Some(text) => {
                return Err(S3Error::invalid_argument(
                    "Invalid value for bucket key header",
                    BUCKET_KEY_HEADER,
                    text,
                ));
            }
        };
        let context = match context_text {
            None => BTreeMap::new(),
            Some(text) => parse_context(text).ok_or_else(|| {
                S3Error::invalid_argument(
                    "The header 'x-amz-server-side-encryption-context' shall be Base64-encoded UTF-8 string holding JSON which represents a string-string map",
                    CONTEXT_HEADER,
                    text,
                )
            })?,
        };
        Ok(Self {
            customer_key,
            algorithm,
            key_id: key_id.filter(|id| !id.is_empty()),
            bucket_key,
            context,
        })
    }

    /// Whether the bucket blocks it.
    pub(crate) fn is_blocked(&self, blocked: Option<BlockedEncryption>) -> bool {
        self.customer_key.is_some() && blocked == Some(BlockedEncryption::CustomerKeys)
    }

    /// The effective encryption (`svc:S-10`): request headers, else bucket default, else SSE-S3. A header
    /// `aws:kms` without key id means `aws/s3`, whatever the default names; a key of the requester's own comes first.
    pub(crate) fn effective(&self, default: &DefaultEncryption) -> Effective {
        if let Some(key) = &self.customer_key {
            return Effective::Customer(key.clone());
        }
        let (algorithm, key_id) = match self.algorithm {
            Some(algorithm) => (algorithm, self.key_id.clone()),
            None => (default.algorithm, default.key_id.clone()),
        };
        if !algorithm.uses_kms() {
            return Effective::S3Managed;
        }
        let dsse = algorithm == Algorithm::KmsDsse;
        Effective::Kms {
            dsse,
            key: key_id.map_or(KeyChoice::Managed, KeyChoice::Named),
            bucket_key: !dsse && self.bucket_key.unwrap_or(default.bucket_key),
            customer_context: self.context.clone(),
        }
    }
}

/// The encryption context S3 sends for an object (`svc:S-14`): the caller's pairs plus `aws:s3:arn`.
pub(crate) fn kms_context(
    customer: &BTreeMap<String, String>,
    bucket: &str,
    key: &str,
    bucket_key: bool,
) -> BTreeMap<String, String> {
    let mut context = customer.clone();
    let arn = if bucket_key {
        format!("arn:aws:s3:::{bucket}")
    } else {
        format!("arn:aws:s3:::{bucket}/{key}")
    };
    context.insert("aws:s3:arn".to_owned(), arn);
    context
}

fn parse_context(text: &str) -> Option<BTreeMap<String, String>> {
    if text.len() > MAXIMUM_CONTEXT_BYTES {
        return None;
    }
    let json = STANDARD.decode(text).ok()?;
    let context: BTreeMap<String, String> = serde_json::from_slice(&json).ok()?;
    // aws:s3:arn is S3's own key.
    (!context.contains_key("aws:s3:arn")).then_some(context)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> Result<EncryptionHeaders, S3Error> {
        EncryptionHeaders::read(|name| pairs.iter().find(|(have, _)| *have == name).map(|(_, value)| *value))
    }

    fn default(algorithm: Algorithm, key: Option<&str>, bucket_key: bool) -> DefaultEncryption {
        DefaultEncryption {
            algorithm,
            key_id: key.map(str::to_owned),
            bucket_key,
        }
    }

    /// svc:S-10 and svc:S-14 as a table: headers, bucket default, expected (dsse, key, bucket key) or SSE-S3.
    #[test]
    fn choice_table() {
        type Expected = Option<(bool, Option<&'static str>, bool)>;
        type Headers = &'static [(&'static str, &'static str)];
        let sse_s3 = default(Algorithm::Aes256, None, false);
        let cmk = default(Algorithm::Kms, Some("K"), false);
        let cmk_bucket_key = default(Algorithm::Kms, Some("K"), true);
        let managed = default(Algorithm::Kms, None, false);
        let dsse = default(Algorithm::KmsDsse, Some("K"), true);
        let cases: &[(Headers, &DefaultEncryption, Expected)] = &[
            (&[], &sse_s3, None),
            (&[], &cmk, Some((false, Some("K"), false))),
            (&[], &cmk_bucket_key, Some((false, Some("K"), true))),
            (&[], &managed, Some((false, None, false))),
            (&[], &dsse, Some((true, Some("K"), false))),
            (&[(ALGORITHM_HEADER, "AES256")], &cmk, None),
            (&[(ALGORITHM_HEADER, "aws:kms")], &cmk, Some((false, None, false))),
            (
                &[(ALGORITHM_HEADER, "aws:kms"), (KEY_ID_HEADER, "X")],
                &cmk,
                Some((false, Some("X"), false)),
            ),
            (
                &[(ALGORITHM_HEADER, "aws:kms"), (KEY_ID_HEADER, "X")],
                &cmk_bucket_key,
                Some((false, Some("X"), true)),
            ),
            (
                &[(ALGORITHM_HEADER, "aws:kms"), (BUCKET_KEY_HEADER, "false")],
                &cmk_bucket_key,
                Some((false, None, false)),
            ),
            (
                &[(ALGORITHM_HEADER, "aws:kms"), (BUCKET_KEY_HEADER, "true")],
                &sse_s3,
                Some((false, None, true)),
            ),
            (&[(BUCKET_KEY_HEADER, "true")], &cmk, Some((false, Some("K"), true))),
            (
                &[(ALGORITHM_HEADER, "aws:kms:dsse"), (BUCKET_KEY_HEADER, "true")],
                &cmk,
                Some((true, None, false)),
            ),
        ];
        for (pairs, default, expected) in cases {
            let effective = headers(pairs).expect("legal headers").effective(default);
            let actual = match &effective {
                Effective::S3Managed | Effective::Customer(_) => None,
                Effective::Kms {
                    dsse, key, bucket_key, ..
                } => Some((
                    *dsse,
                    match key {
                        KeyChoice::Named(id) => Some(id.as_str()),
                        KeyChoice::Managed => None,
                    },
                    *bucket_key,
                )),
            };
            assert_eq!(actual, *expected, "{pairs:?} {default:?}");
        }
    }

    #[test]
    fn header_errors() {
        // svc:S-35
        let error = headers(&[(KEY_ID_HEADER, "K")]).expect_err("no algorithm");
        assert_eq!(
            error.message,
            "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms"
        );
        assert_eq!((error.code.as_str(), error.status.as_u16()), ("InvalidArgument", 400));
        for pairs in [
            &[(ALGORITHM_HEADER, "AES256"), (KEY_ID_HEADER, "K")][..],
            &[(ALGORITHM_HEADER, "aes256")],
            &[(ALGORITHM_HEADER, "aws:kms"), (CONTEXT_HEADER, "e30x")],
            &[(ALGORITHM_HEADER, "aws:kms"), (CONTEXT_HEADER, "WzFd")],
            &[(ALGORITHM_HEADER, "aws:kms"), (BUCKET_KEY_HEADER, "yes")],
        ] {
            assert_eq!(
                headers(pairs).map_err(|e| e.code).unwrap_err(),
                "InvalidArgument",
                "{pairs:?}"
            );
        }
        let sse_c = headers(&[("x-amz-server-side-encryption-customer-algorithm", "AES256")]);
        assert_eq!(sse_c.map_err(|e| e.code).unwrap_err(), "InvalidArgument");
    }

    #[test]
    fn contexts() {
        let customer = BTreeMap::from([("team".to_owned(), "x".to_owned())]);
        let object = kms_context(&customer, "b", "k/1", false);
        assert_eq!(object["aws:s3:arn"], "arn:aws:s3:::b/k/1");
        assert_eq!(object["team"], "x");
        assert_eq!(
            kms_context(&BTreeMap::new(), "b", "k", true)["aws:s3:arn"],
            "arn:aws:s3:::b"
        );
        let text = STANDARD.encode(r#"{"aws:s3:arn":"x"}"#);
        assert_eq!(parse_context(&text), None);
    }

    #[test]
    fn configuration_documents() {
        let body = br"<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</SSEAlgorithm><KMSMasterKeyID>bogus</KMSMasterKeyID></ApplyServerSideEncryptionByDefault><BucketKeyEnabled>true</BucketKeyEnabled></Rule></ServerSideEncryptionConfiguration>";
        let parsed = DefaultEncryption::from_xml(body).expect("a legal document");
        assert_eq!(parsed, default(Algorithm::Kms, Some("bogus"), true));
        assert_eq!(DefaultEncryption::from_xml(&parsed.to_xml(None)), Ok(parsed));
        for bad in [
            "<A/>",
            "<ServerSideEncryptionConfiguration/>",
            "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>x</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>",
        ] {
            assert!(DefaultEncryption::from_xml(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
