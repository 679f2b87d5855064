//! What is known of a kind of endpoint, as data: how one becomes an administrator there, how state is wiped, what it can be asked, which of
//! its answers are denials, how it is installed and started. The files are in `targets/`; nothing here makes a call.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;

use super::capability::{self, Capability};
use crate::target::Comparison;

/// The profiles that come with Countersign, by name.
const BUILT_IN: [(&str, &str); 6] = [
    ("aws", include_str!("../../../../targets/aws.toml")),
    ("countersign", include_str!("../../../../targets/countersign.toml")),
    ("fakecloud", include_str!("../../../../targets/fakecloud.toml")),
    ("generic", include_str!("../../../../targets/generic.toml")),
    ("ministack", include_str!("../../../../targets/ministack.toml")),
    ("moto", include_str!("../../../../targets/moto.toml")),
];

/// Why there is no such profile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    /// No profile has this name.
    #[error("no target profile is called `{name}`; there are {}", known.join(", "))]
    Unknown {
        /// The name.
        name: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// The file cannot be read.
    #[error("the target profile `{path}` cannot be read: {reason}")]
    File {
        /// The file.
        path: String,
        /// The system's reason.
        reason: String,
    },
    /// The text is no profile.
    #[error("`{path}` is not a target profile: {reason}")]
    Text {
        /// The file.
        path: String,
        /// What is wrong, with line and column.
        reason: String,
    },
}

/// A kind of endpoint.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Short name, as in `--target ministack`.
    pub name: String,
    /// One line for people.
    pub title: String,
    /// Where it comes from.
    #[serde(default)]
    pub homepage: Option<String>,
    /// What of an answer it is held to: `decision`, or parts joined by `+` (see [`Comparison::parse`]).
    #[serde(default = "decision")]
    pub compare: String,
    /// How long a change may take until decisions see it. Steps that disagree are asked again that long.
    #[serde(default, deserialize_with = "duration")]
    pub settle: Duration,
    /// How long one call may take.
    #[serde(default = "call_limit", deserialize_with = "duration")]
    pub timeout: Duration,
    /// How cases are kept apart.
    pub isolation: Isolation,
    /// Whether each case gets accounts of its own too: any account id will do there.
    #[serde(default)]
    pub own_accounts: bool,
    /// Whether buckets stand in the path; else in the host name.
    #[serde(default = "yes")]
    pub path_style: bool,
    /// Whether defaults of new buckets are put explicitly: the target's own defaults differ from AWS's.
    #[serde(default)]
    pub explicit_defaults: bool,
    /// Whether `BypassPolicyLockoutSafetyCheck` may be sent while a world is built.
    #[serde(default)]
    pub bypass_lockout_check: bool,
    /// What it can be asked; everything else is skipped, naming the capability.
    pub capabilities: BTreeSet<Capability>,
    /// Whether and how it enforces policies.
    pub enforcement: Enforcement,
    /// What its Organizations service is worth; only rehearsals of live runs ask (docs/live.md).
    #[serde(default)]
    pub organizations: Organizations,
    /// How state is wiped; needed for `isolation = "reset"`.
    #[serde(default)]
    pub reset: Option<HttpCall>,
    /// How one becomes an administrator of an account.
    pub administrator: Administrator,
    /// Who asks for the sessions of roles.
    #[serde(default)]
    pub sessions: Sessions,
    /// Which answers are denials.
    #[serde(default)]
    pub denials: Denials,
    /// Which answers say that an operation is not there.
    #[serde(default)]
    pub missing: Missing,
    /// How it is installed.
    #[serde(default)]
    pub install: Option<Install>,
    /// How it is started.
    #[serde(default)]
    pub start: Option<StartCommand>,
    /// How much work its findings are worth.
    #[serde(default)]
    pub effort: EffortLimits,
}

/// How cases are kept apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Isolation {
    /// All state is wiped before each case.
    Reset,
    /// Each case has names of its own; nothing is wiped.
    Names,
}

/// What an endpoint's Organizations service is worth.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Organizations {
    /// It says which account manages an organization, or that it is not there.
    #[default]
    Real,
    /// It makes whoever asks the manager of an organization of their own: its answer says nothing.
    Nominal,
}

/// Whether and how an endpoint enforces policies.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Enforcement {
    /// How it is switched on, for people.
    pub hint: String,
    /// Calls that switch it off while a world is built or credentials are made.
    pub off: Option<HttpCall>,
    /// Calls that switch it on again.
    pub on: Option<HttpCall>,
}

/// A call of the endpoint's own control, beside AWS's API. `{account}` stands for an account id.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpCall {
    /// HTTP method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Body.
    #[serde(default)]
    pub body: String,
    /// Headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
}

/// How one becomes an administrator of an account, one who is never denied or whom worlds never bind.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Administrator {
    /// Fixed credentials; `{account}` stands for the account id.
    Static {
        /// Access key id.
        access_key_id: String,
        /// Secret access key.
        secret_access_key: String,
    },
    /// A call answers with credentials as JSON.
    Call {
        /// The call.
        call: HttpCall,
        /// JSON pointer to the access key id.
        access_key_id: String,
        /// JSON pointer to the secret access key.
        secret_access_key: String,
    },
    /// A role is assumed with fixed credentials while nothing is enforced.
    AssumeRole {
        /// Access key id.
        access_key_id: String,
        /// Secret access key.
        secret_access_key: String,
        /// The role's ARN; `{account}` stands for the account id.
        role_arn: String,
    },
    /// The user's own AWS credentials, from the environment and the shared files. There is one account: that of these credentials.
    Chain,
}

/// Who asks for the sessions of roles.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sessions {
    /// The administrator.
    #[default]
    Administrator,
    /// An IAM user of Countersign's own, where a root user may not assume roles; the trust policy lets it in for the moment of the call.
    User,
}

/// Which answers are denials.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Denials {
    /// Codes, besides those of AWS.
    pub codes: Vec<String>,
    /// Whether status 403 without a code that can be read is a denial on requests that have a body too.
    pub bare_403: bool,
}

/// Which answers say that an operation is not there.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Missing {
    /// Codes, besides `NotImplemented` and the like.
    pub codes: Vec<String>,
    /// HTTP statuses.
    pub statuses: Vec<u16>,
    /// Parts of messages.
    pub messages: Vec<String>,
}

/// How an endpoint is installed: packages of the Python index, in a virtual environment of their own.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Install {
    /// Requirements with their versions, such as `ministack==1.5.33`.
    pub python: Vec<String>,
}

/// How an endpoint is started. `{venv}` is the virtual environment, `{port}` a free port, `{data}` an empty folder of this run.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StartCommand {
    /// The program.
    pub program: String,
    /// Its arguments; no shell is involved.
    #[serde(default)]
    pub arguments: Vec<String>,
    /// Its environment, besides PATH and the like; no AWS settings of the user are handed on.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Path that answers when it is ready.
    pub ready: String,
    /// How long that may take.
    #[serde(default = "start_limit", deserialize_with = "duration")]
    pub within: Duration,
}

/// How much work a finding is worth: a foreign target may take seconds for what the embedded one does in a millisecond.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EffortLimits {
    /// Times a case may be run again while it is shrunk.
    pub shrinking: usize,
    /// Times a shrunk case may be run again to see what it needs.
    pub needs: usize,
}

impl Default for EffortLimits {
    fn default() -> Self {
        Self {
            shrinking: 300,
            needs: 40,
        }
    }
}

impl Profile {
    /// The profiles that come with Countersign.
    pub fn built_in() -> Vec<Self> {
        BUILT_IN
            .iter()
            .map(|(name, text)| Self::parse(name, text).expect("a test reads every profile that is built in"))
            .collect()
    }

    /// The names of [`Profile::built_in`].
    pub fn names() -> Vec<&'static str> {
        BUILT_IN.iter().map(|(name, _)| *name).collect()
    }

    /// The profile of this name, or of the file at this path where the text has a `/` or ends in `.toml`.
    ///
    /// # Errors
    /// [`ProfileError`].
    pub fn find(name: &str) -> Result<Self, ProfileError> {
        if name.contains('/') || name.ends_with(".toml") {
            let text = std::fs::read_to_string(Path::new(name)).map_err(|error| ProfileError::File {
                path: name.to_owned(),
                reason: error.to_string(),
            })?;
            return Self::parse(name, &text);
        }
        match BUILT_IN.iter().find(|(known, _)| *known == name) {
            Some((_, text)) => Self::parse(name, text),
            None => Err(ProfileError::Unknown {
                name: name.to_owned(),
                known: Self::names().into_iter().map(str::to_owned).collect(),
            }),
        }
    }

    /// Reads a profile.
    ///
    /// # Errors
    /// [`ProfileError::Text`], naming the path that is given.
    pub fn parse(path: &str, text: &str) -> Result<Self, ProfileError> {
        let wrong = |reason: String| ProfileError::Text {
            path: path.to_owned(),
            reason,
        };
        let profile: Self = toml::from_str(text).map_err(|error| wrong(error.to_string().trim().to_owned()))?;
        Comparison::parse(&profile.compare).map_err(|part| {
            wrong(format!(
                "`compare` knows no part `{part}`; `decision+code` is a good one"
            ))
        })?;
        if profile.isolation == Isolation::Reset && profile.reset.is_none() {
            return Err(wrong(
                "`isolation = \"reset\"` needs a [reset] call; without one write `isolation = \"names\"`".to_owned(),
            ));
        }
        if profile.enforcement.off.is_some() != profile.enforcement.on.is_some() {
            return Err(wrong("`enforcement.off` and `enforcement.on` go together".to_owned()));
        }
        Ok(profile)
    }

    /// What of an answer the endpoint is held to.
    pub fn comparison(&self) -> Comparison {
        Comparison::parse(&self.compare).unwrap_or(Comparison::DECISION)
    }

    /// Whether the endpoint can be asked this.
    pub fn can(&self, capability: Capability) -> bool {
        self.capabilities.contains(&capability)
    }

    /// What it cannot be asked, of all that there is.
    pub fn lacks(&self) -> Vec<Capability> {
        capability::ALL
            .into_iter()
            .filter(|capability| !self.can(*capability))
            .collect()
    }
}

fn decision() -> String {
    "decision".to_owned()
}

fn yes() -> bool {
    true
}

fn call_limit() -> Duration {
    Duration::from_secs(20)
}

fn start_limit() -> Duration {
    Duration::from_secs(30)
}

/// `500ms`, `30s`, `2m`.
fn duration<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    let wrong = || serde::de::Error::custom(format!("`{text}` is not a duration such as `500ms`, `30s` or `2m`"));
    let split = text
        .find(|character: char| !character.is_ascii_digit())
        .ok_or_else(wrong)?;
    let number: u64 = text[..split].parse().map_err(|_| wrong())?;
    let milliseconds = match &text[split..] {
        "ms" => Some(number),
        "s" => number.checked_mul(1_000),
        "m" => number.checked_mul(60_000),
        _ => None,
    };
    milliseconds.map(Duration::from_millis).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_profile_that_is_built_in_is_one() {
        for (name, text) in BUILT_IN {
            let profile = Profile::parse(name, text).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(profile.name, name);
            assert!(
                !profile.enforcement.hint.is_empty(),
                "{name} says how enforcement is switched on"
            );
            assert!(profile.install.is_none() || profile.start.is_some(), "{name}");
            assert!(profile.lacks().len() + profile.capabilities.len() == capability::ALL.len());
        }
        assert_eq!(Profile::built_in().len(), BUILT_IN.len());
    }

    #[test]
    fn what_is_wrong_with_a_profile_is_said() {
        let (_, good) = BUILT_IN
            .into_iter()
            .find(|(name, _)| *name == "ministack")
            .expect("it is built in");
        let cases = [
            (good.replace("isolation = \"reset\"", "isolation = \"hope\""), "hope"),
            (
                good.replace("compare = \"decision\"", "compare = \"verdict\""),
                "verdict",
            ),
            (
                good.replace("capabilities = [", "capabilities = [\"telepathy\", "),
                "telepathy",
            ),
            (good.replace("settle = \"0s\"", "settle = \"soon\""), "soon"),
            (good.replace("[reset]", "[resett]"), "resett"),
        ];
        for (text, word) in cases {
            assert_ne!(text, good, "the replacement of `{word}` applies");
            let error = Profile::parse("mine.toml", &text).expect_err(word).to_string();
            assert!(error.contains(word) && error.contains("mine.toml"), "{error}");
        }
        let error = Profile::find("ministak").expect_err("a typo").to_string();
        assert!(error.contains("ministack") && error.contains("moto"), "{error}");
        assert!(matches!(Profile::find("./none.toml"), Err(ProfileError::File { .. })));
    }
}
