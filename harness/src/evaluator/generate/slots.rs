//! Bytes as an evaluator case by fixed places: every document, statement and context key has its own few bytes, so that a mutation
//! changes one thing and the rest of the case stays. Bytes that are not there read as zero, which is always "absent" or "plain": no
//! input is too short. For fuzzing; the random cases of `countersign evaluator` are drawn by the generator beside.

use arbitrary::Unstructured;
use countersign_model::case::{
    Case, EvaluatorCase, EvaluatorGrant, EvaluatorGrantConstraints, EvaluatorPolicies, EvaluatorRequest,
    EvaluatorVpcEndpoint, PolicyText, VpcEndpointKind,
};
use countersign_model::name::{AccountId, Action};
use serde_json::{Value, json};

use super::scene::{Caller, CallerKind, flip_case};
use super::statement::Set;
use super::vocabulary::{ACCOUNTS, DERIVED, KEYS, Kind, OPERATORS, PAIRS, Pair, Part, SERVICES, SWITCHES, odd_values};
use crate::generate::dice::Dice;

/// Bytes of the request: caller, pair, owner, switch, grant.
const HEADER: usize = 16;
/// Context keys of a request at most, and bytes of each.
const CONTEXT: (usize, usize) = (4, 3);
/// Statements of a document at most, and bytes of each.
const STATEMENT: (usize, usize) = (2, 12);
/// Bytes of a document.
const DOCUMENT: usize = 1 + STATEMENT.0 * STATEMENT.1;

/// Length of an input in which every place is there; what follows is not looked at.
#[cfg(test)]
const LONGEST: usize = HEADER + CONTEXT.0 * CONTEXT.1 + 9 * DOCUMENT;

const CALLERS: &[CallerKind] = &[
    CallerKind::User,
    CallerKind::RoleSession,
    CallerKind::BareRole,
    CallerKind::FederatedUser,
    CallerKind::Root,
    CallerKind::Service,
    CallerKind::ServiceLinkedRole,
    CallerKind::Anonymous,
];

const OTHER_RESOURCES: &[&str] = &[
    "arn:aws:s3:::data/*/x",
    "arn:aws:s3:::data/home/${aws:username}/*",
    "arn:aws:kms:*:222222222222:key/*",
    "arn:aws:iam::*:role/app/*",
    "arn:*:s3:::data/a.txt",
    "arn:aws:dynamodb:us-east-1:111111111111:table/${aws:PrincipalTag/team}",
    "arn:aws:s3:::data/${aws:PrincipalTag/team, 'team'}/red/x",
    "arn:aws:s3:::data/k${?}y${$}",
];

const UNIQUE_IDS: &[&str] = &["AIDAEXAMPLEEXAMPLE001", "AROAEXAMPLEEXAMPLE001"];

/// The case of some bytes.
pub(crate) fn case(bytes: &[u8]) -> Option<Case> {
    let mut slots = Slots { bytes, at: 0 };
    let header = slots.take(HEADER);
    let kind = CALLERS[header.at(0) % CALLERS.len()];
    let account = ACCOUNTS[header.at(1) % ACCOUNTS.len()];
    let names = [header.byte(2), header.byte(3), header.byte(2)];
    let caller = Caller::of_kind(&mut Dice::new(&mut Unstructured::new(&names)), kind, account);
    let pair = PAIRS[header.at(4) % PAIRS.len()];
    let owner = match header.at(5) % 4 {
        0 if caller.account.is_empty() => ACCOUNTS[0],
        0 => caller.account,
        other => ACCOUNTS[other - 1],
    };
    let resource = pair.resources[header.at(6) % pair.resources.len()].replace("{a}", owner);
    let mut request = EvaluatorRequest {
        principal: caller.principal(),
        action: Action::new(pair.action).ok()?,
        resource,
        resource_account: match header.at(7) % 3 {
            0 => AccountId::new(owner).ok(),
            1 => None,
            _ => AccountId::new(ACCOUNTS[1]).ok(),
        },
        context: Default::default(),
        expect: None,
    };
    for _ in 0..CONTEXT.0 {
        let slot = slots.take(CONTEXT.1);
        if let Some((name, value)) = context_key(slot)
            && !request.context.keys().any(|known| known.eq_ignore_ascii_case(&name))
        {
            request.context.insert(name, value);
        }
    }
    let mut case = super::blank();
    if header.byte(8) >= 0x80 {
        let (name, value) = SWITCHES[(header.at(8) & 0x7f) % SWITCHES.len()];
        case.quirks.insert(name.to_owned(), serde_json::from_str(value).ok()?);
    }
    let writer = Writer {
        caller: &caller,
        pair,
        resource: &request.resource,
        owner,
    };
    let grants = writer.grant(header).into_iter().collect();
    let policies = writer.policies(&mut slots);
    case.evaluate = Some(EvaluatorCase {
        request: Some(request),
        policies,
        grants,
        ..EvaluatorCase::default()
    });
    Some(case)
}

/// What is left of the input.
struct Slots<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Slots<'a> {
    fn take(&mut self, length: usize) -> Slot<'a> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        self.at += length;
        Slot(&rest[..length.min(rest.len())])
    }
}

/// The bytes of one place.
#[derive(Clone, Copy)]
struct Slot<'a>(&'a [u8]);

impl<'a> Slot<'a> {
    fn byte(self, at: usize) -> u8 {
        self.0.get(at).copied().unwrap_or_default()
    }

    fn at(self, at: usize) -> usize {
        usize::from(self.byte(at))
    }

    fn part(self, from: usize, length: usize) -> Slot<'a> {
        let rest = self.0.get(from..).unwrap_or_default();
        Slot(&rest[..length.min(rest.len())])
    }
}

/// A key of the request, if the place holds one: which key, which value, how it is written.
fn context_key(slot: Slot<'_>) -> Option<(String, Value)> {
    let which = slot.at(0).checked_sub(1)? % (KEYS.len() + DERIVED.len());
    let (name, kind, values) = match KEYS.get(which) {
        Some(key) => (key.name, key.kind, key.values),
        None => {
            let (name, kind) = DERIVED[which - KEYS.len()];
            // A session's own role is left alone: another one would make the caller somebody else.
            if matches!(name, "aws:PrincipalArn" | "aws:userid") {
                return None;
            }
            (name, kind, ACCOUNTS)
        }
    };
    let odd = odd_values(kind);
    let pick = |byte: usize| match byte % (values.len() + odd.len()) {
        own if own < values.len() => values[own],
        other => odd[other - values.len()],
    };
    let shape = slot.at(2);
    let name = if shape & 0x40 == 0 {
        name.to_owned()
    } else {
        flip_case(name)
    };
    let value = match shape & 7 {
        0..=3 => json!(pick(slot.at(1))),
        4 => json!([pick(slot.at(1))]),
        5 => json!([pick(slot.at(1)), pick(slot.at(1) + 1 + (shape >> 4))]),
        6 => json!([]),
        _ => Value::Null,
    };
    Some((name, value))
}

/// What the elements of policies are about.
struct Writer<'a> {
    caller: &'a Caller,
    pair: Pair,
    resource: &'a str,
    owner: &'static str,
}

impl Writer<'_> {
    fn policies(&self, slots: &mut Slots<'_>) -> EvaluatorPolicies {
        let mut policies = EvaluatorPolicies::default();
        let mut next = || slots.take(DOCUMENT);
        policies.identity.extend(self.document(Set::Identity, next()));
        policies.resource = self.document(Set::Resource, next());
        policies.permissions_boundary = self.document(Set::Boundary, next());
        let session = next();
        policies.session = match self.document(Set::Session, session) {
            Some(document) => Some(vec![document]),
            None if session.byte(0) & 0x80 != 0 => Some(Vec::new()),
            None => None,
        };
        for _ in 0..2 {
            let slot = next();
            let level = self.document(Set::ServiceControl, slot);
            if level.is_some() || slot.byte(0) & 0x80 != 0 {
                policies.service_control.push(level.into_iter().collect());
            }
        }
        let resource_control = self.document(Set::ResourceControl, next());
        policies
            .resource_control
            .extend(resource_control.map(|document| vec![document]));
        let slot = next();
        policies.vpc_endpoint = self.document(Set::Endpoint, slot).map(|policy| EvaluatorVpcEndpoint {
            kind: if slot.byte(0) & 0x80 == 0 {
                VpcEndpointKind::Interface
            } else {
                VpcEndpointKind::Gateway
            },
            policy,
        });
        policies.identity.extend(self.document(Set::Identity, next()));
        policies
    }

    /// A document, if the place holds one. Its first byte: the number of statements, the version, how it is written.
    fn document(&self, set: Set, slot: Slot<'_>) -> Option<PolicyText> {
        let form = slot.byte(0);
        let count = usize::from(form & 3).min(STATEMENT.0);
        if count == 0 {
            return None;
        }
        let mut text = String::with_capacity(256);
        text.push('{');
        match (form >> 2) & 7 {
            0..=4 => text.push_str("\"Version\":\"2012-10-17\","),
            5 => text.push_str("\"Version\":\"2008-10-17\","),
            6 => text.push_str("\"Version\":\"2012-10-17\",\"Id\":\"x\","),
            _ => {}
        }
        text.push_str("\"Statement\":[");
        for number in 0..count {
            if number > 0 {
                text.push(',');
            }
            self.statement(&mut text, set, slot.part(1 + number * STATEMENT.1, STATEMENT.1));
        }
        text.push_str("]}");
        Some(PolicyText::Verbatim(text))
    }

    fn statement(&self, text: &mut String, set: Set, slot: Slot<'_>) {
        let flags = slot.byte(0);
        let not = |bit: u8| if flags & bit == 0 { "" } else { "Not" };
        let deny = (flags & 1 != 0) != (set == Set::ResourceControl);
        text.push_str(if deny {
            "{\"Effect\":\"Deny\""
        } else {
            "{\"Effect\":\"Allow\""
        });
        if set.names_principals() || flags & 0x80 != 0 {
            text.push_str(",\"");
            text.push_str(not(8));
            text.push_str("Principal\":");
            self.principal(text, slot.at(1), slot.at(2));
        }
        for (name, bit, more, form) in [("Action", 2, 16, 3), ("Resource", 4, 32, 5)] {
            // A trust policy has no Resource.
            if name == "Resource" && flags & 0x40 != 0 {
                continue;
            }
            text.push_str(",\"");
            text.push_str(not(bit));
            text.push_str(name);
            text.push_str("\":[");
            let (form, argument) = (slot.at(form), slot.at(form + 1));
            let entry = |form: usize, argument: usize| match name {
                "Action" => self.action(form, argument),
                _ => self.resource(form, argument),
            };
            quote(text, &entry(form, argument));
            if flags & more != 0 {
                text.push(',');
                quote(text, &entry(form >> 4, argument >> 4));
            }
            text.push(']');
        }
        condition(text, slot.part(7, 5));
        text.push('}');
    }

    fn principal(&self, text: &mut String, form: usize, argument: usize) {
        let account = ACCOUNTS[argument % ACCOUNTS.len()];
        let own = self.caller.own.as_deref();
        let is_service = self.caller.kind == CallerKind::Service;
        let entry = match form % 14 {
            0 => {
                text.push_str("\"*\"");
                return;
            }
            1 => ("AWS", "*".to_owned()),
            2 if is_service => ("Service", self.caller.name.clone()),
            2 => ("AWS", own.unwrap_or(&self.caller.name).to_owned()),
            3 => ("AWS", self.caller.parent.as_deref().unwrap_or(account).to_owned()),
            4 => ("AWS", self.caller.account.to_owned()),
            5 => ("AWS", format!("arn:aws:iam::{}:root", self.owner)),
            6 => ("AWS", account.to_owned()),
            7 => ("AWS", format!("arn:aws:iam::{account}:user/bob")),
            8 => ("AWS", format!("arn:aws:iam::{account}:role/Admin")),
            9 => ("AWS", format!("arn:aws:sts::{account}:assumed-role/Worker/s1")),
            10 => ("AWS", format!("arn:aws:sts::{account}:federated-user/fred")),
            11 => ("Service", SERVICES[argument % SERVICES.len()].to_owned()),
            12 => ("Federated", "cognito-identity.amazonaws.com".to_owned()),
            _ => ("AWS", UNIQUE_IDS[argument % UNIQUE_IDS.len()].to_owned()),
        };
        text.push_str("{\"");
        text.push_str(entry.0);
        text.push_str("\":[");
        quote(text, &entry.1);
        if form >= 0xc0 {
            text.push(',');
            quote(text, account);
        }
        text.push_str("]}");
    }

    fn action(&self, form: usize, argument: usize) -> String {
        let action = self.pair.action;
        let service = action.split(':').next().unwrap_or(action);
        match form % 8 {
            0 => "*".to_owned(),
            1 => action.to_owned(),
            2 => format!("{service}:*"),
            3 => PAIRS[argument % PAIRS.len()].action.to_owned(),
            4 => flip_case(action),
            5 => globbed(action, service.len() + 1, argument, "*"),
            6 => globbed(action, service.len() + 1, argument, "?"),
            _ => format!("{action}Version"),
        }
    }

    fn resource(&self, form: usize, argument: usize) -> String {
        let resource = self.resource;
        // Wildcards stay inside the last field.
        let last = resource.rfind(':').map_or(0, |colon| colon + 1);
        match form % 8 {
            0 => "*".to_owned(),
            1 => resource.to_owned(),
            2 if resource != "*" => globbed(resource, last, argument, "*"),
            3 if resource != "*" => globbed(resource, last, argument, "?"),
            4 => OTHER_RESOURCES[argument % OTHER_RESOURCES.len()].to_owned(),
            5 if resource != "*" => format!("{resource}x"),
            6 => resource
                .replace("alice", "${aws:username}")
                .replace("red", "${aws:PrincipalTag/team, 'red'}"),
            _ => resource.replace('*', "${*}").replace('?', "${?}"),
        }
    }

    fn grant(&self, header: Slot<'_>) -> Option<EvaluatorGrant> {
        let form = header.at(9).checked_sub(1)?;
        // Grants are on keys.
        if self.pair.part != Part::Key {
            return None;
        }
        let operation = self.pair.action.split(':').nth(1).unwrap_or_default();
        let account = ACCOUNTS[header.at(10) % ACCOUNTS.len()];
        let grantee = match form % 5 {
            0 => self.caller.own.clone(),
            1 => self.caller.parent.clone(),
            2 => Some(format!("arn:aws:iam::{account}:root")),
            3 => Some(format!("arn:aws:iam::{account}:user/bob")),
            _ => Some(self.caller.name.clone()),
        };
        let mut constraints = EvaluatorGrantConstraints::default();
        let key = ["Team", "App", "team"][header.at(12) % 3].to_owned();
        let value = ["red", "blue", "Red"][header.at(13) % 3].to_owned();
        let pairs = Some([(key, value)].into());
        match header.at(11) % 5 {
            1 => constraints.encryption_context_equals = pairs,
            2 => constraints.encryption_context_subset = pairs,
            3 => constraints.encryption_context_equals = Some(Default::default()),
            4 => constraints.source_arn = Some("arn:aws:s3:::data".to_owned()),
            _ => {}
        }
        let other = ["Decrypt", "GenerateDataKey", "Encrypt", "DescribeKey"][header.at(14) % 4];
        Some(EvaluatorGrant {
            grantee_principal: grantee?,
            operations: vec![if header.at(15) & 1 == 0 { operation } else { other }.to_owned()],
            constraints,
        })
    }
}

/// A text with a wildcard in place of a letter, or of all letters from there on.
fn globbed(text: &str, from: usize, argument: usize, wildcard: &str) -> String {
    let at = from + argument % (text.len() - from).max(1);
    let (Some(before), Some(after)) = (text.get(..at), text.get(at + 1..)) else {
        return text.to_owned();
    };
    let after = if argument >= 0x80 { "" } else { after };
    format!("{before}{wildcard}{after}")
}

/// At most one test: operator, how it is qualified, key, two values.
fn condition(text: &mut String, slot: Slot<'_>) {
    let Some(operator) = slot.at(0).checked_sub(1) else {
        return;
    };
    let (base, kind) = OPERATORS[operator % OPERATORS.len()];
    let form = slot.at(1);
    text.push_str(",\"Condition\":{\"");
    text.push_str(["", "ForAnyValue:", "ForAllValues:", ""][form & 3]);
    text.push_str(base);
    if form & 4 != 0 && base != "Null" {
        text.push_str("IfExists");
    }
    text.push_str("\":{\"");
    let which = slot.at(2) % (KEYS.len() + DERIVED.len() + 1);
    let (name, own) = match KEYS.get(which) {
        Some(key) => (key.name, key.values),
        None => (
            DERIVED.get(which - KEYS.len()).map_or("app:Nothing", |(name, _)| *name),
            ACCOUNTS,
        ),
    };
    if form & 8 == 0 {
        text.push_str(name);
    } else {
        text.push_str(&flip_case(name));
    }
    text.push_str("\":[");
    let odd = odd_values(if form & 0x80 == 0 { kind } else { Kind::Text });
    let count = [1, 2, 0, 1][(form >> 4) & 3];
    for number in 0..count {
        if number > 0 {
            text.push(',');
        }
        let value = match slot.at(3 + number) % (own.len() + odd.len()) {
            at if at < own.len() => own[at],
            at => odd[at - own.len()],
        };
        quote(text, value);
    }
    text.push_str("]}}");
}

/// A JSON string. The vocabulary has no control characters.
fn quote(text: &mut String, value: &str) {
    text.push('"');
    for letter in value.chars() {
        if matches!(letter, '"' | '\\') {
            text.push('\\');
        }
        text.push(letter);
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, case};
    use crate::evaluator::{Evaluator, ModelEvaluator};
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};
    use std::collections::BTreeSet;

    #[test]
    fn no_input_is_too_short_and_every_decision_comes_up() {
        assert!(ModelEvaluator.answer(&case(&[]).expect("a case")).is_ok());
        let mut bytes = vec![0; LONGEST];
        let mut generator = ChaCha8Rng::seed_from_u64(7);
        let mut seen = BTreeSet::new();
        let mut taken = 0;
        for round in 0..600 {
            // Most documents are left out, or nothing would ever be allowed.
            bytes.fill(0);
            generator.fill_bytes(&mut bytes[..16 + 12 + 25 * (round % 3)]);
            let made = case(&bytes).expect("a case of fixed places");
            if let Ok(answers) = ModelEvaluator.answer(&made) {
                taken += 1;
                seen.extend(answers.iter().map(|answer| answer.decision));
            }
        }
        assert!(taken > 500, "the model takes {taken} of 600 cases");
        assert!(seen.len() >= 4, "{seen:?}");
    }
}
