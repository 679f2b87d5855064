//! What becomes of an operation that is asked twice: whether a call whose answer was lost may be sent again. Said of the operation alone,
//! by its name; nothing here knows a target.

/// What a second call of the same form does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// It changes nothing: its answer is as good as the first one's.
    Read,
    /// It leaves what the first one left. A success may be taken for the first one's; a refusal may be the first one's work.
    Same,
    /// It may leave something else: a second key, version or grant.
    Another,
}

/// Operations of KMS that compute and keep nothing.
const COMPUTING: &[&str] = &[
    "Decapsulate",
    "Decrypt",
    "DeriveSharedSecret",
    "Encapsulate",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "GenerateDataKeyWithoutPlaintext",
    "GenerateMac",
    "GenerateRandom",
    "ReEncrypt",
    "Sign",
    "Verify",
    "VerifyMac",
];
/// What begins so reads.
const READING: &[&str] = &["Get", "List", "Describe", "Head"];
/// What begins so sets something to a value, or takes something away.
const SETTING: &[&str] = &[
    "Add", "Attach", "Cancel", "Delete", "Detach", "Disable", "Enable", "Put", "Remove", "Retire", "Revoke",
    "Schedule", "Tag", "Untag", "Update",
];
/// In a bucket with versions each of them adds one.
const VERSIONED: &[&str] = &["DeleteObject", "DeleteObjects", "PutObject"];

/// What a second call of `service:Operation` does. What is not known may do anything.
pub(crate) fn repeat_of(operation: &str) -> Repeat {
    let (service, name) = operation.split_once(':').unwrap_or(("", operation));
    let begins = |list: &[&str]| list.iter().any(|start| name.starts_with(start));
    if service == "sts" || begins(READING) || service == "kms" && COMPUTING.contains(&name) {
        Repeat::Read
    } else if begins(SETTING) && !(service == "s3" && VERSIONED.contains(&name)) {
        Repeat::Same
    } else {
        Repeat::Another
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_leaves_the_same_is_repeated() {
        for (operation, expected) in [
            ("kms:Decrypt", Repeat::Read),
            ("kms:ListGrants", Repeat::Read),
            ("s3:HeadObject", Repeat::Read),
            ("sts:AssumeRole", Repeat::Read),
            ("kms:PutKeyPolicy", Repeat::Same),
            ("kms:DeleteAlias", Repeat::Same),
            ("s3:PutBucketPolicy", Repeat::Same),
            ("s3:DeleteObjectTagging", Repeat::Same),
            ("s3:PutObject", Repeat::Another),
            ("s3:DeleteObject", Repeat::Another),
            ("kms:CreateGrant", Repeat::Another),
            ("kms:CreateKey", Repeat::Another),
            ("kms:RotateKeyOnDemand", Repeat::Another),
            ("kms:ImportKeyMaterial", Repeat::Another),
            ("lambda:Invoke", Repeat::Another),
            ("nobody:Knows", Repeat::Another),
        ] {
            assert_eq!(repeat_of(operation), expected, "{operation}");
        }
    }
}
