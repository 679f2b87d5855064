//! The switches for disputed rules: one field each, with the default the specification chose. Dated behaviour is not a switch;
//! it follows the Case's `as_of`.

use std::collections::BTreeMap;

use serde_json::Value;

/// Why a switch could not be set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuirkError {
    /// There is no switch of that name.
    #[error("unknown quirk `{name}`{}", nearest.as_ref().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default())]
    Unknown {
        /// The name given.
        name: String,
        /// The closest existing name, if one is close.
        nearest: Option<&'static str>,
    },
    /// The switch does not take that value.
    #[error("quirk `{name}` takes {expected}, not `{value}`")]
    Value {
        /// The switch.
        name: &'static str,
        /// What it takes.
        expected: &'static str,
        /// The value given, as JSON.
        value: String,
    },
}

/// A value a switch can hold: read from a Case and written back.
trait Setting: Sized {
    const EXPECTED: &'static str;
    fn read(value: &Value) -> Option<Self>;
    fn write(&self) -> Value;
}

impl Setting for bool {
    const EXPECTED: &'static str = "true or false";
    fn read(value: &Value) -> Option<Self> {
        value.as_bool()
    }
    fn write(&self) -> Value {
        Value::Bool(*self)
    }
}

/// What a condition operator without `ForAllValues`/`ForAnyValue` does with a list in the request (`iam:OQ-25`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlainOnMultivalued {
    /// The condition is false, also for negated operators.
    Never,
    /// As if every request value were tried: positive operators need one match, negated ones need none.
    Any,
}

impl Setting for PlainOnMultivalued {
    const EXPECTED: &'static str = "\"never\" or \"any\"";
    fn read(value: &Value) -> Option<Self> {
        match value.as_str()? {
            "never" => Some(Self::Never),
            "any" => Some(Self::Any),
            _ => None,
        }
    }
    fn write(&self) -> Value {
        Value::from(match self {
            Self::Never => "never",
            Self::Any => "any",
        })
    }
}

/// What a `NotResource` with a variable that has no value means (`iam:OQ-27`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnresolvedNotResource {
    /// A Deny applies, an Allow does not.
    FailClosed,
    /// The pattern excludes nothing, whatever the effect.
    Applies,
    /// The statement never applies.
    Void,
}

impl Setting for UnresolvedNotResource {
    const EXPECTED: &'static str = "\"fail_closed\", \"applies\" or \"void\"";
    fn read(value: &Value) -> Option<Self> {
        match value.as_str()? {
            "fail_closed" => Some(Self::FailClosed),
            "applies" => Some(Self::Applies),
            "void" => Some(Self::Void),
            _ => None,
        }
    }
    fn write(&self) -> Value {
        Value::from(match self {
            Self::FailClosed => "fail_closed",
            Self::Applies => "applies",
            Self::Void => "void",
        })
    }
}

macro_rules! quirks {
    ($( $(#[$meta:meta])* $name:ident : $kind:ty = $default:expr, $source:literal; )*) => {
        /// Every disputed rule as a switch. [`Quirks::default`] is what the model believes.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct Quirks {
            $( $(#[$meta])* #[doc = concat!(" Source: `", $source, "`.")] pub $name: $kind, )*
        }

        impl Default for Quirks {
            fn default() -> Self {
                Self { $( $name: $default, )* }
            }
        }

        impl Quirks {
            /// The names of all switches, in the order of the specification.
            pub const NAMES: &'static [&'static str] = &[$( stringify!($name), )*];

            /// Sets one switch by name.
            ///
            /// # Errors
            /// [`QuirkError`] when the name is unknown or the value is not one the switch takes.
            pub fn set(&mut self, name: &str, value: &Value) -> Result<(), QuirkError> {
                match name {
                    $( stringify!($name) => {
                        self.$name = <$kind as Setting>::read(value).ok_or_else(|| QuirkError::Value {
                            name: stringify!($name),
                            expected: <$kind as Setting>::EXPECTED,
                            value: value.to_string(),
                        })?;
                    } )*
                    _ => return Err(QuirkError::Unknown { name: name.to_owned(), nearest: nearest_name(name) }),
                }
                Ok(())
            }

            /// Every switch with its value.
            pub fn values(&self) -> BTreeMap<&'static str, Value> {
                BTreeMap::from([$( (stringify!($name), Setting::write(&self.$name)), )*])
            }

            /// Every switch with the rule or open question it comes from, such as `iam:OQ-11`.
            pub fn sources() -> BTreeMap<&'static str, &'static str> {
                BTreeMap::from([$( (stringify!($name), $source), )*])
            }
        }
    };
}

quirks! {
    /// Deny with `NotPrincipal` exempts a caller only if every level (account, role or user, session) is listed.
    notprincipal_strict: bool = true, "iam:OQ-11";
    /// Whether a same-account `Principal: "*"` is limited by boundary and session policy.
    star_limited_by_boundary_and_session: bool = false, "iam:OQ-32";
    /// Whether a same-account role ARN in a resource policy is limited by boundary and session policy.
    role_arn_limited_by_boundary_and_session: bool = true, "iam:OQ-33";
    /// Whether a user named in a trust policy needs `sts:AssumeRole` in its boundary.
    assume_role_needs_boundary: bool = true, "iam:OQ-34";
    /// A plain operator on a list.
    plain_operator_on_multivalued: PlainOnMultivalued = PlainOnMultivalued::Never, "iam:OQ-25";
    /// Whether a negated typed operator is true when a value cannot be parsed.
    negated_parse_error_matches: bool = true, "iam:OQ-21";
    /// Whether `ForAnyValue` with a negated operator is true when the key is absent.
    for_any_value_negated_missing: bool = false, "iam:OQ-22";
    /// Whether `ForAnyValue` with an `IfExists` operator is true when the key is absent.
    for_any_value_if_exists_missing: bool = false, "iam:OQ-42";
    /// Whether policy variables work in `Bool` values.
    variables_in_bool: bool = false, "iam:OQ-20";
    /// Whether `aws:SourceIp` of the first call is kept on a forwarded call. Read by the flows, not by the evaluator.
    forwarded_call_keeps_source_ip: bool = true, "iam:OQ-30";
    /// `NotResource` with a variable that has no value.
    unresolved_not_resource: UnresolvedNotResource = UnresolvedNotResource::FailClosed, "iam:OQ-27";
    /// Whether `{"AWS":"*"}` covers service and federated principals.
    aws_star_matches_service: bool = true, "iam:OQ-9";
    /// Whether an empty `NotAction`/`NotResource` applies to everything.
    empty_not_list_applies: bool = false, "iam:OQ-7";
    /// Whether `ArnLike "*"` matches every ARN.
    lone_star_arn_like_matches: bool = false, "iam:OQ-23";
    /// Whether a plain positive operator with an empty value list is true.
    empty_value_list_matches: bool = false, "iam:OQ-24";
    /// Whether one variable without value makes the whole value list match nothing.
    unresolved_variable_spoils_list: bool = false, "iam:OQ-26";
    /// Whether role names in principals compare without case.
    role_name_case_insensitive: bool = false, "iam:OQ-10";
    /// Whether a bare four-digit number under a Date operator is epoch seconds.
    year_is_epoch: bool = true, "iam:OQ-19";
    /// Whether several session policies must each allow.
    session_policies_intersect: bool = false, "iam:OQ-31";
    /// Whether a federated session without session policy passes the session gate.
    federated_user_default_session_policy: bool = false, "iam:OQ-35";
    /// Whether RCPs reach requests that name no resource.
    rcp_covers_requests_without_resource: bool = false, "iam:A-05";
    /// Cross-account, both sides silent, not a KMS key: whether the resource policy is blamed.
    both_sides_silent_blames_resource: bool = false, "iam:R-08";
    /// KMS key, key policy and identity both silent: whether the key policy is blamed.
    kms_both_sides_silent_blames_key_policy: bool = true, "svc:X-2";
    /// Whether the keys of a grant's encryption-context constraint compare without case.
    grant_constraint_key_case_insensitive: bool = true, "svc:Q-1";
    /// Whether a grant to a role ARN is limited by boundary and session policy.
    role_grant_limited_by_boundary_and_session: bool = true, "svc:Q-3";
    /// Whether identities of an account that is the grantee need an identity policy.
    account_grantee_needs_identity: bool = true, "svc:Q-4";
    /// Whether S3 and Lambda fill `aws:CalledVia` when they forward to KMS. Read by the flows.
    called_via_on_s3_and_lambda: bool = false, "svc:Q-5";
    /// Whether Lambda's runtime Decrypt carries `kms:ViaService`. Read by the flows.
    lambda_runtime_decrypt_via_service: bool = false, "svc:Q-20";
    /// Whether the account that owns the key may retire a grant made from another account. Read by the flows.
    key_owner_account_may_retire: bool = true, "svc:Q-19";
}

impl Quirks {
    /// The defaults with some switches changed.
    ///
    /// # Errors
    /// [`QuirkError`] for the first name that is unknown or value that does not fit.
    pub fn from_overrides(overrides: &BTreeMap<String, Value>) -> Result<Self, QuirkError> {
        let mut quirks = Self::default();
        for (name, value) in overrides {
            quirks.set(name, value)?;
        }
        Ok(quirks)
    }

    /// The names of all switches.
    pub fn names() -> &'static [&'static str] {
        Self::NAMES
    }

    /// The switches that differ from the default, with their values: what a run prints.
    pub fn overrides(&self) -> BTreeMap<&'static str, Value> {
        let defaults = Self::default().values();
        self.values()
            .into_iter()
            .filter(|(name, value)| defaults.get(name) != Some(value))
            .collect()
    }
}

/// The switch whose name shares most with a mistyped one: close enough to be helpful, or none.
fn nearest_name(name: &str) -> Option<&'static str> {
    let distance = |candidate: &str| edit_distance(name, candidate);
    Quirks::NAMES
        .iter()
        .copied()
        .min_by_key(|candidate| distance(candidate))
        .filter(|candidate| {
            // A third of the name may be wrong; beyond that a hint misleads.
            distance(candidate) * 3 <= candidate.len()
        })
}

/// Levenshtein distance over bytes; quirk names are ASCII and long input is cut, so that it stays cheap.
fn edit_distance(left: &str, right: &str) -> usize {
    let left = &left.as_bytes()[..left.len().min(64)];
    let right = right.as_bytes();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (position, &byte) in left.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = position + 1;
        for (column, &other) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(byte != other);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overrides_change_only_what_they_name() {
        let given = BTreeMap::from([
            ("plain_operator_on_multivalued".to_owned(), Value::from("any")),
            ("notprincipal_strict".to_owned(), Value::from(false)),
        ]);
        let quirks = Quirks::from_overrides(&given).expect("both names and values exist");
        assert_eq!(quirks.plain_operator_on_multivalued, PlainOnMultivalued::Any);
        assert_eq!(quirks.overrides().len(), 2);
        assert!(Quirks::default().overrides().is_empty());
    }

    #[test]
    fn wrong_names_and_values_are_refused() {
        let unknown = Quirks::from_overrides(&BTreeMap::from([("notprincipal_strikt".to_owned(), Value::from(true))]));
        assert_eq!(
            unknown.expect_err("there is no such switch").to_string(),
            "unknown quirk `notprincipal_strikt`; did you mean `notprincipal_strict`?"
        );
        let value = Quirks::from_overrides(&BTreeMap::from([("year_is_epoch".to_owned(), Value::from("yes"))]));
        assert_eq!(
            value.expect_err("not a boolean").to_string(),
            "quirk `year_is_epoch` takes true or false, not `\"yes\"`"
        );
        let far = Quirks::from_overrides(&BTreeMap::from([("x".to_owned(), Value::from(true))]));
        assert!(matches!(far, Err(QuirkError::Unknown { nearest: None, .. })));
    }

    #[test]
    fn every_value_a_switch_writes_it_also_reads() {
        let mut quirks = Quirks::default();
        for (name, value) in Quirks::default().values() {
            quirks.set(name, &value).expect("a switch takes its own value");
        }
        assert_eq!(quirks, Quirks::default());
        assert_eq!(Quirks::sources().len(), Quirks::names().len());
    }
}
