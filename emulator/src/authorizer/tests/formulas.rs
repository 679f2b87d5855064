//! The decision core against the formulas of `iam:§6.4`, over every combination of caller, match kinds,
//! identity, boundary and session state, relation and mode.

use super::*;

/// What a policy set says about the pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    Absent,
    Silent,
    Allows,
}

const SAYS: [Says; 3] = [Says::Absent, Says::Silent, Says::Allows];
const MODES: [ResourcePolicyMode; 3] = [
    ResourcePolicyMode::Optional,
    ResourcePolicyMode::KeyPolicy { aws_managed: false },
    ResourcePolicyMode::TrustPolicy,
];

/// Names the caller in the ways of the bits: caller, parent, account, wild.
fn resource_statements(caller: &Caller, kinds: u8) -> Vec<String> {
    let (own, parent) = match caller {
        Caller::RoleSession { .. } => ("R/s", "R"),
        Caller::FederatedUser { .. } => ("fed", "u"),
        _ => ("u", "B:root"),
    };
    [own, parent, "A:root", "*"]
        .iter()
        .enumerate()
        .filter(|(bit, _)| kinds & (1 << bit) != 0)
        .map(|(_, who)| {
            format!(
                r#"{{"Effect":"Allow","Principal":{},"Action":"*","Resource":"*"}}"#,
                principal(who)
            )
        })
        .collect()
}

struct State {
    caller: Caller,
    kinds: u8,
    identity: bool,
    boundary: Says,
    session: Says,
    cross_account: bool,
    mode: ResourcePolicyMode,
}

/// `iam:L-40` to `iam:L-42`, written from the rules and not from the code.
fn formula(state: &State) -> bool {
    let is_root = matches!(state.caller, Caller::Root { .. });
    let is_federated = matches!(state.caller, Caller::FederatedUser { .. });
    let is_session = is_federated || matches!(state.caller, Caller::RoleSession { .. });
    let trust = state.mode == ResourcePolicyMode::TrustPolicy;
    let mandatory = state.mode != ResourcePolicyMode::Optional;
    let names_caller = state.kinds & 1 != 0 && !is_root;
    let names_parent = state.kinds & 2 != 0 && is_session;
    let names_account = state.kinds & 4 != 0;
    let names_everyone = state.kinds & 8 != 0;

    let idp_ok = is_root || state.identity;
    let pb_ok = is_root || state.boundary != Says::Silent;
    let sp_ok = match state.session {
        Says::Absent => !is_federated,
        Says::Silent => !is_session,
        Says::Allows => true,
    };
    if state.cross_account {
        let resource_side = names_caller || names_parent || names_account || names_everyone;
        return resource_side && idp_ok && pb_ok && sp_ok;
    }
    // iam:L-72 with OQ-34: naming is not enough where the boundary does not allow the assumption.
    ((names_caller || names_everyone) && (!trust || pb_ok))
        || (names_parent && pb_ok && sp_ok)
        || (idp_ok && pb_ok && sp_ok && (!mandatory || names_account))
}

fn build(state: &State) -> Case {
    let mut case = case("formula", state.caller.clone());
    case = match state.mode {
        ResourcePolicyMode::Optional => case,
        ResourcePolicyMode::KeyPolicy { .. } => case.key(),
        ResourcePolicyMode::TrustPolicy => case.assume_role(),
    };
    if state.cross_account {
        case = case.owned_by_b();
    }
    case = case.identity(&[if state.identity { ALLOW_ALL } else { SILENT }]);
    case = match state.boundary {
        Says::Absent => case,
        Says::Silent => case.boundary(&[SILENT]),
        Says::Allows => case.boundary(&[ALLOW_ALL]),
    };
    case = match state.session {
        Says::Absent => case,
        Says::Silent => case.session_policy(&[SILENT]),
        Says::Allows => case.session_policy(&[ALLOW_ALL]),
    };
    let statements = resource_statements(&state.caller, state.kinds);
    if statements.is_empty() {
        return case;
    }
    let statements: Vec<&str> = statements.iter().map(String::as_str).collect();
    case.resource_policy(&statements)
}

#[test]
fn the_core_equals_the_formulas_everywhere() {
    let mut checked = 0;
    for caller in [user(), session(), federated(), root()] {
        for kinds in 0..16 {
            for bits in 0..36_usize {
                let (boundary, session) = (SAYS[bits % 3], SAYS[bits / 3 % 3]);
                let (identity, cross_account) = (bits / 9 % 2 == 1, bits / 18 == 1);
                for mode in MODES {
                    let state = State {
                        caller: caller.clone(),
                        kinds,
                        identity,
                        boundary,
                        session,
                        cross_account,
                        mode,
                    };
                    let expected = formula(&state);
                    let verdict = build(&state).verdict();
                    assert_eq!(
                        verdict.is_allowed(),
                        expected,
                        "{caller:?} kinds {kinds:04b} identity {identity} {boundary:?} {session:?} cross {cross_account} {mode:?}"
                    );
                    checked += 1;
                }
            }
        }
    }
    assert_eq!(checked, 4 * 16 * 36 * 3);
}
