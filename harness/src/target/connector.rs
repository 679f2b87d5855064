//! The one line between the drivers and a target: an HTTP client for the AWS SDKs that goes over a socket, or calls the emulator's
//! handler in process. It also holds what is true of the current call: credentials, clock, form of the signature, extra headers.
//! Serialization is the SDKs' affair, signatures beyond the plain header are `shape`'s, what the SDKs are given is in `sdk`.

mod sdk;

use std::collections::BTreeMap;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_http_client::Connector;
use aws_smithy_runtime_api::client::http::{HttpConnector as _, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use bytes::Bytes;
use countersign_emulator::Emulator;
use countersign_model::case::Shape;
use http::Method;
use http::header::{CONTENT_LENGTH, DATE, HOST, HeaderName, HeaderValue};
use jiff::Timestamp;

use super::disturbance::Incident;
use super::patience::{self, Attempt, Patience};
use super::repeat::{Repeat, repeat_of};
use super::shape;
use super::signing::SigningKeys;
use super::twins::{self, Plain, TwinSeen};
use super::{TargetError, Waiting};
use crate::live::Rails;

pub(crate) use self::sdk::{CaseClock, CurrentCaller, ServiceLine};

/// Where requests go.
pub(crate) enum Way {
    /// Straight into the emulator's handler.
    InProcess(Arc<Emulator>),
    /// Over a socket, through the SDKs' own HTTP client.
    Socket(SharedHttpConnector),
}

impl Way {
    /// Over a socket, with the SDKs' own HTTP client, without TLS.
    pub(crate) fn socket() -> Self {
        Self::Socket(SharedHttpConnector::new(
            Connector::builder().sleep_impl(TokioSleep::new()).build_http(),
        ))
    }
}

impl Way {
    /// Over a socket with TLS; without the feature `live` as [`Way::socket`], which no address of AWS answers to.
    pub(crate) fn encrypted() -> Self {
        #[cfg(feature = "live")]
        {
            use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
            let builder = Connector::builder().sleep_impl(TokioSleep::new());
            Self::Socket(SharedHttpConnector::new(
                builder.tls_provider(Provider::Rustls(CryptoMode::Ring)).build(),
            ))
        }
        #[cfg(not(feature = "live"))]
        Self::socket()
    }
}

/// The line. Shared by all SDK clients of one target.
pub(crate) struct Line {
    way: Way,
    endpoint: String,
    /// None takes every answer as it comes.
    patience: Option<Patience>,
    /// What every request to AWS passes before it leaves.
    rails: Option<Arc<Rails>>,
    /// Addresses of single services, where they differ.
    endpoints: BTreeMap<String, String>,
    /// How long one call may take over a socket; without a limit the other side is in this process.
    limit: Option<Duration>,
    /// Whether requests may be put together without the SDKs' orchestration.
    direct: bool,
    signing_keys: SigningKeys,
    facts: Mutex<Facts>,
    seen: Mutex<Seen>,
    // What came of the hostile twins of requests; none while nobody wants to know.
    twins: Mutex<Option<Vec<TwinSeen>>>,
}

/// What is true of the current call.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts {
    /// Who signs; none for an anonymous call.
    pub(crate) credentials: Option<Credentials>,
    /// The Case clock; none for real time.
    pub(crate) clock: Option<Timestamp>,
    /// The operation, such as `kms:Decrypt`: what may be sent again depends on it.
    pub(crate) operation: String,
    /// Region of the credential scope.
    pub(crate) region: String,
    /// How the request is signed and sent.
    pub(crate) shape: Shape,
    /// A presigned request that the SDK made: its address and headers take the place of the next request's.
    pub(crate) presigned: Option<http::Request<()>>,
    /// Headers that the case adds (`User-Agent`, `Referer`).
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
}

#[derive(Debug, Default)]
struct Seen {
    last_status: u16,
    calls: u64,
    /// The case that is on, and its calls so far: what a disturbance goes by.
    case: String,
    ordinal: u64,
    /// Whether an earlier attempt of the last call may have been carried out too.
    repeated: bool,
    waiting: Waiting,
    /// Why the last call of an SDK had no answer: its own words for it lose whose fault that is.
    fault: Option<TargetError>,
}

impl fmt::Debug for Line {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Line")
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

impl Line {
    /// A line to `endpoint`, such as `http://127.0.0.1:4566`.
    pub(crate) fn new(way: Way, endpoint: String) -> Self {
        Self {
            way,
            endpoint,
            patience: None,
            rails: None,
            endpoints: BTreeMap::new(),
            limit: None,
            direct: false,
            signing_keys: SigningKeys::default(),
            facts: Mutex::default(),
            seen: Mutex::default(),
            twins: Mutex::default(),
        }
    }

    /// The same line with patience.
    #[must_use]
    pub(crate) fn with_patience(mut self, patience: Option<Patience>) -> Self {
        self.patience = patience;
        self
    }

    /// The same line behind rails.
    #[must_use]
    pub(crate) fn with_rails(mut self, rails: Arc<Rails>) -> Self {
        self.rails = Some(rails);
        self
    }

    /// The same line on which requests are put together without the SDKs' orchestration, where that makes no difference.
    #[must_use]
    pub(crate) fn directly(mut self) -> Self {
        self.direct = true;
        self
    }

    /// Whether requests need nothing of what the SDKs do between writing a request and reading its answer: no retries, no time limits,
    /// no rails, no connection.
    pub(crate) fn is_direct(&self) -> bool {
        self.direct && self.emulator().is_some() && self.patience.is_none() && self.rails.is_none()
    }

    /// Signing keys that were derived before.
    pub(crate) fn signing_keys(&self) -> &SigningKeys {
        &self.signing_keys
    }

    /// The rails, if there are any.
    pub(crate) fn rails(&self) -> Option<&Arc<Rails>> {
        self.rails.as_ref()
    }

    /// A case begins: what happens to its calls depends on nothing that was before.
    pub(crate) fn begin_case(&self, id: &str) {
        let mut seen = self.seen();
        seen.case = id.to_owned();
        seen.ordinal = 0;
        seen.waiting = Waiting::default();
    }

    /// Repetitions and pauses since the case began.
    pub(crate) fn waiting(&self) -> Waiting {
        self.seen().waiting
    }

    /// Why the last call of an SDK had no answer, if it had none; once.
    pub(crate) fn take_fault(&self) -> Option<TargetError> {
        self.seen().fault.take()
    }

    /// Whether an earlier attempt of the last call may have been carried out too.
    pub(crate) fn repeated(&self) -> bool {
        self.seen().repeated
    }

    /// The same line with addresses for single services (`kms`, `s3`, …) and a limit for each call.
    pub(crate) fn with(mut self, endpoints: BTreeMap<String, String>, limit: Duration) -> Self {
        self.endpoints = endpoints;
        self.limit = Some(limit);
        self
    }

    /// The emulator, if requests go straight into it.
    pub(crate) fn emulator(&self) -> Option<&Arc<Emulator>> {
        match &self.way {
            Way::InProcess(emulator) => Some(emulator),
            Way::Socket(_) => None,
        }
    }

    /// The address that clients are given.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The address that the client of a service is given.
    pub(crate) fn endpoint_of(&self, service: &str) -> &str {
        self.endpoints.get(service).unwrap_or(&self.endpoint)
    }

    /// Changes what is true of the next calls.
    pub(crate) fn facts(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The HTTP status of the last answer; 0 before the first.
    pub(crate) fn last_status(&self) -> u16 {
        self.seen().last_status
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls made so far.
    pub(crate) fn calls(&self) -> u64 {
        self.seen().calls
    }

    /// Has hostile twins sent before each request of the SDKs from now on, or no longer. Needs the emulator in this process.
    pub(crate) fn watch_twins(&self, watch: bool) {
        *self.twins.lock().unwrap_or_else(PoisonError::into_inner) = watch.then(Vec::new);
    }

    /// Whether hostile twins are sent too.
    pub(crate) fn watches_twins(&self) -> bool {
        self.twins.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// What came of the twins since they are watched or were taken.
    pub(crate) fn take_twins(&self) -> Vec<TwinSeen> {
        let mut twins = self.twins.lock().unwrap_or_else(PoisonError::into_inner);
        twins.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Sends the hostile twins of a request, each to the world as it is now: what it did there is undone.
    async fn send_twins(&self, plain: &Plain<'_>) -> Vec<(usize, http::Response<Bytes>)> {
        let Some(emulator) = self.emulator().filter(|_| self.watches_twins()) else {
            return Vec::new();
        };
        let before = emulator.snapshot();
        let mut answers = Vec::new();
        for (at, twin) in twins::of(plain) {
            if let Ok(answer) = self.send_uncounted(twin).await {
                answers.push((at, answer));
            }
            emulator.restore(&before);
        }
        answers
    }

    /// The current time as the signer sees it.
    pub(crate) fn now(&self) -> SystemTime {
        self.facts().clock.map_or_else(SystemTime::now, SystemTime::from)
    }

    /// Sends a request that is already complete and signed, and reads the whole answer. A line with patience sends it again where that
    /// can do no harm.
    ///
    /// # Errors
    /// [`TargetError::Transport`]; with patience [`TargetError::Ambiguous`] when nobody knows what was done.
    pub(crate) async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, TargetError> {
        {
            let mut seen = self.seen();
            seen.repeated = false;
            seen.fault = None;
            seen.ordinal += 1;
        }
        let answer = match &self.rails {
            None => self.send_on(request).await,
            Some(rails) => self.send_within(rails, request).await,
        };
        let mut seen = self.seen();
        seen.last_status = answer.as_ref().map_or(0, |answer| answer.status().as_u16());
        seen.calls += 1;
        answer
    }

    /// What the rails let through, and they take note of the answer.
    async fn send_within(
        &self,
        rails: &Rails,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, TargetError> {
        let region = self.facts().region.clone();
        let permit = rails.admit(&request, &region)?;
        let answer = self.send_on(request).await?;
        rails.answered(&permit, &answer)?;
        Ok(answer)
    }

    async fn send_on(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, TargetError> {
        match &self.patience {
            None => self.send_uncounted(request).await,
            Some(patience) => self.send_patiently(patience, request).await,
        }
    }

    async fn send_patiently(
        &self,
        patience: &Patience,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, TargetError> {
        let operation = self.facts().operation.clone();
        let mut last = TargetError::ambiguous(format!("`{operation}` was throttled {} times", patience::ATTEMPTS));
        for attempt in 0..patience::ATTEMPTS {
            match self.attempt(patience, &operation, request.clone(), attempt).await {
                Ok(Attempt::Answer(answer)) => return Ok(answer),
                Ok(Attempt::Throttled) => {}
                Ok(Attempt::Unknown(why)) => {
                    last = TargetError::ambiguous(format!("nobody knows whether `{operation}` was carried out: {why}"));
                    if repeat_of(&operation) == Repeat::Another {
                        return Err(last);
                    }
                    self.seen().repeated = true;
                }
                Err(error @ TargetError::Transport { .. }) => {
                    if repeat_of(&operation) == Repeat::Another {
                        return Err(TargetError::ambiguous(format!(
                            "nobody knows whether `{operation}` was carried out: {error}"
                        )));
                    }
                    self.seen().repeated = true;
                    last = error;
                }
                Err(error) => return Err(error),
            }
            self.seen().waiting.retries += 1;
            self.pause(patience, Patience::pause(attempt)).await;
        }
        Err(last)
    }

    async fn attempt(
        &self,
        patience: &Patience,
        operation: &str,
        request: http::Request<Bytes>,
        attempt: u32,
    ) -> Result<Attempt, TargetError> {
        let incident = {
            let seen = self.seen();
            patience.disturbance.incident(&seen.case, seen.ordinal, attempt)
        };
        let service = operation.split(':').next().unwrap_or_default();
        let head = request.method() == Method::HEAD;
        match incident {
            Incident::Reset { acted } | Incident::ServerError { acted } if acted => {
                self.send_uncounted(request).await?;
            }
            Incident::Slow(by) => {
                let answer = self.send_uncounted(request).await?;
                self.pause(patience, by.min(Patience::answer_within())).await;
                return Ok(if by >= Patience::answer_within() {
                    Attempt::Unknown("no answer in time".to_owned())
                } else {
                    Patience::judge(answer)
                });
            }
            Incident::None => {
                if !patience.real_time {
                    return self.send_uncounted(request).await.map(Patience::judge);
                }
                return match tokio::time::timeout(Patience::answer_within(), self.send_uncounted(request)).await {
                    Ok(answer) => answer.map(Patience::judge),
                    Err(_) => Ok(Attempt::Unknown("no answer in time".to_owned())),
                };
            }
            Incident::Throttled | Incident::Reset { .. } | Incident::ServerError { .. } => {}
        }
        Ok(patience::answer_to(incident, service, head)
            .map_or_else(|| Attempt::Unknown("the connection broke".to_owned()), Patience::judge))
    }

    async fn pause(&self, patience: &Patience, time: Duration) {
        self.seen().waiting.waited += time;
        if patience.real_time {
            tokio::time::sleep(time).await;
        }
    }

    /// The same for requests that are not calls of AWS's API.
    ///
    /// # Errors
    /// [`TargetError::Transport`].
    pub(crate) async fn send_uncounted(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, TargetError> {
        match &self.way {
            Way::InProcess(emulator) => {
                let request = in_origin_form(request);
                // A handler that panics is the target breaking the connection; over a socket it would look the same.
                let head = request.method() == Method::HEAD;
                let mut response = std::panic::catch_unwind(AssertUnwindSafe(|| emulator.handle(request)))
                    .map_err(|_| TargetError::transport("the emulator panicked"))?;
                if !head && !response.headers().contains_key(CONTENT_LENGTH) {
                    let length = response.body().len();
                    response.headers_mut().insert(CONTENT_LENGTH, length.into());
                }
                Ok(response)
            }
            Way::Socket(connector) => {
                let request = HttpRequest::try_from(request.map(SdkBody::from)).map_err(|error| {
                    TargetError::adapter(format!("the request is not one that HTTP can carry: {error}"))
                })?;
                let exchange = async {
                    let response = connector
                        .call(request)
                        .await
                        .map_err(|error| TargetError::transport(chain_of(&error)))?
                        .try_into_http1x()
                        .map_err(|error| TargetError::transport(format!("unreadable answer: {error}")))?;
                    let (parts, body) = response.into_parts();
                    let body = collect(body)
                        .await
                        .map_err(|error| TargetError::transport(chain_of(&*error)))?;
                    Ok(http::Response::from_parts(parts, body))
                };
                match self.limit {
                    None => exchange.await,
                    Some(limit) => tokio::time::timeout(limit, exchange).await.unwrap_or_else(|_| {
                        Err(TargetError::transport(format!(
                            "no answer in {} s",
                            limit.as_secs_f64()
                        )))
                    }),
                }
            }
        }
    }

    /// Sends a signed request, and before it its hostile twins if somebody wants to know what comes of them.
    async fn send_with_twins(
        &self,
        service: &'static str,
        facts: &Facts,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, TargetError> {
        if !self.watches_twins() {
            return self.send(request).await;
        }
        let signed = request.clone();
        let plain = Plain {
            service,
            facts,
            now: self.now(),
            signed: &signed,
        };
        let answers = self.send_twins(&plain).await;
        let response = self.send(request).await?;
        if let Some(twins) = &mut *self.twins.lock().unwrap_or_else(PoisonError::into_inner) {
            let judged = answers
                .iter()
                .map(|(at, answer)| twins::judge(*at, &plain, &response, answer));
            twins.extend(judged);
        }
        Ok(response)
    }

    async fn call_for_sdk(&self, service: &'static str, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let facts = self.facts().clone();
        let request = request
            .try_into_http1x()
            .map_err(|error| ConnectorError::user(error.into()))?;
        let (parts, body) = request.into_parts();
        let body = match body.bytes() {
            Some(bytes) => Bytes::copy_from_slice(bytes),
            None => collect(body).await.map_err(ConnectorError::user)?,
        };
        let request = http::Request::from_parts(parts, body);
        self.exchange(service, facts, request).await
    }

    /// Gives a request that an SDK wrote the form that the case asks for, sends it with its twins, and brings the answer back.
    pub(crate) async fn exchange(
        &self,
        service: &'static str,
        facts: Facts,
        mut request: http::Request<Bytes>,
    ) -> Result<HttpResponse, ConnectorError> {
        for (name, value) in &facts.headers {
            request.headers_mut().insert(name.clone(), value.clone());
        }
        if let Some(presigned) = &facts.presigned {
            request = shape::apply_presigned(request, presigned);
        } else if facts.shape != Shape::Header {
            request = shape::apply(request, service, &facts, self.now())
                .map_err(|message| ConnectorError::user(message.into()))?;
        }
        match self.send_with_twins(service, &facts, request).await {
            Ok(mut response) => {
                // The SDKs correct their clock by this header; the Case clock is right, and the server's real one is not.
                response.headers_mut().remove(DATE);
                HttpResponse::try_from(response.map(SdkBody::from))
                    .map_err(|error| ConnectorError::other(error.into(), None))
            }
            Err(error @ TargetError::Adapter { .. }) => Err(ConnectorError::user(error.into())),
            Err(error) => {
                self.seen().fault = Some(error.clone());
                Err(ConnectorError::io(error.into()))
            }
        }
    }
}

/// An error with its causes.
pub(crate) fn chain_of(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

async fn collect(body: SdkBody) -> Result<Bytes, Box<dyn std::error::Error + Send + Sync>> {
    match body.bytes() {
        Some(bytes) => Ok(Bytes::copy_from_slice(bytes)),
        None => Ok(ByteStream::new(body).collect().await?.into_bytes()),
    }
}

/// What a server sees: the path alone, and the authority as `Host`.
fn in_origin_form(mut request: http::Request<Bytes>) -> http::Request<Bytes> {
    if let Some(authority) = request.uri().authority() {
        if !request.headers().contains_key(HOST)
            && let Ok(host) = HeaderValue::from_str(authority.as_str())
        {
            request.headers_mut().insert(HOST, host);
        }
        let path = request
            .uri()
            .path_and_query()
            .map_or("/", |path| path.as_str())
            .to_owned();
        if let Ok(uri) = path.parse() {
            *request.uri_mut() = uri;
        }
    }
    request
}
