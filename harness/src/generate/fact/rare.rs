//! Facts that policies seldom speak of: the keys of other credentials than the caller's, of endpoints that are not there, of
//! organizations, of the form of the request. Which keys a caller has is in the tables of condition keys.

use countersign_model::case::Shape;

use super::super::request::{Need, Request, Target};
use super::super::scene::{ActorKind, Scene};
use super::{Fact, Known};

/// Keys of sessions that no caller here has (`iam:K-23`…`iam:K-30`), and of chains and links that no direct call has.
const NEVER_THERE: &[&str] = &[
    "aws:FederatedProvider",
    "aws:AssumedRoot",
    "aws:SignInSessionArn",
    "aws:ChatbotSourceArn",
    "aws:Ec2InstanceSourceVpc",
    "aws:Ec2InstanceSourcePrivateIPv4",
    "ec2:RoleDelivery",
    "lambda:SourceFunctionArn",
    "glue:RoleAssumedBy",
    "aws:CalledVia",
    "aws:CalledViaFirst",
    "aws:CalledViaLast",
    "aws:referer",
];

/// Keys that a call has only through a VPC endpoint.
const OF_ENDPOINTS: &[&str] = &[
    "aws:SourceVpcArn",
    "aws:VpceAccount",
    "aws:VpceOrgID",
    "aws:VpceOrgPaths",
    "aws:VpcSourceIp",
];

impl Scene<'_, '_, '_> {
    /// The rare facts of a check that the caller asks itself; none of one that a service asks for it.
    pub(in super::super) fn rare_facts(&self, request: &Request, need: &Need) -> Vec<Fact> {
        if need.via_s3 || request.call.through_endpoint {
            return Vec::new();
        }
        let who = &self.actors[request.call.actor];
        let mut facts: Vec<Fact> = NEVER_THERE
            .iter()
            .chain(OF_ENDPOINTS)
            .map(|key| Fact::absent(*key))
            .collect();
        facts.push(Fact::new("aws:EpochTime", Known::Time { year: self.year }));
        if matches!(need.target, Target::Object(..) | Target::Bucket(_) | Target::Any) {
            facts.push(Fact::new("aws:UserAgent", Known::Present));
        }
        if !request.call.with.keys().any(|name| name.starts_with("Tag")) {
            facts.push(Fact::absent("aws:RequestTag/team"));
            facts.push(Fact::absent("aws:TagKeys"));
        }
        self.facts_of_credentials(&who.kind, &mut facts);
        let in_organization = self.organization && self.principal_arn(request.call.actor).is_some();
        facts.push(if in_organization {
            Fact::new("aws:PrincipalOrgPaths", Known::PresentMany)
        } else {
            Fact::absent("aws:PrincipalOrgPaths")
        });
        if !matches!(need.target, Target::Any) {
            facts.push(if self.organization {
                Fact::text("aws:ResourceOrgID", "{{organization.id}}")
            } else {
                Fact::absent("aws:ResourceOrgID")
            });
            facts.push(if self.organization {
                Fact::new("aws:ResourceOrgPaths", Known::PresentMany)
            } else {
                Fact::absent("aws:ResourceOrgPaths")
            });
        }
        if need.action.starts_with("s3:") && !matches!(who.kind, ActorKind::Anonymous) {
            let way = match request.call.shape {
                Shape::Presigned => "REST-QUERY-STRING",
                Shape::PostForm => "POST",
                _ => "REST-HEADER",
            };
            facts.push(Fact::text("s3:authType", way));
            facts.push(Fact::text("s3:signatureversion", "AWS4-HMAC-SHA256"));
        }
        facts
    }

    fn facts_of_credentials(&self, kind: &ActorKind, facts: &mut Vec<Fact>) {
        match kind {
            ActorKind::User { mfa: None } => {
                facts.push(Fact::absent("aws:TokenIssueTime"));
                facts.push(Fact::absent("aws:MultiFactorAuthAge"));
                facts.push(Fact::new("aws:userid", Known::Present));
            }
            ActorKind::Role { mfa, .. } => {
                facts.push(Fact::new("aws:TokenIssueTime", Known::Time { year: self.year }));
                facts.push(Fact::new("aws:userid", Known::Present));
                if *mfa != Some(true) {
                    facts.push(Fact::absent("aws:MultiFactorAuthAge"));
                }
            }
            ActorKind::Service { .. } => {
                facts.push(Fact::new("aws:PrincipalServiceNamesList", Known::PresentMany));
                facts.push(Fact::absent("aws:userid"));
                facts.push(Fact::absent("aws:PrincipalOrgID"));
                if !self.organization {
                    facts.push(Fact::absent("aws:SourceOrgID"));
                    facts.push(Fact::absent("aws:SourceOrgPaths"));
                }
            }
            _ => {}
        }
        if !matches!(kind, ActorKind::Service { .. }) {
            facts.push(Fact::absent("aws:PrincipalServiceNamesList"));
        }
    }
}
