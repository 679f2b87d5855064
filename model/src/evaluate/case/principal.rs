//! From the principal of an evaluator request to a caller. Only what the ARN says is known; ids are derived from it, so that
//! `aws:userid` exists, unless the context gives the real one.

use std::collections::BTreeMap;

use super::CaseFault;
use crate::case::EvaluatorPrincipal;
use crate::context::ContextValue;
use crate::evaluate::{Caller, FederatedUser, Parent, Role, RoleSession, User};
use crate::name::{AccountId, Arn};

/// The caller an ARN, a service or the word `anonymous` stands for.
pub(super) fn caller(principal: &EvaluatorPrincipal, given: &BTreeMap<String, Option<ContextValue>>) -> Option<Caller> {
    match principal {
        EvaluatorPrincipal::Service { service } => names_a_service(service).then(|| Caller::Service {
            name: service.clone(),
            names: Vec::new(),
        }),
        EvaluatorPrincipal::Federated { federated } => {
            let names_a_provider = !federated.is_empty() && !federated.contains(['*', '?']);
            names_a_provider.then(|| Caller::Federated {
                provider: federated.clone(),
            })
        }
        EvaluatorPrincipal::FederatedUser {
            federated_user,
            made_by,
        } => federated_user_of(federated_user, made_by, given),
        EvaluatorPrincipal::Arn(text) if text == "anonymous" => Some(Caller::Anonymous),
        EvaluatorPrincipal::Arn(text) => from_arn(text, given),
    }
}

/// Whether a text is the name of a service principal: words of small letters, digits and hyphens with points between them.
fn names_a_service(text: &str) -> bool {
    let plain = |letter: char| matches!(letter, 'a'..='z' | '0'..='9' | '-');
    let is_word = |word: &str| !word.is_empty() && word.chars().all(plain);
    text.contains('.') && text.split('.').all(is_word)
}

/// The fault of a principal that is none.
pub(super) fn fault(principal: &EvaluatorPrincipal) -> CaseFault {
    CaseFault::Principal(match principal {
        EvaluatorPrincipal::Arn(text) => text.clone(),
        EvaluatorPrincipal::Service { service } => service.clone(),
        EvaluatorPrincipal::Federated { federated } => federated.clone(),
        EvaluatorPrincipal::FederatedUser {
            federated_user,
            made_by,
        } => format!("{federated_user} made by {made_by}"),
    })
}

/// A federated session of a user that is known.
fn federated_user_of(session: &str, maker: &str, given: &BTreeMap<String, Option<ContextValue>>) -> Option<Caller> {
    match (from_arn(session, given)?, from_arn(maker, given)?) {
        (Caller::FederatedUser(session), Caller::User(maker)) if *session.account() == maker.account => {
            Some(Caller::FederatedUser(FederatedUser {
                parent: Parent::User(maker),
                name: session.name,
            }))
        }
        _ => None,
    }
}

fn from_arn(text: &str, given: &BTreeMap<String, Option<ContextValue>>) -> Option<Caller> {
    let arn = Arn::new(text).ok()?;
    let (account, partition) = (arn.account()?, arn.partition());
    // Who calls belongs to no Region.
    if !arn.field(3).is_empty() {
        return None;
    }
    match (arn.field(2), arn.field(5).split_once('/')) {
        ("iam", None) if arn.field(5) == "root" => Some(Caller::Root {
            account,
            partition,
            // An AssumeRoot session says so of itself (iam:K-25).
            assumed: given_text(given, "aws:AssumedRoot").is_some_and(|text| text.eq_ignore_ascii_case("true")),
        }),
        ("iam", Some(("user", rest))) => {
            let (path, name) = path_and_name(rest)?;
            let unique_id = Some(given_id(given).unwrap_or_else(|| derived_id("AIDA", &account, &name)));
            Some(Caller::User(User {
                account,
                partition,
                path,
                name,
                unique_id,
            }))
        }
        ("iam", Some(("role", rest))) => {
            // Some session of this role, name unknown: it matches role and account principals, never a session ARN.
            let (path, name) = path_and_name(rest)?;
            Some(Caller::RoleSession(session(&arn, Some(path), name, None, given)?))
        }
        ("sts", Some(("assumed-role", rest))) => {
            // Neither a role's name nor a session's holds a slash, and a session's ARN leaves the role's path out (iam:P-20).
            let (name, session_name) = rest
                .split_once('/')
                .filter(|(name, session)| !name.is_empty() && !session.is_empty() && !session.contains('/'))?;
            let path = given_role_path(given, &arn, name);
            Some(Caller::RoleSession(session(
                &arn,
                path,
                name.to_owned(),
                Some(session_name.to_owned()),
                given,
            )?))
        }
        ("sts", Some(("federated-user", name))) if !name.is_empty() => {
            // The ARN does not say whose session it is; a nameless user matches no principal entry.
            let parent = User {
                account,
                partition,
                path: "/".to_owned(),
                name: String::new(),
                unique_id: None,
            };
            Some(Caller::FederatedUser(FederatedUser {
                parent: Parent::User(parent),
                name: name.to_owned(),
            }))
        }
        _ => None,
    }
}

fn session(
    arn: &Arn,
    path: Option<String>,
    name: String,
    session_name: Option<String>,
    given: &BTreeMap<String, Option<ContextValue>>,
) -> Option<RoleSession> {
    let account = arn.account()?;
    let unique_id = given_id(given).unwrap_or_else(|| derived_id("AROA", &account, &name));
    let service_linked = path
        .as_deref()
        .is_some_and(|path| path.starts_with("/aws-service-role/"));
    Some(RoleSession {
        role: Role {
            account,
            partition: arn.partition(),
            path,
            name,
            unique_id: Some(unique_id),
        },
        name: session_name,
        service_linked,
    })
}

/// `a/b/name` -> (`/a/b/`, `name`).
fn path_and_name(rest: &str) -> Option<(String, String)> {
    let (path, name) = rest
        .rsplit_once('/')
        .map_or(("/".to_owned(), rest), |(path, name)| (format!("/{path}/"), name));
    (!name.is_empty()).then(|| (path, name.to_owned()))
}

fn given_text<'a>(given: &'a BTreeMap<String, Option<ContextValue>>, wanted: &str) -> Option<&'a str> {
    given.iter().find_map(|(key, value)| match value {
        Some(ContextValue::One(text)) if key.eq_ignore_ascii_case(wanted) => Some(text.as_str()),
        _ => None,
    })
}

/// The unique id, if the context says what `aws:userid` is.
fn given_id(given: &BTreeMap<String, Option<ContextValue>>) -> Option<String> {
    given_text(given, "aws:userid").map(|id| id.split(':').next().unwrap_or(id).to_owned())
}

/// The path of a session's role, if the context gives its `aws:PrincipalArn`.
fn given_role_path(given: &BTreeMap<String, Option<ContextValue>>, session: &Arn, name: &str) -> Option<String> {
    let role = Arn::new(given_text(given, "aws:PrincipalArn")?).ok()?;
    let of_session = [
        ("iam", role.field(2)),
        ("", role.field(3)),
        (session.field(1), role.field(1)),
        (session.field(4), role.field(4)),
    ];
    if of_session.iter().any(|(wanted, is)| wanted != is) {
        return None;
    }
    path_and_name(role.field(5).strip_prefix("role/")?)
        .filter(|(_, known)| known == name)
        .map(|(path, _)| path)
}

/// An id of the right form that depends on nothing but account and name: FNV-1a, spelled in the letters of base32.
fn derived_id(prefix: &str, account: &AccountId, name: &str) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut hash = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128;
    for byte in prefix.bytes().chain(account.as_str().bytes()).chain(name.bytes()) {
        hash = (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
    }
    let letters = (0..17).map(|position| char::from(LETTERS[usize::from((hash >> (position * 5)) as u8 & 31)]));
    prefix.chars().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{caller, derived_id, from_arn};
    use crate::case::EvaluatorPrincipal;
    use crate::name::AccountId;

    /// Everybody has an id of his own: they tell the principals of a case apart, and a deleted one from its successor.
    #[test]
    fn ids_of_different_people_differ() {
        let account = |id: &str| AccountId::new(id).expect("an account id");
        let mut ids = BTreeMap::new();
        for prefix in ["AIDA", "AROA"] {
            for owner in ["111111111111", "111111111112", "222222222222"] {
                for number in 0..400 {
                    let name = format!("name-{number}");
                    let id = derived_id(prefix, &account(owner), &name);
                    assert_eq!(id.len(), 21, "{id}");
                    let other = ids.insert(id, (prefix, owner, name.clone()));
                    assert_eq!(other, None, "{prefix} {owner} {name}");
                }
            }
        }
    }

    /// Found by fuzzing: a service whose name is none was a caller to the model and nobody to the emulator.
    #[test]
    fn a_service_and_a_provider_have_names() {
        let is_caller = |principal: EvaluatorPrincipal| caller(&principal, &BTreeMap::new()).is_some();
        let service = |name: &str| EvaluatorPrincipal::Service {
            service: name.to_owned(),
        };
        let federated = |name: &str| EvaluatorPrincipal::Federated {
            federated: name.to_owned(),
        };
        assert!(is_caller(service("lambda.amazonaws.com")) && is_caller(federated("accounts.google.com")));
        for none in [
            "",
            "lambda",
            "backup\0.m",
            "Lambda.amazonaws.com",
            "lambda..com",
            "*.amazonaws.com",
        ] {
            assert!(!is_caller(service(none)), "{none:?}");
        }
        for none in ["", "*", "accounts.google.co?"] {
            assert!(!is_caller(federated(none)), "{none:?}");
        }
    }

    /// Found by fuzzing: the second was a session named `er/s1` to the model and nobody to the emulator.
    #[test]
    fn the_arn_of_a_session_has_two_names() {
        let is_caller = |name: &str| {
            let arn = format!("arn:aws:sts::111111111111:assumed-role/{name}");
            from_arn(&arn, &BTreeMap::new()).is_some()
        };
        assert!(is_caller("Worker/s1"));
        for name in ["Worker/er/s1", "Worker/", "/s1", "Worker"] {
            assert!(!is_caller(name), "{name}");
        }
    }

    /// Found by fuzzing: a user to the model, nobody to the emulator.
    #[test]
    fn principals_belong_to_no_region() {
        let is_caller = |region: &str| {
            let arn = format!("arn:aws:iam:{region}:111111111111:user/u");
            from_arn(&arn, &BTreeMap::new()).is_some()
        };
        assert!(is_caller(""));
        assert!(!is_caller("us-east-1"));
    }
}
