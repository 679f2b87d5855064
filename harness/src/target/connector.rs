//! The one line between the drivers and a target: an HTTP client for the AWS SDKs that goes over a socket, or calls the emulator's
//! handler in process. It also holds what is true of the current call: credentials, clock, form of the signature, extra headers.
//! Serialization is the SDKs' affair, signatures beyond the plain header are `shape`'s.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_async::time::TimeSource;
use aws_smithy_http_client::Connector;
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use bytes::Bytes;
use countersign_emulator::Emulator;
use countersign_model::case::Shape;
use http::Method;
use http::header::{CONTENT_LENGTH, DATE, HOST, HeaderName, HeaderValue};
use jiff::Timestamp;

use super::TargetError;
use super::shape;

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

/// The line. Shared by all SDK clients of one target.
pub(crate) struct Line {
    way: Way,
    endpoint: String,
    /// Addresses of single services, where they differ.
    endpoints: BTreeMap<String, String>,
    /// How long one call may take over a socket; without a limit the other side is in this process.
    limit: Option<Duration>,
    facts: Mutex<Facts>,
    seen: Mutex<Seen>,
}

/// What is true of the current call.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts {
    /// Who signs; none for an anonymous call.
    pub(crate) credentials: Option<Credentials>,
    /// The Case clock; none for real time.
    pub(crate) clock: Option<Timestamp>,
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
            endpoints: BTreeMap::new(),
            limit: None,
            facts: Mutex::default(),
            seen: Mutex::default(),
        }
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
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).last_status
    }

    /// Calls made so far.
    pub(crate) fn calls(&self) -> u64 {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).calls
    }

    /// The current time as the signer sees it.
    pub(crate) fn now(&self) -> SystemTime {
        self.facts().clock.map_or_else(SystemTime::now, SystemTime::from)
    }

    /// Sends a request that is already complete and signed, and reads the whole answer.
    ///
    /// # Errors
    /// [`TargetError::Transport`].
    pub(crate) async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, TargetError> {
        let answer = self.send_uncounted(request).await;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.last_status = answer.as_ref().map_or(0, |answer| answer.status().as_u16());
        seen.calls += 1;
        answer
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
        let mut request = http::Request::from_parts(parts, body);
        for (name, value) in &facts.headers {
            request.headers_mut().insert(name.clone(), value.clone());
        }
        if let Some(presigned) = &facts.presigned {
            request = shape::apply_presigned(request, presigned);
        } else if facts.shape != Shape::Header {
            request = shape::apply(request, service, &facts, self.now())
                .map_err(|message| ConnectorError::user(message.into()))?;
        }
        match self.send(request).await {
            Ok(mut response) => {
                // The SDKs correct their clock by this header; the Case clock is right, and the server's real one is not.
                response.headers_mut().remove(DATE);
                HttpResponse::try_from(response.map(SdkBody::from))
                    .map_err(|error| ConnectorError::other(error.into(), None))
            }
            Err(error @ TargetError::Adapter { .. }) => Err(ConnectorError::user(error.into())),
            Err(error) => Err(ConnectorError::io(error.into())),
        }
    }
}

/// The HTTP client that one service's SDK is given.
#[derive(Debug, Clone)]
pub(crate) struct ServiceLine {
    line: Arc<Line>,
    service: &'static str,
    connector: Option<SharedHttpConnector>,
}

impl ServiceLine {
    /// A client for the service of this signing name.
    pub(crate) fn new(line: Arc<Line>, service: &'static str) -> Self {
        let connector = SharedHttpConnector::new(Self {
            line: Arc::clone(&line),
            service,
            connector: None,
        });
        Self {
            line,
            service,
            connector: Some(connector),
        }
    }
}

impl HttpClient for ServiceLine {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        self.connector
            .clone()
            .unwrap_or_else(|| SharedHttpConnector::new(self.clone()))
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        None
    }
}

impl HttpConnector for ServiceLine {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let line = Arc::clone(&self.line);
        let service = self.service;
        HttpConnectorFuture::new(async move { line.call_for_sdk(service, request).await })
    }
}

/// The SDKs' clock: the Case clock.
#[derive(Debug, Clone)]
pub(crate) struct CaseClock(pub(crate) Arc<Line>);

impl TimeSource for CaseClock {
    fn now(&self) -> SystemTime {
        self.0.now()
    }
}

/// The SDKs' credentials: those of the current call.
#[derive(Debug, Clone)]
pub(crate) struct CurrentCaller(pub(crate) Arc<Line>);

impl ProvideCredentials for CurrentCaller {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(
            self.0
                .facts()
                .credentials
                .clone()
                .ok_or_else(|| CredentialsError::not_loaded("an anonymous call has no credentials")),
        )
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
