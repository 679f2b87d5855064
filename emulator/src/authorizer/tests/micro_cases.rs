//! The micro-cases of `iam:§8` that are decided by the evaluator alone.

use super::*;

const NO_TAGS: &str = "aws:TagKeys";

#[test]
fn same_account_t_001_to_t_028() {
    let user_allowed = to("Allow", "u", "");
    let role_allowed = to("Allow", "R", "");
    let session_allowed = to("Allow", "R/s", "");
    let account_allowed = to("Allow", "A:root", "");
    let star_allowed = to("Allow", "*", "");
    let deny_get = r#"{"Effect":"Deny","Action":"s3:GetObject","Resource":"*"}"#;

    case("T-001", user()).identity(&[SILENT]).expect("ID(IDP)");
    case("T-002", user()).identity(&[GET]).expect("ALLOW");
    case("T-003", user()).resource_policy(&[&user_allowed]).expect("ALLOW");
    case("T-004", user())
        .resource_policy(&[&account_allowed])
        .expect("ID(IDP)");
    case("T-005", user())
        .identity(&[GET])
        .resource_policy(&[&account_allowed])
        .expect("ALLOW");
    case("T-006", user())
        .boundary(&[SILENT])
        .resource_policy(&[&user_allowed])
        .expect("ALLOW");
    case("T-007", user())
        .identity(&[GET])
        .boundary(&[SILENT])
        .expect("ID(PB)");
    case("T-008", user())
        .identity(&[GET])
        .boundary(&[ALLOW_ALL, deny_get])
        .resource_policy(&[&user_allowed])
        .expect("XD(PB)");
    case("T-009", session())
        .resource_policy(&[&role_allowed])
        .expect("ALLOW");
    case("T-010", session())
        .boundary(&[SILENT])
        .resource_policy(&[&role_allowed])
        .expect("ID(PB)");
    case("T-011", session())
        .identity(&[GET])
        .session_policy(&[SILENT])
        .resource_policy(&[&role_allowed])
        .expect("ID(SP)");
    case("T-012", session())
        .boundary(&[SILENT])
        .session_policy(&[SILENT])
        .resource_policy(&[&session_allowed])
        .expect("ALLOW");
    case("T-013", session_of(ROLE_ARN, "t", ROLE_ID))
        .boundary(&[SILENT])
        .session_policy(&[SILENT])
        .resource_policy(&[&session_allowed])
        .expect("ID(IDP)");
    let star_if = |condition: &str| to("Allow", "*", &format!(r#","Condition":{condition}"#));
    let role_by_key = star_if(r#"{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::111111111111:role/R"}}"#);
    let by_key = |id| case(id, session()).boundary(&[SILENT]).session_policy(&[SILENT]);
    by_key("T-014").resource_policy(&[&role_by_key]).expect("ALLOW");
    by_key("T-014 OQ-32")
        .resource_policy(&[&role_by_key])
        .quirk(|quirks| quirks.star_limited_by_boundary_and_session = true)
        .expect("ID(PB)");
    let session_by_key = star_if(r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:sts::111111111111:assumed-role/R/*"}}"#);
    by_key("T-015").resource_policy(&[&session_by_key]).expect("ID(IDP)");
    case("T-016", user()).resource_policy(&[&star_allowed]).expect("ALLOW");
    case("T-017", user())
        .boundary(&[SILENT])
        .resource_policy(&[&star_allowed])
        .expect("ALLOW");
    case("T-018", session())
        .session_policy(&[ALLOW_ALL, deny_get])
        .resource_policy(&[&session_allowed])
        .expect("XD(SP)");
    case("T-019", federated())
        .session_policy(&[SILENT])
        .resource_policy(&[&to("Allow", "fed", "")])
        .expect("ALLOW");
    case("T-020", federated()).identity(&[GET]).expect("ID(SP)");
    case("T-020 OQ-35", federated())
        .identity(&[GET])
        .quirk(|quirks| quirks.federated_user_default_session_policy = true)
        .expect("ALLOW");
    case("T-021", federated())
        .identity(&[GET])
        .session_policy(&[GET])
        .expect("ALLOW");
    case("T-022", federated())
        .session_policy(&[SILENT])
        .resource_policy(&[&user_allowed])
        .expect("ID(SP)");
    case("T-023", federated())
        .resource_policy(&[&to("Allow", "fed", "")])
        .expect("ALLOW");
    case("T-026", session())
        .boundary(&[SILENT])
        .resource_policy(&[&role_allowed, &session_allowed])
        .expect("ALLOW");
    let never = get_if("Allow", r#"{"StringEquals":{"aws:username":"nobody"}}"#);
    case("T-027", user()).identity(&[&never]).expect("ID(IDP)");
    let all_s3 = r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"}"#;
    case("T-028", user()).identity(&[all_s3, deny_get]).expect("XD(IDP)");
    case("T-028 reversed, L-04", user())
        .identity(&[deny_get, all_s3])
        .expect("XD(IDP)");
    case("T-010 OQ-33", session())
        .boundary(&[SILENT])
        .resource_policy(&[&role_allowed])
        .quirk(|quirks| quirks.role_arn_limited_by_boundary_and_session = false)
        .expect("ALLOW");
    // OQ-33 is about roles: the parent user of a federated session stays limited (L-26).
    case("T-022 OQ-33", federated())
        .resource_policy(&[&user_allowed])
        .quirk(|quirks| quirks.role_arn_limited_by_boundary_and_session = false)
        .expect("ID(SP)");
}

#[test]
fn cross_account_t_030_to_t_041() {
    let user_allowed = to("Allow", "u", "");
    let foreign = |id, caller| case(id, caller).owned_by_b();
    foreign("T-030", user())
        .identity(&[GET])
        .resource_policy(&[&user_allowed])
        .expect("ALLOW");
    foreign("T-031", user())
        .resource_policy(&[&user_allowed])
        .expect("ID(IDP)");
    foreign("T-032", user()).identity(&[GET]).expect("ID(RBP)");
    foreign("T-033", user())
        .identity(&[GET])
        .resource_policy(&[&to("Allow", "A:root", "")])
        .expect("ALLOW");
    foreign("T-034", session())
        .resource_policy(&[&to("Allow", "R/s", "")])
        .expect("ID(IDP)");
    foreign("T-035", user())
        .identity(&[GET])
        .boundary(&[SILENT])
        .resource_policy(&[&user_allowed])
        .expect("ID(PB)");
    foreign("T-036", user())
        .resource_policy(&[&to("Allow", "*", "")])
        .expect("ID(IDP)");
    foreign("T-037", root())
        .resource_policy(&[&to("Allow", "A:root", "")])
        .expect("ALLOW");
    foreign("L-45 silent", root()).expect("ID(RBP)");
    foreign("R-08", user()).expect("ID(IDP)");
    foreign("R-08 switched", user())
        .quirk(|quirks| quirks.both_sides_silent_blames_resource = true)
        .expect("ID(RBP)");
    let deny_s3 = r#"{"Effect":"Deny","Action":"s3:*","Resource":"*"}"#;
    // T-038 and T-041 are about which levels are collected; the other two about what they do.
    foreign("T-039", user())
        .identity(&[GET])
        .resource_policy(&[&user_allowed])
        .scp(&[ALLOW_ALL])
        .scp(&[ALLOW_ALL, deny_s3])
        .expect("XD(SCP)");
    let outsiders = r#"{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*",
        "Condition":{"StringNotEqualsIfExists":{"aws:PrincipalOrgID":"o-B"}}}"#;
    foreign("T-040", user())
        .identity(&[GET])
        .resource_policy(&[&user_allowed])
        .rcp(&[outsiders])
        .with("aws:PrincipalOrgID", "o-A")
        .expect("XD(RCP)");
}

#[test]
fn organization_t_042_to_t_051() {
    let deny_all = r#"{"Effect":"Deny","Action":"*","Resource":"*"}"#;
    let rcp_deny = r#"{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}"#;
    case("T-042", user())
        .identity(&[GET])
        .scp(&[ALLOW_ALL])
        .scp(&[SILENT])
        .scp(&[ALLOW_ALL])
        .expect("ID(SCP)");
    case("T-043", session())
        .scp(&[ALLOW_ALL])
        .scp(&[SILENT])
        .resource_policy(&[&to("Allow", "R/s", "")])
        .expect("ID(SCP)");
    case("T-045", root())
        .scp(&[ALLOW_ALL, r#"{"Effect":"Deny","Action":"s3:*","Resource":"*"}"#])
        .expect("XD(SCP)");
    let linked = || {
        let role = "arn:aws:iam::111111111111:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX";
        session_of(role, "s", ROLE_ID)
    };
    case("T-046", linked())
        .identity(&[GET])
        .scp(&[deny_all])
        .rcp(&[rcp_deny])
        .expect("ALLOW");
    case("T-046 L-48 RBP", linked())
        .identity(&[GET])
        .resource_policy(&[&to("Deny", "*", "")])
        .expect("XD(RBP)");
    let insecure = r#"{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*",
        "Condition":{"BoolIfExists":{"aws:SecureTransport":"false"}}}"#;
    case("T-047", user())
        .identity(&[GET])
        .rcp(&[insecure])
        .with("aws:SecureTransport", "false")
        .expect("XD(RCP)");
    case("T-047 https", user())
        .identity(&[GET])
        .rcp(&[insecure])
        .expect("ALLOW");
    let trail = || {
        case("T-048", service("cloudtrail.amazonaws.com")).resource_policy(&[&to(
            "Allow",
            "cloudtrail.amazonaws.com",
            "",
        )])
    };
    let outsiders = |more: &str| {
        format!(
            r#"{{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*",
            "Condition":{{"StringNotEqualsIfExists":{{"aws:PrincipalOrgID":"o-1"}}{more}}}}}"#
        )
    };
    let spared = outsiders(r#","BoolIfExists":{"aws:PrincipalIsAWSService":"false"}"#);
    trail().rcp(&[&spared]).expect("ALLOW");
    trail().rcp(&[&outsiders("")]).expect("XD(RCP)");
    let deny_iam = r#"{"Effect":"Deny","Principal":"*","Action":"iam:*","Resource":"*"}"#;
    case("T-051", user())
        .identity(&[ALLOW_ALL])
        .rcp(&[deny_iam])
        .asks("iam:DeleteUser", "arn:aws:iam::111111111111:user/v")
        .expect("ALLOW");
    let list = |id| {
        case(id, user())
            .identity(&[ALLOW_ALL])
            .rcp(&[rcp_deny])
            .asks("s3:ListAllMyBuckets", "arn:aws:s3:::*")
    };
    list("A-05").expect("ALLOW");
    list("A-05 switched")
        .quirk(|quirks| quirks.rcp_covers_requests_without_resource = true)
        .expect("XD(RCP)");
    let deny_kms = r#"{"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*"}"#;
    let on_key = |id| {
        let key_policy = r#"{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"}"#;
        case(id, user()).key().resource_policy(&[key_policy]).rcp(&[deny_kms])
    };
    on_key("A-05 key").expect("XD(RCP)");
    let mut managed = on_key("A-05 AWS managed key");
    managed.mode = ResourcePolicyMode::KeyPolicy { aws_managed: true };
    managed.expect("ALLOW");
    on_key("A-05 RetireGrant")
        .asks("kms:RetireGrant", "arn:aws:kms:us-east-1:111111111111:key/k")
        .expect("ALLOW");
}

#[test]
fn services_and_anonymous_t_052_to_t_059() {
    case("T-052", user())
        .resource_policy(&[&to("Allow", "logs.amazonaws.com", "")])
        .expect("ID(IDP)");
    case("T-053", service("s3.ap-east-1.amazonaws.com"))
        .resource_policy(&[&to("Allow", "s3.amazonaws.com", "")])
        .expect("ID(RBP)");
    let from_topic = to(
        "Allow",
        "sns.amazonaws.com",
        r#","Condition":{"ArnEquals":{"aws:SourceArn":"arn:aws:sns:us-east-1:111111111111:T"}}"#,
    );
    case("T-054", user()).resource_policy(&[&from_topic]).expect("ID(IDP)");
    case("T-055", Caller::Anonymous)
        .resource_policy(&[&to("Allow", "*", "")])
        .expect("ALLOW");
    case("T-056", Caller::Anonymous)
        .resource_policy(&[&to("Allow", "A:root", "")])
        .expect("ID(RBP)");
    let own = to(
        "Allow",
        "*",
        r#","Condition":{"StringEquals":{"aws:PrincipalAccount":"111111111111"}}"#,
    );
    case("T-057", Caller::Anonymous)
        .resource_policy(&[&own])
        .expect("ID(RBP)");
    let hole = to(
        "Allow",
        "*",
        r#","Condition":{"ForAllValues:StringLike":{"aws:PrincipalArn":"arn:aws:iam::111111111111:user/admin"}}"#,
    );
    case("T-058", Caller::Anonymous)
        .resource_policy(&[&hole])
        .expect("ALLOW");
    let others = to(
        "Deny",
        "*",
        r#","Condition":{"StringNotEquals":{"aws:PrincipalArn":"arn:aws:iam::111111111111:role/R"}}"#,
    );
    case("T-059", Caller::Anonymous)
        .resource_policy(&[&others, &to("Allow", "*", "")])
        .expect("XD(RBP)");
    case("F-7", service("x.amazonaws.com"))
        .resource_policy(&[&to("Deny", "*", ""), &to("Allow", "x.amazonaws.com", "")])
        .expect("XD(RBP)");
}

#[test]
fn conditions_t_060_to_t_080() {
    let allow = |condition: &str| get_if("Allow", condition);
    let deny = |condition: &str| get_if("Deny", condition);
    let allowed_if = |id, condition: &str| case(id, user()).identity(&[&allow(condition)]);
    let denied_if = |id, condition: &str| case(id, user()).identity(&[GET, &deny(condition)]);

    allowed_if("T-060", r#"{"StringEquals":{"aws:PrincipalTag/team":"x"}}"#).expect("ID(IDP)");
    denied_if("T-061", r#"{"StringNotEquals":{"aws:PrincipalTag/team":"x"}}"#).expect("XD(IDP)");
    denied_if("T-062", r#"{"Bool":{"aws:MultiFactorAuthPresent":"false"}}"#).expect("ALLOW");
    denied_if("T-063", r#"{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}"#).expect("XD(IDP)");
    allowed_if("T-064", r#"{"Null":{"aws:MultiFactorAuthPresent":"false"}}"#)
        .with("aws:MultiFactorAuthPresent", "false")
        .expect("ALLOW");
    denied_if(
        "T-065",
        r#"{"StringNotEquals":{"aws:RequestedRegion":["eu-west-1","eu-west-2"]}}"#,
    )
    .with("aws:RequestedRegion", "us-east-1")
    .expect("XD(IDP)");
    let all_a = r#"{"ForAllValues:StringEquals":{"aws:TagKeys":["a"]}}"#;
    allowed_if("T-066 absent", all_a).expect("ALLOW");
    allowed_if("T-066 empty", all_a).with_many(NO_TAGS, &[]).expect("ALLOW");
    let guarded = r#"{"ForAllValues:StringEquals":{"aws:TagKeys":["a"]},"Null":{"aws:TagKeys":"false"}}"#;
    allowed_if("T-067 absent", guarded).expect("ID(IDP)");
    allowed_if("T-067 empty", guarded)
        .with_many(NO_TAGS, &[])
        .expect("ID(IDP)");
    allowed_if("T-068", r#"{"ForAnyValue:StringEquals":{"aws:TagKeys":"environment"}}"#)
        .with_many("aws:TagKeys", &["Environment"])
        .expect("ID(IDP)");
    let mut tagged = allowed_if("T-069", r#"{"StringEquals":{"aws:RequestTag/TagKey1":"V"}}"#);
    tagged.context.add_member("aws:RequestTag/", "tagkey1", "V");
    tagged.expect("ALLOW");
    let other_tags = r#"{"ForAnyValue:StringNotEquals":{"aws:TagKeys":["a"]}}"#;
    denied_if("T-070", other_tags).with_many(NO_TAGS, &[]).expect("ALLOW");
    denied_if("T-070 OQ-22", other_tags)
        .with_many(NO_TAGS, &[])
        .quirk(|quirks| quirks.for_any_value_negated_missing = true)
        .expect("XD(IDP)");
    denied_if(
        "T-071",
        r#"{"ForAllValues:StringNotLike":{"aws:ResourceOrgPaths":["o/r/ou1/*"]}}"#,
    )
    .expect("XD(IDP)");
    let near = r#"{"IpAddress":{"aws:SourceIp":"203.0.113.7/24"}}"#;
    allowed_if("T-072", near)
        .with("aws:SourceIp", "203.0.113.200")
        .expect("ALLOW");
    allowed_if("T-073", r#"{"IpAddress":{"aws:SourceIp":"203.0.113.5"}}"#)
        .with("aws:SourceIp", "203.0.113.6")
        .expect("ID(IDP)");
    denied_if("T-074", r#"{"NotIpAddress":{"aws:SourceIp":"0.0.0.0/0"}}"#)
        .with("aws:SourceIp", "2001:db8::1")
        .expect("XD(IDP)");
    allowed_if("T-075", near)
        .with("aws:SourceVpce", "vpce-1")
        .expect("ID(IDP)");
    denied_if(
        "T-076",
        r#"{"NotIpAddress":{"aws:SourceIp":"192.0.2.0/24"},"Bool":{"aws:ViaAWSService":"false"}}"#,
    )
    .with("aws:ViaAWSService", "true")
    .with("aws:SourceIp", "203.0.113.9")
    .expect("ALLOW");
    denied_if("T-077", r#"{"StringNotEquals":{"aws:SourceVpc":"vpc-1"}}"#)
        .with("aws:ViaAWSService", "true")
        .expect("XD(IDP)");
    case("T-079", session_of("arn:aws:iam::111111111111:role/DevX", "s", ROLE_ID))
        .identity(&[&allow(
            r#"{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::*:role/Dev*"}}"#,
        )])
        .expect("ALLOW");
    case("T-080", session_of("arn:aws:iam::111111111111:role/DevX", "s", ROLE_ID))
        .identity(&[&allow(
            r#"{"StringEquals":{"aws:PrincipalArn":"arn:aws:iam::*:role/Dev*"}}"#,
        )])
        .expect("ID(IDP)");
    allowed_if("T-120", r#"{"StringEquals":{"aws:Foo":"x"}}"#).expect("ID(IDP)");
    allowed_if("T-128", r#"{"StringEquals":{"aws:ResourceOrgPaths":"o/r/"}}"#)
        .with_many("aws:ResourceOrgPaths", &["o/r/"])
        .expect("ID(IDP)");
    denied_if("T-129", r#"{"Bool":{"aws:SecureTransport":"false"}}"#)
        .without("aws:SecureTransport")
        .expect("ALLOW");
    allowed_if(
        "T-130",
        r#"{"DateGreaterThan":{"aws:TokenIssueTime":"2020-01-01T00:00:00Z"}}"#,
    )
    .expect("ID(IDP)");
    let via_dynamodb = r#"{"ForAnyValue:StringEquals":{"aws:CalledVia":"dynamodb.amazonaws.com"}}"#;
    allowed_if("T-114", via_dynamodb).expect("ID(IDP)");
}

#[test]
fn variables_and_patterns_t_081_to_t_094() {
    let get = |resource: &str| {
        format!(r#"{{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::{resource}"}}"#)
    };
    let own = get("b/${aws:username}/*");
    case("T-081", session())
        .identity(&[&own])
        .asks("s3:GetObject", "arn:aws:s3:::b/x/k")
        .expect("ID(IDP)");
    let mut literal = case("T-082", user()).asks("s3:GetObject", "arn:aws:s3:::b/${aws:username}/k");
    let text = format!(r#"{{"Version":"2008-10-17","Statement":{own}}}"#);
    let old = Policy::stored(PolicyKind::IdentityInline, &text);
    literal.sets.identity.push(AttachedPolicy::inline(Arc::new(old)));
    literal.expect("ALLOW");
    case("T-083", user())
        .identity(&[&get("b/${aws:PrincipalTag/team, 'all'}/*")])
        .asks("s3:GetObject", "arn:aws:s3:::b/all/k")
        .expect("ALLOW");
    let not_mine = |effect: &str| {
        format!(r#"{{"Effect":"{effect}","Action":"s3:*","NotResource":"arn:aws:s3:::b/${{aws:PrincipalTag/t}}/*"}}"#)
    };
    case("T-084", user())
        .identity(&[GET, &not_mine("Deny")])
        .expect("XD(IDP)");
    let tagged = get_if(
        "Deny",
        r#"{"StringNotEquals":{"s3:ExistingObjectTag/Team":"${aws:PrincipalTag/Team}"}}"#,
    );
    case("T-085", user()).identity(&[GET, &tagged]).expect("XD(IDP)");
    let star = get_if("Allow", r#"{"StringLike":{"s3:prefix":"home/${*}"}}"#);
    case("T-086", user())
        .identity(&[&star])
        .with("s3:prefix", "home/abc")
        .asks("s3:ListBucket", "arn:aws:s3:::b")
        .expect("ID(IDP)");
    case("T-087", user())
        .identity(&[&get("b/${aws:PrincipalTag/t}/k")])
        .with("aws:PrincipalTag/t", "*")
        .asks("s3:GetObject", "arn:aws:s3:::b/x/k")
        .expect("ID(IDP)");
    for (id, action) in [("T-088", "S3:getobject"), ("T-089", "s3:Get?bject")] {
        let statement = format!(r#"{{"Effect":"Allow","Action":"{action}","Resource":"*"}}"#);
        case(id, user()).identity(&[&statement]).expect("ALLOW");
    }
    case("T-090", user())
        .identity(&[r#"{"Effect":"Allow","NotAction":"s3:DeleteBucket","Resource":"arn:aws:s3:::*"}"#])
        .asks("ec2:RunInstances", "arn:aws:ec2:us-east-1:111111111111:instance/*")
        .expect("ID(IDP)");
    let nested = get("b/*/test/*");
    case("T-091", user())
        .identity(&[&nested])
        .asks("s3:GetObject", "arn:aws:s3:::b//test/o")
        .expect("ALLOW");
    case("T-092", user())
        .identity(&[&nested])
        .asks("s3:GetObject", "arn:aws:s3:::b/test/o")
        .expect("ID(IDP)");
    case("T-093", user())
        .identity(&[r#"{"Effect":"Allow","Action":"*","Resource":"arn:aws:sqs"}"#])
        .asks("sqs:SendMessage", "arn:aws:sqs:us-east-1:111111111111:q")
        .expect("ALLOW");
    case("T-094", user())
        .identity(&[r#"{"Effect":"Allow","Action":"ec2:*","Resource":"arn:aws:ec2:*:*:instance/*"}"#])
        .asks("ec2:DescribeInstances", "*")
        .expect("ID(IDP)");
}
