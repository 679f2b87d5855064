//! Uploads through HTML forms (POST Object): the form, its signature and its policy; then the same as PutObject with
//! fields for headers (`svc:§9.4`, `svc:S-23`). Multipart bodies are `protocol::multipart`'s, policies `post_policy`'s.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::address::{Target, check_key};
use super::error::S3Error;
use super::exchange::{Answer, Exchange, set_header};
use super::metadata;
use super::operation::Operation;
use super::post_policy::{PostPolicy, Submission};
use super::write;
use super::xml::{Element, XmlWriter};
use crate::fault::Fault;
use crate::identity::{self, Arrival, Caller, Credential};
use crate::names::Region;
use crate::protocol::error::s3_words;
use crate::protocol::multipart::{self, Form, FormError, FormFile};
use crate::protocol::{Authenticated, Authentication, Response, SignatureForm};
use crate::signature::{self, AuthError, Claim, FORM_DATE};
use crate::state::State;

/// Most bytes before the file.
const LONGEST_FIELDS: usize = 20_480;
/// What a key may say for the name of the file.
const FILENAME_VARIABLE: &str = "${filename}";

/// Fields that sign, in the order in which missing ones are named. All of them or none.
const SIGNING_FIELDS: &[&str] = &["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Signature"];

/// Fields that become the header of the same name, beside `x-amz-…`.
const HEADER_FIELDS: &[&str] = &[
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-md5",
    "content-type",
    "expires",
];
/// `x-amz-…` fields that are no headers of an upload.
const NO_HEADERS: &[&str] = &[
    "x-amz-algorithm",
    "x-amz-copy-source",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-security-token",
    "x-amz-signature",
    "x-amz-tagging",
];

/// Characters of a key that stay in the `Location` of an object: not even slashes.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// POST Object.
pub(crate) fn post_object(exchange: &mut Exchange<'_>) -> Answer {
    let request = exchange.request;
    if request.authentication.form != SignatureForm::Unsigned {
        // Forms sign in their fields; a signed POST to a bucket is no operation.
        return Err(S3Error::fixed("MethodNotAllowed").with("Method", request.method.as_str()));
    }
    let form = multipart::read(request.header("content-type"), &request.body, LONGEST_FIELDS).map_err(form_error)?;
    let upload = Upload::read(form)?;
    let bucket = exchange.target.bucket().unwrap_or_default().to_owned();
    let signer = match upload.claim()? {
        Some(claim) => Some(upload.verify(exchange.state, claim)?),
        None => None,
    };
    if signer.is_some() {
        let faults = exchange.state.case.faults;
        let field = upload
            .field("bucket")
            .filter(|_| faults.contains(Fault::FormBucketFieldDecides));
        let submission = Submission {
            fields: &upload.fields,
            bucket: field.unwrap_or(&bucket),
            file_length: upload.file.content.len() as u64,
        };
        let policy = PostPolicy::read(upload.field("policy").unwrap_or_default())?;
        if !faults.contains(Fault::FormPolicyIgnored) {
            policy.check(submission, exchange.state.now())?;
        }
    }
    if let Some(signer) = &signer {
        check_region(exchange, signer, upload.field("x-amz-credential").unwrap_or_default())?;
    }
    let put = upload.request(request, signer)?;
    let stored = write::put_with_tags(
        &mut Exchange {
            state: &mut *exchange.state,
            request: &put,
            target: Target::Object(bucket.clone(), upload.key.clone()),
            operation: Operation::PostObject,
        },
        upload.tags()?,
    )?;
    Ok(answer(request, &bucket, &upload, stored))
}

/// A form with everything an upload needs.
#[derive(Debug)]
struct Upload {
    /// Names as sent, values with variables expanded.
    fields: Vec<(String, String)>,
    key: String,
    file: FormFile,
}

/// A form's signature that was verified.
#[derive(Debug)]
struct Signer {
    claim: Claim,
    credential: Arc<Credential>,
    region: Region,
}

impl Upload {
    /// # Errors
    /// `InvalidArgument` for a missing key or file and for repeated fields, `KeyTooLongError`.
    fn read(form: Form) -> Result<Self, S3Error> {
        let Form { mut fields, file } = form;
        for (index, (name, _)) in fields.iter().enumerate() {
            // Which of two values S3 would check and which it would use is not known, so neither is taken.
            if fields[..index].iter().any(|(have, _)| have.eq_ignore_ascii_case(name)) {
                let message = format!("Bucket POST must not contain more than one field named '{name}'.");
                return Err(S3Error::invalid_argument(message, name, ""));
            }
        }
        let key = fields
            .iter_mut()
            .find(|(name, value)| name.eq_ignore_ascii_case("key") && !value.is_empty())
            .ok_or_else(|| missing("key"))?;
        let file = file.ok_or_else(|| {
            S3Error::invalid_argument("POST requires exactly one file upload per request.", "file", "0")
        })?;
        // Variables are expanded before the policy is looked at; without a file name there is nothing to expand.
        if let Some(filename) = &file.filename {
            key.1 = key.1.replace(FILENAME_VARIABLE, filename);
        }
        let key = key.1.clone();
        check_key(&key)?;
        Ok(Self { fields, key, file })
    }

    fn field(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(have, _)| have.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The claim of a signed form; `None` for an anonymous one.
    ///
    /// # Errors
    /// `InvalidArgument` when only a part of the fields is there, `InvalidRequest` for another signature version.
    fn claim(&self) -> Result<Option<Claim>, S3Error> {
        if self.field("AWSAccessKeyId").is_some() && self.field("signature").is_some() {
            return Err(unauthenticated(&AuthError::UnsupportedAlgorithm));
        }
        if SIGNING_FIELDS.iter().all(|name| self.field(name).is_none()) {
            return Ok(None);
        }
        for name in SIGNING_FIELDS.iter().chain(&["policy"]) {
            if self.field(name).is_none() {
                return Err(missing(name));
            }
        }
        let value = |name: &str| self.field(name).unwrap_or_default();
        if value("x-amz-algorithm") != "AWS4-HMAC-SHA256" {
            return Err(unauthenticated(&AuthError::UnsupportedAlgorithm));
        }
        let (credential, date) = (value("x-amz-credential"), value("x-amz-date"));
        let token = self.field("x-amz-security-token");
        Claim::from_form(credential, date, value("x-amz-signature"), token)
            .map(Some)
            .map_err(|error| match error {
                AuthError::Malformed(text) if text == FORM_DATE => S3Error::invalid_argument(text, "X-Amz-Date", date),
                AuthError::Malformed(text) => S3Error::invalid_argument(text, "X-Amz-Credential", credential),
                other => unauthenticated(&other),
            })
    }

    /// # Errors
    /// `InvalidAccessKeyId`, `InvalidToken`, `ExpiredToken`, `AccessDenied` for old keys, `SignatureDoesNotMatch`.
    fn verify(&self, state: &State, claim: Claim) -> Result<Signer, S3Error> {
        let policy = self.field("policy").unwrap_or_default();
        let credential = identity::working_credential(state, &claim.access_key_id)
            .ok_or_else(|| unauthenticated(&AuthError::UnknownAccessKey(claim.access_key_id.clone())))?;
        signature::verify_form(&claim, &credential, policy, state.now()).map_err(|error| {
            let rendered = unauthenticated(&error);
            if error != AuthError::SignatureMismatch {
                return rendered;
            }
            let bytes: Vec<String> = policy.bytes().map(|byte| format!("{byte:02x}")).collect();
            rendered
                .with("AWSAccessKeyId", claim.access_key_id.clone())
                .with("StringToSign", policy)
                .with("SignatureProvided", claim.signature.clone())
                .with("StringToSignBytes", bytes.join(" "))
        })?;
        let region = Region::parse(&claim.scope.region).ok_or_else(|| {
            S3Error::invalid_argument(
                "the region of the Credential is invalid",
                "X-Amz-Credential",
                self.field("x-amz-credential").unwrap_or_default(),
            )
        })?;
        Ok(Signer {
            claim,
            credential,
            region,
        })
    }

    /// The upload as the PutObject that it is.
    ///
    /// # Errors
    /// `InvalidArgument` for a field that HTTP could not carry as a header.
    fn request(&self, form: &Authenticated, signer: Option<Signer>) -> Result<Authenticated, S3Error> {
        let (caller, region, authentication) = match signer {
            None => (form.caller.clone(), form.region.clone(), form.authentication.clone()),
            Some(signer) => {
                let arrival = Arrival {
                    user_agent: form.caller.arrival.user_agent.clone(),
                    referer: form.caller.arrival.referer.clone(),
                    ..signer.credential.arrival.clone()
                };
                let authentication = Authentication {
                    form: SignatureForm::Form,
                    signed_at: Some(signer.claim.signed_at),
                    content_sha256: None,
                };
                (
                    Caller::with_credential(&signer.claim.access_key_id, &signer.credential, arrival),
                    signer.region,
                    authentication,
                )
            }
        };
        Ok(Authenticated {
            caller,
            region,
            headers: self.headers()?,
            body: self.file.content.clone(),
            query: Vec::new(),
            trailers: Vec::new(),
            authentication,
            ..form.clone()
        })
    }

    fn headers(&self) -> Result<HeaderMap, S3Error> {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.fields {
            let lower = name.to_ascii_lowercase();
            let header = match lower.as_str() {
                "acl" => "x-amz-acl",
                other if HEADER_FIELDS.contains(&other) => other,
                other if other.starts_with("x-amz-") && !NO_HEADERS.contains(&other) => other,
                _ => continue,
            };
            let invalid = || S3Error::invalid_argument("the field cannot be a header", name, value);
            let header = HeaderName::from_bytes(header.as_bytes()).map_err(|_| invalid())?;
            let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| invalid())?;
            headers.insert(header, value);
        }
        Ok(headers)
    }

    /// The `tagging` field is a document, not a query string; another document than `Tagging` has no tags.
    ///
    /// # Errors
    /// `MalformedXML`, `InvalidTag`, `BadRequest`.
    fn tags(&self) -> Result<Option<Vec<(String, String)>>, S3Error> {
        let Some(text) = self.field("tagging") else {
            return Ok(None);
        };
        if Element::parse(text.as_bytes())?.name != "Tagging" {
            return Ok(Some(Vec::new()));
        }
        metadata::tags_of_xml(text.as_bytes(), metadata::MAXIMUM_OBJECT_TAGS).map(Some)
    }
}

/// The credential must be scoped to the Region of the bucket.
fn check_region(exchange: &Exchange<'_>, signer: &Signer, credential: &str) -> Result<(), S3Error> {
    let name = exchange.target.bucket().unwrap_or_default();
    let Some(bucket) = exchange.state.s3.buckets.get(name) else {
        return Err(super::exchange::no_such_bucket(name));
    };
    if bucket.region == signer.region {
        return Ok(());
    }
    let message = format!("the region '{}' is wrong; expecting '{}'", signer.region, bucket.region);
    Err(S3Error::invalid_argument(message, "X-Amz-Credential", credential).with("Region", bucket.region.as_str()))
}

/// What the form asked to be told: a redirect, a document, or nothing.
fn answer(request: &Authenticated, bucket: &str, upload: &Upload, mut response: Response) -> Response {
    let etag = response
        .headers()
        .get(header::ETAG)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let location = location(request, bucket, &upload.key);
    let redirect = upload
        .field("success_action_redirect")
        .or_else(|| upload.field("redirect"))
        .filter(|url| is_absolute(url));
    if let Some(url) = redirect {
        let separator = if url.contains('?') { '&' } else { '?' };
        let target = format!(
            "{url}{separator}bucket={}&key={}&etag={}",
            form_encoded(bucket),
            form_encoded(&upload.key),
            form_encoded(&etag)
        );
        *response.status_mut() = StatusCode::SEE_OTHER;
        set_header(&mut response, "location", &target);
        return response;
    }
    set_header(&mut response, "location", &location);
    match upload.field("success_action_status") {
        Some("200") => *response.status_mut() = StatusCode::OK,
        Some("201") => {
            let mut document = XmlWriter::document();
            document.open("PostResponse");
            document.text("Location", &location);
            document.text("Bucket", bucket);
            document.text("Key", &upload.key);
            document.text("ETag", &etag);
            document.close("PostResponse");
            *response.status_mut() = StatusCode::CREATED;
            *response.body_mut() = document.finish();
            set_header(&mut response, "content-type", "application/xml");
        }
        // Every other value counts as none.
        _ => *response.status_mut() = StatusCode::NO_CONTENT,
    }
    response
}

/// The URL of the object in the addressing style of the request.
fn location(request: &Authenticated, bucket: &str, key: &str) -> String {
    let key = utf8_percent_encode(key, UNRESERVED);
    if request.raw_path.trim_matches('/').is_empty() {
        format!("http://{}/{key}", request.host)
    } else {
        format!("http://{}/{bucket}/{key}", request.host)
    }
}

/// S3 leaves redirects alone that it cannot read as URLs.
fn is_absolute(url: &str) -> bool {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    rest.is_some_and(|rest| !rest.is_empty()) && !url.chars().any(char::is_control)
}

fn form_encoded(text: &str) -> String {
    utf8_percent_encode(text, UNRESERVED).to_string().replace("%20", "+")
}

fn form_error(error: FormError) -> S3Error {
    match error {
        FormError::OtherType => S3Error::fixed("PreconditionFailed").with(
            "Condition",
            "Bucket POST must be of the enclosure-type multipart/form-data",
        ),
        FormError::Malformed => S3Error::new(
            "MalformedPOSTRequest",
            400,
            "The body of your POST request is not well-formed multipart/form-data.",
        ),
        FormError::FieldsTooLong => S3Error::new(
            "MaxPostPreDataLengthExceeded",
            400,
            "Your POST request fields preceeding the upload file was too large.",
        )
        .with("MaxPostPreDataLengthBytes", LONGEST_FIELDS.to_string()),
    }
}

fn missing(name: &str) -> S3Error {
    let message = format!(
        "Bucket POST must contain a field named '{name}'.  If it is specified, please check the order of the fields."
    );
    S3Error::invalid_argument(message, name, "")
}

fn unauthenticated(error: &AuthError) -> S3Error {
    let (status, code, message, details) = s3_words(error);
    details
        .into_iter()
        .fold(S3Error::new(code, status, message), |error, (name, value)| {
            error.with(name, value)
        })
}
