//! Which condition keys exist for which caller, as data (`iam:5.1`, K-01…K-83), and what a forwarded call drops. The values are
//! computed in `world::actor`; a key that the matrix does not list belongs to a service and passes.

use crate::context::Context;

/// A column of the matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Column {
    /// IAM user with long-term keys.
    UserLongTerm,
    /// IAM user with temporary credentials.
    UserTemporary,
    /// Role session.
    RoleSession,
    /// GetFederationToken session.
    FederatedUser,
    /// Root user.
    Root,
    /// Service principal.
    Service,
    /// Nobody.
    Anonymous,
}

/// What happens to a key when the call is forwarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OnForward {
    /// The value stays.
    Same,
    /// The key goes.
    Dropped,
    /// The forwarding flow sets it.
    Set,
}

/// A row: the key (with a trailing `/` for a family of tags), the columns where it may stand as letters, and the forwarded call.
///
/// Letters: `u` user with long-term keys, `t` user with temporary credentials, `r` role session, `f` federated user, `o` root,
/// `s` service principal, `a` anonymous.
type Row = (&'static str, &'static str, OnForward);

#[rustfmt::skip]
const ROWS: &[Row] = {
    use OnForward::{Dropped, Same, Set};
    &[
        ("aws:principalarn",              "utrfo",   Same),    // K-01
        ("aws:principalaccount",          "utrfoa",  Same),    // K-02
        ("aws:principalorgid",            "utrfo",   Same),    // K-03
        ("aws:principalorgpaths",         "utrfo",   Same),    // K-04
        ("aws:principaltag/",             "utrf",    Same),    // K-05
        ("aws:principalisawsservice",     "utrfos",  Same),    // K-06
        ("aws:principalservicename",      "s",       Same),    // K-07, svc:F-2: what belongs to the principal stays
        ("aws:principalservicenameslist", "s",       Same),    // K-08, svc:F-2: what belongs to the principal stays
        ("aws:principaltype",             "utrfoa",  Same),    // K-09
        ("aws:userid",                    "utrfoa",  Same),    // K-10
        ("aws:username",                  "ut",      Same),    // K-11
        ("aws:tokenissuetime",            "trf",     Same),    // K-20
        ("aws:multifactorauthpresent",    "tr",      Set),     // K-21
        ("aws:multifactorauthage",        "tr",      Same),    // K-22
        ("aws:federatedprovider",         "r",       Same),    // K-23
        ("aws:sourceidentity",            "r",       Same),    // K-24
        ("aws:sourceip",                  "utrfoa",  Same),    // K-40, quirk forwarded_call_keeps_source_ip
        ("aws:sourcevpc",                 "utrfoa",  Dropped), // K-41
        ("aws:sourcevpcarn",              "utrfoa",  Dropped), // K-42
        ("aws:sourcevpce",                "utrfoa",  Dropped), // K-43
        ("aws:vpceaccount",               "utrfoa",  Dropped), // K-44
        ("aws:vpceorgid",                 "utrfoa",  Dropped), // K-44
        ("aws:vpceorgpaths",              "utrfoa",  Dropped), // K-45
        ("aws:vpcsourceip",               "utrfoa",  Dropped), // K-46
        ("aws:calledvia",                 "utrfo",   Set),     // K-60
        ("aws:calledviafirst",            "utrfo",   Set),     // K-61
        ("aws:calledvialast",             "utrfo",   Set),     // K-61
        ("aws:viaawsservice",             "utrfosa", Set),     // K-62
        ("aws:currenttime",               "utrfosa", Same),    // K-64
        ("aws:epochtime",                 "utrfosa", Same),    // K-65
        ("aws:securetransport",           "utrfosa", Same),    // K-66
        ("aws:requestedregion",           "utrfosa", Set),     // K-67
        ("aws:useragent",                 "utrfoa",  Same),    // K-68
        ("aws:referer",                   "utrfoa",  Dropped), // K-69
        ("aws:sourcearn",                 "s",       Same),    // K-80, svc:C-30: a service stays the caller with its source
        ("aws:sourceaccount",             "s",       Same),    // K-81, svc:C-30: a service stays the caller with its source
        ("aws:sourceorgid",               "s",       Same),    // K-82, svc:C-30: a service stays the caller with its source
        ("aws:sourceorgpaths",            "s",       Same),    // K-83, svc:C-30: a service stays the caller with its source
        ("lambda:sourcefunctionarn",      "r",       Same),    // K-30
    ]
};

/// Removes what cannot exist for a caller of this kind, whoever said it.
pub(crate) fn keep_available(keys: &mut Context, column: Column) {
    let letter = match column {
        Column::UserLongTerm => 'u',
        Column::UserTemporary => 't',
        Column::RoleSession => 'r',
        Column::FederatedUser => 'f',
        Column::Root => 'o',
        Column::Service => 's',
        Column::Anonymous => 'a',
    };
    remove_rows(keys, |(_, columns, _)| !columns.contains(letter));
}

/// Removes what a forwarded call does not carry (`svc:F-2`, `iam:L-96`).
pub(crate) fn forward(keys: &mut Context) {
    remove_rows(keys, |(_, _, on_forward)| *on_forward == OnForward::Dropped);
}

fn remove_rows(keys: &mut Context, gone: impl Fn(&Row) -> bool) {
    keys.retain(|key| {
        !ROWS.iter().any(|row| {
            let is_of_row = if row.0.ends_with('/') {
                key.starts_with(row.0)
            } else {
                key == row.0
            };
            is_of_row && gone(row)
        })
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forwarded_call_drops_the_network_of_the_first_one() {
        // iam:L-96, svc:F-2
        let mut keys = Context::new()
            .with("aws:SourceVpce", "vpce-1")
            .with("aws:SourceIp", "1.2.3.4")
            .with("aws:PrincipalArn", "x")
            .with("aws:PrincipalServiceName", "cloudtrail.amazonaws.com");
        forward(&mut keys);
        assert!(keys.get("aws:SourceVpce").is_none());
        assert_eq!(keys.text("aws:SourceIp"), Some("1.2.3.4"));
        assert_eq!(keys.text("aws:PrincipalArn"), Some("x"));
        assert_eq!(
            keys.text("aws:PrincipalServiceName"),
            Some("cloudtrail.amazonaws.com"),
            "a service stays the caller of what S3 asks of KMS for it"
        );
    }

    #[test]
    fn keys_of_other_callers_cannot_be_claimed() {
        // iam:K-80, iam:K-01
        let mut keys = Context::new()
            .with("aws:SourceArn", "x")
            .with("aws:PrincipalTag/team", "a")
            .with("kms:ViaService", "y");
        keep_available(&mut keys, Column::Root);
        assert!(keys.get("aws:SourceArn").is_none());
        assert!(keys.get("aws:PrincipalTag/team").is_none());
        assert_eq!(keys.text("kms:ViaService"), Some("y"));
        let mut service = Context::new().with("aws:SourceArn", "x").with("aws:PrincipalArn", "y");
        keep_available(&mut service, Column::Service);
        assert!(service.get("aws:PrincipalArn").is_none());
        assert_eq!(service.text("aws:SourceArn"), Some("x"));
    }
}
