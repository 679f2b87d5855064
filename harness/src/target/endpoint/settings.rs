//! The user's own AWS settings: endpoints and credentials, from the environment and the shared files, as the SDKs look for them. Static
//! credentials only: what needs a call to be had (SSO, roles, instance metadata) is refused with its name. Nothing is sent anywhere.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use aws_credential_types::Credentials;

/// Services whose endpoint can be set alone, with the word in `AWS_ENDPOINT_URL_…`.
const SERVICES: [(&str, &str); 7] = [
    ("kms", "KMS"),
    ("s3", "S3"),
    ("iam", "IAM"),
    ("sts", "STS"),
    ("lambda", "LAMBDA"),
    ("backup", "BACKUP"),
    ("dynamodb", "DYNAMODB"),
];
/// Settings of a shared file that stand for credentials which take a call.
const TAKE_A_CALL: [&str; 5] = [
    "role_arn",
    "sso_session",
    "sso_start_url",
    "credential_process",
    "web_identity_token_file",
];

/// Why the settings cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// Nobody says where the endpoint is.
    #[error("no endpoint is set: give `--target http://127.0.0.1:4566`, or set AWS_ENDPOINT_URL")]
    NoEndpoint,
    /// There are no credentials.
    #[error(
        "there are no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE for one of `~/.aws/credentials`"
    )]
    NoCredentials,
    /// The profile has credentials that take a call.
    #[error(
        "the AWS profile `{profile}` gets its credentials by `{setting}`, which is not done here: put the keys into the environment, as `aws configure export-credentials` prints them"
    )]
    TakesACall {
        /// The profile.
        profile: String,
        /// The setting.
        setting: String,
    },
}

/// Where an endpoint is: one address, and others for single services.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Endpoints {
    /// The address of all services that have none of their own.
    pub default: String,
    /// Addresses of single services, by signing name.
    pub by_service: BTreeMap<String, String>,
}

impl Endpoints {
    /// One address for everything.
    pub fn one(url: impl Into<String>) -> Self {
        Self {
            default: url.into().trim_end_matches('/').to_owned(),
            by_service: BTreeMap::new(),
        }
    }

    /// The addresses of the environment; a URL that is given wins over AWS_ENDPOINT_URL, and those of single services over both.
    ///
    /// # Errors
    /// [`SettingsError::NoEndpoint`].
    pub fn of_environment(
        given: Option<&str>,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, SettingsError> {
        let ignored = variable("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS").is_some_and(|value| value == "true");
        let variable = |name: &str| variable(name).filter(|value| !ignored && !value.is_empty());
        if let Some(url) = given {
            return Ok(Self::one(url));
        }
        let by_service: BTreeMap<String, String> = SERVICES
            .iter()
            .filter_map(|(service, word)| {
                let url = variable(&format!("AWS_ENDPOINT_URL_{word}"))?;
                Some(((*service).to_owned(), url.trim_end_matches('/').to_owned()))
            })
            .collect();
        let default = variable("AWS_ENDPOINT_URL")
            .or_else(|| by_service.values().next().cloned())
            .ok_or(SettingsError::NoEndpoint)?;
        Ok(Self {
            default: default.trim_end_matches('/').to_owned(),
            by_service,
        })
    }

    /// Every address.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.default)
            .chain(self.by_service.values())
            .map(String::as_str)
    }
}

/// Credentials and Region of the user.
#[derive(Debug, Clone)]
pub struct AwsSettings {
    /// The credentials.
    pub credentials: Credentials,
    /// The Region, if one is set.
    pub region: Option<String>,
}

impl AwsSettings {
    /// The settings of this process: its environment and the shared files in the user's home.
    ///
    /// # Errors
    /// [`SettingsError`].
    pub fn of_process() -> Result<Self, SettingsError> {
        let variable = |name: &str| std::env::var(name).ok();
        Self::of(&variable, &|path| std::fs::read_to_string(path).ok())
    }

    /// The settings of an environment and of files.
    ///
    /// # Errors
    /// [`SettingsError`].
    pub fn of(
        variable: &dyn Fn(&str) -> Option<String>,
        read: &dyn Fn(&Path) -> Option<String>,
    ) -> Result<Self, SettingsError> {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let home = variable("HOME").map(PathBuf::from).unwrap_or_default();
        let file = |name: &str, usual: &str| {
            let path = variable(name).map_or_else(|| home.join(".aws").join(usual), PathBuf::from);
            read(&path).map(|text| sections(&text)).unwrap_or_default()
        };
        let profile = variable("AWS_PROFILE").unwrap_or_else(|| "default".to_owned());
        let keys = file("AWS_SHARED_CREDENTIALS_FILE", "credentials");
        let config = file("AWS_CONFIG_FILE", "config");
        let of_config = config
            .get(&format!("profile {profile}"))
            .or_else(|| config.get(&profile));
        let of_keys = keys.get(&profile);
        let setting = |name: &str| {
            let found = of_keys.and_then(|section| section.get(name));
            found.or_else(|| of_config?.get(name)).cloned()
        };
        let region = variable("AWS_REGION")
            .or_else(|| variable("AWS_DEFAULT_REGION"))
            .or_else(|| setting("region"));
        let from_environment = variable("AWS_ACCESS_KEY_ID")
            .zip(variable("AWS_SECRET_ACCESS_KEY"))
            .map(|(id, secret)| (id, secret, variable("AWS_SESSION_TOKEN")));
        // A profile that is named wins over keys that happen to be there, as with the command line of AWS.
        let named = variable("AWS_PROFILE").is_some();
        let from_files = setting("aws_access_key_id")
            .zip(setting("aws_secret_access_key"))
            .map(|(id, secret)| (id, secret, setting("aws_session_token")));
        let found = if named {
            from_files
        } else {
            from_environment.or(from_files)
        };
        match found {
            Some((id, secret, token)) => Ok(Self {
                credentials: Credentials::new(id, secret, token, None, "countersign-settings"),
                region,
            }),
            None => match TAKE_A_CALL.iter().find(|name| setting(name).is_some()) {
                Some(setting) => Err(SettingsError::TakesACall {
                    profile,
                    setting: (*setting).to_owned(),
                }),
                None => Err(SettingsError::NoCredentials),
            },
        }
    }
}

/// The sections of a shared file: `[name]` and `key = value`; lines that are indented belong to a nested setting and are left out.
fn sections(text: &str) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut sections: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    let mut current = String::new();
    for line in text.lines() {
        if line.starts_with([' ', '\t', '#', ';']) {
            continue;
        }
        if let Some(name) = line.trim().strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            current = name.split_whitespace().collect::<Vec<_>>().join(" ");
        } else if let Some((key, value)) = line.split_once('=') {
            let section = sections.entry(current.clone()).or_default();
            section.insert(key.trim().to_ascii_lowercase(), value.trim().to_owned());
        }
    }
    sections
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: &str = "[default]\naws_access_key_id = A\naws_secret_access_key = B\n\n[other]\naws_access_key_id=C\naws_secret_access_key=D\naws_session_token=E\n";
    const CONFIG: &str = "# mine\n[default]\nregion = eu-west-1\ns3 =\n  addressing_style = path\n[profile sso]\nsso_session = x\n[profile  far]\nregion=ap-south-1\naws_access_key_id=F\naws_secret_access_key=G\n";

    fn settings(variables: &[(&str, &str)]) -> Result<(String, Option<String>, Option<String>), SettingsError> {
        let variable = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let read = |path: &Path| match path.to_str() {
            Some("/home/me/.aws/credentials") => Some(KEYS.to_owned()),
            Some("/home/me/.aws/config") => Some(CONFIG.to_owned()),
            _ => None,
        };
        let settings = AwsSettings::of(&variable, &read)?;
        let token = settings.credentials.session_token().map(str::to_owned);
        Ok((settings.credentials.access_key_id().to_owned(), token, settings.region))
    }

    #[test]
    fn settings_are_found_where_the_sdks_find_them() {
        let home = ("HOME", "/home/me");
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(settings(&[home]), Ok(("A".to_owned(), None, some("eu-west-1"))));
        let environment = [
            home,
            ("AWS_ACCESS_KEY_ID", "X"),
            ("AWS_SECRET_ACCESS_KEY", "Y"),
            ("AWS_REGION", "us-east-2"),
        ];
        assert_eq!(settings(&environment), Ok(("X".to_owned(), None, some("us-east-2"))));
        assert_eq!(
            settings(&[home, ("AWS_PROFILE", "other")]),
            Ok(("C".to_owned(), some("E"), None))
        );
        assert_eq!(
            settings(&[home, ("AWS_PROFILE", "far")]),
            Ok(("F".to_owned(), None, some("ap-south-1")))
        );
        let by_call = settings(&[home, ("AWS_PROFILE", "sso")])
            .expect_err("it takes a call")
            .to_string();
        assert!(by_call.contains("sso_session"), "{by_call}");
        assert_eq!(settings(&[]), Err(SettingsError::NoCredentials));
    }

    #[test]
    fn the_address_that_is_given_wins() {
        let variable = |name: &str| match name {
            "AWS_ENDPOINT_URL" => Some("http://127.0.0.1:1/".to_owned()),
            "AWS_ENDPOINT_URL_KMS" => Some("http://127.0.0.1:2".to_owned()),
            _ => None,
        };
        let both = Endpoints::of_environment(None, &variable).expect("there is one");
        assert_eq!(both.default, "http://127.0.0.1:1");
        assert_eq!(
            both.by_service.get("kms").map(String::as_str),
            Some("http://127.0.0.1:2")
        );
        assert_eq!(both.all().count(), 2);
        let given = Endpoints::of_environment(Some("http://127.0.0.1:3"), &variable).expect("it is given");
        assert_eq!(given, Endpoints::one("http://127.0.0.1:3/"));
        let nothing = |_: &str| None;
        assert_eq!(
            Endpoints::of_environment(None, &nothing),
            Err(SettingsError::NoEndpoint)
        );
    }
}
