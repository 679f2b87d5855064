//! What the rails let through and what they hold back. The requests are made by hand: nothing is sent.

use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Value, json};

use super::Rails;
use crate::live::account::Provisioner;
use crate::live::journal::{Event, Journal, Kind};
use crate::live::options::{Ceilings, LiveOptions, PROVISIONER_SID, TAG};
use crate::live::policy::keeps;
use crate::target::TargetError;

const ACCOUNT: &str = "111122223333";
const ME: &str = "arn:aws:iam::111122223333:user/tester";

fn rails(name: &str, ceilings: Ceilings) -> Rails {
    let folder = std::env::temp_dir().join(format!("countersign-rails-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    let options = LiveOptions {
        account: countersign_model::name::AccountId::new(ACCOUNT).expect("twelve digits"),
        region: countersign_model::name::Region::new("us-east-1").expect("a Region"),
        ceilings,
        journal: folder.join("journal.jsonl"),
        run: "r".to_owned(),
        rehearsal: None,
    };
    let provisioner = Provisioner { arn: ME.to_owned() };
    Rails::new(options, provisioner, "AKIAME".to_owned()).expect("a new journal")
}

fn kms(operation: &str, with: &Value) -> Request<Bytes> {
    Request::post("https://kms.us-east-1.amazonaws.com/")
        .header("x-amz-target", format!("TrentService.{operation}"))
        .body(Bytes::from(with.to_string()))
        .expect("a request")
}

fn iam(form: &str) -> Request<Bytes> {
    Request::post("https://iam.amazonaws.com/")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Bytes::from(form.to_owned()))
        .expect("a request")
}

fn s3(method: &str, path: &str) -> Request<Bytes> {
    Request::builder()
        .method(method)
        .uri(format!("https://s3.us-east-1.amazonaws.com{path}"))
        .body(Bytes::new())
        .expect("a request")
}

fn ok(body: &str) -> Response<Bytes> {
    Response::new(Bytes::from(body.to_owned()))
}

#[test]
fn what_is_not_the_runs_is_not_touched() {
    let rails = rails("touch", Ceilings::default());
    let kept = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Sid":"{PROVISIONER_SID}","Effect":"Allow","Principal":{{"AWS":"{ME}"}},"Action":"kms:*","Resource":"*"}}]}}"#
    );
    let held_back = [
        ("another's key", kms("ScheduleKeyDeletion", &json!({"KeyId": "theirs"}))),
        (
            "another's key by ARN",
            kms(
                "DisableKey",
                &json!({"KeyId": "arn:aws:kms:us-east-1:111122223333:key/theirs"}),
            ),
        ),
        (
            "another's alias",
            kms(
                "UpdateAlias",
                &json!({"AliasName": "alias/prod", "TargetKeyId": "theirs"}),
            ),
        ),
        ("an alias of AWS", kms("CreateGrant", &json!({"KeyId": "alias/aws/s3"}))),
        ("a key without a tag", kms("CreateKey", &json!({}))),
        ("replicas", kms("ReplicateKey", &json!({"KeyId": "own"}))),
        ("no key at all", kms("PutKeyPolicy", &json!({"Policy": kept}))),
        (
            "a policy without the provisioner",
            kms("PutKeyPolicy", &json!({"KeyId": "own", "Policy": "{\"Statement\":[]}"})),
        ),
        (
            "the lockout check",
            kms(
                "PutKeyPolicy",
                &json!({"KeyId": "own", "Policy": kept, "BypassPolicyLockoutSafetyCheck": true}),
            ),
        ),
        ("another's user", iam("Action=DeleteUser&UserName=admin")),
        (
            "another's role",
            iam("Action=PutRolePolicy&RoleName=admin&PolicyName=countersign-p&PolicyDocument=x"),
        ),
        ("a user without a tag", iam("Action=CreateUser&UserName=countersign-a")),
        (
            "another's policy",
            iam("Action=DeletePolicy&PolicyArn=arn%3Aaws%3Aiam%3A%3A111122223333%3Apolicy%2Fprod"),
        ),
        (
            "account settings",
            iam("Action=UpdateAccountPasswordPolicy&MinimumPasswordLength=6"),
        ),
        (
            "another's role in STS",
            iam("Action=AssumeRole&RoleArn=arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Fadmin"),
        ),
        (
            "another account's role",
            iam("Action=AssumeRole&RoleArn=arn%3Aaws%3Aiam%3A%3A999988887777%3Arole%2Fcountersign-r"),
        ),
        ("another's bucket", s3("DELETE", "/prod")),
        ("another's object", s3("PUT", "/prod/key")),
        (
            "the account's Block Public Access",
            s3("PUT", "/v20180820/configuration/publicAccessBlock"),
        ),
        ("a function", s3("POST", "/2015-03-31/functions")),
    ];
    rails.adopt_key("token", "own").expect("the journal can be written");
    let before = std::fs::read(rails.options.journal.as_path()).expect("it is there");
    for (what, request) in held_back {
        let answer = rails.admit(&request, "us-east-1");
        assert!(
            matches!(answer, Err(TargetError::Unsupported { .. })),
            "{what}: {answer:?}"
        );
    }
    let elsewhere = rails.admit(&kms("ListKeys", &json!({})), "eu-west-1");
    assert!(
        matches!(elsewhere, Err(TargetError::Unsupported { .. })),
        "{elsewhere:?}"
    );
    assert_eq!(rails.spent(), (0, 0, 0));
    assert_eq!(
        std::fs::read(rails.options.journal.as_path()).expect("it is there"),
        before
    );
    for (what, request) in [
        (
            "reading another's",
            kms("DescribeKey", &json!({"KeyId": "alias/aws/s3"})),
        ),
        (
            "its own key",
            kms("PutKeyPolicy", &json!({"KeyId": "own", "Policy": kept})),
        ),
        (
            "its own alias",
            kms("DeleteAlias", &json!({"AliasName": "alias/countersign-a"})),
        ),
        (
            "its own user",
            iam("Action=PutUserPolicy&UserName=countersign-a&PolicyName=p&PolicyDocument=x"),
        ),
        ("its own bucket", s3("PUT", "/countersign-b/key")),
        ("lists", s3("GET", "/")),
    ] {
        let answer = rails.admit(&request, "us-east-1");
        assert!(answer.is_ok(), "{what}: {answer:?}");
    }
}

#[test]
fn what_is_made_is_in_the_journal_before_it_is_made_and_until_it_is_gone() {
    let rails = rails("journal", Ceilings::default());
    let made = [
        (
            Kind::User,
            iam("Action=CreateUser&UserName=countersign-u&Tags.member.1.Key=countersign%3Arun&Tags.member.1.Value=r"),
        ),
        (Kind::Group, iam("Action=CreateGroup&GroupName=countersign-g")),
        (Kind::Bucket, s3("PUT", "/countersign-b")),
        (
            Kind::Alias,
            kms(
                "CreateAlias",
                &json!({"AliasName": "alias/countersign-a", "TargetKeyId": "own"}),
            ),
        ),
        (
            Kind::Key,
            kms("CreateKey", &json!({"Tags": [{"TagKey": TAG, "TagValue": "r.1"}]})),
        ),
    ];
    rails.adopt_key("before", "own").expect("the journal can be written");
    let entry_of = |kind| {
        let journal = Journal::open(&rails.options.journal, "reader").expect("it can be read");
        let left = journal.left();
        left.into_iter()
            .find(|entry| entry.resource.kind == kind && entry.resource.name != "before")
    };
    for (kind, request) in made {
        let permit = rails.admit(&request, "us-east-1").expect("it is the run's");
        assert_eq!(
            entry_of(kind).map(|entry| entry.event),
            Some(Event::Intended),
            "{kind:?}"
        );
        let answer = ok(r#"{"KeyMetadata":{"KeyId":"new"}}"#);
        rails.answered(&permit, &answer).expect("the journal can be written");
        let entry = entry_of(kind).expect("it is there");
        assert_eq!(entry.event, Event::Made, "{kind:?}");
        assert_eq!(entry.id.as_deref(), (kind == Kind::Key).then_some("new"), "{kind:?}");
    }
    assert!(rails.own_keys().contains("new"));
    let refused = rails
        .admit(&iam("Action=CreateGroup&GroupName=countersign-h"), "us-east-1")
        .expect("it is the run's");
    let mut answer = ok("<Code>AccessDenied</Code>");
    *answer.status_mut() = http::StatusCode::FORBIDDEN;
    rails.answered(&refused, &answer).expect("the journal can be written");
    let gone = rails
        .admit(&iam("Action=DeleteUser&UserName=countersign-u"), "us-east-1")
        .expect("it is the run's");
    rails.answered(&gone, &ok("")).expect("the journal can be written");
    assert_eq!(entry_of(Kind::User), None);
    assert_eq!(rails.leftovers(), (2, 3), "two keys; a group, a bucket and an alias");
}

#[test]
fn nothing_goes_over_a_ceiling() {
    let reached = |ceilings: Ceilings, allowed: usize| {
        let rails = rails("ceiling", ceilings);
        let key = kms("CreateKey", &json!({"Tags": [{"TagKey": TAG, "TagValue": "r.1"}]}));
        for _ in 0..allowed {
            rails.admit(&key, "us-east-1").expect("below the ceiling");
        }
        let answer = rails.admit(&key, "us-east-1");
        assert!(
            matches!(answer, Err(TargetError::Refused { .. })),
            "{ceilings:?}: {answer:?}"
        );
    };
    let high = Ceilings {
        keys: 100,
        calls: 100,
        minutes: 100,
        micro_dollars: 100_000_000,
    };
    reached(Ceilings { keys: 2, ..high }, 2);
    reached(Ceilings { calls: 3, ..high }, 3);
    reached(Ceilings { minutes: 0, ..high }, 0);
    reached(
        Ceilings {
            micro_dollars: 1_500_000,
            ..high
        },
        1,
    );
}

#[test]
fn the_provisioners_calls_carry_what_they_owe() {
    let rails = rails("furnish", Ceilings::default());
    let furnished = |operation: &str, with: Value| {
        let mut with = with.as_object().cloned().unwrap_or_default();
        rails.furnish(operation, &mut with).map(|()| Value::Object(with))
    };
    let user = furnished("iam:CreateUser", json!({"UserName": "u"})).expect("it can be tagged");
    assert_eq!(user["Tags"], json!([{"Key": TAG, "Value": "r"}]));
    let keys: Vec<Value> = (0..2)
        .map(|_| furnished("kms:CreateKey", json!({"BypassPolicyLockoutSafetyCheck": true})).expect("it can be tagged"))
        .collect();
    assert_ne!(keys[0]["Tags"], keys[1]["Tags"], "each key has a token of its own");
    assert_eq!(keys[0].get("BypassPolicyLockoutSafetyCheck"), None);
    let put = furnished(
        "kms:PutKeyPolicy",
        json!({"KeyId": "k", "Policy": "{\"Statement\":[]}"}),
    );
    assert!(put.is_ok_and(|put| put["Policy"].as_str().is_some_and(|policy| keeps(policy, ME))));
    let deny = json!({"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*"}]});
    let locked = furnished("kms:PutKeyPolicy", json!({"KeyId": "k", "Policy": deny.to_string()}));
    assert!(matches!(locked, Err(TargetError::Unsupported { .. })), "{locked:?}");
}
