//! Who a statement is about: the forms of a principal and how each matches a caller (`iam:P-01`…`P-64`).
//! What a match is worth lives in [`crate::evaluate`].

use crate::evaluate::{Caller, GranteeKind, Parent, Role, User};
use crate::name::AccountId;
use crate::quirks::Quirks;

/// One entry of a `Principal` or `NotPrincipal`, with its place in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrincipalEntry {
    /// What the entry names. Saving a policy may replace it: see [`Document::bind`](super::Document::bind).
    pub form: PrincipalForm,
    /// The member it stands under: `AWS`, `Service`, `Federated`, `CanonicalUser`; `*` for a bare star.
    pub member: String,
    /// The entry as written.
    pub text: String,
    /// Byte offset of the entry.
    pub offset: usize,
}

/// What a principal entry names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PrincipalForm {
    /// `"*"`: everybody (`iam:P-01`).
    Everyone,
    /// `{"AWS": "*"}` (`iam:P-02`).
    AwsEveryone,
    /// `{"AWS": "111122223333"}` or the root ARN: the account (`iam:P-03`).
    Account(AccountId),
    /// An IAM user by ARN (`iam:P-04`).
    User {
        /// Its account.
        account: AccountId,
        /// Its path.
        path: String,
        /// Its name.
        name: String,
    },
    /// A role by ARN (`iam:P-05`).
    Role {
        /// Its account.
        account: AccountId,
        /// Its path.
        path: String,
        /// Its name.
        name: String,
    },
    /// One session of a role (`iam:P-06`); the ARN carries no path.
    AssumedRole {
        /// The role's account.
        account: AccountId,
        /// The role's name.
        role: String,
        /// The session's name.
        session: String,
    },
    /// A GetFederationToken session (`iam:P-07`).
    FederatedUser {
        /// Its account.
        account: AccountId,
        /// Its name.
        name: String,
    },
    /// The unique id of a user or role (`iam:P-08`).
    UniqueId(String),
    /// A service principal (`iam:P-09`).
    Service(String),
    /// A SAML or web identity provider (`iam:P-11`).
    Federated(String),
    /// An S3 canonical user id: means its account, once the world has said which (`iam:P-12`).
    CanonicalUser(String),
    /// Something that cannot be a principal; matches nobody (`iam:P-14`, `iam:P-15`, `iam:P-16`, `iam:P-19`).
    Impossible,
}

/// How an entry matches a caller; what each is worth is the table of `iam:6.3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MatchKind {
    /// The caller itself is named.
    Caller,
    /// The caller's role, or the user behind a federated session, is named.
    Parent,
    /// The caller's account is named: delegation (`iam:P-30`).
    Account,
    /// Everybody is named.
    Wild,
}

impl MatchKind {
    /// The word a trace uses.
    pub fn word(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Parent => "parent",
            Self::Account => "account",
            Self::Wild => "wild",
        }
    }
}

impl PrincipalForm {
    /// Reads an entry under `AWS`.
    pub(super) fn aws(text: &str) -> Self {
        if text == "*" {
            return Self::AwsEveryone;
        }
        if let Ok(account) = AccountId::new(text) {
            return Self::Account(account);
        }
        if is_unique_id(text) {
            return Self::UniqueId(text.to_owned());
        }
        Self::from_arn(text).unwrap_or(Self::Impossible)
    }

    /// Reads an entry under any member of the principal map; none if there is no such member.
    pub(super) fn under(member: &str, text: &str) -> Option<Self> {
        match member {
            "AWS" => Some(Self::aws(text)),
            // A star is no service (iam:P-15) and no provider.
            "Service" | "Federated" if text.contains('*') => Some(Self::Impossible),
            "Service" => Some(Self::Service(text.to_owned())),
            "Federated" => Some(Self::Federated(text.to_owned())),
            "CanonicalUser" => Some(Self::CanonicalUser(text.to_owned())),
            _ => None,
        }
    }

    fn from_arn(text: &str) -> Option<Self> {
        let [arn, partition, service, region, account, resource] = crate::name::arn_fields(text)?;
        // Cross-partition delegation does not exist (iam:P-19); wildcards name nobody (iam:P-14).
        if arn != "arn" || partition != "aws" || !region.is_empty() || text.contains(['*', '?']) {
            return None;
        }
        let account = AccountId::new(account).ok()?;
        match (service, resource.split_once('/')) {
            ("iam", None) if resource == "root" => Some(Self::Account(account)),
            ("iam", Some(("user", rest))) => {
                let (path, name) = split_path(rest)?;
                Some(Self::User { account, path, name })
            }
            ("iam", Some(("role", rest))) => {
                let (path, name) = split_path(rest)?;
                Some(Self::Role { account, path, name })
            }
            ("sts", Some(("assumed-role", rest))) => {
                let (role, session) = rest.split_once('/')?;
                let well_formed = !role.is_empty() && !session.is_empty() && !session.contains('/');
                well_formed.then(|| Self::AssumedRole {
                    account,
                    role: role.to_owned(),
                    session: session.to_owned(),
                })
            }
            ("sts", Some(("federated-user", name))) if !name.is_empty() => Some(Self::FederatedUser {
                account,
                name: name.to_owned(),
            }),
            _ => None,
        }
    }

    /// How this entry matches a caller: the table of `iam:12.2`. In a trust policy a service may also be named without its Region
    /// (`iam:P-61`).
    pub(super) fn matches(&self, caller: &Caller, in_trust_policy: bool, quirks: &Quirks) -> Option<MatchKind> {
        match self {
            // What can be named is of `aws`; nothing is delegated across partitions (iam:P-19).
            Self::Account(_)
            | Self::User { .. }
            | Self::Role { .. }
            | Self::AssumedRole { .. }
            | Self::FederatedUser { .. }
                if caller.is_of_other_partition() =>
            {
                None
            }
            Self::Everyone => Some(MatchKind::Wild),
            Self::AwsEveryone => match caller {
                Caller::Service { .. } | Caller::Federated { .. } if !quirks.aws_star_matches_service => None,
                _ => Some(MatchKind::Wild),
            },
            Self::Account(account) => (caller.account() == Some(account)).then_some(MatchKind::Account),
            Self::User { account, path, name } => {
                let same = |user: &User| user.account == *account && user.path == *path && user.name == *name;
                user_kind(caller, same)
            }
            Self::Role { account, path, name } => {
                let same = |role: &Role| {
                    role.account == *account
                        && role.path.as_ref().is_none_or(|known| known == path)
                        && same_role_name(&role.name, name, quirks)
                };
                matches!(caller, Caller::RoleSession(session) if same(&session.role)).then_some(MatchKind::Parent)
            }
            Self::AssumedRole { account, role, session } => match caller {
                Caller::RoleSession(caller)
                    if caller.role.account == *account
                        && same_role_name(&caller.role.name, role, quirks)
                        && caller.name.as_ref() == Some(session) =>
                {
                    Some(MatchKind::Caller)
                }
                _ => None,
            },
            Self::FederatedUser { account, name } => match caller {
                Caller::FederatedUser(caller) if caller.account() == account && caller.name == *name => {
                    Some(MatchKind::Caller)
                }
                _ => None,
            },
            Self::UniqueId(id) => match caller {
                Caller::RoleSession(session) if session.role.unique_id.as_ref() == Some(id) => Some(MatchKind::Parent),
                _ => user_kind(caller, |user| user.unique_id.as_ref() == Some(id)),
            },
            Self::Service(expected) => match caller {
                Caller::Service { name, .. }
                    if name == expected || in_trust_policy && is_regional_form(name, expected) =>
                {
                    Some(MatchKind::Caller)
                }
                _ => None,
            },
            Self::Federated(expected) => {
                matches!(caller, Caller::Federated { provider } if provider == expected).then_some(MatchKind::Caller)
            }
            Self::CanonicalUser(_) | Self::Impossible => None,
        }
    }
}

/// A user names itself; for its federated sessions it is the parent (`iam:P-04`).
fn user_kind(caller: &Caller, same: impl Fn(&User) -> bool) -> Option<MatchKind> {
    match caller {
        Caller::User(user) if same(user) => Some(MatchKind::Caller),
        Caller::FederatedUser(federated) => match &federated.parent {
            Parent::User(user) if same(user) => Some(MatchKind::Parent),
            _ => None,
        },
        _ => None,
    }
}

fn same_role_name(left: &str, right: &str, quirks: &Quirks) -> bool {
    if quirks.role_name_case_insensitive {
        left.eq_ignore_ascii_case(right)
    } else {
        left == right
    }
}

/// Whether a caller's name is `x.REGION.amazonaws.com` of the service named `x.amazonaws.com`.
fn is_regional_form(caller: &str, plain: &str) -> bool {
    let Some((service, suffix)) = plain.split_once('.') else {
        return false;
    };
    caller
        .strip_prefix(service)
        .and_then(|rest| rest.strip_prefix('.'))
        .and_then(|rest| rest.strip_suffix(suffix))
        .and_then(|rest| rest.strip_suffix('.'))
        .is_some_and(|region| !region.is_empty() && !region.contains('.'))
}

/// `AIDA…` and `AROA…` ids: upper-case letters and digits.
fn is_unique_id(text: &str) -> bool {
    ["AIDA", "AROA"].iter().any(|prefix| text.starts_with(prefix))
        && text.len() > 4
        && text
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

/// `a/b/name` -> (`/a/b/`, `name`).
fn split_path(rest: &str) -> Option<(String, String)> {
    let (path, name) = match rest.rsplit_once('/') {
        Some((path, name)) => (format!("/{path}/"), name),
        None => ("/".to_owned(), rest),
    };
    (!name.is_empty()).then(|| (path, name.to_owned()))
}

/// How a grant's grantee matches a caller; none if it does not (`svc:G-14`). The grantee is an ARN, an account, a unique id, a service
/// name, or `AROA…:session` for one session of a role bound by its id. An id of a deleted entity matches nobody (`svc:G-15`).
pub fn grantee_kind(caller: &Caller, grantee: &str, quirks: &Quirks) -> Option<GranteeKind> {
    if let (Some((id, session)), Caller::RoleSession(caller)) = (grantee.split_once(':'), caller)
        && is_unique_id(id)
    {
        let same = caller.role.unique_id.as_deref() == Some(id) && caller.name.as_deref() == Some(session);
        return same.then_some(GranteeKind::Session);
    }
    let form = match PrincipalForm::aws(grantee) {
        PrincipalForm::AwsEveryone => return None,
        PrincipalForm::Impossible => PrincipalForm::Service(grantee.to_owned()),
        form => form,
    };
    let kind = form.matches(caller, false, quirks)?;
    Some(match (caller, kind) {
        (Caller::Service { .. }, _) => GranteeKind::Service,
        (_, MatchKind::Account) => GranteeKind::Account,
        (_, MatchKind::Parent) => GranteeKind::Role,
        (Caller::RoleSession(_) | Caller::FederatedUser(_), _) => GranteeKind::Session,
        _ => GranteeKind::User,
    })
}

/// How the entries of one statement match a caller: the union over all of them (`iam:P-13`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MatchKinds {
    /// The caller itself.
    pub caller: bool,
    /// Its role or user.
    pub parent: bool,
    /// Its account.
    pub account: bool,
    /// Everybody.
    pub wild: bool,
}

impl MatchKinds {
    /// Adds one.
    pub fn add(&mut self, kind: MatchKind) {
        match kind {
            MatchKind::Caller => self.caller = true,
            MatchKind::Parent => self.parent = true,
            MatchKind::Account => self.account = true,
            MatchKind::Wild => self.wild = true,
        }
    }

    /// The union of two.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            caller: self.caller || other.caller,
            parent: self.parent || other.parent,
            account: self.account || other.account,
            wild: self.wild || other.wild,
        }
    }

    /// Whether anything matched.
    pub fn any(self) -> bool {
        self.caller || self.parent || self.account || self.wild
    }

    /// The most favourable one, for traces (`iam:L-32`).
    pub fn best(self) -> Option<MatchKind> {
        [
            (self.caller, MatchKind::Caller),
            (self.wild, MatchKind::Wild),
            (self.parent, MatchKind::Parent),
            (self.account, MatchKind::Account),
        ]
        .into_iter()
        .find_map(|(present, kind)| present.then_some(kind))
    }
}

/// The union of matches over the entries of a `Principal`.
pub(super) fn kinds_of(
    entries: &[PrincipalEntry],
    caller: &Caller,
    in_trust_policy: bool,
    quirks: &Quirks,
) -> MatchKinds {
    let mut kinds = MatchKinds::default();
    for entry in entries {
        if let Some(kind) = entry.form.matches(caller, in_trust_policy, quirks) {
            kinds.add(kind);
        }
    }
    kinds
}

/// Whether a `NotPrincipal` of a Deny exempts a caller, given how its entries match (`iam:P-52`, `iam:P-55`). A star covers everybody.
pub(super) fn deny_exempts(caller: &Caller, listed: MatchKinds, quirks: &Quirks) -> bool {
    if listed.wild {
        return true;
    }
    if !quirks.notprincipal_strict {
        return listed.any();
    }
    match caller {
        Caller::User(_) | Caller::FederatedUser(_) => listed.caller && listed.account,
        Caller::RoleSession(_) => listed.caller && listed.parent && listed.account,
        Caller::Root { .. } => listed.account,
        Caller::Service { .. } | Caller::Federated { .. } => listed.caller,
        Caller::Anonymous => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::{FederatedUser, RoleSession};
    use crate::name::Partition;

    fn account(digit: char) -> AccountId {
        AccountId::new(digit.to_string().repeat(12)).expect("twelve digits")
    }

    fn user(digit: char, name: &str) -> User {
        User {
            account: account(digit),
            partition: Partition::default(),
            path: "/".to_owned(),
            name: name.to_owned(),
            unique_id: Some("AIDAUUUUUUUUUUUUUUUU".to_owned()),
        }
    }

    fn callers() -> Vec<Caller> {
        vec![
            Caller::User(user('1', "u")),
            Caller::RoleSession(RoleSession {
                role: Role {
                    account: account('1'),
                    partition: Partition::default(),
                    path: Some("/".to_owned()),
                    name: "R".to_owned(),
                    unique_id: Some("AROARRRRRRRRRRRRRRRR".to_owned()),
                },
                name: Some("s".to_owned()),
                service_linked: false,
            }),
            Caller::FederatedUser(FederatedUser {
                parent: Parent::User(user('1', "u")),
                name: "fed".to_owned(),
            }),
            Caller::Root {
                account: account('1'),
                partition: Partition::default(),
                assumed: false,
            },
            Caller::Service {
                name: "x.amazonaws.com".to_owned(),
                names: Vec::new(),
            },
            Caller::Federated {
                provider: "www.amazon.com".to_owned(),
            },
            Caller::Anonymous,
            Caller::User(User {
                unique_id: None,
                ..user('2', "v")
            }),
        ]
    }

    /// iam:12.2: principal entry x caller -> c(aller), p(arent), a(ccount), w(ild), - none.
    #[test]
    fn table_of_principals_and_callers() {
        const A: &str = "111111111111";
        for (rule, member, text, expected) in [
            ("iam:P-02", "AWS", "*".to_owned(), "wwwwwwww"),
            ("iam:P-03", "AWS", A.to_owned(), "aaaa----"),
            ("iam:P-03", "AWS", format!("arn:aws:iam::{A}:root"), "aaaa----"),
            ("iam:P-03", "AWS", "222222222222".to_owned(), "-------a"),
            ("iam:P-04", "AWS", format!("arn:aws:iam::{A}:user/u"), "c-p-----"),
            ("iam:P-08", "AWS", "AIDAUUUUUUUUUUUUUUUU".to_owned(), "c-p-----"),
            ("iam:P-18", "AWS", format!("arn:aws:iam::{A}:user/U"), "--------"),
            ("iam:P-05", "AWS", format!("arn:aws:iam::{A}:role/R"), "-p------"),
            ("iam:P-08", "AWS", "AROARRRRRRRRRRRRRRRR".to_owned(), "-p------"),
            ("iam:P-40", "AWS", "AROAQQQQQQQQQQQQQQQQ".to_owned(), "--------"),
            ("iam:P-05", "AWS", format!("arn:aws:iam::{A}:role/a/R"), "--------"),
            (
                "iam:P-06",
                "AWS",
                format!("arn:aws:sts::{A}:assumed-role/R/s"),
                "-c------",
            ),
            (
                "iam:P-06",
                "AWS",
                format!("arn:aws:sts::{A}:assumed-role/R/t"),
                "--------",
            ),
            (
                "iam:P-07",
                "AWS",
                format!("arn:aws:sts::{A}:federated-user/fed"),
                "--c-----",
            ),
            ("iam:P-09", "Service", "x.amazonaws.com".to_owned(), "----c---"),
            (
                "iam:P-10",
                "Service",
                "x.ap-east-1.amazonaws.com".to_owned(),
                "--------",
            ),
            ("iam:P-15", "Service", "*".to_owned(), "--------"),
            ("iam:P-11", "Federated", "www.amazon.com".to_owned(), "-----c--"),
            ("iam:P-19", "AWS", format!("arn:aws-cn:iam::{A}:root"), "--------"),
            ("iam:P-14", "AWS", format!("arn:aws:iam::{A}:role/*"), "--------"),
            (
                "iam:P-14",
                "AWS",
                format!("arn:aws:sts::{A}:assumed-role/R/*"),
                "--------",
            ),
            ("iam:P-16", "AWS", format!("arn:aws:iam::{A}:group/g"), "--------"),
        ] {
            let form = PrincipalForm::under(member, &text).expect("a member of the principal map");
            let actual: String = callers()
                .iter()
                .map(|caller| {
                    form.matches(caller, false, &Quirks::default())
                        .map_or('-', |kind| kind.word().chars().next().unwrap_or('-'))
                })
                .collect();
            assert_eq!(actual, expected, "{rule}: {member} {text}");
        }
    }

    #[test]
    fn trust_policies_take_the_plain_service_name_anywhere() {
        // iam:P-60, iam:P-61
        let regional = Caller::Service {
            name: "lambda.ap-east-1.amazonaws.com".to_owned(),
            names: Vec::new(),
        };
        let plain = PrincipalForm::Service("lambda.amazonaws.com".to_owned());
        assert_eq!(
            plain.matches(&regional, true, &Quirks::default()),
            Some(MatchKind::Caller)
        );
        assert_eq!(plain.matches(&regional, false, &Quirks::default()), None);
        let other = PrincipalForm::Service("lam.amazonaws.com".to_owned());
        assert_eq!(other.matches(&regional, true, &Quirks::default()), None);
    }

    #[test]
    fn grantees() {
        // svc:G-14
        let [user, session, federated, root, ..] = &callers()[..] else {
            panic!("eight callers")
        };
        for (caller, grantee, expected) in [
            (user, "arn:aws:iam::111111111111:user/u", Some(GranteeKind::User)),
            (session, "arn:aws:iam::111111111111:role/R", Some(GranteeKind::Role)),
            (
                session,
                "arn:aws:sts::111111111111:assumed-role/R/s",
                Some(GranteeKind::Session),
            ),
            (session, "arn:aws:sts::111111111111:assumed-role/R/t", None),
            (federated, "arn:aws:iam::111111111111:user/u", Some(GranteeKind::Role)),
            (
                federated,
                "arn:aws:sts::111111111111:federated-user/fed",
                Some(GranteeKind::Session),
            ),
            (root, "arn:aws:iam::111111111111:root", Some(GranteeKind::Account)),
            (user, "AIDAUUUUUUUUUUUUUUUU", Some(GranteeKind::User)),
            (session, "AROARRRRRRRRRRRRRRRR:s", Some(GranteeKind::Session)),
            (session, "AROARRRRRRRRRRRRRRRR:t", None),
            (user, "*", None),
        ] {
            assert_eq!(grantee_kind(caller, grantee, &Quirks::default()), expected, "{grantee}");
        }
        let service = Caller::Service {
            name: "backup-storage.amazonaws.com".to_owned(),
            names: Vec::new(),
        };
        assert_eq!(
            grantee_kind(&service, "backup-storage.amazonaws.com", &Quirks::default()),
            Some(GranteeKind::Service)
        );
    }
}
