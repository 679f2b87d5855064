//! Principal entries and whom they match, how directly (`iam:§2.1`, `iam:§12.2`), and the exemption rules
//! of NotPrincipal (`iam:§2.4`). Whether an entry may be saved is checked in `validate`.

use std::fmt;
use std::ops::{BitOr, BitOrAssign};

use super::policy::PrincipalResolver;
use super::{Caller, arn};
use crate::fault::{Fault, FaultSet};
use crate::names::AccountId;

/// How directly a resource policy names the caller (`iam:§2.1`); a set, because several statements can
/// match in several ways (`iam:L-32`).
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct MatchKinds(u8);

impl MatchKinds {
    /// No match.
    pub const NONE: Self = Self(0);
    /// The caller itself: user, session, federated user, service, web identity.
    pub const CALLER: Self = Self(1);
    /// The role of a session, the parent user of a federated user.
    pub const PARENT: Self = Self(2);
    /// The account of the caller.
    pub const ACCOUNT: Self = Self(4);
    /// Everyone.
    pub const WILD: Self = Self(8);

    /// Whether there is no match at all.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether the kinds have one in common.
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// The kinds without those of `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

impl BitOr for MatchKinds {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for MatchKinds {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl fmt::Debug for MatchKinds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [
            (Self::CALLER, "caller"),
            (Self::PARENT, "parent"),
            (Self::ACCOUNT, "account"),
            (Self::WILD, "wild"),
        ];
        formatter
            .debug_set()
            .entries(
                names
                    .iter()
                    .filter(|(kind, _)| self.intersects(*kind))
                    .map(|(_, name)| name),
            )
            .finish()
    }
}

/// One entry of `Principal` or `NotPrincipal`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrincipalEntry {
    /// `"*"` (`iam:P-01`).
    Everyone,
    /// `{"AWS":"*"}` (`iam:P-02`).
    EveryAwsPrincipal,
    /// An account id or root ARN (`iam:P-03`).
    Account {
        /// The account.
        account: String,
        /// Whether it was a bare id, which means the same as the ARN.
        bare: bool,
    },
    /// A user ARN (`iam:P-04`).
    User {
        /// The ARN as written.
        arn: String,
        /// The unique id it was bound to at save (`iam:P-40`).
        bound_to: Option<String>,
    },
    /// A role ARN (`iam:P-05`).
    Role {
        /// The ARN as written.
        arn: String,
        /// The unique id it was bound to at save (`iam:P-40`).
        bound_to: Option<String>,
    },
    /// A unique id of a user or role (`iam:P-08`).
    UniqueId(String),
    /// A role session ARN (`iam:P-06`).
    Session(String),
    /// A federated user ARN (`iam:P-07`).
    FederatedUser(String),
    /// A service principal (`iam:P-09`, `iam:P-10`).
    Service(String),
    /// A web identity or SAML provider (`iam:P-11`).
    Federated(String),
    /// An S3 canonical user id (`iam:P-12`).
    CanonicalUser {
        /// The id as written.
        id: String,
        /// The account it belongs to, looked up at save.
        account: Option<AccountId>,
    },
    /// A form that means nobody (`iam:P-14`, `iam:P-16`).
    Nobody(String),
}

impl PrincipalEntry {
    /// Reads the value of a member of a principal map; `None` for an unknown member name.
    pub(crate) fn read(member: &str, value: &str, resolver: Option<&dyn PrincipalResolver>) -> Option<Self> {
        let nobody = || Self::Nobody(value.to_owned());
        Some(match member {
            "AWS" => read_aws(value, resolver).unwrap_or_else(nobody),
            "Service" if is_service_name(value) => Self::Service(value.to_owned()),
            "Federated" if is_provider(value) => Self::Federated(value.to_owned()),
            "CanonicalUser" => Self::CanonicalUser {
                id: value.to_owned(),
                account: resolver.and_then(|resolver| resolver.account_of_canonical_user(value)),
            },
            "Service" | "Federated" => nobody(),
            _ => return None,
        })
    }

    /// How the entry matches the caller.
    #[inline]
    pub(crate) fn matches(&self, caller: &Caller, reading: &Reading) -> MatchKinds {
        match self {
            Self::Everyone => MatchKinds::WILD,
            Self::EveryAwsPrincipal => match caller {
                Caller::Anonymous if reading.faults().contains(Fault::AwsStarMissesAnonymous) => MatchKinds::NONE,
                Caller::Service { .. } | Caller::WebIdentity { .. } if !reading.quirks().aws_star_matches_service => {
                    MatchKinds::NONE
                }
                _ => MatchKinds::WILD,
            },
            Self::Account { account, .. } => {
                // Accounts of policies are those of this partition (`iam:P-03`, `iam:P-19`).
                let same_partition = caller.partition() == PARTITION;
                let own = is_account_of(caller, account)
                    || (reading.has(Fault::OtherAccountDelegates)
                        && reading.is_key_policy
                        && caller.has_identity_side());
                account_match(same_partition && own, caller, reading)
            }
            Self::User { arn, bound_to } => match caller {
                Caller::User {
                    arn: own, unique_id, ..
                } => {
                    let is_user = is_entity(arn, bound_to.as_deref(), own, unique_id)
                        || (reading.has(Fault::RecreatedPrincipalMatches) && arn == own)
                        || (reading.faults().contains(Fault::UserPrincipalIgnoresCase)
                            && arn.eq_ignore_ascii_case(own));
                    kind_if(is_user, MatchKinds::CALLER)
                }
                Caller::FederatedUser {
                    parent_user: Some((own, unique_id)),
                    ..
                } => kind_if(is_entity(arn, bound_to.as_deref(), own, unique_id), MatchKinds::PARENT),
                _ => MatchKinds::NONE,
            },
            Self::Role { arn, bound_to } => match caller {
                Caller::RoleSession {
                    role_arn,
                    role_path_known,
                    role_unique_id,
                    ..
                } => {
                    if reading.has(Fault::RolePrincipalMissesSessions) {
                        return MatchKinds::NONE;
                    }
                    let is_role = is_entity(arn, bound_to.as_deref(), role_arn, role_unique_id)
                        || (reading.has(Fault::RecreatedPrincipalMatches) && arn == role_arn)
                        || (reading.has(Fault::RolePathIgnored) && same_role_but_for_path(arn, role_arn))
                        || (!role_path_known && bound_to.is_none() && same_role_but_for_path(arn, role_arn))
                        || (reading.quirks().role_name_case_insensitive && same_but_for_role_name_case(arn, role_arn));
                    kind_if(is_role, MatchKinds::PARENT)
                }
                _ => MatchKinds::NONE,
            },
            Self::UniqueId(id) => match caller {
                Caller::User { unique_id, .. } => kind_if(id == unique_id, MatchKinds::CALLER),
                Caller::RoleSession { role_unique_id, .. } => kind_if(id == role_unique_id, MatchKinds::PARENT),
                Caller::FederatedUser {
                    parent_user: Some((_, unique_id)),
                    ..
                } => kind_if(id == unique_id, MatchKinds::PARENT),
                _ => MatchKinds::NONE,
            },
            Self::Session(arn) => match caller {
                Caller::RoleSession { arn: own, .. } => {
                    let same = arn == own
                        || (reading.faults().contains(Fault::SessionPrincipalMatchesRole)
                            && is_session_of_same_role(arn, own))
                        || (reading.quirks().role_name_case_insensitive && same_but_for_role_name_case(arn, own));
                    kind_if(same, MatchKinds::CALLER)
                }
                _ => MatchKinds::NONE,
            },
            Self::FederatedUser(arn) => kind_if(
                matches!(caller, Caller::FederatedUser { arn: own, .. } if own == arn),
                MatchKinds::CALLER,
            ),
            Self::Service(name) => match caller {
                Caller::Service { name: own } => {
                    let same = name == own
                        || (reading.region_free_services
                            && name
                                .strip_suffix(GLOBAL_SERVICE_SUFFIX)
                                .is_some_and(|plain| regional_service(own) == Some(plain)));
                    kind_if(same, MatchKinds::CALLER)
                }
                Caller::RoleSession { role_arn, .. } if reading.has(Fault::ServicePrincipalMatchesRoleName) => {
                    kind_if(role_arn.rsplit('/').next() == Some(name), MatchKinds::CALLER)
                }
                _ => MatchKinds::NONE,
            },
            Self::Federated(_) | Self::CanonicalUser { .. } | Self::Nobody(_)
                if reading.has(Fault::OtherPrincipalKindsMeanEverybody) =>
            {
                MatchKinds::WILD
            }
            Self::Nobody(pattern) if reading.has(Fault::PartialPrincipalWildcards) => {
                let own = match caller {
                    Caller::RoleSession { role_arn, .. } => role_arn.as_str(),
                    Caller::User { arn, .. } | Caller::FederatedUser { arn, .. } => arn.as_str(),
                    _ => return MatchKinds::NONE,
                };
                kind_if(super::glob_matches(pattern, own), MatchKinds::CALLER)
            }
            Self::CanonicalUser { account, .. } => {
                let own = account
                    .as_ref()
                    .is_some_and(|account| is_account_of(caller, account.as_str()));
                account_match(own, caller, reading)
            }
            Self::Federated(provider) => kind_if(
                matches!(caller, Caller::WebIdentity { provider: own } if own == provider),
                MatchKinds::CALLER,
            ),
            Self::Nobody(_) => MatchKinds::NONE,
        }
    }
}

/// How the policy at hand reads its principals.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading<'a> {
    pub(crate) settings: &'a super::Settings,
    /// Account entries mean the root user only: gateway endpoints (`iam:P-34`).
    pub(crate) accounts_are_root_only: bool,
    /// The policy is that of a key.
    pub(crate) is_key_policy: bool,
    /// The statement denies.
    pub(crate) denies: bool,
    /// A service in any Region answers to its plain name: trust policies (`iam:P-61`).
    pub(crate) region_free_services: bool,
    /// The caller has a permissions boundary (`iam:P-53`).
    pub(crate) caller_has_boundary: bool,
}

impl<'a> Reading<'a> {
    /// No policy in particular: what entries mean by themselves.
    pub(crate) fn plain(settings: &'a super::Settings) -> Self {
        Self {
            settings,
            accounts_are_root_only: false,
            is_key_policy: false,
            denies: false,
            region_free_services: false,
            caller_has_boundary: false,
        }
    }

    fn quirks(&self) -> &crate::quirks::Quirks {
        &self.settings.quirks
    }

    fn faults(&self) -> FaultSet {
        self.settings.faults
    }

    fn has(&self, fault: Fault) -> bool {
        self.settings.faults.contains(fault)
    }

    /// The same reading for a Deny statement.
    pub(crate) fn of_deny(mut self) -> Self {
        self.denies = true;
        self
    }
}

/// How a list of entries matches the caller: the union over the entries (`iam:P-13`).
pub(crate) fn principal_kinds(entries: &[PrincipalEntry], caller: &Caller, reading: &Reading) -> MatchKinds {
    entries
        .iter()
        .fold(MatchKinds::NONE, |kinds, entry| kinds | entry.matches(caller, reading))
}

/// Whether a Deny with `NotPrincipal` hits the caller (`iam:P-52`, `iam:P-53`).
pub(crate) fn deny_hits_despite(entries: &[PrincipalEntry], caller: &Caller, reading: &Reading) -> bool {
    // An empty list never applies (`iam:G-71`).
    if entries.is_empty() {
        return false;
    }
    if reading.has(Fault::NotPrincipalIgnored) {
        return false;
    }
    if reading.caller_has_boundary && !reading.has(Fault::NotPrincipalSparesBoundaryHolders) {
        return true;
    }
    let kinds = principal_kinds(entries, caller, reading);
    if kinds.intersects(MatchKinds::WILD) {
        return false;
    }
    if !reading.quirks().notprincipal_strict {
        return kinds.is_empty();
    }
    let levels = match caller {
        Caller::User { .. } | Caller::FederatedUser { .. } => [MatchKinds::CALLER, MatchKinds::ACCOUNT].as_slice(),
        Caller::RoleSession { .. } => [MatchKinds::CALLER, MatchKinds::PARENT, MatchKinds::ACCOUNT].as_slice(),
        Caller::Root { .. } => [MatchKinds::ACCOUNT].as_slice(),
        Caller::Service { .. } | Caller::WebIdentity { .. } => [MatchKinds::CALLER].as_slice(),
        Caller::Anonymous => return true,
    };
    !levels.iter().all(|level| kinds.intersects(*level))
}

/// Whether an Allow with `NotPrincipal` leaves the caller out: any entry at any level (errata `iam:P-50`).
pub(crate) fn allow_reaches_despite(entries: &[PrincipalEntry], caller: &Caller, reading: &Reading) -> bool {
    !entries.is_empty() && principal_kinds(entries, caller, reading).is_empty()
}

fn kind_if(condition: bool, kind: MatchKinds) -> MatchKinds {
    if condition { kind } else { MatchKinds::NONE }
}

fn account_match(own: bool, caller: &Caller, reading: &Reading) -> MatchKinds {
    let is_root = matches!(caller, Caller::Root { .. });
    let root_only = reading.accounts_are_root_only || reading.has(Fault::AccountPrincipalMeansRoot);
    let missed = reading.denies
        && (reading.has(Fault::AccountPrincipalInDenyMisses) || (is_root && reading.has(Fault::AccountDenySparesRoot)));
    kind_if(own && !missed && (is_root || !root_only), MatchKinds::ACCOUNT)
}

fn is_account_of(caller: &Caller, account: &str) -> bool {
    caller.account().is_some_and(|own| own.as_str() == account)
}

/// A bound entry knows the entity by its id alone; recreating the name does not revive it (`iam:P-40`).
fn is_entity(arn: &str, bound_to: Option<&str>, own_arn: &str, own_unique_id: &str) -> bool {
    bound_to.map_or(arn == own_arn, |id| id == own_unique_id)
}

/// Whether both are ARNs of roles that differ at most in their paths.
pub(crate) fn same_role_but_for_path(left: &str, right: &str) -> bool {
    let (Some(left), Some(right)) = (arn::split(left), arn::split(right)) else {
        return false;
    };
    left[..5] == right[..5]
        && left[2] == "iam"
        && match (left[5].strip_prefix("role/"), right[5].strip_prefix("role/")) {
            (Some(left), Some(right)) => left.rsplit('/').next() == right.rsplit('/').next(),
            _ => false,
        }
}

/// `iam:OQ-10`: the role name of `role/path/name` or `assumed-role/name/session` in any letter case.
fn same_but_for_role_name_case(left: &str, right: &str) -> bool {
    let (Some(left), Some(right)) = (arn::split(left), arn::split(right)) else {
        return false;
    };
    if left[..5] != right[..5] {
        return false;
    }
    match (
        left[5].strip_prefix("assumed-role/"),
        right[5].strip_prefix("assumed-role/"),
    ) {
        (Some(left), Some(right)) => match (left.split_once('/'), right.split_once('/')) {
            (Some((role, session)), Some((other_role, other_session))) => {
                role.eq_ignore_ascii_case(other_role) && session == other_session
            }
            _ => false,
        },
        (None, None) => match (left[5].rsplit_once('/'), right[5].rsplit_once('/')) {
            (Some((path, name)), Some((other_path, other_name))) => {
                path == other_path && name.eq_ignore_ascii_case(other_name)
            }
            _ => false,
        },
        _ => false,
    }
}

/// The partition of everything that policies here are about.
const PARTITION: &str = "aws";
/// What the names of services end with.
const GLOBAL_SERVICE_SUFFIX: &str = ".amazonaws.com";

/// `s3` for `s3.ap-east-1.amazonaws.com`; `None` for names without Region (`iam:P-60`).
fn regional_service(name: &str) -> Option<&str> {
    let (service, region) = name.strip_suffix(GLOBAL_SERVICE_SUFFIX)?.split_once('.')?;
    (!region.contains('.') && looks_like_region(region)).then_some(service)
}

/// Whether both names are of the same service, with or without Region (`svc:G-3`).
pub(crate) fn same_service(left: &str, right: &str) -> bool {
    fn service(name: &str) -> Option<&str> {
        regional_service(name).or_else(|| name.strip_suffix(GLOBAL_SERVICE_SUFFIX))
    }
    left == right || (service(left).is_some() && service(left) == service(right))
}

/// Whether both ARNs are of sessions of one role, whatever the sessions are called.
pub(crate) fn is_session_of_same_role(left: &str, right: &str) -> bool {
    match (left.rsplit_once('/'), right.rsplit_once('/')) {
        (Some((left, _)), Some((right, _))) => left == right,
        _ => false,
    }
}

fn looks_like_region(label: &str) -> bool {
    label.bytes().filter(|byte| *byte == b'-').count() >= 2 && label.ends_with(|last: char| last.is_ascii_digit())
}

fn read_aws(value: &str, resolver: Option<&dyn PrincipalResolver>) -> Option<PrincipalEntry> {
    if value == "*" {
        return Some(PrincipalEntry::EveryAwsPrincipal);
    }
    if is_account_id(value) {
        return Some(PrincipalEntry::Account {
            account: value.to_owned(),
            bare: true,
        });
    }
    if is_unique_id(value) {
        return Some(PrincipalEntry::UniqueId(value.to_owned()));
    }
    // No partial wildcards (`iam:P-14`).
    if value.contains(['*', '?']) {
        return None;
    }
    // Who is of another partition cannot be named here (`iam:P-19`).
    let ["arn", PARTITION, service, "", account, resource] = arn::split(value)? else {
        return None;
    };
    if !is_account_id(account) {
        return None;
    }
    let bound_to = || resolver.and_then(|resolver| resolver.unique_id_of(value));
    let (word, rest) = resource.split_once('/').unwrap_or((resource, ""));
    match (service, word) {
        ("iam", "root") if resource == "root" => Some(PrincipalEntry::Account {
            account: account.to_owned(),
            bare: false,
        }),
        ("iam", "user") if !rest.is_empty() => Some(PrincipalEntry::User {
            arn: value.to_owned(),
            bound_to: bound_to(),
        }),
        ("iam", "role") if !rest.is_empty() => Some(PrincipalEntry::Role {
            arn: value.to_owned(),
            bound_to: bound_to(),
        }),
        ("sts", "assumed-role") if is_role_and_session(rest) => Some(PrincipalEntry::Session(value.to_owned())),
        ("sts", "federated-user") if !rest.is_empty() => Some(PrincipalEntry::FederatedUser(value.to_owned())),
        _ => None,
    }
}

fn is_role_and_session(text: &str) -> bool {
    text.split_once('/')
        .is_some_and(|(role, session)| !role.is_empty() && !session.is_empty() && !session.contains('/'))
}

fn is_account_id(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_unique_id(text: &str) -> bool {
    (text.starts_with("AIDA") || text.starts_with("AROA"))
        && (16..=128).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

/// Whether a service is called so: lower case, with a dot.
pub(crate) fn is_service_name(text: &str) -> bool {
    text.contains('.')
        && !text.starts_with('.')
        && !text.ends_with('.')
        && !text.contains("..")
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-'))
}

/// Whether an identity provider can be called so: no wildcard.
pub(crate) fn is_provider(text: &str) -> bool {
    !text.is_empty() && !text.contains(['*', '?'])
}
