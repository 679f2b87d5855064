//! Faults in what a request tells about itself: the condition keys. Registry entries only: what each fault does stands where the right code stands.

use super::{Fault, FaultEntry, authorizer, world};

pub(super) const ENTRIES: &[FaultEntry] = &[
    authorizer(
        Fault::SessionArnAsPrincipalArn,
        "session-arn-as-principal-arn",
        "iam:K-95",
        "aws:PrincipalArn of a role session is the session ARN",
    ),
    authorizer(
        Fault::ViaAwsServiceAlwaysFalse,
        "via-aws-service-always-false",
        "iam:K-62",
        "aws:ViaAWSService is false on forwarded calls too",
    ),
    world(
        Fault::ServicePrincipalHasPrincipalArn,
        "service-principal-has-principal-arn",
        "svc:F-3",
        "a service principal's call carries an aws:PrincipalArn",
    ),
    world(
        Fault::RequestAliasAbsent,
        "request-alias-absent",
        "svc:C-11",
        "the alias that a request names is not visible as kms:RequestAlias",
    )
    .stands_for("ministack (targets.md §4.6)"),
];
