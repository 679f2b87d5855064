//! Newtypes for the names of the field: account ids, ARNs, actions, Regions. No lookup and no decision lives here.

use std::borrow::Borrow;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why a text is not the name it was taken for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// An account id is twelve digits.
    #[error("`{0}` is not an account id: twelve digits are needed")]
    AccountId(String),
    /// An ARN has six fields separated by colons.
    #[error("`{0}` is not an ARN: `arn:partition:service:region:account:resource` is needed")]
    Arn(String),
    /// An action or operation is `service:Name`.
    #[error("`{0}` is not of the form `service:Name`")]
    Action(String),
}

macro_rules! text_name {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The text of the name.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::new(text).map_err(serde::de::Error::custom)
            }
        }

        impl std::str::FromStr for $name {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::new(text)
            }
        }
    };
}

text_name! {
    /// A twelve-digit AWS account id.
    AccountId
}

impl AccountId {
    /// Checks the twelve digits.
    ///
    /// # Errors
    /// [`NameError::AccountId`] when the text is anything else.
    pub fn new(text: impl Into<String>) -> Result<Self, NameError> {
        let text = text.into();
        if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Self(text))
        } else {
            Err(NameError::AccountId(text))
        }
    }

    /// The ARN of the account's root user, which in a `Principal` means the whole account (`iam:P-03`).
    pub fn root_arn(&self) -> String {
        format!("arn:aws:iam::{}:root", self.0)
    }
}

text_name! {
    /// A partition, such as `aws` or `aws-cn`: Regions and accounts that know nothing of those of another (`iam:P-19`).
    Partition
}

impl Partition {
    /// Takes any text: which partitions there are is not asked here.
    ///
    /// # Errors
    /// Never; the signature is that of the other names.
    pub fn new(text: impl Into<String>) -> Result<Self, NameError> {
        Ok(Self(text.into()))
    }

    /// Whether it is `aws`, the partition of every world and of every document that can be used (`iam:E-09`).
    pub fn is_aws(&self) -> bool {
        self.0 == "aws"
    }
}

impl Default for Partition {
    fn default() -> Self {
        Self("aws".to_owned())
    }
}

text_name! {
    /// An ARN: six fields, the sixth keeps its colons (`iam:G-50`).
    Arn
}

impl Arn {
    /// Checks that six fields are there and that the first is `arn`.
    ///
    /// # Errors
    /// [`NameError::Arn`] when they are not.
    pub fn new(text: impl Into<String>) -> Result<Self, NameError> {
        let text = text.into();
        if text.starts_with("arn:") && arn_fields(&text).is_some() {
            Ok(Self(text))
        } else {
            Err(NameError::Arn(text))
        }
    }

    /// The field by its position: 0 `arn`, 1 partition, 2 service, 3 Region, 4 account, 5 resource.
    pub fn field(&self, position: usize) -> &str {
        arn_fields(&self.0).map_or("", |fields| fields.get(position).copied().unwrap_or(""))
    }

    /// The partition field.
    pub fn partition(&self) -> Partition {
        Partition(self.field(1).to_owned())
    }

    /// The account field, if it holds an account id.
    pub fn account(&self) -> Option<AccountId> {
        AccountId::new(self.field(4)).ok()
    }
}

/// The six fields of an ARN, the sixth with its colons; none of a text with fewer.
pub(crate) fn arn_fields(text: &str) -> Option<[&str; 6]> {
    let (mut fields, mut rest) = ([""; 6], text);
    for field in &mut fields[..5] {
        // ARNs are short: a plain loop is quicker than a search made for long texts.
        let colon = rest.bytes().position(|byte| byte == b':')?;
        (*field, rest) = (&rest[..colon], &rest[colon + 1..]);
    }
    fields[5] = rest;
    Some(fields)
}

text_name! {
    /// An IAM action or an API operation, `service:Name`. Actions compare without case when policies match them (`iam:M-01`).
    Action
}

impl Action {
    /// Checks the one colon.
    ///
    /// # Errors
    /// [`NameError::Action`] when the text is not `service:Name`.
    pub fn new(text: impl Into<String>) -> Result<Self, NameError> {
        let text = text.into();
        match text.split_once(':') {
            Some((service, name)) if !service.is_empty() && !name.is_empty() && !name.contains(':') => Ok(Self(text)),
            _ => Err(NameError::Action(text)),
        }
    }

    /// The service prefix, such as `kms`.
    pub fn service(&self) -> &str {
        self.0.split_once(':').map_or("", |(service, _)| service)
    }

    /// The name behind the colon, such as `Decrypt`.
    pub fn operation(&self) -> &str {
        self.0.split_once(':').map_or("", |(_, name)| name)
    }
}

text_name! {
    /// An AWS Region, such as `ap-northeast-1`. Not checked against a list: new Regions appear.
    Region
}

impl Region {
    /// Takes any text.
    ///
    /// # Errors
    /// Never; the signature is that of the other names.
    pub fn new(text: impl Into<String>) -> Result<Self, NameError> {
        Ok(Self(text.into()))
    }
}

impl Default for Region {
    fn default() -> Self {
        Self("us-east-1".to_owned())
    }
}
