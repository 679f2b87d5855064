//! Which context keys a call has, by kind of caller and way of arrival.

use super::*;
use crate::authorizer::ContextValue;
use crate::identity::Arrival;
use crate::sources::Sources;

fn world() -> State {
    State::new(Sources::seeded(1, jiff::Timestamp::UNIX_EPOCH))
}

fn account() -> AccountId {
    AccountId::parse("111111111111").expect("12 digits")
}

fn caller(principal: Principal, session: Option<Session>) -> Caller {
    Caller {
        principal,
        session: session.map(Arc::new),
        access_key_id: None,
        arrival: Arrival::default(),
    }
}

fn user() -> Principal {
    Principal::User {
        account: account(),
        user_id: "AIDA".to_owned(),
        path: "/".to_owned(),
        name: "u".to_owned(),
    }
}

fn context(state: &State, caller: &Caller, via: &Via) -> Context {
    full_context(state, &mut Question::new(caller, via, "kms:Decrypt", &Region::global()))
}

fn single(context: &Context, key: &str) -> Option<String> {
    match context.get(key) {
        Some(ContextValue::Single(text)) => Some(text.as_str().to_owned()),
        _ => None,
    }
}

#[test]
fn forwarded_calls_change_the_keys_of_l_96() {
    let mut state = world();
    let user = caller(user(), None);
    let forwarded = Via::Forwarded {
        service: "s3",
        region: Region::global(),
    };
    let direct = context(&state, &user, &Via::Direct);
    assert_eq!(single(&direct, "aws:ViaAWSService").as_deref(), Some("false"));
    assert_eq!(single(&direct, "aws:MultiFactorAuthPresent"), None, "iam:K-21");
    assert_eq!(single(&direct, "aws:SourceIp").as_deref(), Some("127.0.0.1"));
    let via = context(&state, &user, &forwarded);
    assert_eq!(single(&via, "aws:ViaAWSService").as_deref(), Some("true"));
    assert_eq!(single(&via, "aws:MultiFactorAuthPresent").as_deref(), Some("false"));
    assert_eq!(single(&via, "aws:SourceIp").as_deref(), Some("127.0.0.1"));
    assert!(via.get("aws:CalledVia").is_none(), "errata svc:Q-5");
    state.case.quirks.called_via_on_s3_and_lambda = true;
    state.case.quirks.forwarded_call_keeps_source_ip = false;
    let via = context(&state, &user, &forwarded);
    assert!(via.get("aws:CalledVia").is_some());
    assert!(via.get("aws:SourceIp").is_none());
}

#[test]
fn service_principals_have_no_principal_arn_unless_the_fault_is_on() {
    // svc:F-3
    let mut state = world();
    let service = Caller::service("backup-storage.amazonaws.com", None, Some(account()));
    let keys = context(&state, &service, &Via::Direct);
    for absent in [
        "aws:PrincipalArn",
        "aws:PrincipalAccount",
        "aws:SourceIp",
        "aws:userid",
        "aws:PrincipalType",
    ] {
        assert!(keys.get(absent).is_none(), "{absent}");
    }
    assert_eq!(single(&keys, "aws:PrincipalIsAWSService").as_deref(), Some("true"));
    assert_eq!(single(&keys, "aws:SourceAccount").as_deref(), Some("111111111111"));
    state.case.faults = crate::fault::FaultSet::EMPTY.with(Fault::ServicePrincipalHasPrincipalArn);
    assert!(
        context(&state, &service, &Via::Direct)
            .get("aws:PrincipalArn")
            .is_some()
    );
}

#[test]
fn session_tags_win_over_principal_tags_ignoring_case() {
    // iam:K-91
    let mut state = world();
    state.iam.add_user(
        &account(),
        crate::iam::User {
            user_id: "AIDA".to_owned(),
            name: "u".to_owned(),
            path: "/".to_owned(),
            arn: "arn:aws:iam::111111111111:user/u".to_owned(),
            created_at: jiff::Timestamp::UNIX_EPOCH,
            tags: BTreeMap::from([("Team".to_owned(), "a".to_owned()), ("Env".to_owned(), "x".to_owned())]),
            policies: crate::propagating::Propagating::default(),
            groups: std::collections::BTreeSet::new(),
            permissions_boundary: crate::propagating::Propagating::default(),
            access_keys: Vec::new(),
        },
    );
    let session = Session {
        tags: BTreeMap::from([("team".to_owned(), "b".to_owned())]),
        ..Session::default()
    };
    let federated = Principal::FederatedUser {
        account: account(),
        name: "fed".to_owned(),
        parent: Box::new(user()),
    };
    let keys = context(&state, &caller(federated, Some(session)), &Via::Direct);
    assert_eq!(single(&keys, "aws:PrincipalTag/Team").as_deref(), Some("b"));
    assert_eq!(single(&keys, "aws:PrincipalTag/env").as_deref(), Some("x"));
    assert!(keys.get("aws:MultiFactorAuthPresent").is_none());
}
