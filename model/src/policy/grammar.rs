//! Which rules of the grammar a policy text brings into play when it is read or saved, whether it is then accepted or refused: the
//! other half of an explanation, beside the one rule that refuses. A table; the checks themselves live in `validation`.

use super::PolicyKind;
use super::draft::{Draft, Members, items, text};
use super::json::{self, Json, Member, Node};
use crate::rule::{Rules, rule};

/// The rules by which a stored text is read before it is evaluated (`iam:E-22`).
pub fn rules_of_reading(text: &str, kind: PolicyKind) -> Rules {
    rules(text, kind, false)
}

/// The rules by which a text is accepted or refused when it is saved (`iam:1.10`).
pub fn rules_of_saving(text: &str, kind: PolicyKind) -> Rules {
    rules(text, kind, true)
}

fn rules(text: &str, kind: PolicyKind, saving: bool) -> Rules {
    let node = json::read(text).ok();
    let reading = Reading {
        text,
        kind,
        saving,
        draft: node.as_ref().and_then(|node| Draft::read(node).ok()),
        node: node.as_ref(),
    };
    TABLE
        .iter()
        .filter(|(_, matters)| matters(&reading))
        .flat_map(|(ids, _)| *ids)
        .map(|id| rule(id))
        .collect()
}

/// A text being read.
struct Reading<'a> {
    text: &'a str,
    kind: PolicyKind,
    saving: bool,
    /// None if the text is not JSON.
    node: Option<&'a Node>,
    /// None if its outermost shape is wrong.
    draft: Option<Draft<'a>>,
}

/// Rules that matter together, and when.
type Row = (&'static [&'static str], fn(&Reading<'_>) -> bool);

#[rustfmt::skip]
const TABLE: &[Row] = &[
    (&["iam:G-01", "iam:G-02", "iam:G-04", "iam:G-05", "iam:G-12", "iam:G-14", "iam:G-20", "iam:G-32"], |_| true),
    (&["iam:E-22", "iam:L-99"], |reading| !reading.saving),
    (&["iam:G-21", "iam:OQ-3"], |_| true),
    (&["iam:G-23"], |reading| reading.text.contains("${")),
    (&["iam:G-06"], |reading| reading.repeats_a_member()),
    (&["iam:G-07", "iam:OQ-1"], |reading| reading.any_operator(|keys| keys.len() > 1)),
    (&["iam:G-08"], |reading| reading.any_element(&["Action", "NotAction", "Resource", "NotResource"], is_list)),
    (&["iam:G-09"], |reading| reading.any_operator(|keys| keys.iter().any(|key| items(&key.value).into_iter().any(|item| text(item).is_none())))),
    (&["iam:G-10", "iam:OQ-2"], |reading| reading.node.is_some_and(holds_null)),
    (&["iam:G-11"], |reading| reading.saving && !reading.text.is_ascii()),
    (&["iam:G-15"], |reading| reading.kind == PolicyKind::ResourceControl),
    (&["iam:G-16"], |reading| reading.kind == PolicyKind::ServiceControl),
    (&["iam:E-21"], |reading| reading.kind.is_organization()),
    (&["iam:G-22", "iam:OQ-4"], |reading| reading.kind.is_identity() && reading.has_id()),
    (&["iam:G-30"], |reading| reading.sids() > 0),
    (&["iam:G-31", "iam:OQ-5"], |reading| reading.sids() > 1),
    (&["iam:G-40"], |reading| reading.kind.is_identity() && reading.has(&["Action", "NotAction"])),
    (&["iam:G-41"], |reading| reading.kind.is_identity() && reading.saving),
    (&["iam:G-50", "iam:G-51"], |reading| reading.kind.is_identity() && reading.has(&["Resource", "NotResource"])),
    (&["iam:G-53"], |reading| reading.kind == PolicyKind::Session),
    (&["iam:G-54"], |reading| reading.kind.is_identity() && reading.any_text(&["Resource", "NotResource"], |text| ["arn:aws:s3:", "arn:aws:iam:"].iter().any(|start| text.starts_with(start)))),
    (&["iam:G-60", "iam:G-65"], |reading| reading.has(&["Condition"])),
    (&["iam:G-61", "iam:G-62", "iam:C-20", "iam:OQ-18", "iam:C-21"], |reading| reading.any_element(&["Condition"], |node| matches!(&node.value, Json::Object(operators) if !operators.is_empty()))),
    (&["iam:G-66", "iam:C-33"], |reading| reading.saving && reading.kind.is_identity() && reading.any_operator(|_| true)),
    (&["iam:G-70"], |reading| reading.kind.is_identity() && reading.any_element(&["Action", "Resource"], is_list)),
    (&["iam:G-71"], |reading| !reading.saving && reading.kind.names_principals() && reading.any_element(&["Action", "Resource"], is_list)),
    (&["iam:G-80"], |reading| reading.saving),
    (&["iam:P-14", "iam:P-15", "iam:P-16", "iam:P-19", "iam:P-43", "iam:P-50", "iam:P-51", "iam:P-54"], |reading| reading.saving && reading.has(&["Principal", "NotPrincipal"])),
    (&["iam:E-01", "iam:E-03", "iam:E-04", "iam:E-05", "iam:E-06", "iam:E-07", "iam:E-08", "iam:E-09", "iam:E-10", "iam:E-11", "iam:E-12", "iam:E-20"], |reading| reading.saving && reading.kind.is_identity()),
    (&["iam:E-02"], |reading| reading.saving && reading.kind == PolicyKind::Managed),
    (&["iam:E-13", "iam:E-14", "iam:E-15", "iam:E-16", "iam:E-17", "iam:E-18", "iam:E-19"], |reading| reading.saving && reading.kind == PolicyKind::Trust),
];

impl Reading<'_> {
    fn statements(&self) -> &[Members<'_>] {
        self.draft.as_ref().map_or(&[], |draft| &draft.statements)
    }

    fn elements<'a>(&'a self, names: &'a [&str]) -> impl Iterator<Item = &'a Member> {
        let statements = self.statements().iter();
        statements.flat_map(move |statement| names.iter().flat_map(move |name| statement.all(name)))
    }

    fn has(&self, names: &[&str]) -> bool {
        self.elements(names).next().is_some()
    }

    fn any_element(&self, names: &[&str], wanted: fn(&Node) -> bool) -> bool {
        self.elements(names).any(|member| wanted(&member.value))
    }

    fn any_text(&self, names: &[&str], wanted: fn(&str) -> bool) -> bool {
        let mut elements = self.elements(names);
        elements.any(|member| items(&member.value).into_iter().filter_map(text).any(wanted))
    }

    /// Whether some operator of some condition has such keys under it.
    fn any_operator(&self, wanted: fn(&[Member]) -> bool) -> bool {
        self.elements(&["Condition"])
            .any(|condition| match &condition.value.value {
                Json::Object(operators) => operators
                    .iter()
                    .any(|operator| matches!(&operator.value.value, Json::Object(keys) if wanted(keys))),
                _ => false,
            })
    }

    fn repeats_a_member(&self) -> bool {
        let documents = self.draft.iter().map(|draft| &draft.members);
        documents
            .chain(self.statements())
            .any(|members| members.duplicates().next().is_some())
    }

    fn has_id(&self) -> bool {
        self.draft.as_ref().is_some_and(|draft| draft.members.has("Id"))
    }

    fn sids(&self) -> usize {
        self.elements(&["Sid"]).count()
    }
}

fn is_list(node: &Node) -> bool {
    matches!(node.value, Json::Array(_))
}

/// Whether `null` stands anywhere. The reader bounds how deep values nest.
fn holds_null(node: &Node) -> bool {
    match &node.value {
        Json::Null => true,
        Json::Array(items) => items.iter().any(holds_null),
        Json::Object(members) => members.iter().any(|member| holds_null(&member.value)),
        Json::Bool(_) | Json::Number(_) | Json::String(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_spoken_of_where_there_is_one() {
        let document = |id: &str| {
            format!(
                r#"{{"Version": "2012-10-17", {id}"Statement": {{"Effect": "Allow", "Action": "*", "Resource": "*"}}}}"#
            )
        };
        let speaks = |id: &str, kind| rules_of_reading(&document(id), kind).contains("iam:G-22");
        assert!(speaks(r#""Id": "x", "#, PolicyKind::Inline));
        assert!(!speaks("", PolicyKind::Inline));
        // Other kinds have always had one.
        assert!(!speaks(r#""Id": "x", "#, PolicyKind::Key) && !speaks("", PolicyKind::Key));
    }
}
