//! AWS itself on the command line: `--target aws` with everything that must be said before it, and `countersign clean`. The rails are
//! `crate::live`'s.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use countersign_model::case::Case;
use countersign_model::name::{AccountId, Region};

use super::arguments::{TargetArguments, TargetName};
use super::{Exit, Failure};
use crate::live::{Ceilings, CleanOptions, LiveError, LiveOptions, Rails, Rehearsal, plan};
use crate::report::plain;
use crate::session::BoxedTarget;
use crate::target::TargetError;
use crate::target::endpoint::{AwsSettings, EndpointOptions, Endpoints, Organizations, Profile, missing};
use crate::target::{Disturbance, EndpointTarget};

/// Where the journal is when nobody says.
const JOURNAL: &str = "countersign-live.jsonl";

/// What must be said before anything is sent to AWS.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct LiveArguments {
    /// Really drive AWS: makes users, roles, policies, buckets and keys in the account of your credentials. Needs --account and --region.
    #[arg(long)]
    pub(super) live: bool,
    /// The only account that may be driven, twelve digits. The credentials must be of it, and it must not manage an organization.
    #[arg(long, value_name = "ID")]
    pub(super) account: Option<AccountId>,
    /// The only Region that may be driven.
    #[arg(long, value_name = "REGION")]
    pub(super) region: Option<Region>,
    /// Say what would be made and asked and what it may cost at most, and send nothing.
    #[arg(long)]
    pub(super) plan: bool,
    /// Keys that may be made; those of earlier runs are used again first.
    #[arg(long, value_name = "N")]
    pub(super) max_keys: Option<u64>,
    /// Calls that may be made.
    #[arg(long, value_name = "N")]
    pub(super) max_calls: Option<u64>,
    /// Minutes that it may take.
    #[arg(long, value_name = "N")]
    pub(super) max_minutes: Option<u64>,
    /// US dollars that it may cost at list prices, each key counted for a whole month.
    #[arg(long, value_name = "USD", value_parser = dollars)]
    pub(super) max_cost_usd: Option<u64>,
    /// File in which everything is written down before it is made; `countersign clean` deletes what it lists.
    #[arg(long, value_name = "FILE")]
    pub(super) journal: Option<PathBuf>,
    /// A loopback address in AWS's place, for rehearsals.
    #[arg(long, value_name = "URL", hide = true)]
    pub(super) live_endpoint: Option<String>,
    /// What kind of endpoint that is, as `check --profile` takes it: whether its Organizations service says anything.
    #[arg(long, value_name = "NAME_OR_FILE", hide = true, requires = "live_endpoint")]
    pub(super) live_profile: Option<String>,
    /// The rails, once the account is verified.
    #[arg(skip)]
    pub(super) rails: Option<Arc<Rails>>,
}

/// `clean`.
#[derive(Debug, Clone, Args)]
pub(super) struct CleanArguments {
    #[command(flatten)]
    pub(super) live: LiveArguments,
    /// Leave the keys, for the next run. Otherwise their deletion is scheduled, in seven days.
    #[arg(long)]
    pub(super) keep_keys: bool,
    /// Disturb the calls on purpose, for rehearsals.
    #[arg(long, value_name = "SHARES", hide = true)]
    pub(super) disturb: Option<Disturbance>,
}

/// Millionths of a dollar.
fn dollars(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is not an amount of US dollars from 0 to 1000, such as `2.50`");
    let amount: f64 = text.parse().map_err(|_| wrong())?;
    if !(0.0..=1000.0).contains(&amount) {
        return Err(wrong());
    }
    // Within 0 and a thousand million.
    Ok((amount * 1e6).round() as u64)
}

/// Refuses everything about AWS that was not fully said. Nothing is sent.
pub(super) fn said(arguments: &TargetArguments) -> Result<(), Failure> {
    let live = &arguments.live;
    if arguments.target != TargetName::Aws {
        if live.live || live.plan || live.live_endpoint.is_some() {
            return Err(Failure::message(
                Exit::Usage,
                "--live and --plan are about AWS itself, and this target is not",
                "add --target aws, or leave them out",
            ));
        }
        return Ok(());
    }
    if let Some(name) = &arguments.profile {
        return Err(Failure::message(
            Exit::Usage,
            format!("--profile `{name}` says what kind of endpoint a URL is; AWS has its own"),
            "leave --profile out; AWS_PROFILE chooses credentials",
        ));
    }
    if arguments.disturb.is_some() && live.live_endpoint.is_none() {
        return Err(Failure::message(
            Exit::Refused,
            "AWS is not disturbed on purpose",
            "leave --disturb out; the embedded target can be disturbed",
        ));
    }
    if !live.live && !live.plan {
        return Err(Failure::message(
            Exit::Refused,
            "AWS is not driven unless you say so",
            "add --live --account ID --region R, after a look at --plan; an account that is there for tests alone is best",
        ));
    }
    allowed(live).map(|_| ())
}

/// What was allowed.
fn allowed(live: &LiveArguments) -> Result<LiveOptions, Failure> {
    let (Some(account), Some(region)) = (&live.account, &live.region) else {
        return Err(Failure::message(
            Exit::Refused,
            "the account and the Region that may be driven are not named",
            "add --account ID --region R",
        ));
    };
    if let Some(endpoint) = &live.live_endpoint
        && !on_loopback(endpoint)
    {
        return Err(refused(&LiveError::NotLoopback {
            endpoint: endpoint.clone(),
        }));
    }
    let usual = Ceilings::default();
    Ok(LiveOptions {
        account: account.clone(),
        region: region.clone(),
        ceilings: Ceilings {
            keys: live.max_keys.unwrap_or(usual.keys),
            calls: live.max_calls.unwrap_or(usual.calls),
            minutes: live.max_minutes.unwrap_or(usual.minutes),
            micro_dollars: live.max_cost_usd.unwrap_or(usual.micro_dollars),
        },
        journal: live.journal.clone().unwrap_or_else(|| PathBuf::from(JOURNAL)),
        run: format!(
            "{}-{:06}",
            jiff::Zoned::now().strftime("%Y%m%dT%H%M%S"),
            super::drawn_seed()
        ),
        rehearsal: live
            .live_endpoint
            .as_ref()
            .map(|endpoint| rehearsal(endpoint, live.live_profile.as_deref()))
            .transpose()?,
    })
}

/// What takes AWS's place.
fn rehearsal(endpoint: &str, profile: Option<&str>) -> Result<Rehearsal, Failure> {
    let organizations = match profile {
        None => Organizations::default(),
        Some(name) => {
            Profile::find(name)
                .map_err(|error| {
                    Failure::message(
                        Exit::Usage,
                        error,
                        "`countersign target list` shows those that there are",
                    )
                })?
                .organizations
        }
    };
    Ok(Rehearsal {
        endpoint: endpoint.to_owned(),
        organizations,
    })
}

/// With `--plan`: says what the cases would do. None if the run is to go on.
pub(super) fn planned<'a>(
    arguments: &TargetArguments,
    cases: impl IntoIterator<Item = &'a Case>,
) -> Result<Option<Exit>, Failure> {
    if arguments.target != TargetName::Aws || !arguments.live.plan {
        return Ok(None);
    }
    let options = allowed(&arguments.live)?;
    let profile = endpoint(&options)?.profile;
    let (asked, skipped): (Vec<&Case>, Vec<&Case>) = cases.into_iter().partition(|case| {
        let region = case.world.as_ref().is_none_or(|world| world.region == options.region);
        region && missing(&profile, case).is_none()
    });
    let plan = plan(asked);
    let over = plan.over(options.ceilings);
    let mut text = format!(
        "plan for account {} in {}; nothing is sent\n{plan}",
        options.account, options.region
    );
    text.push_str(&format!(
        "skips     {} cases that AWS cannot be asked in one account and Region\n",
        skipped.len()
    ));
    for line in &over {
        text.push_str(&format!("over      {line}\n"));
    }
    super::print(plain(&text).as_bytes())?;
    Ok(Some(if over.is_empty() {
        Exit::Conformant
    } else {
        Exit::Refused
    }))
}

/// Verifies the account and puts the rails up.
pub(super) fn ready(arguments: &mut TargetArguments) -> Result<(), Failure> {
    let options = allowed(&arguments.live)?;
    let rails = raise(&options, arguments.disturb.clone())?;
    eprintln!(
        "AWS account {} in {}; journal {}",
        options.account,
        options.region,
        options.journal.display()
    );
    arguments.live.rails = Some(rails);
    Ok(())
}

fn raise(options: &LiveOptions, disturbance: Option<Disturbance>) -> Result<Arc<Rails>, Failure> {
    let settings = AwsSettings::of_process().map_err(|error| {
        Failure::message(
            Exit::Refused,
            error,
            "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, of the account that --account names",
        )
    })?;
    EndpointTarget::verify(endpoint(options)?, options, &settings.credentials, disturbance)
        .map_err(|error| refused(&error))
}

/// A target behind the rails.
pub(super) fn make(arguments: &TargetArguments) -> Result<BoxedTarget, TargetError> {
    let rails = arguments
        .live
        .rails
        .clone()
        .ok_or_else(|| TargetError::adapter("the account has not been verified"))?;
    let endpoint = endpoint(rails.options()).map_err(|failure| TargetError::adapter(failure.report.to_string()))?;
    Ok(Box::new(EndpointTarget::behind(
        endpoint,
        rails,
        arguments.disturb.clone(),
    )?))
}

/// AWS, or what takes its place.
fn endpoint(options: &LiveOptions) -> Result<EndpointOptions, Failure> {
    let profile = Profile::find("aws").map_err(|error| Failure::message(Exit::Internal, error, "please report it"))?;
    let endpoints = match &options.rehearsal {
        Some(rehearsal) => Endpoints::one(&rehearsal.endpoint),
        None => {
            if !cfg!(feature = "live") {
                return Err(Failure::message(
                    Exit::Refused,
                    "this build has no TLS, and AWS is not spoken to without it",
                    "build Countersign with --features live",
                ));
            }
            let region = &options.region;
            let of = |host: String| format!("https://{host}.amazonaws.com");
            Endpoints {
                default: of(format!("sts.{region}")),
                by_service: [
                    ("iam", of("iam".to_owned())),
                    ("kms", of(format!("kms.{region}"))),
                    ("s3", of(format!("s3.{region}"))),
                    ("sts", of(format!("sts.{region}"))),
                    ("organizations", of("organizations.us-east-1".to_owned())),
                ]
                .map(|(service, url)| (service.to_owned(), url))
                .into(),
            }
        }
    };
    Ok(EndpointOptions {
        endpoints,
        profile,
        name: "aws".to_owned(),
    })
}

/// `countersign clean`.
pub(super) fn clean(arguments: &CleanArguments) -> Result<Exit, Failure> {
    if !arguments.live.live {
        return Err(Failure::message(
            Exit::Refused,
            "nothing is deleted in AWS unless you say so",
            "add --live --account ID --region R, and the --journal of the run",
        ));
    }
    let mut options = allowed(&arguments.live)?;
    if !options.journal.exists() {
        return Err(Failure::message(
            Exit::Refused,
            format!("there is no journal `{}`", options.journal.display()),
            "name the journal of the run with --journal: nothing else is ever deleted",
        ));
    }
    // What was made must be able to go, whatever a run was allowed.
    options.ceilings = Ceilings {
        keys: 0,
        calls: arguments.live.max_calls.unwrap_or(u64::MAX),
        minutes: arguments.live.max_minutes.unwrap_or(u64::MAX / 60),
        micro_dollars: u64::MAX,
    };
    let rails = raise(&options, arguments.disturb.clone())?;
    let mut target = EndpointTarget::behind(endpoint(&options)?, rails, arguments.disturb.clone())
        .map_err(|error| Failure::message(Exit::Target, error, "is the network up?"))?;
    let cleaned = target
        .clean(CleanOptions {
            keep_keys: arguments.keep_keys,
        })
        .map_err(|error| {
            Failure::message(
                Exit::Target,
                format!("it could not be finished: {error}"),
                "run `countersign clean` again: it goes on where it stopped",
            )
        })?;
    let mut text = String::new();
    for line in &cleaned.gone {
        text.push_str(&format!("gone      {line}\n"));
    }
    for line in &cleaned.left {
        text.push_str(&format!("left      {line}\n"));
    }
    for line in &cleaned.refused {
        text.push_str(&format!("refused   {line}\n"));
    }
    text.push_str(&format!(
        "clean     {} gone, {} left, {} refused, {} keys kept\n",
        cleaned.gone.len(),
        cleaned.left.len(),
        cleaned.refused.len(),
        cleaned.kept
    ));
    super::print(plain(&text).as_bytes())?;
    Ok(if !cleaned.refused.is_empty() {
        Exit::Refused
    } else if !cleaned.left.is_empty() {
        Exit::Target
    } else {
        Exit::Conformant
    })
}

/// What is left of a run, in a line for people; the keys of the pool are no leftovers.
pub(super) fn leftovers(arguments: &TargetArguments) -> Option<String> {
    let rails = arguments.live.rails.as_ref()?;
    let (keys, others) = rails.leftovers();
    let (calls, made, micro) = rails.spent();
    let mut text = format!(
        "aws       {calls} calls, {made} keys made, at most {:.2} US dollars; {keys} keys kept for the next run",
        micro as f64 / 1e6
    );
    if others > 0 {
        text.push_str(&format!("; {others} things LEFT: run `countersign clean`"));
    }
    Some(text)
}

/// Whether something other than keys of the pool is left.
pub(super) fn left_something(arguments: &TargetArguments) -> bool {
    arguments
        .live
        .rails
        .as_ref()
        .is_some_and(|rails| rails.leftovers().1 > 0)
}

fn refused(error: &LiveError) -> Failure {
    Failure::message(Exit::Refused, error, error.next_step())
}

fn on_loopback(endpoint: &str) -> bool {
    let uri: Option<http::Uri> = endpoint.parse().ok();
    uri.as_ref()
        .filter(|uri| uri.scheme_str() == Some("http"))
        .and_then(|uri| uri.host())
        .and_then(|host| {
            host.trim_start_matches('[')
                .trim_end_matches(']')
                .parse::<std::net::IpAddr>()
                .ok()
        })
        .is_some_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_this_machine_take_the_place_of_aws() {
        for (endpoint, fits) in [
            ("http://127.0.0.1:4566", true),
            ("http://[::1]:4566", true),
            ("http://127.1.2.3:1", true),
            // A name may lead anywhere.
            ("http://localhost:4566", false),
            ("https://127.0.0.1:4566", false),
            ("http://kms.us-east-1.amazonaws.com", false),
            ("http://127.0.0.1.example.com", false),
            ("http://user@10.0.0.1", false),
            ("", false),
        ] {
            assert_eq!(on_loopback(endpoint), fits, "{endpoint}");
        }
    }

    #[test]
    fn amounts_are_read_whole_or_not_at_all() {
        assert_eq!(dollars("2.50"), Ok(2_500_000));
        for wrong in ["", "-1", "NaN", "inf", "1001", "2,5"] {
            assert!(dollars(wrong).is_err(), "{wrong}");
        }
    }
}
