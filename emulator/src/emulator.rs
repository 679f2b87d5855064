//! The emulator as a function: one HTTP request in, one response out. State sits behind one lock; clock and ids are
//! injected. Sockets are `server`'s.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;

use crate::control;
use crate::fault::{Fault, FaultSet};
use crate::identity::{self, Arrival, Caller, Credential};
use crate::names::Region;
use crate::protocol::{self, Authenticated, Authentication, Service, SignatureForm, route};
use crate::signature::{self, AuthError, Claim, Signed, Verified};
use crate::sources::Sources;
use crate::state::State;

/// Longest accepted request body.
pub(crate) const LONGEST_BODY: usize = 64 * 1024 * 1024;
/// Most query parameters that are looked at.
const MOST_PARAMETERS: usize = 1024;

/// Query parameters of presigned requests that are no headers.
const SIGNATURE_PARAMETERS: &[&str] = &[
    "x-amz-algorithm",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-expires",
    "x-amz-signature",
    "x-amz-signedheaders",
];

/// How an emulator is set up.
#[derive(Debug)]
pub struct EmulatorOptions {
    /// Clock and id source.
    pub sources: Sources,
    /// Token of the control plane; `None` switches the control plane off.
    pub control_token: Option<String>,
    /// Secret of every account's root user (contract).
    pub root_secret: String,
    /// Faults that are on from the start and after every reset.
    pub faults: FaultSet,
}

impl EmulatorOptions {
    /// System clock, OS randomness, no control plane, root secret `test`, no faults.
    #[must_use]
    pub fn new() -> Self {
        Self {
            sources: Sources::system(),
            control_token: None,
            root_secret: "test".to_owned(),
            faults: FaultSet::default(),
        }
    }
}

impl Default for EmulatorOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// The emulated cloud.
#[derive(Debug)]
pub struct Emulator {
    state: Mutex<State>,
    control_token: Option<String>,
}

impl Emulator {
    /// An empty world.
    #[must_use]
    pub fn new(options: EmulatorOptions) -> Self {
        let mut state = State::with_faults(options.sources, options.faults);
        state.root_secret = options.root_secret;
        Self {
            state: Mutex::new(state),
            control_token: options.control_token,
        }
    }

    /// Answers one request: authentication, routing, the service.
    pub fn handle(&self, request: Request<Bytes>) -> Response<Bytes> {
        if request.body().len() > LONGEST_BODY {
            return protocol::error::too_large();
        }
        let host = host_of(&request);
        if let Some(path) = request.uri().path().strip_prefix(control::PREFIX) {
            let path = path.to_owned();
            return control::handle(self, &path, &host, &request);
        }
        self.serve(request, host)
    }

    /// The trail's events from number `since` on and the number after the last one: what the control plane's `trail` answers, for whoever
    /// has the emulator in his process.
    #[must_use]
    pub fn trail_since(&self, since: u64) -> (Vec<serde_json::Value>, u64) {
        self.lock().kms.trail.since(since)
    }

    /// The state, for the control plane.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        // A panic in one request leaves a consistent map behind; refusing every later request would help nobody.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The control plane's token.
    pub(crate) fn control_token(&self) -> Option<&str> {
        self.control_token.as_deref()
    }

    fn serve(&self, request: Request<Bytes>, host: String) -> Response<Bytes> {
        let (parts, body) = request.into_parts();
        let raw_path = parts.uri.path().to_owned();
        let raw_query = parts.uri.query().unwrap_or_default().to_owned();
        let query = read_query(&raw_query);
        let claim = Claim::read(&parts.headers, &query);
        let service = match &claim {
            Ok(claim) => route::service_of(claim.as_ref(), &parts.headers, &raw_path),
            Err(_) => route::service_of(None, &parts.headers, &raw_path),
        };
        let head = parts.method == http::Method::HEAD;
        let signed = Signed {
            method: &parts.method,
            raw_path: &raw_path,
            raw_query: &raw_query,
            headers: &parts.headers,
            host: &host,
            body: &body,
        };
        // Keys and clock are read under the lock, hashing happens outside it.
        let (request_id, now, credential, faults) = {
            let state = self.lock();
            let credential = match &claim {
                Ok(Some(claim)) => identity::working_credential(&state, &claim.access_key_id),
                _ => None,
            };
            (request_id(&state, service), state.now(), credential, state.case.faults)
        };
        let caller = authenticate(service, claim, credential, signed, (now, faults));
        let (service, caller, region, verified) = match caller {
            Ok(caller) => caller,
            Err(error) => {
                let service = service.unwrap_or(Service::S3);
                let mut response = protocol::error::authentication(service, &error, &request_id, head);
                route::stamp(&mut response, service, &request_id);
                return response;
            }
        };
        let (body, trailers, authentication) = match verified {
            Some(verified) => (verified.body, verified.trailers, verified.authentication),
            None => (body, Vec::new(), unsigned()),
        };
        let mut headers = parts.headers;
        if faults.contains(Fault::QueryOverHeader) {
            headers_from_query(&query, &mut headers);
        }
        let authenticated = Authenticated {
            caller,
            service,
            region,
            request_id,
            method: parts.method,
            host,
            raw_path,
            query,
            headers,
            body,
            trailers,
            authentication,
        };
        route::dispatch(&mut self.lock(), &authenticated)
    }
}

/// Who calls which service in which Region, and the opened payload of a signed request.
fn authenticate(
    service: Option<Service>,
    claim: Result<Option<Claim>, AuthError>,
    credential: Option<Arc<Credential>>,
    signed: Signed<'_>,
    (now, faults): (Timestamp, FaultSet),
) -> Result<(Service, Caller, Region, Option<Verified>), AuthError> {
    let claim = claim?;
    let service = service.ok_or_else(|| {
        AuthError::Malformed("Credential should be scoped to a service that is emulated here.".to_owned())
    })?;
    let Some(claim) = claim else {
        if service != Service::S3 {
            return Err(AuthError::Missing);
        }
        let caller = Caller::anonymous(arrival(Arrival::default(), signed.headers, faults));
        return Ok((service, caller, Region::global(), None));
    };
    let region = Region::parse(&claim.scope.region)
        .ok_or_else(|| AuthError::Malformed("the region of the Credential is invalid".to_owned()))?;
    let credential = credential.ok_or_else(|| AuthError::UnknownAccessKey(claim.access_key_id.clone()))?;
    let verified = signature::verify(service, &claim, &credential, signed, now, faults)?;
    Ok((
        service,
        Caller::with_credential(
            &claim.access_key_id,
            &credential,
            arrival(credential.arrival.clone(), signed.headers, faults),
        ),
        region,
        Some(verified),
    ))
}

/// Facts of the credentials and of this request.
fn arrival(mut fixed: Arrival, headers: &HeaderMap, faults: FaultSet) -> Arrival {
    let text = |name| {
        headers
            .get(name)
            .and_then(|value: &http::HeaderValue| value.to_str().ok())
            .map(str::to_owned)
    };
    if faults.contains(Fault::SourceIpFromForwardedFor) {
        let forwarded_for = text(http::HeaderName::from_static("x-forwarded-for"));
        fixed.source_ip = forwarded_for.or(fixed.source_ip);
    }
    if faults.contains(Fault::SourceVpceFromHeader) {
        let endpoint = text(http::HeaderName::from_static("x-amz-source-vpce"));
        fixed.vpc_endpoint = endpoint.or(fixed.vpc_endpoint);
    }
    Arrival {
        user_agent: text(http::header::USER_AGENT),
        referer: text(http::header::REFERER),
        ..fixed
    }
}

/// What `query-over-header` makes of a request: `x-amz-…` parameters stand in for the headers of that name.
#[cold]
fn headers_from_query(query: &[(String, String)], headers: &mut HeaderMap) {
    for (name, value) in query {
        let name = name.to_ascii_lowercase();
        let wanted = name.starts_with("x-amz-") && !SIGNATURE_PARAMETERS.contains(&name.as_str());
        let parsed = http::HeaderName::from_bytes(name.as_bytes()).ok();
        if let (true, Some(name), Ok(value)) = (wanted, parsed, http::HeaderValue::from_str(value)) {
            headers.insert(name, value);
        }
    }
}

fn unsigned() -> Authentication {
    Authentication {
        form: SignatureForm::Unsigned,
        signed_at: None,
        content_sha256: None,
    }
}

fn request_id(state: &State, service: Option<Service>) -> String {
    match service {
        Some(Service::S3) => state.sources.ids.base32(16),
        _ => state.sources.ids.uuid(),
    }
}

/// `Host` header, else the authority of the request line; lower case.
fn host_of(request: &Request<Bytes>) -> String {
    let header = request
        .headers()
        .get(http::header::HOST)
        .and_then(|value| value.to_str().ok());
    header
        .or_else(|| request.uri().authority().map(http::uri::Authority::as_str))
        .unwrap_or_default()
        .to_ascii_lowercase()
}

fn read_query(raw: &str) -> Vec<(String, String)> {
    raw.split('&')
        .filter(|part| !part.is_empty())
        .take(MOST_PARAMETERS)
        .map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            (decode(name), decode(value))
        })
        .collect()
}

fn decode(text: &str) -> String {
    if !text.bytes().any(|byte| matches!(byte, b'%' | b'+')) {
        return text.to_owned();
    }
    percent_decode_str(&text.replace('+', " "))
        .decode_utf8_lossy()
        .into_owned()
}
