//! Quotas of policies, and hostile text on the wire.

use serde_json::json;

use crate::support::{A, Draft, World, allow, body_text, element, key_policy, root};

/// Case: SV-23, SV-26 and the table of iam:§1.9. White space is free where IAM counts, and counts everywhere else.
#[test]
fn quotas_of_policies() {
    let world = World::new();
    let root = root(A);
    // A document of exactly `size` characters that are not white space, with as much white space around it.
    let solid = |size: usize| {
        let empty = allow(&["s3:GetObject"], "arn:aws:s3:::b/").to_string();
        let filler = "k".repeat(size - empty.chars().filter(|character| !character.is_whitespace()).count());
        format!(
            "{}\n{}",
            allow(&["s3:GetObject"], &format!("arn:aws:s3:::b/{filler}")),
            " ".repeat(500)
        )
    };
    let limit = |answer: (u16, String)| (answer.0, answer.1.contains("<Code>LimitExceeded</Code>"));
    let (fine, exceeded) = ((200, false), (409, true));
    world.iam_ok(&root, "CreateUser", &[("UserName", "u")]);
    world.iam_ok(&root, "CreateGroup", &[("GroupName", "g")]);
    world.role(A, "r", None);
    for (action, parameter, name, quota) in [
        ("PutUserPolicy", "UserName", "u", 2_048),
        ("PutGroupPolicy", "GroupName", "g", 5_120),
        ("PutRolePolicy", "RoleName", "r", 10_240),
    ] {
        let put = |policy: &str, size: usize| {
            let document = solid(size);
            limit(world.iam(
                &root,
                action,
                &[(parameter, name), ("PolicyName", policy), ("PolicyDocument", &document)],
            ))
        };
        assert_eq!(put("a", quota + 1), exceeded, "SV-26 {action}");
        assert_eq!(put("a", quota), fine, "{action}");
        assert_eq!(put("b", 200), exceeded, "SV-26 {action}: the sum counts");
        assert_eq!(put("a", quota - 200), fine, "{action}: a policy replaces itself");
        assert_eq!(put("b", 200), fine, "{action}");
    }
    let create = |name: &str, size: usize| {
        limit(world.iam(
            &root,
            "CreatePolicy",
            &[("PolicyName", name), ("PolicyDocument", &solid(size))],
        ))
    };
    assert_eq!(create("long", 6_145), exceeded);
    assert_eq!(create("long", 6_144), fine);
    let trust = |size: usize| {
        let sid = |filler: usize| {
            json!({ "Version": "2012-10-17", "Statement": { "Sid": "s".repeat(filler), "Effect": "Allow", "Principal": { "AWS": A }, "Action": "sts:AssumeRole" } })
                .to_string()
        };
        let document = format!("{}{}", sid(size - sid(0).len()), " ".repeat(100));
        limit(world.iam(
            &root,
            "UpdateAssumeRolePolicy",
            &[("RoleName", "r"), ("PolicyDocument", &document)],
        ))
    };
    assert_eq!(trust(2_049), exceeded);
    assert_eq!(trust(2_048), fine);
    // Session policies: characters of every kind, then the packed form that tags share (SV-23).
    world.iam_ok(
        &root,
        "UpdateAssumeRolePolicy",
        &[(
            "RoleName", "r"),
            ("PolicyDocument", &json!({ "Version": "2012-10-17", "Statement": { "Effect": "Allow", "Principal": { "AWS": A }, "Action": ["sts:AssumeRole", "sts:TagSession"] } }).to_string()),
        ],
    );
    let user = world.user(A, "caller", Some(&allow(&["sts:*"], "*")));
    let assume = |policy: &str, tags: usize| {
        let arn = format!("arn:aws:iam::{A}:role/r");
        let mut parameters = vec![
            ("RoleArn".to_owned(), arn),
            ("RoleSessionName".to_owned(), "session".to_owned()),
            ("Policy".to_owned(), policy.to_owned()),
        ];
        for index in 1..=tags {
            parameters.push((format!("Tags.member.{index}.Key"), format!("key{index}")));
            parameters.push((format!("Tags.member.{index}.Value"), "v".repeat(256)));
        }
        let parameters: Vec<(&str, &str)> = parameters
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let (status, body) = world.sts(&user, "AssumeRole", &parameters);
        (
            status,
            if status == 200 {
                String::new()
            } else {
                element(&body, "Code")
            },
        )
    };
    let short = allow(&["s3:*"], "*").to_string();
    let padded = |size: usize| format!("{short}{}", " ".repeat(size - short.len()));
    assert_eq!(assume(&padded(2_048), 0), (200, String::new()));
    assert_eq!(assume(&padded(2_049), 0), (400, "ValidationError".to_owned()));
    assert_eq!(assume(&short, 5), (200, String::new()));
    assert_eq!(assume(&short, 20), (400, "PackedPolicyTooLarge".to_owned()), "SV-23");
    // Endpoint policies and SCPs: white space counts.
    let endpoint = |size: usize| {
        let policy = r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}"#;
        let policy = format!("{policy}{}", " ".repeat(size - policy.len()));
        let endpoint = json!({ "id": "vpce-1", "vpc": "vpc-1", "account": A, "service": "s3", "type": "gateway", "policy": policy });
        world
            .control("POST", "case", &json!({ "vpc_endpoints": { "e": endpoint } }))
            .0
    };
    assert_eq!((endpoint(20_480), endpoint(20_481)), (204, 400));
    // Key policies: bytes (svc:P-1).
    let key = world.key(A, None);
    let put = |size: usize| {
        let policy = key_policy(A, &[]).to_string();
        let policy = format!("{policy}{}", " ".repeat(size - policy.len()));
        world.kms(
            &root,
            "PutKeyPolicy",
            json!({ "KeyId": key, "PolicyName": "default", "Policy": policy }),
        )
    };
    assert_eq!(put(32_768).0, 200);
    assert_eq!(put(32_769).1["__type"], "LimitExceededException");
}

/// Case: text that wants to hurt, wherever IAM, STS and KMS take a policy or a body. Whatever it is, the answer is one
/// of AWS's own and the next request is served.
#[test]
fn hostile_text_on_the_wire() {
    let world = World::new();
    let root = root(A);
    world.role(A, "r", None);
    let key = world.key(A, None);
    let deep = "{\"Statement\":".repeat(100_000);
    let members = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{{}}}]}}"#,
        vec![r#""Sid":"a""#; 100_000].join(",")
    );
    let texts = [
        deep.as_str(),
        "[",
        "nul",
        "{\"Version\":\"\u{1F600}\"}",
        "",
        members.as_str(),
    ];
    for hostile in texts {
        for (action, name) in [
            ("UpdateAssumeRolePolicy", "PolicyDocument"),
            ("PutRolePolicy", "PolicyDocument"),
        ] {
            let parameters = [("RoleName", "r"), ("PolicyName", "p"), (name, hostile)];
            let (status, body) = world.iam(&root, action, &parameters);
            assert_eq!(status, 400, "{action} {hostile:.40}: {body:.200}");
            let code = element(&body, "Code");
            assert!(
                matches!(code.as_str(), "MalformedPolicyDocument" | "ValidationError"),
                "{code}"
            );
        }
        let put = json!({ "KeyId": key, "PolicyName": "default", "Policy": hostile });
        let (code, _) = world.kms_err(&root, "PutKeyPolicy", put);
        assert!(
            matches!(
                code.as_str(),
                "MalformedPolicyDocumentException" | "ValidationException" | "LimitExceededException"
            ),
            "{code} {hostile:.40}"
        );
        let scp = json!({ "organization": { "id": "o-a", "management_account": A, "root": { "scp": [{ "name": "p", "document": hostile }] } } });
        assert_eq!(world.control("POST", "case", &scp).0, 400, "{hostile:.40}");
    }
    // Ten megabytes, as a policy for KMS and as one for IAM.
    let long = "x".repeat(10 * 1024 * 1024);
    let put = json!({ "KeyId": key, "PolicyName": "default", "Policy": long });
    assert_eq!(world.kms_err(&root, "PutKeyPolicy", put).0, "ValidationException");
    let form = format!("Action=PutRolePolicy&Version=2010-05-08&RoleName=r&PolicyName=p&PolicyDocument={long}");
    let answer = world.emulator.handle(form_post(form.into_bytes()).sign(&root));
    assert_eq!(element(&body_text(answer), "Code"), "ValidationError");
    // Bodies that are no JSON at all, and JSON that is too deep to be one.
    for body in [
        vec![0xff; 1024],
        "[".repeat(100_000).into_bytes(),
        b"{\"KeyId\":".repeat(50_000),
    ] {
        let mut draft = Draft::post("kms", body);
        draft
            .headers
            .push(("x-amz-target".to_owned(), "TrentService.DescribeKey".to_owned()));
        let answer = world.emulator.handle(draft.sign(&root));
        assert_eq!(answer.status(), 400);
        assert!(body_text(answer).contains("SerializationException"));
    }
    let form = b"Action=PutRolePolicy&Version=2010-05-08&RoleName=r&PolicyName=p&PolicyDocument=%ff%fe%00";
    let answer = world.emulator.handle(form_post(form.to_vec()).sign(&root));
    assert_eq!(answer.status(), 400);
    world.kms_ok(&root, "DescribeKey", json!({ "KeyId": key }));
}

fn form_post(body: Vec<u8>) -> Draft {
    let mut draft = Draft::post("iam", body);
    let content_type = "application/x-www-form-urlencoded".to_owned();
    draft.headers.push(("content-type".to_owned(), content_type));
    draft
}
