//! The grammar of `{{…}}` references: `[account.]kind.name[.sub.name].field`, names with dots in `["…"]`. Here a text is cut into
//! literal parts and references; what a reference stands for is said by `World::resolve_text`, never here.
//!
//! | reference | stands for |
//! |---|---|
//! | `{{user.NAME.arn}}` `.name` `.unique_id` | an IAM user |
//! | `{{role.NAME.arn}}` `.name` `.unique_id` | an IAM role |
//! | `{{role.NAME.session.SESSION.arn}}` `.unique_id` | a session of a role (`AROA…:SESSION`) |
//! | `{{group.NAME.arn}}`, `{{managed_policy.NAME.arn}}` | a group, a customer managed policy |
//! | `{{federated_user.NAME.arn}}` | a GetFederationToken session's ARN |
//! | `{{root.arn}}`, `{{root.account}}` | the root user of an account |
//! | `{{key.NAME.arn}}` `.id` `.region` `.account` | a KMS key |
//! | `{{key.NAME.grant.GRANT.id}}` `.token` | a grant given in the world |
//! | `{{alias["alias/NAME"].arn}}` `.name` | an alias in the world's Region, whether or not it exists |
//! | `{{bucket.NAME.arn}}` `.name`, `{{bucket.NAME.object["KEY"].arn}}` | a bucket, an object |
//! | `{{function.NAME.arn}}` `.name` | a Lambda function |
//! | `{{backup_vault.NAME.arn}}` `.name` | an AWS Backup vault |
//! | `{{vpc_endpoint.NAME.id}}` `.vpc` `.arn` | a VPC endpoint |
//! | `{{organization.id}}`, `{{organization.root}}` | the organization |
//! | `{{saved.NAME}}` | a value saved by an earlier step |

use std::fmt;

use crate::name::AccountId;

/// Longest text that is looked at for references: policies end far below it.
const MAX_TEXT_BYTES: usize = 4 * 1024 * 1024;
/// Longest reference between its braces.
const MAX_REFERENCE_BYTES: usize = 4096;

/// What a reference may start with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReferenceKind {
    /// An IAM user.
    User,
    /// An IAM role.
    Role,
    /// An IAM group.
    Group,
    /// A customer managed policy.
    ManagedPolicy,
    /// A GetFederationToken session.
    FederatedUser,
    /// The root user of an account; has no name.
    Root,
    /// A KMS key.
    Key,
    /// An alias of a KMS key.
    Alias,
    /// An S3 bucket.
    Bucket,
    /// A Lambda function.
    Function,
    /// An AWS Backup vault.
    BackupVault,
    /// A VPC endpoint.
    VpcEndpoint,
    /// The organization; has no name.
    Organization,
    /// A value saved by an earlier step; has no field.
    Saved,
}

impl ReferenceKind {
    /// All kinds with their words.
    pub const ALL: [(&'static str, Self); 14] = [
        ("user", Self::User),
        ("role", Self::Role),
        ("group", Self::Group),
        ("managed_policy", Self::ManagedPolicy),
        ("federated_user", Self::FederatedUser),
        ("root", Self::Root),
        ("key", Self::Key),
        ("alias", Self::Alias),
        ("bucket", Self::Bucket),
        ("function", Self::Function),
        ("backup_vault", Self::BackupVault),
        ("vpc_endpoint", Self::VpcEndpoint),
        ("organization", Self::Organization),
        ("saved", Self::Saved),
    ];

    /// The word in a reference.
    pub fn word(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(_, kind)| *kind == self)
            .map_or("", |(word, _)| word)
    }

    /// Whether a name follows the word.
    pub fn has_name(self) -> bool {
        !matches!(self, Self::Root | Self::Organization)
    }

    /// The fields a reference of this kind may end with, and the sub-objects it may pass through, for messages.
    pub fn fields(self) -> &'static [&'static str] {
        match self {
            Self::User | Self::Role => &["arn", "name", "unique_id"],
            Self::Group | Self::ManagedPolicy | Self::FederatedUser => &["arn", "name"],
            Self::Root => &["arn", "account"],
            Self::Key => &["arn", "id", "region", "account"],
            Self::Alias | Self::Bucket | Self::Function | Self::BackupVault => &["arn", "name"],
            Self::VpcEndpoint => &["id", "vpc", "arn"],
            Self::Organization => &["id", "root"],
            Self::Saved => &[],
        }
    }

    /// The sub-object a reference of this kind may pass through, with its fields.
    pub fn part(self) -> Option<(&'static str, &'static [&'static str])> {
        match self {
            Self::Role => Some(("session", &["arn", "unique_id"])),
            Self::Key => Some(("grant", &["id", "token"])),
            Self::Bucket => Some(("object", &["arn"])),
            _ => None,
        }
    }
}

/// One reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The account that qualifies the name.
    pub account: Option<AccountId>,
    /// What it names.
    pub kind: ReferenceKind,
    /// The name; empty for kinds without one.
    pub name: String,
    /// The sub-object: `("session", "DownloadSession")`.
    pub part: Option<(String, String)>,
    /// The field; empty for `saved`.
    pub field: String,
}

impl fmt::Display for Reference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("{{")?;
        if let Some(account) = &self.account {
            write!(formatter, "{account}.")?;
        }
        formatter.write_str(self.kind.word())?;
        if self.kind.has_name() {
            write_segment(formatter, &self.name)?;
        }
        if let Some((word, name)) = &self.part {
            write!(formatter, ".{word}")?;
            write_segment(formatter, name)?;
        }
        if self.kind != ReferenceKind::Saved {
            write!(formatter, ".{}", self.field)?;
        }
        formatter.write_str("}}")
    }
}

fn write_segment(formatter: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
    let plain = !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'@' | b'+' | b'=' | b','));
    if plain {
        write!(formatter, ".{name}")
    } else {
        write!(formatter, "[\"{name}\"]")
    }
}

/// A piece of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TextPart {
    /// Stands as it is.
    Literal(String),
    /// Is replaced.
    Reference {
        /// What it names.
        reference: Reference,
        /// Byte offset of `{{` in the text.
        offset: usize,
        /// Bytes up to and with `}}`.
        length: usize,
    },
}

/// Why a text is not made of literals and references.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a reference: {why}")]
pub struct ReferenceSyntaxError {
    /// What stands between the braces.
    pub text: String,
    /// What is wrong.
    pub why: String,
    /// Byte offset in the whole text.
    pub offset: usize,
    /// Length in bytes.
    pub length: usize,
}

/// Cuts a text into literals and references. Linear in the length of the text.
///
/// # Errors
/// [`ReferenceSyntaxError`] when a `{{` has no `}}` or what stands between is not a reference.
pub fn parse_text(text: &str) -> Result<Vec<TextPart>, ReferenceSyntaxError> {
    if text.len() > MAX_TEXT_BYTES {
        return Ok(vec![TextPart::Literal(text.to_owned())]);
    }
    let mut parts = Vec::new();
    let mut rest_at = 0;
    while let Some(found) = text[rest_at..].find("{{") {
        let start = rest_at + found;
        // A brace of a JSON object before `{{` belongs to the literal: `{{{key.x.arn}}` does not occur in references.
        let Some(reference_start) = looks_like_reference(text, start) else {
            parts.push(TextPart::Literal(text[rest_at..start + 1].to_owned()));
            rest_at = start + 1;
            continue;
        };
        if reference_start > rest_at {
            parts.push(TextPart::Literal(text[rest_at..reference_start].to_owned()));
        }
        let inner_start = reference_start + 2;
        let Some(end) = text[inner_start..].find("}}") else {
            return Err(ReferenceSyntaxError {
                text: text[reference_start..].chars().take(60).collect(),
                why: "`}}` is missing".to_owned(),
                offset: reference_start,
                length: text.len() - reference_start,
            });
        };
        let inner = &text[inner_start..inner_start + end];
        let length = end + 4;
        let reference = parse_reference(inner).map_err(|why| ReferenceSyntaxError {
            text: inner.chars().take(200).collect(),
            why,
            offset: reference_start,
            length,
        })?;
        parts.push(TextPart::Reference {
            reference,
            offset: reference_start,
            length,
        });
        rest_at = reference_start + length;
    }
    if rest_at < text.len() {
        parts.push(TextPart::Literal(text[rest_at..].to_owned()));
    }
    Ok(coalesce(parts))
}

/// Whether any `{{…}}` reference stands in the text.
pub fn has_reference(text: &str) -> bool {
    parse_text(text).is_ok_and(|parts| parts.iter().any(|part| matches!(part, TextPart::Reference { .. })))
}

/// Parses what stands between `{{` and `}}`.
///
/// # Errors
/// What is wrong with it, for a message.
pub fn parse_reference(inner: &str) -> Result<Reference, String> {
    let mut segments = split_segments(inner.trim())?.into_iter();
    let mut first = segments.next().ok_or_else(|| "it is empty".to_owned())?;
    let account = match AccountId::new(first.as_str()) {
        Ok(account) => {
            first = segments
                .next()
                .ok_or_else(|| "a kind must follow the account".to_owned())?;
            Some(account)
        }
        Err(_) => None,
    };
    let Some((_, kind)) = ReferenceKind::ALL.iter().find(|(word, _)| *word == first) else {
        let words: Vec<&str> = ReferenceKind::ALL.iter().map(|(word, _)| *word).collect();
        return Err(format!("`{first}` is not one of {}", words.join(", ")));
    };
    let kind = *kind;
    let name = if kind.has_name() {
        segments.next().ok_or_else(|| format!("a name must follow `{first}`"))?
    } else {
        String::new()
    };
    let rest: Vec<String> = segments.collect();
    if kind == ReferenceKind::Saved {
        return if rest.is_empty() && account.is_none() {
            Ok(Reference {
                account,
                kind,
                name,
                part: None,
                field: String::new(),
            })
        } else {
            Err("a saved value is `saved.NAME`".to_owned())
        };
    }
    match (rest.as_slice(), kind.part()) {
        ([field], _) if kind.fields().contains(&field.as_str()) => Ok(Reference {
            account,
            kind,
            name,
            part: None,
            field: field.clone(),
        }),
        ([word, part_name, field], Some((part, fields))) if word == part && fields.contains(&field.as_str()) => {
            Ok(Reference {
                account,
                kind,
                name,
                part: Some((word.clone(), part_name.clone())),
                field: field.clone(),
            })
        }
        _ => {
            let mut ends: Vec<String> = kind.fields().iter().map(|field| format!("`.{field}`")).collect();
            if let Some((part, fields)) = kind.part() {
                ends.extend(fields.iter().map(|field| format!("`.{part}.NAME.{field}`")));
            }
            Err(format!("a {} ends with {}", kind.word(), ends.join(", ")))
        }
    }
}

/// The place of the innermost `{{` that starts a reference: a letter, a digit or a space follows. `None`: two braces of JSON.
fn looks_like_reference(text: &str, start: usize) -> Option<usize> {
    let next = text.as_bytes().get(start + 2)?;
    (next.is_ascii_alphanumeric() || *next == b' ').then_some(start)
}

fn split_segments(inner: &str) -> Result<Vec<String>, String> {
    if inner.len() > MAX_REFERENCE_BYTES {
        return Err("it is too long".to_owned());
    }
    let mut segments = Vec::new();
    let mut rest = inner;
    while !rest.is_empty() {
        if let Some(quoted) = rest.strip_prefix("[\"") {
            let Some(end) = quoted.find("\"]") else {
                return Err("`\"]` is missing".to_owned());
            };
            segments.push(quoted[..end].to_owned());
            rest = &quoted[end + 2..];
        } else {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            if end == 0 {
                return Err("a part of it is empty".to_owned());
            }
            segments.push(rest[..end].to_owned());
            rest = &rest[end..];
        }
        match rest.strip_prefix('.') {
            Some("") => return Err("it ends with a dot".to_owned()),
            Some(after) => rest = after,
            None if rest.is_empty() || rest.starts_with('[') => {}
            None => return Err("a dot must follow `\"]`".to_owned()),
        }
    }
    Ok(segments)
}

fn coalesce(parts: Vec<TextPart>) -> Vec<TextPart> {
    let mut result: Vec<TextPart> = Vec::with_capacity(parts.len());
    for part in parts {
        match (result.last_mut(), part) {
            (Some(TextPart::Literal(before)), TextPart::Literal(more)) => before.push_str(&more),
            (_, part) => result.push(part),
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::{ReferenceKind, TextPart, has_reference, parse_reference, parse_text};

    #[test]
    fn references_of_every_form_are_read_and_written_back() {
        let table = [
            "{{key.example.arn}}",
            "{{user[\"alex.b\"].arn}}",
            "{{222222222222.role.R.arn}}",
            "{{role.RoleB.session.DownloadSession.arn}}",
            "{{role.RoleB.session[\"a.b\"].unique_id}}",
            "{{key.k.grant.g.token}}",
            "{{alias[\"alias/x\"].arn}}",
            "{{bucket.b.object[\"a/b.txt\"].arn}}",
            "{{root.arn}}",
            "{{222222222222.root.arn}}",
            "{{saved.grant}}",
            "{{organization.id}}",
        ];
        for text in table {
            let parts = parse_text(text).expect(text);
            let [
                TextPart::Reference {
                    reference,
                    offset: 0,
                    length,
                },
            ] = parts.as_slice()
            else {
                panic!("{text}: {parts:?}")
            };
            assert_eq!(*length, text.len(), "{text}");
            assert_eq!(reference.to_string(), text);
        }
    }

    #[test]
    fn what_is_not_a_reference_is_refused_with_a_reason() {
        for text in [
            "key",
            "key.x",
            "key.x.colour",
            "nothing.x.arn",
            "saved.a.b",
            "key..arn",
            "key.x.",
            "user[\"a.arn",
            "role.R.session.arn",
        ] {
            assert!(parse_reference(text).is_err(), "{text}");
        }
        assert!(parse_text("{{key.x.arn").is_err());
    }

    #[test]
    fn braces_of_json_are_literal_text() {
        let text = r#"{"a":{"b":{}}}"#;
        assert_eq!(parse_text(text).expect(text), [TextPart::Literal(text.to_owned())]);
        assert!(!has_reference("${aws:username} {{}}"));
        let nested = r#"{"Resource":{"{{key.k.arn}}":{}}}"#;
        let parts = parse_text(nested).expect(nested);
        assert_eq!(parts.len(), 3);
        assert!(matches!(&parts[1], TextPart::Reference { reference, .. } if reference.kind == ReferenceKind::Key));
    }
}
