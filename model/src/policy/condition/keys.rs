//! The condition keys that the sources describe: the rule that says when each is present and what it holds (`iam:5.1`, `svc:C-…`,
//! `svc:S-40`…`S-48`), and the type of its value. Filling the keys is the world's work; this table only lets a trace name the rule.

use crate::rule::{RuleId, rule};

/// The type of a key's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyType {
    Text,
    Arn,
    Number,
    Date,
    Bool,
    Address,
}

/// A key of the table.
#[derive(Debug)]
pub(super) struct KnownKey {
    pub(super) rule: RuleId,
    pub(super) kind: KeyType,
}

/// The entry of a key in lower case; families such as `aws:PrincipalTag/…` are found by their prefix.
pub(super) fn known_key(lookup: &str) -> Option<&'static KnownKey> {
    KEYS.iter()
        .find(|(name, _)| *name == lookup || (name.ends_with(['/', ':']) && lookup.starts_with(name)))
        .map(|(_, entry)| entry)
}

use KeyType::{Address, Arn, Bool, Date, Number, Text};

const fn row(name: &'static str, kind: KeyType, id: &'static str) -> (&'static str, KnownKey) {
    (name, KnownKey { rule: rule(id), kind })
}

#[rustfmt::skip]
const KEYS: &[(&str, KnownKey)] = &[
    row("aws:principalarn", Arn, "iam:K-01"),
    row("aws:principalaccount", Text, "iam:K-02"),
    row("aws:principalorgid", Text, "iam:K-03"),
    row("aws:principalorgpaths", Text, "iam:K-04"),
    row("aws:principaltag/", Text, "iam:K-05"),
    row("aws:principalisawsservice", Bool, "iam:K-06"),
    row("aws:principalservicename", Text, "iam:K-07"),
    row("aws:principalservicenameslist", Text, "iam:K-08"),
    row("aws:principaltype", Text, "iam:K-09"),
    row("aws:userid", Text, "iam:K-10"),
    row("aws:username", Text, "iam:K-11"),
    row("aws:tokenissuetime", Date, "iam:K-20"),
    row("aws:multifactorauthpresent", Bool, "iam:K-21"),
    row("aws:multifactorauthage", Number, "iam:K-22"),
    row("aws:federatedprovider", Text, "iam:K-23"),
    row("aws:sourceidentity", Text, "iam:K-24"),
    row("aws:assumedroot", Bool, "iam:K-25"),
    row("aws:signinsessionarn", Arn, "iam:K-26"),
    row("aws:chatbotsourcearn", Arn, "iam:K-27"),
    row("aws:ec2instancesourcevpc", Text, "iam:K-28"),
    row("aws:ec2instancesourceprivateipv4", Address, "iam:K-29"),
    row("ec2:roledelivery", Number, "iam:K-30"),
    row("ec2:sourceinstancearn", Arn, "iam:K-30"),
    row("lambda:sourcefunctionarn", Arn, "iam:K-30"),
    row("codebuild:buildarn", Arn, "iam:K-30"),
    row("codebuild:projectarn", Arn, "iam:K-30"),
    row("ssm:sourceinstancearn", Arn, "iam:K-30"),
    row("glue:roleassumedby", Text, "iam:K-30"),
    row("glue:credentialissuingservice", Text, "iam:K-30"),
    row("identitystore:userid", Text, "iam:K-30"),
    row("aws:sourceip", Address, "iam:K-40"),
    row("aws:sourcevpc", Text, "iam:K-41"),
    row("aws:sourcevpcarn", Arn, "iam:K-42"),
    row("aws:sourcevpce", Text, "iam:K-43"),
    row("aws:vpceaccount", Text, "iam:K-44"),
    row("aws:vpceorgid", Text, "iam:K-44"),
    row("aws:vpceorgpaths", Text, "iam:K-45"),
    row("aws:vpcsourceip", Address, "iam:K-46"),
    row("aws:resourceaccount", Text, "iam:K-50"),
    row("aws:resourceorgid", Text, "iam:K-51"),
    row("aws:resourceorgpaths", Text, "iam:K-52"),
    row("aws:resourcetag/", Text, "iam:K-53"),
    row("aws:calledvia", Text, "iam:K-60"),
    row("aws:calledviafirst", Text, "iam:K-61"),
    row("aws:calledvialast", Text, "iam:K-61"),
    row("aws:viaawsservice", Bool, "iam:K-62"),
    row("aws:calledviaawsmcp", Text, "iam:K-63"),
    row("aws:viaawsmcpservice", Bool, "iam:K-63"),
    row("aws:ismcpserviceaction", Bool, "iam:K-63"),
    row("aws:currenttime", Date, "iam:K-64"),
    row("aws:epochtime", Date, "iam:K-65"),
    row("aws:securetransport", Bool, "iam:K-66"),
    row("aws:requestedregion", Text, "iam:K-67"),
    row("aws:useragent", Text, "iam:K-68"),
    row("aws:referer", Text, "iam:K-69"),
    row("aws:requesttag/", Text, "iam:K-70"),
    row("aws:tagkeys", Text, "iam:K-71"),
    row("aws:sourcearn", Arn, "iam:K-80"),
    row("aws:sourceaccount", Text, "iam:K-81"),
    row("aws:sourceorgid", Text, "iam:K-82"),
    row("aws:sourceorgpaths", Text, "iam:K-83"),
    row("kms:calleraccount", Text, "svc:C-1"),
    row("kms:keyspec", Text, "svc:C-2"),
    row("kms:keyusage", Text, "svc:C-2"),
    row("kms:keyorigin", Text, "svc:C-2"),
    row("kms:multiregion", Bool, "svc:C-2"),
    row("kms:multiregionkeytype", Text, "svc:C-2"),
    row("kms:viaservice", Text, "svc:C-3"),
    row("kms:encryptioncontextkeys", Text, "svc:C-5"),
    row("kms:encryptioncontext:", Text, "svc:C-4"),
    row("kms:encryptionalgorithm", Text, "svc:C-6"),
    row("kms:signingalgorithm", Text, "svc:C-7"),
    row("kms:messagetype", Text, "svc:C-7"),
    row("kms:macalgorithm", Text, "svc:C-8"),
    row("kms:keyagreementalgorithm", Text, "svc:C-9"),
    row("kms:datakeypairspec", Text, "svc:C-10"),
    row("kms:requestalias", Text, "svc:C-11"),
    row("kms:resourcealiases", Text, "svc:C-12"),
    row("kms:grantoperations", Text, "svc:C-13"),
    row("kms:grantconstrainttype", Text, "svc:C-14"),
    row("kms:grantconstraintsourcearn", Arn, "svc:C-15"),
    row("kms:granteeprincipal", Arn, "svc:C-16"),
    row("kms:retiringprincipal", Arn, "svc:C-16"),
    row("kms:granteeserviceprincipal", Text, "svc:C-17"),
    row("kms:retiringserviceprincipal", Text, "svc:C-17"),
    row("kms:grantisforawsresource", Bool, "svc:C-18"),
    row("kms:bypasspolicylockoutsafetycheck", Bool, "svc:C-19"),
    row("kms:schedulekeydeletionpendingwindowindays", Number, "svc:C-20"),
    row("kms:trailingdayswithoutkeyusage", Number, "svc:C-21"),
    row("kms:rotationperiodindays", Number, "svc:C-22"),
    row("kms:replicaregion", Text, "svc:C-23"),
    row("kms:primaryregion", Text, "svc:C-23"),
    row("kms:reencryptonsamekey", Bool, "svc:C-24"),
    row("kms:expirationmodel", Text, "svc:C-25"),
    row("kms:validto", Date, "svc:C-25"),
    row("kms:wrappingalgorithm", Text, "svc:C-26"),
    row("kms:wrappingkeyspec", Text, "svc:C-26"),
    row("kms:recipientattestation:", Text, "svc:C-27"),
    row("kms:policyname", Text, "svc:C-28"),
    row("s3:x-amz-server-side-encryption", Text, "svc:S-40"),
    row("s3:x-amz-server-side-encryption-aws-kms-key-id", Arn, "svc:S-41"),
    row("s3:prefix", Text, "svc:S-42"),
    row("s3:delimiter", Text, "svc:S-42"),
    row("s3:max-keys", Number, "svc:S-42"),
    row("s3:versionid", Text, "svc:S-43"),
    row("s3:existingobjecttag/", Text, "svc:S-44"),
    row("s3:requestobjecttag/", Text, "svc:S-44"),
    row("s3:requestobjecttagkeys", Text, "svc:S-44"),
    row("s3:resourceaccount", Text, "svc:S-45"),
    row("s3:buckettag/", Text, "svc:S-48"),
    row("s3:dataaccesspointarn", Arn, "svc:S-48"),
    row("s3:dataaccesspointaccount", Text, "svc:S-48"),
    row("s3:accesspointnetworkorigin", Text, "svc:S-48"),
    row("s3:authtype", Text, "svc:S-46"),
    row("s3:signatureversion", Text, "svc:S-46"),
    row("s3:signatureage", Number, "svc:S-46"),
    row("s3:x-amz-content-sha256", Text, "svc:S-46"),
    row("s3:x-amz-acl", Text, "svc:S-47"),
    row("s3:x-amz-copy-source", Text, "svc:S-47"),
    row("s3:x-amz-metadata-directive", Text, "svc:S-47"),
    row("s3:x-amz-storage-class", Text, "svc:S-47"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_by_name_and_by_family() {
        let id = |key: &str| known_key(key).map(|known| known.rule.as_str().to_owned());
        assert_eq!(id("aws:principaltag/team").as_deref(), Some("iam:K-05"));
        assert_eq!(id("kms:encryptioncontextkeys").as_deref(), Some("svc:C-5"));
        assert_eq!(id("kms:encryptioncontext:department").as_deref(), Some("svc:C-4"));
        assert_eq!(id("aws:sourcevpce").as_deref(), Some("iam:K-43"));
        assert_eq!(id("aws:foo"), None);
        for (name, _) in KEYS {
            assert_eq!(*name, name.to_ascii_lowercase(), "keys are looked up in lower case");
        }
    }
}
