//! Which service a request is for, and the call of its handler. Signatures are verified before this.

use http::header::Entry;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::{Authenticated, Response, Service};
use crate::signature::Claim;
use crate::state::State;

/// Signing names of the credential scope.
const SIGNING_NAMES: &[(&str, Service)] = &[
    ("kms", Service::Kms),
    ("s3", Service::S3),
    ("iam", Service::Iam),
    ("sts", Service::Sts),
    ("lambda", Service::Lambda),
    ("backup", Service::Backup),
    ("dynamodb", Service::DynamoDb),
];

/// Prefixes of `X-Amz-Target`.
const TARGETS: &[(&str, Service)] = &[
    ("TrentService.", Service::Kms),
    ("DynamoDB_20120810.", Service::DynamoDb),
];

/// Path prefixes, tried last.
const PATHS: &[(&str, Service)] = &[
    ("/2015-03-31/functions", Service::Lambda),
    ("/backup-vaults", Service::Backup),
    ("/backup-jobs", Service::Backup),
];

/// Credential scope first, then `X-Amz-Target`, then path; unsigned requests are S3's unless they carry a target.
/// `None` when the scope names a service that is not here.
#[must_use]
pub fn service_of(claim: Option<&Claim>, headers: &HeaderMap, path: &str) -> Option<Service> {
    if let Some(claim) = claim {
        return SIGNING_NAMES
            .iter()
            .find(|(name, _)| *name == claim.scope.service)
            .map(|(_, service)| *service);
    }
    let target = headers
        .get("x-amz-target")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let by_target = TARGETS
        .iter()
        .find(|(prefix, _)| target.starts_with(prefix))
        .map(|(_, service)| *service);
    let by_path = || {
        PATHS
            .iter()
            .find(|(prefix, _)| path.starts_with(prefix))
            .map(|(_, service)| *service)
    };
    Some(by_target.or_else(by_path).unwrap_or(Service::S3))
}

/// Runs the handler of the request's service and stamps the request id.
pub fn dispatch(state: &mut State, request: &Authenticated) -> Response {
    let mut response = match request.service {
        Service::Kms => crate::kms::handle(state, request),
        Service::S3 => crate::s3::handle(state, request),
        Service::Iam => crate::iam::handle(state, request),
        Service::Sts => crate::sts::handle(state, request),
        Service::Lambda => crate::lambda::handle(state, request),
        Service::Backup => crate::backup::handle(state, request),
        Service::DynamoDb => crate::dynamodb::handle(state, request),
    };
    stamp(&mut response, request.service, &request.request_id);
    response
}

/// Adds the request id header of the service's protocol.
pub fn stamp(response: &mut Response, service: Service, request_id: &str) {
    let name = if service == Service::S3 {
        const { HeaderName::from_static("x-amz-request-id") }
    } else {
        const { HeaderName::from_static("x-amzn-requestid") }
    };
    if let (Ok(value), Entry::Vacant(place)) = (HeaderValue::from_str(request_id), response.headers_mut().entry(name)) {
        place.insert(value);
    }
}
