//! KMS decisions: key policies, delegation, cross-account use, grants (`svc:§1`, `svc:G-14`, `svc:G-20`).

use super::*;

fn statement(effect: &str, who: &str, more: &str) -> String {
    let who = principal(who);
    format!(r#"{{"Effect":"{effect}","Principal":{who},"Action":"kms:Decrypt","Resource":"*"{more}}}"#)
}

const DECRYPT: &str = r#"{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*"}"#;
const DENY_DECRYPT: &str = r#"{"Effect":"Deny","Action":"kms:Decrypt","Resource":"*"}"#;

fn on_key(id: &'static str, caller: Caller, policy: &[&str]) -> Case {
    case(id, caller).key().resource_policy(policy)
}

#[test]
fn same_account() {
    let account = statement("Allow", "A:root", "");
    let bob = statement("Allow", "arn:aws:iam::111111111111:user/Bob", "");
    on_key("K-1", root(), &[&bob]).expect("ID(RBP)");
    on_key("K-3 role", session(), &[&statement("Allow", "R", "")]).expect("ALLOW");
    on_key("K-3 user", user(), &[&statement("Allow", "u", "")]).expect("ALLOW");
    on_key("K-3 star", user(), &[&statement("Allow", "*", "")]).expect("ALLOW");
    on_key("K-3a role", session(), &[&statement("Allow", "R", "")])
        .boundary(&[SILENT])
        .expect("ID(PB)");
    on_key("K-3a session", session(), &[&statement("Allow", "R/s", "")])
        .boundary(&[SILENT])
        .expect("ALLOW");
    on_key("K-3a user", user(), &[&statement("Allow", "u", "")])
        .boundary(&[SILENT])
        .expect("ALLOW");
    on_key("K-4", user(), &[&account]).expect("ID(IDP)");
    on_key("K-4 both", user(), &[&account])
        .identity(&[DECRYPT])
        .expect("ALLOW");
    on_key("K-4 boundary", user(), &[&account])
        .identity(&[DECRYPT])
        .boundary(&[SILENT])
        .expect("ID(PB)");
    on_key("K-4a", root(), &[&account]).expect("ALLOW");
    let encrypt_only = account.replace("kms:Decrypt", "kms:Encrypt");
    on_key("K-5", user(), &[&encrypt_only])
        .identity(&[DECRYPT])
        .expect("ID(RBP)");
    let via_s3 = statement(
        "Allow",
        "A:root",
        r#","Condition":{"StringEquals":{"kms:ViaService":"s3.us-east-1.amazonaws.com"}}"#,
    );
    on_key("K-5 condition", user(), &[&via_s3])
        .identity(&[DECRYPT])
        .expect("ID(RBP)");
    on_key("K-5 condition", user(), &[&via_s3])
        .identity(&[DECRYPT])
        .with("kms:ViaService", "s3.us-east-1.amazonaws.com")
        .expect("ALLOW");
    on_key("K-6", user(), &[&bob]).identity(&[DECRYPT]).expect("ID(RBP)");
    on_key("K-6 deny", user(), &[&statement("Allow", "u", "")])
        .identity(&[DENY_DECRYPT])
        .expect("XD(IDP)");
    on_key("K-7a", user(), &[&statement("Allow", "B:root", "")])
        .identity(&[ALLOW_ALL])
        .expect("ID(RBP)");
    on_key("X-2 both silent", user(), &[&bob]).expect("ID(RBP)");
    on_key("X-2 switched", user(), &[&bob])
        .quirk(|quirks| quirks.kms_both_sides_silent_blames_key_policy = false)
        .expect("ID(IDP)");
    on_key("K-2", session(), &[&statement("Allow", "R", "")])
        .scp(&[ALLOW_ALL, r#"{"Effect":"Deny","Action":"kms:*","Resource":"*"}"#])
        .expect("XD(SCP)");
    let own_callers = statement(
        "Allow",
        "*",
        r#","Condition":{"StringEquals":{"kms:CallerAccount":"111111111111"}}"#,
    );
    on_key("K-13", user(), &[&own_callers])
        .with("kms:CallerAccount", A)
        .expect("ALLOW");
    on_key("K-13 other", user(), &[&own_callers])
        .with("kms:CallerAccount", B)
        .expect("ID(RBP)");
}

#[test]
fn inert_statements_k_14() {
    let no_resource = r#"{"Effect":"Deny","Principal":"*","Action":"kms:*"}"#;
    let no_action = r#"{"Effect":"Deny","Principal":"*","Resource":"*"}"#;
    let other = r#"{"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"arn:aws:kms:us-east-1:111111111111:key/other"}"#;
    let not_arn = r#"{"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"other"}"#;
    let of_china = r#"{"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"arn:aws-cn:s3:::data/*"}"#;
    on_key(
        "K-14",
        user(),
        &[
            &statement("Allow", "u", ""),
            no_resource,
            no_action,
            other,
            not_arn,
            of_china,
        ],
    )
    .expect("ALLOW");
}

#[test]
fn cross_account() {
    let foreign = |id, caller, policy: &[&str]| on_key(id, caller, policy).owned_by_b();
    let account = statement("Allow", "A:root", "");
    foreign("K-7", user(), &[&account]).expect("ID(IDP)");
    foreign("K-7 both", user(), &[&account])
        .identity(&[DECRYPT])
        .expect("ALLOW");
    foreign("K-7 named", user(), &[&statement("Allow", "u", "")]).expect("ID(IDP)");
    foreign("K-7 silent", user(), &[&statement("Allow", "B:root", "")])
        .identity(&[DECRYPT])
        .expect("ID(RBP)");
    foreign("X-2 both", user(), &[&statement("Allow", "B:root", "")]).expect("ID(RBP)");
    foreign("X-2 switched", user(), &[&statement("Allow", "B:root", "")])
        .quirk(|quirks| quirks.kms_both_sides_silent_blames_key_policy = false)
        .expect("ID(IDP)");
    foreign("K-12", user(), &[&statement("Allow", "*", "")]).expect("ID(IDP)");
    foreign("K-12 both", user(), &[&statement("Allow", "*", "")])
        .identity(&[DECRYPT])
        .expect("ALLOW");
    foreign("K-7 fault", user(), &[&statement("Allow", "u", "")])
        .fault("cross-account-key-policy-suffices")
        .expect("ALLOW");
    foreign("K-7 fault bounds", user(), &[&statement("Allow", "B:root", "")])
        .fault("cross-account-key-policy-suffices")
        .expect("ID(RBP)");
}

#[test]
fn grants() {
    let account = statement("Allow", "A:root", "");
    let limited = |id, grant| {
        on_key(id, session(), &[&account])
            .boundary(&[SILENT])
            .session_policy(&[SILENT])
            .grant(grant)
    };
    on_key("K-20", user(), &[&account])
        .grant(GranteeMatch::User)
        .expect("GRANT");
    on_key("G-6", user(), &[&account])
        .identity(&[DECRYPT])
        .grant(GranteeMatch::User)
        .expect("ALLOW");
    on_key("G-20", user(), &[&account.replace(A, B)])
        .owned_by_b()
        .grant(GranteeMatch::User)
        .expect("GRANT");
    limited("Q-3 session", GranteeMatch::Session).expect("GRANT");
    limited("Q-3 role", GranteeMatch::Role).expect("ID(PB)");
    limited("Q-3 switched", GranteeMatch::Role)
        .quirk(|quirks| quirks.role_grant_limited_by_boundary_and_session = false)
        .expect("GRANT");
    on_key("Q-3 free role", session(), &[&account])
        .grant(GranteeMatch::Role)
        .expect("GRANT");
    let bob = statement("Allow", "arn:aws:iam::111111111111:user/Bob", "");
    on_key("Q-4", user(), &[&bob])
        .grant(GranteeMatch::Account)
        .expect("ID(IDP)");
    on_key("Q-4 identity", user(), &[&bob])
        .identity(&[DECRYPT])
        .grant(GranteeMatch::Account)
        .expect("GRANT");
    on_key("Q-4 root", root(), &[&bob])
        .grant(GranteeMatch::Account)
        .expect("GRANT");
    on_key("Q-4 switched", user(), &[&bob])
        .grant(GranteeMatch::Account)
        .quirk(|quirks| quirks.account_grantee_needs_identity = false)
        .expect("GRANT");
    on_key("F-3", service("backup-storage.amazonaws.com"), &[&account]).expect("ID(RBP)");
    on_key("F-3 grant", service("backup-storage.amazonaws.com"), &[&account])
        .grant(GranteeMatch::Service)
        .expect("GRANT");
    let deny = statement("Deny", "*", "");
    on_key("K-11", user(), &[&account, &deny])
        .grant(GranteeMatch::User)
        .expect("XD(RBP)");
    on_key("K-11 fault", user(), &[&account, &deny])
        .grant(GranteeMatch::User)
        .fault("key-policy-deny-ignored-for-grants")
        .expect("GRANT");
    on_key("K-11 fault without grant", user(), &[&account, &deny])
        .fault("key-policy-deny-ignored-for-grants")
        .expect("XD(RBP)");
    on_key("K-27 SCP", user(), &[&account])
        .scp(&[SILENT])
        .grant(GranteeMatch::User)
        .expect("ID(SCP)");
    on_key("G-23", user(), &[&account])
        .identity(&[DENY_DECRYPT])
        .grant(GranteeMatch::User)
        .expect("XD(IDP)");
    // F-6: a negated operator on the absent aws:PrincipalArn hits service principals.
    let others = statement(
        "Deny",
        "*",
        r#","Condition":{"StringNotEquals":{"aws:PrincipalArn":"arn:aws:iam::111111111111:user/u"}}"#,
    );
    on_key("F-6", service("backup-storage.amazonaws.com"), &[&account, &others])
        .grant(GranteeMatch::Service)
        .expect("XD(RBP)");
    let spared = others.replace("}}}", r#"},"BoolIfExists":{"aws:PrincipalIsAWSService":"false"}}}"#);
    on_key(
        "F-6 fixed",
        service("backup-storage.amazonaws.com"),
        &[&account, &spared],
    )
    .grant(GranteeMatch::Service)
    .expect("GRANT");
}

#[test]
fn delegation_fault_reaches_only_the_own_account() {
    let account = statement("Allow", "A:root", "");
    on_key("K-4", user(), &[&account])
        .fault("delegation-as-direct-allow")
        .expect("ALLOW");
    on_key("K-4 foreign", user(), &[&account])
        .owned_by_b()
        .fault("delegation-as-direct-allow")
        .expect("ID(IDP)");
    case("not a key", user())
        .resource_policy(&[&to("Allow", "A:root", "")])
        .fault("delegation-as-direct-allow")
        .expect("ID(IDP)");
}
