//! Any AWS-compatible URL as a target, driven through the AWS SDKs as its profile says. Here it is set up and given worlds; `profile` says
//! what is known of a kind of endpoint, `capability` what a case needs, `administrator` and `principals` make credentials, `walk` takes the
//! steps, `canary` proves that anything is enforced, `managed` installs and starts an endpoint, `settings` reads the user's AWS settings.
//! Nothing is compared here.

mod administrator;
mod canary;
mod capability;
pub mod managed;
mod principals;
mod profile;
mod settings;
mod walk;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use countersign_model::case::{Case, Step};
use countersign_model::outcome::Outcome;
use countersign_model::world::World;

use self::administrator::Administrators;
use self::walk::{Running, Walk};
use aws_credential_types::Credentials;

use super::connector::{Line, Way};
use super::driver::Driver;
use super::patience::Patience;
use super::provision::{Means, provision};
use super::{
    CallCount, Changes, Comparison, Disturbance, Observed, Settling, Target, TargetError, Translation, Usage, Waiting,
};
use crate::differential::Binding;
use crate::live::{self, CleanOptions, Cleaned, LiveError, LiveOptions, Rails, Raw};

pub use canary::{Canary, CanaryError, canary};
pub use capability::{ALL as CAPABILITIES, Capability, of_step, of_world};
pub use profile::{
    Administrator, Denials, EffortLimits, Enforcement, HttpCall, Install, Isolation, Missing, Organizations, Profile,
    ProfileError, Sessions, StartCommand,
};
pub use settings::{AwsSettings, Endpoints, SettingsError};

/// What a world may ask about and no endpoint need be able to: the case is told how it is there (`Target::translate`).
const SAID_OTHERWISE: [Capability; 2] = [Capability::Clock, Capability::SecureTransport];

/// Numbers the cases of this process, so that no two have the same names on one endpoint.
static CASES: AtomicU64 = AtomicU64::new(0);

/// The first pause before a step is asked again.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// An endpoint and how to drive it.
#[derive(Debug, Clone)]
pub struct EndpointOptions {
    /// Where it is.
    pub endpoints: Endpoints,
    /// What is known of its kind.
    pub profile: Profile,
    /// Its name in reports.
    pub name: String,
}

/// Any AWS-compatible URL as a target.
#[derive(Debug)]
pub struct EndpointTarget {
    options: EndpointOptions,
    runtime: tokio::runtime::Runtime,
    driver: Driver,
    administrators: Administrators,
    /// Letters that tell this process's names from those of others on the same endpoint.
    run: String,
    case: Option<Running>,
    usage: Usage,
}

impl EndpointTarget {
    /// A target for the endpoint. No call is made yet.
    ///
    /// # Errors
    /// [`TargetError::Transport`] when no runtime can be made.
    pub fn new(options: EndpointOptions) -> Result<Self, TargetError> {
        let runtime = runtime()?;
        let line = Line::new(Way::socket(), options.endpoints.default.clone())
            .with(options.endpoints.by_service.clone(), options.profile.timeout);
        let driver = Driver::new(Arc::new(line)).with_path_style(options.profile.path_style);
        Ok(Self {
            administrators: Administrators::new(&options.profile),
            options,
            runtime,
            driver,
            run: run_letters(),
            case: None,
            usage: Usage::default(),
        })
    }

    /// A target behind the rails of a live run. The rails have been put up by [`EndpointTarget::verify`].
    ///
    /// # Errors
    /// As for [`EndpointTarget::new`].
    pub(crate) fn behind(
        options: EndpointOptions,
        rails: Arc<Rails>,
        disturbance: Option<Disturbance>,
    ) -> Result<Self, TargetError> {
        let line = live_line(&options, disturbance).with_rails(rails);
        let mut target = Self::new(options)?;
        target.driver = Driver::new(Arc::new(line)).with_path_style(target.options.profile.path_style);
        Ok(target)
    }

    /// Asks whose account it is, and puts up the rails of a live run.
    ///
    /// # Errors
    /// [`LiveError`]: the run must not go on.
    pub(crate) fn verify(
        options: EndpointOptions,
        live: &LiveOptions,
        credentials: &Credentials,
        disturbance: Option<Disturbance>,
    ) -> Result<Arc<Rails>, LiveError> {
        let runtime = runtime().map_err(|error| LiveError::Unverified {
            reason: error.to_string(),
        })?;
        let line = Arc::new(live_line(&options, disturbance));
        let raw = Raw::new(line, credentials.clone(), live.region.as_str());
        let provisioner = runtime.block_on(live::verify(&raw, live))?;
        let rails = Rails::new(live.clone(), provisioner, credentials.access_key_id().to_owned())?;
        Ok(Arc::new(rails))
    }

    /// Deletes what the journal of the rails lists.
    ///
    /// # Errors
    /// [`TargetError`] when nothing can be asked any more.
    pub(crate) fn clean(&mut self, what: CleanOptions) -> Result<Cleaned, TargetError> {
        let Some(rails) = self.driver.line().rails().cloned() else {
            return Ok(Cleaned::default());
        };
        // Countersign's own users go too.
        self.administrators.forget();
        let credentials = administrator::of_chain()?;
        let raw = Raw::new(
            Arc::clone(self.driver.line()),
            credentials,
            rails.options().region.as_str(),
        );
        self.runtime.block_on(Box::pin(live::clean(&raw, &rails, what)))
    }

    /// What is known of the endpoint's kind.
    pub fn profile(&self) -> &Profile {
        &self.options.profile
    }

    /// The account of the credentials that were given, where there is only this one.
    ///
    /// # Errors
    /// [`TargetError`] when it cannot be asked for.
    fn only_account(&mut self) -> Result<Option<String>, TargetError> {
        let Self {
            runtime,
            driver,
            administrators,
            ..
        } = self;
        runtime.block_on(administrators.only_account(driver))
    }
}

impl Target for EndpointTarget {
    fn name(&self) -> &str {
        &self.options.name
    }

    fn compares(&self) -> Comparison {
        self.options.profile.comparison()
    }

    fn translate(&mut self, case: &Case) -> Option<Translation> {
        let profile = &self.options.profile;
        let texts = profile.comparison().message;
        let needed = of_world(case);
        let asks = |capability| needed.contains(&capability) && !profile.can(capability);
        let suffix = match profile.isolation {
            Isolation::Reset => String::new(),
            Isolation::Names => format!("zq{}n{}", self.run, CASES.fetch_add(1, Ordering::Relaxed)),
        };
        let accounts = case.world.iter().flat_map(|world| world.accounts.keys());
        let mut changes = Changes {
            prefix: self.driver.line().rails().map_or("", |_| live::NAME_PREFIX).to_owned(),
            suffix,
            accounts: accounts
                .filter(|_| profile.own_accounts)
                .map(|account| (account.to_string(), own_account(&self.run)))
                .collect(),
            // Texts depend on the date and on switches everywhere; decisions hardly ever.
            without_date: !profile.can(Capability::AsOf) && !texts,
            without_quirks: !profile.can(Capability::Quirks) && !texts,
            clock: asks(Capability::Clock).then(now),
            plain_http: asks(Capability::SecureTransport),
            without_managed: !profile.can(Capability::AwsManagedPolicies),
        };
        // Without it nothing can be asked; `begin` says so.
        if let Ok(Some(account)) = self.only_account()
            && let Some(first) = case.world.as_ref().and_then(|world| world.accounts.keys().next())
            && first.as_str() != account
        {
            changes.accounts.insert(first.to_string(), account);
        }
        Translation::of(case, &changes)
    }

    fn settling(&self) -> Option<Settling> {
        settling(&self.options.profile)
    }

    fn wait(&mut self, time: Duration) -> Result<(), TargetError> {
        std::thread::sleep(time);
        self.usage.waiting.settled += time;
        Ok(())
    }

    fn begin(&mut self, case: &Case, world: &World) -> Result<Binding, TargetError> {
        let started = Instant::now();
        self.usage = Usage::default();
        self.case = None;
        if let Some(missing) = missing(&self.options.profile, case) {
            return Err(TargetError::unsupported(missing));
        }
        self.driver.line().begin_case(&case.id);
        if let Some(rails) = self.driver.line().rails().cloned() {
            let region = world.resolved_spec().region.clone();
            if region != rails.options().region {
                return Err(TargetError::unsupported(format!("the Region {region}")));
            }
            let keys = world
                .resolved_spec()
                .accounts
                .values()
                .flat_map(|account| account.keys.values());
            let needed = keys.filter(|key| key.manager.as_deref() != Some("AWS")).count() as u64;
            if needed > rails.keys_to_be_had() {
                return Err(TargetError::unsupported("more keys at once than --max-keys"));
            }
            // What a case before left behind, if its world could not be built.
            self.clean(CleanOptions { keep_keys: true })?;
        }
        let calls_before = self.driver.line().calls();
        let Self {
            options,
            runtime,
            driver,
            administrators,
            ..
        } = self;
        let result = runtime.block_on(Box::pin(begin(&options.profile, driver, administrators, case, world)));
        self.usage.provisioning = CallCount {
            calls: self.driver.line().calls() - calls_before,
            time: started.elapsed(),
        };
        self.usage.waiting = self.driver.line().waiting();
        let binding = result?;
        self.case = Some(Running::new(world));
        Ok(binding)
    }

    fn step(&mut self, step: &Step, _outcome: &Outcome, binding: &mut Binding) -> Result<Observed, TargetError> {
        let profile = &self.options.profile;
        if let Some(missing) = of_step(step).into_iter().find(|needed| !profile.can(*needed)) {
            return Err(TargetError::unsupported(missing.word()));
        }
        let Some(running) = &mut self.case else {
            return Err(TargetError::adapter("no case has begun"));
        };
        let started = Instant::now();
        let calls_before = self.driver.line().calls();
        let mut walk = Walk {
            profile,
            driver: &mut self.driver,
            administrators: &mut self.administrators,
            running,
            binding,
        };
        let result = self.runtime.block_on(Box::pin(walk.step(step)));
        self.usage.wire.add(CallCount {
            calls: self.driver.line().calls() - calls_before,
            time: started.elapsed(),
        });
        self.usage.waiting = Waiting {
            settled: self.usage.waiting.settled,
            ..self.driver.line().waiting()
        };
        result
    }

    fn end(&mut self) -> Result<(), TargetError> {
        self.case = None;
        self.clean(CleanOptions { keep_keys: true }).map(|_| ())
    }

    fn usage(&self) -> Usage {
        self.usage
    }

    fn forget_usage(&mut self) {
        self.usage = Usage::default();
    }
}

/// The first thing that the world of a case needs and the endpoint has not, in the words of reports.
pub(crate) fn missing(profile: &Profile, case: &Case) -> Option<&'static str> {
    let world = of_world(case)
        .into_iter()
        .filter(|needed| !SAID_OTHERWISE.contains(needed))
        .find(|needed| !profile.can(*needed));
    let given = [
        (Capability::AsOf, case.as_of.is_some()),
        (Capability::Quirks, !case.quirks.is_empty()),
    ];
    let said = given
        .into_iter()
        .find(|(capability, given)| *given && !profile.can(*capability));
    world.or(said.map(|(capability, _)| capability)).map(Capability::word)
}

/// Wipes what was there, where that is how cases are kept apart, and builds the world while nothing is enforced.
async fn begin(
    profile: &Profile,
    driver: &mut Driver,
    administrators: &mut Administrators,
    case: &Case,
    world: &World,
) -> Result<Binding, TargetError> {
    if let (Isolation::Reset, Some(reset)) = (profile.isolation, &profile.reset) {
        administrator::control(driver.line(), reset, "").await?;
        administrators.forget();
    }
    administrators.relax(driver).await?;
    for account in world.resolved_spec().accounts.keys() {
        administrators.prepare(driver, account).await?;
    }
    let means = Means {
        administrator: &|account| administrators.of(account),
        control: None,
        explicit_defaults: profile.explicit_defaults,
        bypass_lockout_check: profile.bypass_lockout_check,
        settling: settling(profile),
    };
    let result = provision(driver, &means, case, world, None)
        .await
        .map(|built| built.binding);
    administrators.enforce(driver).await?;
    match result {
        Err(TargetError::Provisioning { what, code, message }) if says_missing(profile, &code, &message) => {
            Err(TargetError::unsupported(format!("{what}: {code}").replace('`', "")))
        }
        other => other,
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, TargetError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| TargetError::transport(format!("no runtime for the target: {error}")))
}

/// A line to AWS, or to what takes its place: with patience, and TLS if the address asks for it.
fn live_line(options: &EndpointOptions, disturbance: Option<Disturbance>) -> Line {
    let patience = Patience {
        disturbance: disturbance.unwrap_or_default(),
        real_time: true,
    };
    let way = if options.endpoints.default.starts_with("https:") {
        Way::encrypted()
    } else {
        Way::socket()
    };
    Line::new(way, options.endpoints.default.clone())
        .with(options.endpoints.by_service.clone(), options.profile.timeout)
        .with_patience(Some(patience))
}

/// How late changes are seen there.
fn settling(profile: &Profile) -> Option<Settling> {
    (!profile.settle.is_zero()).then_some(Settling {
        within: profile.settle,
        every: FIRST_PAUSE,
        case_clock: false,
    })
}

/// Whether the target says that it does not have an operation.
fn says_missing(profile: &Profile, code: &str, message: &str) -> bool {
    let missing = &profile.missing;
    missing.codes.iter().any(|known| known == code)
        || missing.statuses.iter().any(|status| code == status.to_string())
        || missing.messages.iter().any(|part| message.contains(part.as_str()))
}

/// This second.
fn now() -> jiff::Timestamp {
    let now = jiff::Timestamp::now();
    jiff::Timestamp::from_second(now.as_second()).unwrap_or(now)
}

/// An account id that no other case has: of the run's letters and a number.
fn own_account(run: &str) -> String {
    let run = u64::from_str_radix(run, 32).unwrap_or_default() % 10_000;
    format!("9{run:04}{:07}", CASES.fetch_add(1, Ordering::Relaxed) % 10_000_000)
}

/// Four letters and digits that differ from process to process.
fn run_letters() -> String {
    use std::hash::{BuildHasher as _, Hasher as _};
    let mut drawn = std::collections::hash_map::RandomState::new().build_hasher().finish();
    (0..4)
        .map(|_| {
            let digit = (drawn % 32) as u32;
            drawn /= 32;
            char::from_digit(digit, 32).unwrap_or('0')
        })
        .collect()
}
