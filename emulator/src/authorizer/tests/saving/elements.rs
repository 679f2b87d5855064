//! Which element may stand in which kind of policy (`iam:§1.2`): one row per change to a document that is fine, one
//! column per kind, the answer in each cell.

use super::super::PolicyKind;
use super::{ACTIONS, DUPLICATE, LEGACY, OLD, ONE_COLON, PREFACED, RESOURCES, SYNTAX, answer, save};

/// The columns, in the order of the cells.
const KINDS: [PolicyKind; 10] = [
    PolicyKind::IdentityManaged,
    PolicyKind::IdentityInline,
    PolicyKind::Boundary,
    PolicyKind::Session,
    PolicyKind::ServiceControl,
    PolicyKind::ResourceControl,
    PolicyKind::Trust,
    PolicyKind::KeyPolicy,
    PolicyKind::BucketPolicy,
    PolicyKind::VpcEndpoint,
];

/// Answers by the short names of the cells. What IAM says has its rule id as name.
const ANSWERS: &[(&str, &str)] = &[
    ("ok", "saved"),
    ("E-01", SYNTAX),
    ("E-02", OLD),
    ("E-03", LEGACY),
    ("E-04", DUPLICATE),
    (
        "sid",
        "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*",
    ),
    ("E-05a", ACTIONS),
    ("E-05r", RESOURCES),
    ("E-06", PREFACED),
    ("E-07", ONE_COLON),
    ("E-08", "Resource mybucket must be in ARN format or \"*\"."),
    (
        "E-09",
        "Partition \"aws-cn\" is not valid for resource \"arn:aws-cn:s3:::b/*\".",
    ),
    ("E-12", "Policy document should not specify a principal."),
    ("E-14", "Has prohibited field Resource"),
    ("E-14n", "AssumeRole policy must not contain resources."),
    ("E-15", "AssumeRole policy may only specify STS AssumeRole actions."),
    ("E-16p", "Missing required field Principal"),
    ("E-16l", "Missing required field Principal cannot be empty!"),
    ("E-16a", "Missing required field Action"),
    ("E-16r", "Missing required field Resource"),
    ("E-16e", "Missing required field Effect"),
    ("E-16c", "Invalid effect: allow"),
    ("E-16w", "Invalid effect: Permit"),
    (
        "E-17",
        "Invalid principal in policy: \"AWS\":\"arn:aws:iam::111111111111:role/gho*\"",
    ),
    (
        "E-17g",
        "Invalid principal in policy: \"AWS\":\"arn:aws:iam::111111111111:role/ghost\"",
    ),
    (
        "P-4",
        "Policy contains a statement with one or more invalid principals.",
    ),
    ("s3-p", "Invalid principal in policy"),
    ("s3-a", "Policy has invalid action"),
    ("s3-r", "Policy has invalid resource"),
    ("s3-s", "Missing required field Statement"),
    ("s3-u", "Unknown field Comment"),
    ("E-18", "AssumeRole policy must not contain NotPrincipal field."),
    ("E-18a", "Allow with NotPrincipal is not allowed."),
    ("E-19v", "The policy must contain a valid version string"),
    ("E-19s", "Could not parse the policy: Statement is empty!"),
    ("E-19d", "The Statement Ids in the policy are not unique"),
    ("E-19u", "Has prohibited field Comment"),
    ("E-19o", "Invalid Condition type : Foo"),
    ("E-19c", "Invalid Condition type : stringEquals"),
    ("G-15e", "RCP statements must have the effect Deny"),
    ("G-15p", "RCP statements must have the principal \"*\""),
    ("G-15a", "RCP actions must name a service"),
    ("G-15n", "RCP statements must not have NotAction"),
];

/// A document in the making: members in order, each possibly several times.
#[derive(Clone)]
struct Document {
    top: Vec<(String, String)>,
    statement: Vec<(String, String)>,
    copies: usize,
    listed: bool,
}

impl Document {
    /// The shortest document of a kind that everybody accepts.
    fn of(kind: PolicyKind) -> Self {
        let (effect, principal, action, resource) = match kind {
            PolicyKind::ResourceControl => ("Deny", Some("\"*\""), "s3:*", Some("*")),
            PolicyKind::Trust => ("Allow", Some(r#"{"AWS":"111111111111"}"#), "sts:AssumeRole", None),
            PolicyKind::KeyPolicy => ("Allow", Some(r#"{"AWS":"111111111111"}"#), "kms:*", Some("*")),
            PolicyKind::BucketPolicy | PolicyKind::VpcEndpoint => {
                ("Allow", Some("\"*\""), "s3:GetObject", Some("arn:aws:s3:::b/*"))
            }
            _ => ("Allow", None, "s3:GetObject", Some("arn:aws:s3:::b/*")),
        };
        let document = Self {
            top: Vec::new(),
            statement: Vec::new(),
            copies: 1,
            listed: true,
        };
        let document = document
            .with("Version", "\"2012-10-17\"")
            .and("Effect", &format!("\"{effect}\""))
            .and("Action", &format!("\"{action}\""));
        let document = principal.map_or(document.clone(), |value| document.and("Principal", value));
        resource.map_or(document.clone(), |value| {
            document.and("Resource", &format!("\"{value}\""))
        })
    }

    /// Sets a member of the document.
    fn with(mut self, name: &str, value: &str) -> Self {
        self.top.retain(|(have, _)| have != name);
        self.top.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets a member of the statement.
    fn and(mut self, name: &str, value: &str) -> Self {
        self.statement.retain(|(have, _)| have != name);
        self.again(name, value)
    }

    /// Adds a member of the statement even if it is there.
    fn again(mut self, name: &str, value: &str) -> Self {
        self.statement.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Removes a member of the document or of the statement.
    fn without(mut self, name: &str) -> Self {
        self.top.retain(|(have, _)| have != name);
        self.statement.retain(|(have, _)| have != name);
        self
    }

    /// Renames a member of the statement.
    fn renamed(mut self, from: &str, to: &str) -> Self {
        for (name, _) in &mut self.statement {
            if name == from {
                to.clone_into(name);
            }
        }
        self
    }

    fn copies(mut self, copies: usize) -> Self {
        self.copies = copies;
        self
    }

    fn unlisted(mut self) -> Self {
        self.listed = false;
        self
    }

    fn text(&self) -> String {
        let object = |members: &[(String, String)]| {
            let members: Vec<String> = members
                .iter()
                .map(|(name, value)| format!("\"{name}\":{value}"))
                .collect();
            format!("{{{}}}", members.join(","))
        };
        let statement = vec![object(&self.statement); self.copies].join(",");
        let mut top = self.top.clone();
        if !top.iter().any(|(name, _)| name == "Statement") {
            let value = if self.listed {
                format!("[{statement}]")
            } else {
                statement
            };
            top.push(("Statement".to_owned(), value));
        }
        top.retain(|(_, value)| value != "absent");
        object(&top)
    }
}

/// What is changed, how, and the cells.
type Row = (&'static str, fn(Document) -> Document, &'static str);

#[rustfmt::skip]
const ROWS: &[Row] = &[
    //                                                                     MAN   INL   BND   SES   SCP   RCP   TRU   KEY   BUK   VPC
    ("nothing", |d| d,                                                    "ok    ok    ok    ok    ok    ok    ok    ok    ok    ok"),
    ("OQ-3: no Version", |d| d.without("Version"),                        "E-02  ok    E-02  ok    E-02  E-02  ok    ok    ok    ok"),
    ("G-20: old Version", |d| d.with("Version", "\"2008-10-17\""),        "E-02  ok    E-02  ok    E-02  E-02  ok    ok    ok    ok"),
    ("G-20: no such Version", |d| d.with("Version", "\"2013-10-17\""),    "E-01  E-01  E-01  E-01  E-01  E-01  E-19v E-01  E-19v E-01"),
    ("G-20: Version is a number", |d| d.with("Version", "2012"),          "E-01  E-01  E-01  E-01  E-01  E-01  E-19v E-01  E-19v E-01"),
    ("G-22: Id", |d| d.with("Id", "\"x\""),                               "ok    ok    ok    E-01  E-01  E-01  ok    ok    ok    ok"),
    ("G-22: Id is no text", |d| d.with("Id", "1"),                        "E-01  E-01  E-01  E-01  E-01  E-01  E-01  E-01  E-01  E-01"),
    ("G-02: no Statement", |d| d.with("Statement", "absent"),             "E-01  E-01  E-01  E-01  E-01  E-01  E-19s E-01  s3-s  E-01"),
    ("G-02: empty Statement", |d| d.with("Statement", "[]"),              "E-01  E-01  E-01  E-01  E-01  E-01  E-19s E-01  E-19s E-01"),
    ("G-02: Statement is a text", |d| d.with("Statement", "\"x\""),       "E-01  E-01  E-01  E-01  E-01  E-01  E-01  E-01  E-01  E-01"),
    ("G-02: one object", Document::unlisted,                              "ok    ok    ok    ok    ok    ok    ok    ok    ok    ok"),
    ("G-05: unknown member", |d| d.with("Comment", "1"),                  "E-01  E-01  E-01  E-01  E-01  E-01  E-19u E-01  s3-u  E-01"),
    ("G-05: unknown in statement", |d| d.and("Comment", "1"),             "E-01  E-01  E-01  E-01  E-01  E-01  E-19u E-01  s3-u  E-01"),
    ("G-06: Effect twice", |d| d.again("Effect", "\"Deny\""),             "E-01  E-01  E-01  E-01  E-01  E-01  E-01  E-01  E-01  E-01"),
    ("G-30: Sid", |d| d.and("Sid", "\"A1\""),                             "ok    ok    ok    ok    ok    ok    ok    ok    ok    ok"),
    ("G-30: Sid with a space", |d| d.and("Sid", "\"A 1\""),               "sid   sid   sid   sid   ok    ok    sid   ok    ok    ok"),
    ("G-30: Sid is no text", |d| d.and("Sid", "1"),                       "E-01  E-01  E-01  E-01  E-01  E-01  E-01  E-01  E-01  E-01"),
    ("G-30: the same Sid", |d| d.and("Sid", "\"A\"").copies(2),           "E-04  E-04  E-04  E-04  E-04  E-04  E-19d ok    E-19d E-04"),
    ("G-30: two empty Sids", |d| d.and("Sid", "\"\"").copies(2),          "ok    ok    ok    ok    ok    ok    ok    ok    ok    ok"),
    ("G-32: no Effect", |d| d.without("Effect"),                          "E-01  E-01  E-01  E-01  E-01  E-01  E-16e E-01  E-16e E-01"),
    ("G-32: Effect in lower case", |d| d.and("Effect", "\"allow\""),      "E-03  E-03  E-03  E-03  E-03  E-03  E-16c E-03  E-16c E-03"),
    ("G-32: another word", |d| d.and("Effect", "\"Permit\""),             "E-01  E-01  E-01  E-01  E-01  E-01  E-16w E-01  E-16w E-01"),
    ("G-15: Allow", |d| d.and("Effect", "\"Allow\""),                     "ok    ok    ok    ok    ok    G-15e ok    ok    ok    ok"),
    ("G-15: Deny", |d| d.and("Effect", "\"Deny\""),                       "ok    ok    ok    ok    ok    ok    ok    ok    ok    ok"),
    ("G-12: no Principal", |d| d.without("Principal"),                    "ok    ok    ok    ok    ok    E-16p E-16p E-16p E-16p E-16p"),
    ("P-01: everybody", |d| d.and("Principal", "\"*\""),                  "E-12  E-12  E-12  E-12  E-12  ok    ok    ok    ok    ok"),
    ("P-03: an account", |d| d.and("Principal", ACCOUNT),                 "E-12  E-12  E-12  E-12  E-12  G-15p ok    ok    ok    ok"),
    ("E-16: nobody", |d| d.and("Principal", r#"{"AWS":[]}"#),             "E-12  E-12  E-12  E-12  E-12  G-15p E-16l E-16l E-16l E-16l"),
    ("P-14: a pattern", |d| d.and("Principal", PATTERN),                  "E-12  E-12  E-12  E-12  E-12  G-15p E-17  P-4   s3-p  E-17"),
    ("P-43: nobody that exists", |d| d.and("Principal", GHOST),           "E-12  E-12  E-12  E-12  E-12  G-15p E-17g P-4   s3-p  ok"),
    ("P-50: Allow NotPrincipal", |d| not_principal(d, "Allow"),           "E-12  E-12  E-12  E-12  E-12  G-15e E-18a E-18a E-18a E-18a"),
    ("P-51: Deny NotPrincipal", |d| not_principal(d, "Deny"),             "E-12  E-12  E-12  E-12  E-12  G-15p E-18  ok    ok    ok"),
    ("G-14: both principals", |d| both(d, "Principal", ACCOUNT),          "E-01  E-01  E-01  E-01  E-01  E-01  E-01  E-01  E-01  E-01"),
    ("G-14: no Action", |d| d.without("Action"),                          "E-05a E-05a E-05a E-05a E-05a E-05a E-16a E-16a E-16a E-16a"),
    ("G-70: no action in it", |d| d.and("Action", "[]"),                  "E-05a E-05a E-05a E-05a E-05a E-05a E-16a E-16a E-16a E-16a"),
    ("§1.2: NotAction", |d| d.renamed("Action", "NotAction"),             "ok    ok    ok    ok    ok    G-15n ok    ok    ok    ok"),
    ("G-14: both actions", |d| both(d, "Action", "[]"),                   "E-01  E-01  E-01  E-01  E-01  E-01  E-01  E-01  E-01  E-01"),
    ("G-15: every action", |d| d.and("Action", "\"*\""),                  "ok    ok    ok    ok    ok    G-15a E-15  ok    ok    ok"),
    ("G-40: no vendor", |d| d.and("Action", "\"GetObject\""),             "E-06  E-06  E-06  E-06  E-06  E-06  E-15  E-06  s3-a  E-06"),
    ("G-40: two colons", |d| d.and("Action", "\"sts:a:b\""),              "E-07  E-07  E-07  E-07  E-07  E-07  E-07  E-07  s3-a  E-07"),
    ("§1.2: no Resource", |d| d.without("Resource"),                      "E-05r E-05r E-05r E-05r E-05r E-05r ok    E-16r E-16r E-16r"),
    ("G-70: no resource in it", |d| d.and("Resource", "[]"),              "E-05r E-05r E-05r E-05r E-05r E-05r E-14  E-16r E-16r E-16r"),
    ("§1.2: Resource", |d| d.and("Resource", "\"*\""),                    "ok    ok    ok    ok    ok    ok    E-14  ok    ok    ok"),
    ("§1.2: NotResource", |d| not_resource(d, "\"*\""),                   "ok    ok    ok    ok    ok    ok    E-14n ok    ok    ok"),
    ("E-09: of China", |d| elsewhere(d, "aws-cn"),                        "E-09  E-09  E-09  E-09  E-09  E-09  E-14  ok    s3-r  E-09"),
    ("errata G-51: anywhere", |d| elsewhere(d, "*"),                      "ok    ok    ok    ok    ok    ok    E-14  ok    ok    ok"),
    ("G-14: both resources", |d| both(d, "Resource", "[]"),               "E-01  E-01  E-01  E-01  E-01  E-01  E-01  E-01  E-01  E-01"),
    ("G-50: no ARN", |d| d.and("Resource", "\"mybucket\""),               "E-08  E-08  E-08  E-08  E-08  E-08  E-14  ok    s3-r  E-08"),
    ("G-52: part of an ARN", |d| d.and("Resource", "\"arn:aws:sqs\""),    "ok    ok    ok    E-03  E-03  E-03  E-14  ok    ok    ok"),
    ("errata G-10: null", |d| d.and("Resource", r#"["*",null]"#),         "ok    ok    ok    ok    ok    ok    E-14  ok    ok    ok"),
    ("G-65: empty Condition", |d| d.and("Condition", "{}"),               "ok    ok    ok    ok    ok    ok    ok    ok    ok    ok"),
    ("G-10: Condition null", |d| d.and("Condition", "null"),              "E-01  E-01  E-01  E-01  E-01  E-01  E-01  E-01  E-01  E-01"),
    ("G-60: Condition list", |d| d.and("Condition", "[]"),                "E-01  E-01  E-01  E-01  E-01  E-01  E-01  E-01  E-01  E-01"),
    ("G-09: JSON scalars", |d| condition(d, "Bool", "[true,\"a\",1]"),    "ok    ok    ok    ok    ok    ok    ok    ok    ok    ok"),
    ("G-61: set and IfExists", |d| condition(d, SET, "\"a\""),            "ok    ok    ok    ok    ok    ok    ok    ok    ok    ok"),
    ("G-61: Null with IfExists", |d| condition(d, "NullIfExists", "1"),   "E-01  E-01  E-01  E-01  E-01  E-01  any   E-01  any   E-01"),
    ("G-62: unknown operator", |d| condition(d, "Foo", "1"),              "E-01  E-01  E-01  E-01  E-01  E-01  E-19o E-01  E-19o E-01"),
    ("G-62: the same, unused", |d| d.and("Condition", r#"{"Foo":{}}"#),   "ok    ok    ok    ok    ok    ok    ok    ok    ok    ok"),
    ("C-20: another case", |d| condition(d, "stringEquals", "1"),         "E-01  E-01  E-01  E-01  E-01  E-01  E-19c E-01  E-19c E-01"),
    ("G-66: no date", |d| condition(d, "DateLessThan", "\"soon\""),       "E-03  E-03  E-03  E-03  E-03  E-03  E-03  E-03  E-03  E-03"),
    ("G-66: no number", |d| condition(d, "NumericEquals", "\"x\""),       "ok    ok    ok    ok    ok    ok    ok    ok    ok    ok"),
    ("G-63: unknown key", |d| condition(d, "StringEquals", "\"x\""),      "ok    ok    ok    ok    ok    ok    ok    ok    ok    ok"),
    ("G-07: key in two cases", |d| d.and("Condition", TWO_CASES),         "E-01  E-01  E-01  E-01  E-01  E-01  E-01  E-01  E-01  E-01"),
];

const ACCOUNT: &str = r#"{"AWS":"111111111111"}"#;
const PATTERN: &str = r#"{"AWS":"arn:aws:iam::111111111111:role/gho*"}"#;
const GHOST: &str = r#"{"AWS":"arn:aws:iam::111111111111:role/ghost"}"#;
const SET: &str = "ForAnyValue:StringLikeIfExists";
const TWO_CASES: &str = r#"{"StringEquals":{"aws:SourceIp":"x","AWS:sourceip":"x"}}"#;

fn not_principal(document: Document, effect: &str) -> Document {
    document
        .without("Principal")
        .and("NotPrincipal", ACCOUNT)
        .and("Effect", &format!("\"{effect}\""))
}

fn not_resource(document: Document, value: &str) -> Document {
    document.without("Resource").and("NotResource", value)
}

/// A resource of another partition.
fn elsewhere(document: Document, partition: &str) -> Document {
    document.and("Resource", &format!("\"arn:{partition}:s3:::b/*\""))
}

/// X and NotX, also where X alone would be forbidden.
fn both(document: Document, name: &str, value: &str) -> Document {
    let document = if document.statement.iter().any(|(have, _)| have == name) {
        document
    } else {
        document.and(name, value)
    };
    document.and(&format!("Not{name}"), value)
}

fn condition(document: Document, operator: &str, value: &str) -> Document {
    document.and("Condition", &format!(r#"{{"{operator}":{{"aws:NoSuchKey":{value}}}}}"#))
}

#[test]
fn every_element_in_every_kind() {
    let mut wrong = Vec::new();
    for (what, change, cells) in ROWS {
        let cells: Vec<&str> = cells.split_whitespace().collect();
        assert_eq!(cells.len(), KINDS.len(), "{what}");
        for (kind, cell) in KINDS.into_iter().zip(cells) {
            let text = change(Document::of(kind)).text();
            let given = answer(kind, &text);
            let fits = match ANSWERS.iter().find(|(name, _)| *name == cell) {
                Some((_, expected)) => given == *expected,
                // Refused, in words of its own.
                None => cell == "any" && given != "saved",
            };
            if !fits {
                wrong.push(format!("{what}, {kind:?}: expected {cell}, got `{given}` for {text}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Two faults at once: the order of `iam:§1.10` with its errata, for the kinds whose texts differ from IAM's too.
#[test]
fn the_first_of_two_faults_is_told() {
    let no_principal_twice = |kind| Document::of(kind).without("Principal").and("Sid", "\"A\"").copies(2);
    let table: &[(&str, PolicyKind, Document, &str)] = &[
        (
            "E-04 before a missing Principal",
            PolicyKind::BucketPolicy,
            no_principal_twice(PolicyKind::BucketPolicy),
            "E-19d",
        ),
        (
            "repeated Sids are nothing to KMS",
            PolicyKind::KeyPolicy,
            no_principal_twice(PolicyKind::KeyPolicy),
            "E-16p",
        ),
        (
            "E-04 before a missing Principal",
            PolicyKind::Trust,
            no_principal_twice(PolicyKind::Trust),
            "E-19d",
        ),
        (
            "E-01 before E-04",
            PolicyKind::BucketPolicy,
            no_principal_twice(PolicyKind::BucketPolicy).and("Comment", "1"),
            "s3-u",
        ),
        (
            "E-03 before E-04",
            PolicyKind::BucketPolicy,
            condition(no_principal_twice(PolicyKind::BucketPolicy), "DateEquals", "\"soon\""),
            "E-03",
        ),
        (
            "principal before E-05",
            PolicyKind::BucketPolicy,
            Document::of(PolicyKind::BucketPolicy)
                .without("Principal")
                .without("Action"),
            "E-16p",
        ),
        (
            "E-05 for actions before E-08",
            PolicyKind::BucketPolicy,
            Document::of(PolicyKind::BucketPolicy)
                .without("Action")
                .and("Resource", "\"mybucket\""),
            "E-16a",
        ),
        (
            "E-08 before E-06",
            PolicyKind::BucketPolicy,
            Document::of(PolicyKind::BucketPolicy)
                .and("Action", "\"GetObject\"")
                .and("Resource", "\"mybucket\""),
            "s3-r",
        ),
        (
            "E-06 before E-05 for resources",
            PolicyKind::VpcEndpoint,
            Document::of(PolicyKind::VpcEndpoint)
                .and("Action", "\"GetObject\"")
                .without("Resource"),
            "E-06",
        ),
        (
            "E-02 before E-04",
            PolicyKind::ServiceControl,
            Document::of(PolicyKind::ServiceControl)
                .without("Version")
                .and("Sid", "\"A\"")
                .copies(2),
            "E-02",
        ),
        (
            "the Id of a session policy is E-01",
            PolicyKind::ServiceControl,
            Document::of(PolicyKind::ServiceControl)
                .without("Version")
                .with("Id", "\"x\""),
            "E-01",
        ),
    ];
    for (what, kind, document, cell) in table {
        let (_, expected) = ANSWERS
            .iter()
            .find(|(name, _)| name == cell)
            .expect("a name of the list");
        let text = document.text();
        assert_eq!(answer(*kind, &text), *expected, "{what}, {kind:?}: {text}");
    }
}

/// `iam:G-11`, `svc:P-2`: IAM, STS and KMS take Latin-1 only; nobody else is known to care.
#[test]
fn characters_by_kind() {
    for kind in KINDS {
        let cares = !matches!(
            kind,
            PolicyKind::ServiceControl
                | PolicyKind::ResourceControl
                | PolicyKind::BucketPolicy
                | PolicyKind::VpcEndpoint
        );
        let with = |text: &str| condition(Document::of(kind), "StringEquals", &format!("\"{text}\"")).text();
        for (text, is_latin) in [
            ("\u{a0}\u{ff}", true),
            ("\u{100}", false),
            ("日本", false),
            ("😀", false),
        ] {
            let saved = save(kind, &with(text)).is_ok();
            assert_eq!(saved, is_latin || !cares, "{kind:?} {text}");
        }
        assert!(save(kind, &with("\u{7f}")).is_ok(), "U+007F is below U+00FF");
        assert!(
            save(kind, &with("\u{0}")).is_err(),
            "no JSON text has a bare control character"
        );
    }
}

/// What of it makes a document unusable that is simply there (errata `iam:E-22`): change, and the kinds that still
/// take it.
#[test]
fn stored_documents_that_cannot_be_used() {
    use PolicyKind as K;
    let all: &[K] = &KINDS;
    type Row<'a> = (&'a str, fn(Document) -> Document, &'a [K]);
    let table: &[Row<'_>] = &[
        ("nothing", |d| d, all),
        (
            // Resources of trust policies are not looked at, those of key policies only matched (K-14).
            "E-09: of China",
            |d| elsewhere(d, "aws-cn"),
            &[K::Trust, K::KeyPolicy],
        ),
        ("errata G-51: anywhere", |d| elsewhere(d, "*"), all),
        (
            "E-09 beside a fine one",
            |d| d.and("Resource", r#"["arn:aws-cn:s3:::data/*","*"]"#),
            &[K::Trust, K::KeyPolicy],
        ),
        (
            "E-05, G-13, K-14: no Resource",
            |d| d.without("Resource"),
            &[K::Trust, K::KeyPolicy, K::BucketPolicy],
        ),
        (
            "G-53: incomplete ARN",
            |d| d.and("Resource", "\"arn:aws:sqs\""),
            &[
                K::IdentityManaged,
                K::IdentityInline,
                K::Boundary,
                K::ServiceControl,
                K::ResourceControl,
                K::Trust,
                K::KeyPolicy,
                K::BucketPolicy,
                K::VpcEndpoint,
            ],
        ),
        (
            "E-04: the same Sid",
            |d| d.and("Sid", "\"A\"").copies(2),
            &[
                K::ServiceControl,
                K::ResourceControl,
                K::Trust,
                K::KeyPolicy,
                K::BucketPolicy,
                K::VpcEndpoint,
            ],
        ),
    ];
    for (what, change, usable) in table {
        for kind in KINDS {
            let text = change(Document::of(kind)).text();
            let stored = super::super::Policy::stored(kind, &text);
            assert_eq!(
                stored.unusable().is_none(),
                usable.contains(&kind),
                "{what}, {kind:?}: {text}: {:?}",
                stored.unusable()
            );
        }
    }
}
