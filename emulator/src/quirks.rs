//! Disputed rules as switches: one field per open question, with its default and its name.
//!
//! Here live the struct, the name table and parsing by name and value. The code that reads a switch
//! lives beside the rule it decides.

use serde_json::Value;

/// What a plain operator does with a multi-valued key (`iam:OQ-25`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PlainOnMultivalued {
    /// Neither the positive nor the negated form ever matches.
    #[default]
    Never,
    /// The positive form matches when any value does; the negated form when none does.
    Any,
}

/// What an unresolved variable in `NotResource` does to the statement (`iam:OQ-27`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnresolvedNotResource {
    /// A Deny applies, an Allow does not.
    #[default]
    FailClosed,
    /// The pattern is dropped from the list: the statement applies to whatever the others leave.
    Applies,
    /// The statement never applies.
    Void,
}

macro_rules! quirks {
    ($( $(#[doc = $doc:literal])+ $field:ident : $kind:tt = $default:expr; )+) => {
        /// Every disputed rule as a switch. Field names are the names of the control plane.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct Quirks {
            $( $(#[doc = $doc])+ pub $field: quirks!(@type $kind), )+
        }

        impl Default for Quirks {
            fn default() -> Self {
                Self { $( $field: $default, )+ }
            }
        }

        impl Quirks {
            /// The names of all switches, in declaration order.
            pub const NAMES: &'static [&'static str] = &[$( stringify!($field), )+];

            /// Sets one switch from its name and JSON value.
            ///
            /// # Errors
            /// [`QuirkError`] for an unknown name or a value the switch does not take.
            pub fn set(&mut self, name: &str, value: &Value) -> Result<(), QuirkError> {
                match name {
                    $( stringify!($field) => {
                        self.$field = <quirks!(@type $kind) as Switch>::from_json(value)
                            .ok_or_else(|| QuirkError::Value {
                                name: name.to_owned(),
                                value: value.to_string(),
                            })?;
                        Ok(())
                    } )+
                    _ => Err(QuirkError::Unknown(name.to_owned())),
                }
            }

            /// The value of one switch as JSON; `None` for an unknown name.
            pub fn get(&self, name: &str) -> Option<Value> {
                match name {
                    $( stringify!($field) => Some(self.$field.to_json()), )+
                    _ => None,
                }
            }
        }
    };
    (@type switch) => { bool };
    (@type multivalued) => { PlainOnMultivalued };
    (@type not_resource) => { UnresolvedNotResource };
}

quirks! {
    /// Deny + NotPrincipal needs the caller covered at every level (`iam:OQ-11`).
    notprincipal_strict: switch = true;
    /// An Allow on `*` does not lift the boundary and session policy limits (`iam:OQ-32`).
    star_limited_by_boundary_and_session: switch = false;
    /// An Allow on the role ARN does not lift the boundary and session policy limits (`iam:OQ-33`).
    role_arn_limited_by_boundary_and_session: switch = true;
    /// A user named by a trust policy still needs its boundary to allow (`iam:OQ-34`).
    assume_role_needs_boundary: switch = true;
    /// A plain operator on a multi-valued key (`iam:OQ-25`).
    plain_operator_on_multivalued: multivalued = PlainOnMultivalued::Never;
    /// A negated operator whose value or context does not parse is true (`iam:OQ-21`).
    negated_parse_error_matches: switch = true;
    /// `ForAnyValue` with a negated operator on a missing key is true (`iam:OQ-22`).
    for_any_value_negated_missing: switch = false;
    /// Policy variables are substituted in values of `Bool` (`iam:OQ-20`).
    variables_in_bool: switch = false;
    /// A forwarded call keeps `aws:SourceIp` (`iam:OQ-30`).
    forwarded_call_keeps_source_ip: switch = true;
    /// An unresolved variable in `NotResource` (`iam:OQ-27`).
    unresolved_not_resource: not_resource = UnresolvedNotResource::FailClosed;
    /// `{"AWS":"*"}` matches service principals and web identities (`iam:OQ-9`).
    aws_star_matches_service: switch = true;
    /// A stored empty `NotAction` or `NotResource` applies to everything (`iam:OQ-7`).
    empty_not_list_applies: switch = false;
    /// An ARN operator with the pattern `*` matches everything (`iam:OQ-23`).
    lone_star_arn_like_matches: switch = false;
    /// A plain positive operator with an empty value list is true (`iam:OQ-24`).
    empty_value_list_matches: switch = false;
    /// One unresolved variable makes the whole condition key false (`iam:OQ-26`).
    unresolved_variable_spoils_list: switch = false;
    /// Role names in principals are compared ignoring case (`iam:OQ-10`).
    role_name_case_insensitive: switch = false;
    /// Bare digits under a Date operator are epoch seconds, also four of them (`iam:OQ-19`).
    year_is_epoch: switch = true;
    /// Several session policies intersect instead of adding up (`iam:OQ-31`).
    session_policies_intersect: switch = false;
    /// A federated session without session policy passes the session gate (`iam:OQ-35`).
    federated_user_default_session_policy: switch = false;
    /// RCPs reach requests without a resource (errata `iam:A-05`).
    rcp_covers_requests_without_resource: switch = false;
    /// Cross-account, both sides silent: blame the resource side (`iam:R-08`; everything but KMS keys).
    both_sides_silent_blames_resource: switch = false;
    /// Cross-account on a KMS key, both sides silent: blame the key policy (errata `iam:R-08`, `svc:X-2`).
    kms_both_sides_silent_blames_key_policy: switch = true;
    /// Keys of grant constraint pairs are compared ignoring case (`svc:Q-1`).
    grant_constraint_key_case_insensitive: switch = true;
    /// A grant to a role ARN does not lift the boundary and session policy limits (`svc:Q-3`).
    role_grant_limited_by_boundary_and_session: switch = true;
    /// A grant to an account needs an identity allow as well (`svc:Q-4`).
    account_grantee_needs_identity: switch = true;
    /// `aws:CalledVia` is filled on S3 and Lambda calls to KMS (errata `svc:Q-5`).
    called_via_on_s3_and_lambda: switch = false;
    /// Lambda's own Decrypt at run time carries `kms:ViaService` (`svc:Q-20`).
    lambda_runtime_decrypt_via_service: switch = false;
    /// The key-owning account may retire grants made elsewhere (`svc:Q-19`).
    key_owner_account_may_retire: switch = true;
    /// `ForAnyValue:…IfExists` is true on a missing key (`iam:§3.5`, row CV-103).
    for_any_value_if_exists_missing: switch = false;
}

impl Quirks {
    /// The switches named in a JSON object; every other switch has its default.
    ///
    /// # Errors
    /// [`QuirkError`] for the first unknown name or unfit value.
    pub fn from_json(members: &serde_json::Map<String, Value>) -> Result<Self, QuirkError> {
        let mut quirks = Self::default();
        for (name, value) in members {
            quirks.set(name, value)?;
        }
        Ok(quirks)
    }

    /// The names whose value differs from the default.
    pub fn changed(&self) -> Vec<&'static str> {
        let defaults = Self::default();
        Self::NAMES
            .iter()
            .copied()
            .filter(|name| self.get(name) != defaults.get(name))
            .collect()
    }
}

/// Why a switch could not be set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuirkError {
    /// No switch has that name.
    #[error("unknown quirk `{0}`")]
    Unknown(String),
    /// The switch does not take that value.
    #[error("quirk `{name}` does not take the value `{value}`")]
    Value {
        /// The switch.
        name: String,
        /// The value as JSON text.
        value: String,
    },
}

/// A type a switch can have: conversion from and to JSON.
trait Switch: Copy {
    fn from_json(value: &Value) -> Option<Self>;
    fn to_json(self) -> Value;
}

impl Switch for bool {
    fn from_json(value: &Value) -> Option<Self> {
        value.as_bool()
    }

    fn to_json(self) -> Value {
        Value::Bool(self)
    }
}

impl Switch for PlainOnMultivalued {
    fn from_json(value: &Value) -> Option<Self> {
        match value.as_str()? {
            "never" => Some(Self::Never),
            "any" => Some(Self::Any),
            _ => None,
        }
    }

    fn to_json(self) -> Value {
        Value::from(match self {
            Self::Never => "never",
            Self::Any => "any",
        })
    }
}

impl Switch for UnresolvedNotResource {
    fn from_json(value: &Value) -> Option<Self> {
        match value.as_str()? {
            "fail_closed" => Some(Self::FailClosed),
            "applies" => Some(Self::Applies),
            "void" => Some(Self::Void),
            _ => None,
        }
    }

    fn to_json(self) -> Value {
        Value::from(match self {
            Self::FailClosed => "fail_closed",
            Self::Applies => "applies",
            Self::Void => "void",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{QuirkError, Quirks};
    use serde_json::json;

    #[test]
    fn every_switch_round_trips_through_json() {
        let defaults = Quirks::default();
        for name in Quirks::NAMES {
            let value = defaults.get(name).expect("listed names exist");
            let mut quirks = Quirks::default();
            assert_eq!(quirks.set(name, &value), Ok(()));
            assert_eq!(quirks, defaults);
            if let Some(flag) = value.as_bool() {
                assert_eq!(quirks.set(name, &json!(!flag)), Ok(()));
                assert_eq!(quirks.changed(), vec![*name]);
            }
        }
        assert_eq!(Quirks::NAMES.len(), 29);
    }

    #[test]
    fn worded_switches_take_their_words_only() {
        let mut quirks = Quirks::default();
        for (name, word) in [
            ("plain_operator_on_multivalued", "any"),
            ("unresolved_not_resource", "applies"),
            ("unresolved_not_resource", "void"),
        ] {
            assert_eq!(quirks.set(name, &json!(word)), Ok(()));
            assert_eq!(quirks.get(name), Some(json!(word)));
            assert!(matches!(quirks.set(name, &json!(true)), Err(QuirkError::Value { .. })));
        }
    }

    #[test]
    fn unknown_names_are_refused() {
        let members = json!({"no_such": true});
        let error = Quirks::from_json(members.as_object().expect("an object")).expect_err("unknown");
        assert_eq!(error.to_string(), "unknown quirk `no_such`");
    }
}
