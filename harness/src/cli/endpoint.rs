//! Endpoints on the command line: which one is meant, starting one that Countersign can start, the canary before anything counts, and
//! `countersign target`. How an endpoint is driven is `target::endpoint`'s.

use std::io::Write as _;

use super::arguments::{TargetArguments, TargetCommand, TargetName};
use super::{Exit, Failure};
use crate::report::plain;
use crate::session::BoxedTarget;
use crate::target::EndpointTarget;
use crate::target::TargetError;
use crate::target::endpoint::managed::{self, Managed, ManagedError};
use crate::target::endpoint::{
    Canary, CanaryError, EndpointOptions, Endpoints, Isolation, Profile, ProfileError, SettingsError, canary,
};

/// Targets of a command, with what was started for them.
#[derive(Debug)]
pub(super) struct Ready {
    /// The arguments with the address of what was started.
    pub(super) target: TargetArguments,
    /// Held for as long as the command runs.
    _managed: Option<Managed>,
}

/// Starts the target if it is one that Countersign starts, and proves that it enforces anything.
pub(super) fn ready(arguments: &TargetArguments) -> Result<Ready, Failure> {
    let mut target = arguments.clone();
    let mut started = None;
    if let TargetName::Managed(name) = &arguments.target {
        let profile = profile_of(arguments)?;
        let running = start(&profile, 0)?;
        target.target = TargetName::Endpoint {
            url: Some(running.url()),
            name: Some(name.clone()),
        };
        started = Some(running);
    }
    if target.target == TargetName::Aws {
        if !target.live.plan {
            super::live::ready(&mut target)?;
        }
    } else if let Some(options) = options(&target)? {
        prove(options)?;
    }
    Ok(Ready {
        target,
        _managed: started,
    })
}

/// The endpoint that is meant; none if the target is not one.
pub(super) fn options(arguments: &TargetArguments) -> Result<Option<EndpointOptions>, Failure> {
    let (url, name) = match &arguments.target {
        TargetName::Endpoint { url, name } => (url.as_deref(), name.clone()),
        TargetName::Url(url) if arguments.control_token.is_none() => (Some(url.as_str()), None),
        _ => return Ok(None),
    };
    let profile = profile_of(arguments)?;
    let variable = |name: &str| std::env::var(name).ok();
    let endpoints = Endpoints::of_environment(url, &variable).map_err(|error| of_settings(&error))?;
    for address in endpoints.all() {
        on_this_machine(address, arguments.allow_remote)?;
    }
    let name = name.unwrap_or_else(|| format!("{} at {}", profile.name, endpoints.default));
    Ok(Some(EndpointOptions {
        endpoints,
        profile,
        name,
    }))
}

/// A target for the endpoint that is meant.
pub(super) fn make(arguments: &TargetArguments) -> Result<BoxedTarget, TargetError> {
    if arguments.target == TargetName::Aws {
        return super::live::make(arguments);
    }
    let options = options(arguments)
        .map_err(|failure| TargetError::adapter(failure.report.to_string()))?
        .ok_or_else(|| TargetError::adapter("the target is no endpoint"))?;
    Ok(Box::new(EndpointTarget::new(options)?))
}

/// Whether cases of the endpoint may run side by side: not where each of them wipes it, or switches it off for a moment.
pub(super) fn takes_workers(arguments: &TargetArguments) -> bool {
    options(arguments).ok().flatten().is_some_and(|options| {
        options.profile.isolation == Isolation::Names && options.profile.enforcement.off.is_none()
    })
}

/// The profile that is meant: the one named, that of a target that Countersign starts, else the one for strangers.
pub(super) fn profile_of(arguments: &TargetArguments) -> Result<Profile, Failure> {
    let name = match (&arguments.profile, &arguments.target) {
        (Some(name), _) => name.as_str(),
        (None, TargetName::Aws) => "aws",
        (None, TargetName::Managed(name) | TargetName::Endpoint { name: Some(name), .. }) => name.as_str(),
        _ => "generic",
    };
    Profile::find(name).map_err(|error| of_profile(&error))
}

/// `countersign target`.
pub(super) fn run(command: &TargetCommand) -> Result<Exit, Failure> {
    match command {
        TargetCommand::List => list(),
        TargetCommand::Show { profile } => show(&Profile::find(profile).map_err(|error| of_profile(&error))?),
        TargetCommand::Start { profile, port } => {
            let profile = Profile::find(profile).map_err(|error| of_profile(&error))?;
            serve(&profile, *port)
        }
    }
}

fn list() -> Result<Exit, Failure> {
    let mut out = std::io::stdout().lock();
    for profile in Profile::built_in() {
        let how = match (&profile.start, &profile.install) {
            (Some(_), Some(_)) => "installed and started by Countersign",
            (Some(_), None) => "started by Countersign if it is on PATH",
            _ => "by URL",
        };
        writeln!(out, "{:<12} {}  ({how})", profile.name, profile.title)?;
    }
    writeln!(
        out,
        "`countersign target show NAME` says what one can be asked; a profile of your own: --profile FILE (docs/targets.md)"
    )?;
    Ok(Exit::Conformant)
}

fn show(profile: &Profile) -> Result<Exit, Failure> {
    let mut out = std::io::stdout().lock();
    let text = |text: &str| plain(text).into_owned();
    writeln!(out, "{}  {}", text(&profile.name), text(&profile.title))?;
    if let Some(homepage) = &profile.homepage {
        writeln!(out, "from        {}", text(homepage))?;
    }
    writeln!(out, "compared    {}", text(&profile.compare))?;
    writeln!(out, "settles     within {:.1} s", profile.settle.as_secs_f64())?;
    writeln!(
        out,
        "cases       {}",
        match profile.isolation {
            Isolation::Reset => "the endpoint is wiped before each",
            Isolation::Names => "each has names of its own; nothing is wiped",
        }
    )?;
    writeln!(out, "enforcement {}", text(&profile.enforcement.hint))?;
    for capability in &profile.capabilities {
        writeln!(
            out,
            "asked       {:<28} {}",
            capability.word(),
            capability.meaning().trim()
        )?;
    }
    for capability in profile.lacks() {
        writeln!(
            out,
            "not asked   {:<28} {}",
            capability.word(),
            capability.meaning().trim()
        )?;
    }
    Ok(Exit::Conformant)
}

/// Starts an endpoint and keeps it until Ctrl-C.
fn serve(profile: &Profile, port: u16) -> Result<Exit, Failure> {
    let stop = super::check::interrupt_flag();
    let running = start(profile, port)?;
    {
        let mut out = std::io::stdout().lock();
        let url = running.url();
        writeln!(out, "{} on {url}, process {}", plain(&profile.name), running.process())?;
        writeln!(
            out,
            "  countersign check --target {url} --profile {}",
            plain(&profile.name)
        )?;
        writeln!(out, "  log: {}", running.log().display())?;
        writeln!(out, "Ctrl-C ends it; nothing is kept.")?;
        out.flush()?;
    }
    while !stop.load(std::sync::atomic::Ordering::Relaxed) {
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    drop(running);
    Ok(Exit::Conformant)
}

fn start(profile: &Profile, port: u16) -> Result<Managed, Failure> {
    let mut say = |text: &str| eprintln!("{}", plain(text));
    Managed::start(profile, port, &mut say).map_err(|error| {
        let (exit, help) = match &error {
            ManagedError::NotStartable { .. } => (Exit::Usage, "`countersign target list` says which can be started"),
            ManagedError::File { .. } => (Exit::Usage, "set COUNTERSIGN_CACHE to a folder that can be written"),
            ManagedError::Install { .. } => (
                Exit::Target,
                "are python3 with its venv module, and the package index, within reach?",
            ),
            ManagedError::Start { .. } => (Exit::Target, "start it by hand once, and see what it says"),
        };
        Failure::message(exit, error, help)
    })
}

/// Runs the canary: without it an endpoint that allows everything would look conformant in half of all cases.
fn prove(options: EndpointOptions) -> Result<Canary, Failure> {
    let hint = options.profile.enforcement.hint.clone();
    let name = options.name.clone();
    let unreachable = |error: &dyn std::fmt::Display| {
        Failure::message(
            Exit::Target,
            format!("`{name}`: {error}"),
            "is it running, at this address, and of the kind that --profile says?",
        )
    };
    let mut target = EndpointTarget::new(options).map_err(|error| unreachable(&error))?;
    canary(&mut target).map_err(|error| match &error {
        CanaryError::NotEnforced { .. } => Failure::message(
            Exit::Target,
            format!("`{name}`: {error}"),
            format!("nothing it answers would count; switch enforcement on: {hint}"),
        ),
        other => unreachable(other),
    })
}

/// Refuses an address that is not on this machine unless the user says so, and AWS itself always.
fn on_this_machine(address: &str, allow_remote: bool) -> Result<(), Failure> {
    let uri: Option<http::Uri> = address.parse().ok();
    let host = uri
        .as_ref()
        .and_then(|uri| uri.host())
        .map(|host| host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase());
    let plain_http = uri.as_ref().and_then(|uri| uri.scheme_str()) == Some("http");
    let Some(host) = host.filter(|_| plain_http) else {
        return Err(Failure::message(
            Exit::Usage,
            format!("`{address}` is not an `http://` address"),
            "endpoints are driven over plain HTTP, such as `http://127.0.0.1:4566`",
        ));
    };
    let loopback = host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback());
    let of_aws = ["amazonaws.com", "amazonaws.com.cn", "api.aws"]
        .iter()
        .any(|domain| host == *domain || host.ends_with(&format!(".{domain}")));
    match (loopback, of_aws, allow_remote) {
        (true, ..) | (false, false, true) => Ok(()),
        (false, true, _) => Err(Failure::message(
            Exit::Refused,
            format!("`{address}` is AWS itself"),
            "this target makes and changes users, roles, keys and buckets without asking",
        )),
        (false, false, false) => Err(Failure::message(
            Exit::Refused,
            format!("`{address}` is not on this machine"),
            "a run makes and wipes users, roles, keys and buckets there; if that is what you want, add --allow-remote",
        )),
    }
}

fn of_profile(error: &ProfileError) -> Failure {
    Failure::message(
        Exit::Usage,
        error,
        "`countersign target list` shows those that there are; docs/targets.md says how to write one",
    )
}

fn of_settings(error: &SettingsError) -> Failure {
    Failure::message(Exit::Usage, error, "docs/targets.md says where settings are looked for")
}

/// Ends what was started, on the way out that runs no destructors.
pub(super) fn end_all() {
    managed::end_all();
}
