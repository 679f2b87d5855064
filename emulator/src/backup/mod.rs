//! The slice of AWS Backup that meets KMS: vaults with their key and grant, and backup jobs of DynamoDB tables that
//! run while the request waits (`svc:11.2`).

mod jobs;
mod tags;
mod vaults;

use std::collections::BTreeMap;

use http::Method;
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::access::{self, Question, Refusal};
use crate::identity::Via;
use crate::kms::internal::EncryptionContext;
use crate::names::{AccountId, KeyArn, Region};
use crate::protocol::{Authenticated, Response, json};
use crate::state::{PerRegion, State};

/// The service principal that uses vault keys (`svc:B-3`).
const BACKUP_STORAGE: &str = "backup-storage.amazonaws.com";
/// What Backup says instead of details when KMS or its storage service refuses.
const INSUFFICIENT: &str = "Insufficient privileges to perform this action.";

/// Vaults and jobs of every account and Region.
#[derive(Debug, Clone, Default)]
pub struct Store {
    regions: PerRegion<Regional>,
}

#[derive(Debug, Clone, Default)]
struct Regional {
    vaults: BTreeMap<String, Vault>,
    /// Jobs in the order they were started.
    jobs: Vec<Job>,
}

#[derive(Debug, Clone)]
struct Vault {
    arn: String,
    key_arn: KeyArn,
    /// The vault's data key under the vault key, unwrapped by the service principal in every job.
    wrapped_key: Vec<u8>,
    grant_id: String,
    created_at: Timestamp,
    recovery_points: usize,
    tags: BTreeMap<String, String>,
}

#[derive(Debug, Clone)]
struct Job {
    job_id: String,
    vault_name: String,
    vault_arn: String,
    resource_arn: String,
    role_arn: String,
    created_at: Timestamp,
    /// ARN of the recovery point; none for failed jobs.
    recovery_point_arn: Option<String>,
    /// Why the job failed.
    failure: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
struct BackupError {
    status: u16,
    code: &'static str,
    message: String,
}

impl BackupError {
    fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
        }
    }

    fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "InvalidParameterValueException", message)
    }

    fn denied(message: impl Into<String>) -> Self {
        Self::new(403, "AccessDeniedException", message)
    }

    fn not_found(message: impl Into<String>) -> Self {
        Self::new(400, "ResourceNotFoundException", message)
    }
}

type Answer = Result<Response, BackupError>;

/// A routed request: the last path segment names a vault or a job.
#[derive(Debug)]
struct Call<'a> {
    request: &'a Authenticated,
    account: &'a AccountId,
    region: &'a Region,
    name: String,
}

type Perform = fn(&mut State, &Call<'_>) -> Answer;

/// Method, collection, is one member named, operation.
const ROUTES: &[(&str, &str, bool, Perform)] = &[
    ("PUT", "backup-vaults", true, vaults::create),
    ("GET", "backup-vaults", true, vaults::describe),
    ("DELETE", "backup-vaults", true, vaults::delete),
    ("GET", "backup-vaults", false, vaults::list),
    ("PUT", "backup-jobs", false, jobs::start),
    ("GET", "backup-jobs", true, jobs::describe),
    ("GET", "backup-jobs", false, jobs::list),
    ("GET", "tags", true, tags::list),
    ("POST", "tags", true, tags::tag),
    ("POST", "untag", true, tags::untag),
];

/// Answers one AWS Backup request.
pub fn handle(state: &mut State, request: &Authenticated) -> Response {
    route(request)
        .and_then(|(perform, call)| perform(state, &call))
        .unwrap_or_else(|error| json::rest_failure(error.status, error.code, &error.message))
}

fn route(request: &Authenticated) -> Result<(Perform, Call<'_>), BackupError> {
    let unknown = || {
        BackupError::new(
            404,
            "UnknownOperationException",
            "The requested operation does not exist in this emulator",
        )
    };
    let path = request.raw_path.trim_matches('/');
    let (collection, raw_name) = path.split_once('/').unwrap_or((path, ""));
    let (_, _, _, perform) = ROUTES
        .iter()
        .find(|row| {
            Method::from_bytes(row.0.as_bytes()).is_ok_and(|method| method == request.method)
                && row.1 == collection
                && row.2 != raw_name.is_empty()
                && !raw_name.contains('/')
        })
        .ok_or_else(unknown)?;
    let account = request.caller.account().ok_or_else(|| {
        BackupError::new(
            403,
            "MissingAuthenticationTokenException",
            "Missing Authentication Token",
        )
    })?;
    let name = percent_decode_str(raw_name)
        .decode_utf8()
        .map_err(|_| unknown())?
        .into_owned();
    Ok((
        *perform,
        Call {
            request,
            account,
            region: &request.region,
            name,
        },
    ))
}

impl Call<'_> {
    fn body(&self) -> Result<Value, BackupError> {
        if self.request.body.is_empty() {
            return Ok(serde_json::json!({}));
        }
        serde_json::from_slice(&self.request.body)
            .map_err(|error| BackupError::invalid(format!("request body is not JSON: {error}")))
    }

    fn vault_arn(&self, name: &str) -> String {
        format!("arn:aws:backup:{}:{}:backup-vault:{name}", self.region, self.account)
    }
}

/// Most entries of one page.
const MOST_ENTRIES: usize = 1000;

/// One page of a listing: `maxResults` and `nextToken` of the query.
fn page(call: &Call<'_>, member: &str, mut entries: Vec<Value>) -> Result<Value, BackupError> {
    let skip = match call.request.query("nextToken") {
        None => 0,
        Some(token) => token
            .strip_prefix("page-")
            .and_then(|number| number.parse::<usize>().ok())
            .ok_or_else(|| BackupError::invalid("Invalid nextToken"))?,
    };
    let limit = match call.request.query("maxResults").map(str::parse::<usize>) {
        None => MOST_ENTRIES,
        Some(Ok(limit)) if (1..=MOST_ENTRIES).contains(&limit) => limit,
        Some(_) => return Err(BackupError::invalid("maxResults must be between 1 and 1000")),
    };
    let next = skip.saturating_add(limit);
    let more = next < entries.len();
    entries.truncate(next);
    entries.drain(..skip.min(entries.len()));
    let mut answer = serde_json::json!({ member: entries });
    if more {
        answer["NextToken"] = serde_json::json!(format!("page-{next}"));
    }
    Ok(answer)
}

/// The caller's permission for one pair.
fn require(state: &State, call: &Call<'_>, action: &str, arn: &str) -> Result<(), BackupError> {
    let via = Via::Direct;
    let question = Question {
        resource: arn,
        ..Question::new(&call.request.caller, &via, action, call.region)
    };
    access::check(state, question)
        .map(|_| ())
        .map_err(|refusal| refused(&refusal))
}

fn refused(refusal: &Refusal) -> BackupError {
    match refusal {
        Refusal::Denied { message, .. } => BackupError::denied(message.clone()),
        Refusal::Unusable(_) => BackupError::new(
            500,
            "ServiceUnavailableException",
            "The request failed due to a temporary failure of the server.",
        ),
    }
}

/// The encryption context of a vault's keys.
fn context(vault_arn: &str) -> EncryptionContext {
    BTreeMap::from([("aws:backup:backup-vault".to_owned(), vault_arn.to_owned())])
}
