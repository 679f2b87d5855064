//! The table of `iam:§12.2`: principal entry × caller → match kind.

use super::*;
use crate::authorizer::principal::{Reading, principal_kinds};

/// A world with user u, role R, role a/b/R and the canonical id of account A.
#[derive(Debug)]
pub(super) struct World;

pub(super) const CANONICAL_A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

impl PrincipalResolver for World {
    fn unique_id_of(&self, arn: &str) -> Option<String> {
        match arn {
            USER_ARN => Some(USER_ID.into()),
            ROLE_ARN => Some(ROLE_ID.into()),
            _ => None,
        }
    }

    fn arn_of(&self, unique_id: &str) -> Option<String> {
        match unique_id {
            USER_ID => Some(USER_ARN.into()),
            ROLE_ID => Some(ROLE_ARN.into()),
            _ => None,
        }
    }

    fn account_of_canonical_user(&self, canonical_id: &str) -> Option<AccountId> {
        (canonical_id == CANONICAL_A).then(|| account(A))
    }
}

fn kinds_letter(kinds: MatchKinds) -> char {
    let letters = [
        (MatchKinds::CALLER, 'c'),
        (MatchKinds::PARENT, 'p'),
        (MatchKinds::ACCOUNT, 'a'),
        (MatchKinds::WILD, 'w'),
    ];
    letters
        .iter()
        .find(|(kind, _)| *kind == kinds)
        .map_or('-', |(_, letter)| *letter)
}

fn row_of(member: &str, value: &str, settings: &Settings, resolver: Option<&dyn PrincipalResolver>) -> String {
    let entry = if member.is_empty() {
        PrincipalEntry::Everyone
    } else {
        PrincipalEntry::read(member, value, resolver).expect("a known member")
    };
    let reading = Reading {
        settings,
        accounts_are_root_only: false,
        is_key_policy: false,
        denies: false,
        region_free_services: false,
        caller_has_boundary: false,
    };
    let callers = [
        user(),
        session(),
        federated(),
        root(),
        service("x.amazonaws.com"),
        service("x.ap-east-1.amazonaws.com"),
        Caller::WebIdentity {
            provider: "accounts.google.com".into(),
        },
        Caller::Anonymous,
        Caller::User {
            account: account(B),
            arn: format!("arn:aws:iam::{B}:user/u"),
            unique_id: "AIDAOTHEROTHEROTHER1".into(),
        },
    ];
    callers
        .iter()
        .map(|caller| kinds_letter(principal_kinds(std::slice::from_ref(&entry), caller, &reading)))
        .collect()
}

#[test]
fn every_entry_matches_every_caller_as_tabled() {
    let account_b = format!("arn:aws:iam::{B}:root");
    // Columns: u, R/s, fed, root, x, x in ap-east-1, web identity, anonymous, user of B.
    let table: &[(&str, &str, &str)] = &[
        ("", "*", "wwwwwwwww"),
        ("AWS", "*", "wwwwwwwww"),
        ("AWS", A, "aaaa-----"),
        ("AWS", "arn:aws:iam::111111111111:root", "aaaa-----"),
        ("AWS", B, "--------a"),
        ("AWS", &account_b, "--------a"),
        ("AWS", USER_ARN, "c-p------"),
        ("AWS", USER_ID, "c-p------"),
        ("AWS", "arn:aws:iam::111111111111:user/U", "---------"),
        ("AWS", ROLE_ARN, "-p-------"),
        ("AWS", ROLE_ID, "-p-------"),
        ("AWS", "AROADELETEDDELETED01", "---------"),
        ("AWS", SESSION_ARN, "-c-------"),
        ("AWS", "arn:aws:sts::111111111111:assumed-role/R/t", "---------"),
        ("AWS", FEDERATED_ARN, "--c------"),
        ("Service", "x.amazonaws.com", "----c----"),
        ("Service", "x.ap-east-1.amazonaws.com", "-----c---"),
        ("Service", "*", "---------"),
        ("Federated", "accounts.google.com", "------c--"),
        ("Federated", "www.amazon.com", "---------"),
        ("CanonicalUser", CANONICAL_A, "aaaa-----"),
        ("CanonicalUser", "bbbb", "---------"),
        ("AWS", "arn:aws-cn:iam::111111111111:root", "---------"),
        ("AWS", "arn:aws:iam::111111111111:role/*", "---------"),
        ("AWS", "arn:aws:sts::111111111111:assumed-role/R/*", "---------"),
        ("AWS", "arn:aws:iam::111111111111:group/G", "---------"),
        ("AWS", "arn:aws:iam::*:root", "---------"),
    ];
    let settings = Settings::default();
    for (member, value, expected) in table {
        assert_eq!(
            row_of(member, value, &settings, Some(&World)),
            *expected,
            "{member} {value}"
        );
        if *member != "CanonicalUser" {
            assert_eq!(
                row_of(member, value, &settings, None),
                *expected,
                "{member} {value} unbound"
            );
        }
    }
}

#[test]
fn switches_change_their_cells_only() {
    let mut settings = Settings::default();
    settings.quirks.aws_star_matches_service = false;
    assert_eq!(row_of("AWS", "*", &settings, None), "wwww---ww", "OQ-9");
    assert_eq!(row_of("", "*", &settings, None), "wwwwwwwww", "OQ-9");
    let other_case = "arn:aws:sts::111111111111:assumed-role/r/s";
    assert_eq!(row_of("AWS", other_case, &settings, None), "---------", "P-18");
    settings.quirks.role_name_case_insensitive = true;
    assert_eq!(row_of("AWS", other_case, &settings, None), "-c-------", "OQ-10");
    assert_eq!(
        row_of("AWS", "arn:aws:iam::111111111111:role/r", &settings, None),
        "-p-------",
        "OQ-10"
    );
    assert_eq!(
        row_of("AWS", "arn:aws:sts::111111111111:assumed-role/R/S", &settings, None),
        "---------",
        "OQ-10"
    );
}
