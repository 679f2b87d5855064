//! Pairs that no file could hold: made here, judged like the others.

use countersign_model::case::{Case, GrantSpec, Syntax, load_all};

/// Grants that a key may have (`svc:G-8`).
const QUOTA: usize = 50_000;

/// A key with as many grants as a key may have, and one with room for one more.
const QUOTA_OF_GRANTS: &str = r#"
countersign: 1
id: svc.pair.g-8
title: "G-8 the key that has all the grants a key may have"
source: [{url: "https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html"}]
evidence: documented
rules: [svc:G-8]
origin: handwritten
world: {"accounts": {"111111111111": {"roles": {"R": {}}, "keys": {"room": {}, "full": {}}}}}
steps:
  - {"kind": "observed", "as": {"root": true}, "call": "kms:CreateGrant", "with": {"KeyId": "{{key.room.arn}}", "GranteePrincipal": "{{role.R.arn}}", "Operations": ["Decrypt"]}, "expect": {"decision": "allow"}}
  - {"kind": "observed", "as": {"root": true}, "call": "kms:CreateGrant", "with": {"KeyId": "{{key.full.arn}}", "GranteePrincipal": "{{role.R.arn}}", "Operations": ["Decrypt"]}, "expect": {"decision": "error", "code": "LimitExceededException", "status": 400}}
"#;

/// The pairs.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = load_all("generated", QUOTA_OF_GRANTS, Syntax::Yaml).expect("the text above is a Case");
    for case in &mut cases {
        let world = case.world.as_mut().expect("it has a world");
        for account in world.accounts.values_mut() {
            for (name, missing) in [("room", 1), ("full", 0)] {
                let key = account.keys.get_mut(name).expect("the text above names it");
                key.grants = (0..QUOTA - missing)
                    .map(|number| (format!("g{number}"), grant()))
                    .collect();
            }
        }
    }
    cases
}

fn grant() -> GrantSpec {
    GrantSpec {
        grantee_principal: Some("{{role.R.arn}}".to_owned()),
        operations: vec!["Encrypt".to_owned()],
        ..GrantSpec::default()
    }
}
