//! Whose account it is: asked before anything else, and the run ends here if it is not the one that was allowed, is a root user's, or
//! governs an organization.

use serde_json::Value;

use super::options::{LiveError, LiveOptions, Rehearsal};
use super::raw::{Raw, element};
use crate::target::TargetError;
use crate::target::endpoint::Organizations;

/// Answers of an endpoint on loopback that does not have Organizations.
const NO_ORGANIZATIONS: [&str; 5] = [
    "UnknownOperationException",
    "UnknownOperation",
    "InvalidAction",
    "NotImplemented",
    "UnknownServiceException",
];

/// Who provisions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provisioner {
    /// Its ARN as key policies name it: of a session, that of its role.
    pub arn: String,
}

/// Asks whose credentials these are.
///
/// # Errors
/// [`LiveError`]: the run must not go on.
pub async fn verify(raw: &Raw, options: &LiveOptions) -> Result<Provisioner, LiveError> {
    let unverified = |reason: String| LiveError::Unverified { reason };
    let identity =
        asked(raw.query("sts", "GetCallerIdentity", &[]).await)?.map_err(|failure| unverified(failure.to_string()))?;
    let account = element(&identity, "Account").unwrap_or_default();
    let arn = element(&identity, "Arn").unwrap_or_default();
    if account != options.account.as_str() {
        return Err(LiveError::OtherAccount {
            allowed: options.account.to_string(),
            found: account,
        });
    }
    if arn.ends_with(":root") || !arn.contains(&format!("::{account}:")) {
        return Err(LiveError::RootUser { arn });
    }
    refuse_management_account(raw, options).await?;
    Ok(Provisioner {
        arn: principal_of(&arn),
    })
}

async fn refuse_management_account(raw: &Raw, options: &LiveOptions) -> Result<(), LiveError> {
    // An emulator whose every account manages an organization: its answer says nothing, and nothing of value is behind it.
    let nominal = |rehearsal: &Rehearsal| rehearsal.organizations == Organizations::Nominal;
    if options.rehearsal.as_ref().is_some_and(nominal) {
        return Ok(());
    }
    let unknown = |reason: String| LiveError::OrganizationUnknown {
        account: options.account.to_string(),
        reason,
    };
    match asked(raw.describe_organization().await)? {
        Ok(answer) => {
            let organization = answer.get("Organization");
            let member = |name: &str| organization.and_then(|one| one.get(name)).and_then(Value::as_str);
            match member("MasterAccountId").or_else(|| member("ManagementAccountId")) {
                Some(manager) if manager == options.account.as_str() => Err(LiveError::ManagementAccount {
                    account: options.account.to_string(),
                }),
                Some(_) => Ok(()),
                None => Err(unknown("the answer does not name the management account".to_owned())),
            }
        }
        Err(failure) if failure.code == "AWSOrganizationsNotInUseException" => Ok(()),
        // An emulator in AWS's place may not have the service at all.
        Err(failure)
            if options.rehearsal.is_some()
                && (NO_ORGANIZATIONS.contains(&failure.code.as_str()) || failure.code.is_empty()) =>
        {
            Ok(())
        }
        Err(failure) => Err(unknown(failure.to_string())),
    }
}

/// No answer is no proof.
fn asked<T>(answer: Result<T, TargetError>) -> Result<T, LiveError> {
    answer.map_err(|error| LiveError::Unverified {
        reason: error.to_string(),
    })
}

/// The role of a session; a user is itself.
fn principal_of(arn: &str) -> String {
    let Some((before, rest)) = arn.split_once(":assumed-role/") else {
        return arn.to_owned();
    };
    let role = rest.split('/').next().unwrap_or(rest);
    format!("{}:role/{role}", before.replacen(":sts:", ":iam:", 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_its_role() {
        assert_eq!(
            principal_of("arn:aws:sts::111122223333:assumed-role/tester/me"),
            "arn:aws:iam::111122223333:role/tester"
        );
        let user = "arn:aws:iam::111122223333:user/a/tester";
        assert_eq!(principal_of(user), user);
    }
}
