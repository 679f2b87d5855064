//! Key policies on AWS: each keeps the provisioner, by a statement of its own that no Deny can take away. Everything else in them is the
//! case's.

use serde_json::{Value, json};

use super::options::PROVISIONER_SID;

/// The policy with the statement that keeps the provisioner; none if a statement of it may shut the provisioner out.
pub(crate) fn with_provisioner(policy: &str, provisioner: &str) -> Option<String> {
    let mut document: Value = serde_json::from_str(policy).ok()?;
    let statements = match document.get_mut("Statement")? {
        Value::Array(list) => std::mem::take(list),
        one @ Value::Object(_) => vec![one.take()],
        _ => return None,
    };
    let mut kept: Vec<Value> = statements
        .into_iter()
        .filter(|one| one.get("Sid").and_then(Value::as_str) != Some(PROVISIONER_SID))
        .collect();
    if kept.iter().any(|statement| may_deny(statement, provisioner)) {
        return None;
    }
    kept.push(statement(provisioner));
    document["Statement"] = Value::Array(kept);
    Some(document.to_string())
}

/// Whether a policy keeps the provisioner.
pub(super) fn keeps(policy: &str, provisioner: &str) -> bool {
    let Ok(document) = serde_json::from_str::<Value>(policy) else {
        return false;
    };
    let Some(statements) = document.get("Statement").and_then(Value::as_array) else {
        return false;
    };
    statements.contains(&statement(provisioner)) && !statements.iter().any(|one| may_deny(one, provisioner))
}

fn statement(provisioner: &str) -> Value {
    json!({
        "Sid": PROVISIONER_SID,
        "Effect": "Allow",
        "Principal": {"AWS": provisioner},
        "Action": "kms:*",
        "Resource": "*",
    })
}

/// Whether a statement could deny the provisioner anything: every Deny that does not name others, and others only.
fn may_deny(statement: &Value, provisioner: &str) -> bool {
    if statement.get("Effect").and_then(Value::as_str) == Some("Allow") {
        return false;
    }
    let named = match statement.get("Principal").and_then(|principal| principal.get("AWS")) {
        Some(Value::String(one)) => vec![one.as_str()],
        Some(Value::Array(list)) => {
            let texts: Option<Vec<&str>> = list.iter().map(Value::as_str).collect();
            match texts {
                Some(texts) => texts,
                None => return true,
            }
        }
        _ => return true,
    };
    let others = named.iter().all(|name| {
        let is_entity = name.contains(":user/") || name.contains(":role/") || name.contains(":assumed-role/");
        is_entity && !name.contains('*') && !name.contains('?') && *name != provisioner
    });
    !others || named.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: &str = "arn:aws:iam::111122223333:user/provisioner";

    #[test]
    fn a_policy_keeps_the_provisioner_or_is_refused() {
        let allow = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"kms:Decrypt","Resource":"*"}}"#;
        let kept = with_provisioner(allow, ME).expect("it denies nothing");
        assert!(keeps(&kept, ME) && !keeps(allow, ME), "{kept}");
        assert_eq!(with_provisioner(&kept, ME).as_deref(), Some(kept.as_str()));
        let deny = |principal: &str| {
            format!(
                r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Deny","Principal":{principal},"Action":"kms:*","Resource":"*"}}]}}"#
            )
        };
        for dangerous in [
            "\"*\"".to_owned(),
            r#"{"AWS":"*"}"#.to_owned(),
            r#"{"AWS":"111122223333"}"#.to_owned(),
            r#"{"AWS":"arn:aws:iam::111122223333:root"}"#.to_owned(),
            format!(r#"{{"AWS":["arn:aws:iam::111122223333:user/a","{ME}"]}}"#),
            r#"{"Service":"s3.amazonaws.com"}"#.to_owned(),
            r#"{"AWS":[]}"#.to_owned(),
            r#"{"AWS":[1]}"#.to_owned(),
        ] {
            assert_eq!(with_provisioner(&deny(&dangerous), ME), None, "{dangerous}");
        }
        let harmless = deny(r#"{"AWS":"arn:aws:iam::111122223333:user/a"}"#);
        assert!(with_provisioner(&harmless, ME).is_some_and(|kept| keeps(&kept, ME)));
        let not_principal = r#"{"Statement":[{"Effect":"Deny","NotPrincipal":{"AWS":"arn:aws:iam::111122223333:user/a"},"Action":"*","Resource":"*"}]}"#;
        for broken in [
            not_principal,
            "",
            "[]",
            "{}",
            r#"{"Statement":1}"#,
            r#"{"Statement":[{"Effect":"Maybe"}]}"#,
        ] {
            assert_eq!(with_provisioner(broken, ME), None, "{broken}");
        }
    }
}
