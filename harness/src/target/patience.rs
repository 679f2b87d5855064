//! Patience with a target: which answers mean "again, later", how long to wait, and what an answer that never came leaves open. Sending
//! is `connector`'s, what may be sent twice is `repeat`'s.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http::header::CONTENT_TYPE;

use super::disturbance::{Disturbance, Incident};

/// Attempts a call gets. With throttling at 30 % and resets at 10 % one call of sixty thousand needs more.
pub(crate) const ATTEMPTS: u32 = 12;
/// The first pause; each one after it is twice as long, up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// An answer that takes longer is lost.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Codes by which a service says that it did nothing because there are too many requests.
const THROTTLED: [&str; 9] = [
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottled",
    "RequestThrottledException",
    "RequestLimitExceeded",
    "TooManyRequestsException",
    "SlowDown",
    "PriorRequestNotComplete",
];
/// Codes of a server that failed: it may have done what it was asked. Others with such a status, as Lambda's `KMSDisabledException`,
/// are answers.
const FAILED: [&str; 11] = [
    "InternalError",
    "InternalFailure",
    "InternalServerError",
    "InternalServerException",
    "ServiceException",
    "ServiceFailure",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "KMSInternalException",
    "DependencyTimeoutException",
    "RequestTimeout",
];

/// How a line lives with a target that does not always answer.
#[derive(Debug, Clone)]
pub(crate) struct Patience {
    /// What is done to the calls on purpose.
    pub(crate) disturbance: Disturbance,
    /// Whether pauses are slept; otherwise they are only counted.
    pub(crate) real_time: bool,
}

/// What an attempt came to.
#[derive(Debug)]
pub(crate) enum Attempt {
    /// An answer.
    Answer(http::Response<Bytes>),
    /// Nothing was done: again, later.
    Throttled,
    /// Nobody knows whether it was done.
    Unknown(String),
}

impl Patience {
    /// The pause after an attempt, numbered from 0.
    pub(crate) fn pause(attempt: u32) -> Duration {
        FIRST_PAUSE.saturating_mul(1 << attempt.min(10)).min(LONGEST_PAUSE)
    }

    /// How long an answer may take.
    pub(crate) fn answer_within() -> Duration {
        ANSWER_WITHIN
    }

    /// What an answer means for somebody who can wait.
    pub(crate) fn judge(answer: http::Response<Bytes>) -> Attempt {
        let status = answer.status();
        if status.is_success() || status.is_redirection() {
            return Attempt::Answer(answer);
        }
        match code_of(&answer) {
            Some(code) if THROTTLED.contains(&code.as_str()) => Attempt::Throttled,
            None if status == StatusCode::TOO_MANY_REQUESTS => Attempt::Throttled,
            Some(code) if status.is_server_error() && FAILED.contains(&code.as_str()) => {
                Attempt::Unknown(format!("the service failed with `{code}`"))
            }
            None if status.is_server_error() => {
                Attempt::Unknown(format!("the service failed with {}", status.as_u16()))
            }
            _ => Attempt::Answer(answer),
        }
    }
}

/// The answer of a service that was disturbed on purpose, as that service writes it; none for incidents that leave none.
pub(crate) fn answer_to(incident: Incident, service: &str, head: bool) -> Option<http::Response<Bytes>> {
    let throttled = match incident {
        Incident::Throttled => true,
        Incident::ServerError { .. } => false,
        Incident::None | Incident::Reset { .. } | Incident::Slow(_) => return None,
    };
    let (status, code) = match (service, throttled) {
        ("s3", true) => (503, "SlowDown"),
        ("s3", false) => (500, "InternalError"),
        ("iam" | "sts", true) => (400, "Throttling"),
        ("iam" | "sts", false) => (500, "ServiceFailure"),
        ("kms" | "dynamodb" | "organizations", true) => (400, "ThrottlingException"),
        ("kms", false) => (500, "KMSInternalException"),
        ("dynamodb", false) => (500, "InternalServerError"),
        (_, true) => (429, "TooManyRequestsException"),
        (_, false) => (500, "ServiceException"),
    };
    let message = if throttled {
        "Rate exceeded"
    } else {
        "We encountered an internal error. Please try again."
    };
    let (kind, body) = match service {
        "s3" => (
            "application/xml",
            format!("<Error><Code>{code}</Code><Message>{message}</Message><RequestId>0</RequestId></Error>"),
        ),
        "iam" | "sts" => (
            "text/xml",
            format!(
                "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>\
                 <RequestId>0</RequestId></ErrorResponse>"
            ),
        ),
        _ => (
            "application/x-amz-json-1.1",
            serde_json::json!({"__type": code, "message": message}).to_string(),
        ),
    };
    let body = if head { Bytes::new() } else { Bytes::from(body) };
    let mut answer = http::Response::builder().status(status).header(CONTENT_TYPE, kind);
    if !matches!(service, "s3" | "iam" | "sts") {
        answer = answer.header("x-amzn-errortype", code);
    }
    answer.body(body).ok()
}

/// The error code of an answer in any of AWS's protocols.
fn code_of(answer: &http::Response<Bytes>) -> Option<String> {
    let last = |text: &str| {
        let text = text.split(':').next().unwrap_or(text);
        text.rsplit('#').next().unwrap_or(text).to_owned()
    };
    if let Some(kind) = answer.headers().get("x-amzn-errortype")
        && let Ok(kind) = kind.to_str()
    {
        return Some(last(kind));
    }
    let text = String::from_utf8_lossy(answer.body());
    if let Some((_, rest)) = text.split_once("<Code>") {
        return rest.split_once('<').map(|(code, _)| code.trim().to_owned());
    }
    let body: serde_json::Value = serde_json::from_str(&text).ok()?;
    let code = body.get("__type").or_else(|| body.get("code"))?.as_str()?;
    Some(last(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_disturbed_service_says_is_understood_as_what_it_means() {
        for service in ["kms", "s3", "iam", "sts", "lambda", "backup", "dynamodb"] {
            let throttled = answer_to(Incident::Throttled, service, false).expect("an answer");
            assert!(matches!(Patience::judge(throttled), Attempt::Throttled), "{service}");
            let failed = answer_to(Incident::ServerError { acted: true }, service, false).expect("an answer");
            assert!(matches!(Patience::judge(failed), Attempt::Unknown(_)), "{service}");
        }
        assert!(answer_to(Incident::Reset { acted: true }, "kms", false).is_none());
    }

    #[test]
    fn an_answer_with_a_server_status_may_be_an_answer() {
        for (status, code, answer) in [
            (502, "KMSDisabledException", true),
            (500, "KeyUnavailableException", true),
            (400, "ValidationException", true),
            (403, "AccessDenied", true),
            (500, "InternalFailure", false),
            (400, "ThrottlingException", false),
        ] {
            let response = http::Response::builder()
                .status(status)
                .body(Bytes::from(format!("{{\"__type\":\"com.amazonaws#{code}\"}}")))
                .expect("a status and a body");
            assert_eq!(
                matches!(Patience::judge(response), Attempt::Answer(_)),
                answer,
                "{code}"
            );
        }
        let head = http::Response::builder()
            .status(503)
            .body(Bytes::new())
            .expect("a status");
        assert!(matches!(Patience::judge(head), Attempt::Unknown(_)));
    }

    #[test]
    fn pauses_grow_to_a_bound() {
        assert_eq!(Patience::pause(0), Duration::from_millis(50));
        assert_eq!(Patience::pause(1), Duration::from_millis(100));
        assert_eq!(Patience::pause(60), LONGEST_PAUSE);
    }
}
