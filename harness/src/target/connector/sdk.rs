//! What the AWS SDKs are given in the place of their own parts: an HTTP client that is the line, the Case clock, the current caller's
//! credentials. What happens on the line is `connector`'s.

use std::sync::Arc;
use std::time::SystemTime;

use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};
use aws_smithy_async::time::TimeSource;
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

use super::Line;

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
