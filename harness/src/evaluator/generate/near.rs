//! Near misses: one detail of an allowed request spelled so that only a careless reading takes it for the same. Each kind stands for a mistake
//! that evaluators make. Whether the request is still allowed is not decided here.

use countersign_model::case::{EvaluatorCase, EvaluatorPrincipal, EvaluatorRequest};
use serde_json::{Map, Value, json};

use super::scene::{Scene, flip_case};
use super::vocabulary::{KEYS, Kind, Part};
use crate::evaluator::documents::{all_statements, statements};
use crate::generate::dice::Dice;

/// What is spelled otherwise.
#[derive(Debug, Clone, Copy)]
enum Near {
    ActionPrefix,
    ResourceDot,
    ResourceStar,
    ValueCase,
    FlagCase,
    StarInVariable,
    OneOfMany,
    NoResource,
    RolePath,
    PrincipalPart,
    ServiceRegion,
    ServiceName,
    Grant,
}

const KINDS: &[(u32, Near)] = &[
    (8, Near::ActionPrefix),
    (8, Near::ResourceDot),
    (10, Near::ResourceStar),
    (10, Near::ValueCase),
    (6, Near::FlagCase),
    (8, Near::StarInVariable),
    (8, Near::OneOfMany),
    (4, Near::NoResource),
    (8, Near::RolePath),
    (6, Near::PrincipalPart),
    (6, Near::ServiceRegion),
    (6, Near::ServiceName),
    (12, Near::Grant),
];

/// Makes one near miss, if the case has what it takes.
pub(super) fn miss(dice: &mut Dice<'_, '_>, scene: &Scene, case: &mut EvaluatorCase) {
    match dice.weighted(KINDS) {
        Near::ActionPrefix => element(dice, case, "Action", |dice, text| {
            let kept = text.len().saturating_sub(1 + dice.position(4));
            text.get(..kept).filter(|text| text.contains(':')).map(str::to_owned)
        }),
        Near::ResourceDot => element(dice, case, "Resource", |dice, text| {
            let at = text.rfind(':')? + 1;
            let rest = text.get(at..)?;
            let (place, letter) = rest.char_indices().nth(dice.position(rest.chars().count().max(1)))?;
            let (before, after) = (rest.get(..place)?, rest.get(place + letter.len_utf8()..)?);
            (letter != '*').then(|| format!("{}{before}.{after}", &text[..at]))
        }),
        Near::ResourceStar => element(dice, case, "Resource", star_across_colons),
        Near::ValueCase => condition_values(dice, case, |operator, value| {
            let text = value.as_str().filter(|_| operator.contains("String"))?;
            Some(json!(flip_case(text)))
        }),
        Near::FlagCase => {
            if let Some(request) = &mut case.request {
                tell(request, "aws:SecureTransport", json!("true"));
            }
            let spelled = *dice.pick(&["TRUE", "True"]);
            any_statement(dice, case, |statement| {
                add(statement, "Bool", "aws:SecureTransport", json!(spelled))
            });
        }
        Near::StarInVariable => star_in_variable(dice, case),
        Near::OneOfMany => one_of_many(dice, case),
        Near::NoResource => {
            if scene.pair.part == Part::Key
                && let Some(policy) = &mut case.policies.resource
                && let Some(statement) = statements(policy).into_iter().next()
            {
                statement.remove("Resource");
            }
        }
        Near::RolePath => principals(dice, case, |dice, text| {
            let (account, name) = text.split_once(":role/")?;
            let changed = match name.rsplit_once('/') {
                Some((_, last)) if dice.coin() => last.to_owned(),
                Some((path, last)) => format!("{path}/more/{last}"),
                None => format!("team/{name}"),
            };
            Some(format!("{account}:role/{changed}"))
        }),
        Near::PrincipalPart => principals(dice, case, |dice, text| {
            let slash = text.find('/')? + 1;
            let kept = slash + dice.position((text.len() - slash).max(1));
            Some(format!("{}*", text.get(..kept)?))
        }),
        Near::ServiceRegion => {
            if let Some(request) = &mut case.request {
                let service = "s3.ap-east-1.amazonaws.com".to_owned();
                request.principal = EvaluatorPrincipal::Service { service };
            }
            name_service(case, "s3.amazonaws.com");
        }
        Near::ServiceName => service_name(case),
        Near::Grant => grant(dice, case),
    }
}

/// Changes one text of an element of some statement.
fn element(
    dice: &mut Dice<'_, '_>,
    case: &mut EvaluatorCase,
    name: &str,
    change: impl Fn(&mut Dice<'_, '_>, &str) -> Option<String>,
) {
    let mut all = all_statements(&mut case.policies);
    all.retain(|statement| statement.contains_key(name));
    if all.is_empty() {
        return;
    }
    let at = dice.position(all.len());
    if let Some(value) = all[at].get_mut(name) {
        change_text(dice, value, &change);
    }
}

fn change_text(
    dice: &mut Dice<'_, '_>,
    value: &mut Value,
    change: &impl Fn(&mut Dice<'_, '_>, &str) -> Option<String>,
) {
    match value {
        Value::String(text) => {
            if let Some(changed) = change(dice, text) {
                *text = changed;
            }
        }
        Value::Array(list) if !list.is_empty() => {
            let at = dice.position(list.len());
            change_text(dice, &mut list[at], change);
        }
        Value::Object(members) => members
            .values_mut()
            .for_each(|member| change_text(dice, member, change)),
        _ => {}
    }
}

/// A star in place of everything from one of the first fields to the last one.
pub(super) fn star_across_colons(dice: &mut Dice<'_, '_>, text: &str) -> Option<String> {
    let colons: Vec<usize> = text.match_indices(':').map(|(at, _)| at).collect();
    if colons.len() < 5 {
        return None;
    }
    let first = colons[dice.position(4)] + 1;
    let last = colons[4];
    let from = first + dice.position((last.saturating_sub(first)).max(1));
    Some(format!("{}*{}", text.get(..from.min(last))?, text.get(last + 1..)?))
}

/// Changes the first value of a condition block that can be changed.
fn condition_values(dice: &mut Dice<'_, '_>, case: &mut EvaluatorCase, change: impl Fn(&str, &Value) -> Option<Value>) {
    let mut all: Vec<(String, &mut Value)> = all_statements(&mut case.policies)
        .into_iter()
        .filter_map(|statement| statement.get_mut("Condition")?.as_object_mut())
        .flatten()
        .filter_map(|(operator, keys)| Some((operator.clone(), keys.as_object_mut()?)))
        .flat_map(|(operator, keys)| keys.values_mut().map(move |value| (operator.clone(), value)))
        .collect();
    all.retain(|(operator, value)| change(operator, first_of(value)).is_some());
    if all.is_empty() {
        return;
    }
    let at = dice.position(all.len());
    let (operator, value) = &mut all[at];
    if let Some(changed) = change(operator, first_of(value)) {
        **value = changed;
    }
}

fn first_of(value: &Value) -> &Value {
    value.as_array().and_then(|list| list.first()).unwrap_or(value)
}

/// A tag with a star in it stands in a pattern, and the value that it would match as a wildcard is asked.
fn star_in_variable(dice: &mut Dice<'_, '_>, case: &mut EvaluatorCase) {
    let Some(request) = &mut case.request else { return };
    tell(request, "aws:PrincipalTag/team", json!("re*"));
    let in_resource = dice.coin();
    if !in_resource {
        tell(request, "aws:ResourceTag/team", json!("red"));
    }
    let resource = request.resource.clone();
    let mut all = all_statements(&mut case.policies);
    if all.is_empty() {
        return;
    }
    let at = dice.position(all.len());
    let variable = "${aws:PrincipalTag/team}";
    if in_resource && let Some((before, after)) = resource.split_once("red") {
        all[at].insert("Resource".to_owned(), json!(format!("{before}{variable}{after}")));
        all[at].remove("NotResource");
    } else {
        let operator = *dice.pick(&["StringLike", "StringNotLike"]);
        add(all[at], operator, "aws:ResourceTag/team", json!(variable));
    }
}

/// A list of which one value is named, under an operator that asks all of them or one.
fn one_of_many(dice: &mut Dice<'_, '_>, case: &mut EvaluatorCase) {
    let lists: Vec<_> = KEYS.iter().filter(|key| key.many && key.kind == Kind::Text).collect();
    let key = *dice.pick(&lists);
    let values = &key.values[..2];
    if let Some(request) = &mut case.request {
        tell(request, key.name, json!(values));
    }
    let operator = *dice.pick(&[
        "ForAllValues:StringNotEquals",
        "ForAnyValue:StringNotEquals",
        "ForAllValues:StringEquals",
        "ForAnyValue:StringEquals",
        "ForAllValues:StringNotLike",
    ]);
    let named = *dice.pick(values);
    any_statement(dice, case, |statement| add(statement, operator, key.name, json!(named)));
}

fn any_statement(dice: &mut Dice<'_, '_>, case: &mut EvaluatorCase, change: impl FnOnce(&mut Map<String, Value>)) {
    let mut all = all_statements(&mut case.policies);
    if !all.is_empty() {
        let at = dice.position(all.len());
        change(all[at]);
    }
}

/// Gives the request a key, whatever spelling of it was there.
fn tell(request: &mut EvaluatorRequest, key: &str, value: Value) {
    request.context.retain(|known, _| !known.eq_ignore_ascii_case(key));
    request.context.insert(key.to_owned(), value);
}

fn add(statement: &mut Map<String, Value>, operator: &str, key: &str, value: Value) {
    let block = statement.entry("Condition").or_insert_with(|| json!({}));
    if let Value::Object(block) = block
        && let Value::Object(keys) = block.entry(operator).or_insert_with(|| json!({}))
    {
        keys.insert(key.to_owned(), value);
    }
}

/// Changes one text of a principal of the resource's policy.
fn principals(
    dice: &mut Dice<'_, '_>,
    case: &mut EvaluatorCase,
    change: impl Fn(&mut Dice<'_, '_>, &str) -> Option<String>,
) {
    let Some(policy) = &mut case.policies.resource else {
        return;
    };
    for statement in statements(policy) {
        for name in ["Principal", "NotPrincipal"] {
            if let Some(value) = statement.get_mut(name) {
                change_text(dice, value, &change);
            }
        }
    }
}

/// A role that has a service's name asks where the service is named.
fn service_name(case: &mut EvaluatorCase) {
    let service = "backup.amazonaws.com";
    let Some(request) = &mut case.request else { return };
    let EvaluatorPrincipal::Arn(arn) = &mut request.principal else {
        return;
    };
    let Some((account, rest)) = arn.split_once(":assumed-role/") else {
        return;
    };
    let session = rest.rsplit('/').next().unwrap_or("s1");
    *arn = format!("{account}:assumed-role/{service}/{session}");
    name_service(case, service);
}

/// Has the resource's policy name a service where it names principals.
fn name_service(case: &mut EvaluatorCase, service: &str) {
    if let Some(policy) = &mut case.policies.resource {
        for statement in statements(policy) {
            if statement.contains_key("Principal") {
                statement.insert("Principal".to_owned(), json!({"Service": service}));
            }
        }
    }
}

/// A grant that is nearly, but not quite, for this call.
fn grant(dice: &mut Dice<'_, '_>, case: &mut EvaluatorCase) {
    let (Some(grant), Some(request)) = (case.grants.first_mut(), &mut case.request) else {
        return;
    };
    let constraints = &mut grant.constraints;
    match dice.below(4) {
        0 => {
            if let Some((role, _)) = grant.grantee_principal.rsplit_once('/')
                && role.contains(":assumed-role/")
            {
                grant.grantee_principal = format!("{role}/other");
            }
        }
        1 => {
            // The request has one pair more than the constraint.
            tell(request, "kms:EncryptionContext:Team", json!("red"));
            tell(request, "kms:EncryptionContext:App", json!("pay"));
            let one = Some([("Team".to_owned(), "red".to_owned())].into());
            if dice.percent(70) {
                (
                    constraints.encryption_context_equals,
                    constraints.encryption_context_subset,
                ) = (one, None);
            } else {
                (
                    constraints.encryption_context_equals,
                    constraints.encryption_context_subset,
                ) = (None, one);
            }
        }
        2 => {
            let arn = "arn:aws:lambda:us-east-1:222222222222:function:f";
            constraints.source_arn = Some(arn.to_owned());
            let source = if dice.coin() { arn.to_owned() } else { format!("{arn}2") };
            tell(request, "aws:SourceArn", json!(source));
            // The constraint counts when a service calls.
            let service = "lambda.amazonaws.com";
            grant.grantee_principal = service.to_owned();
            request.principal = EvaluatorPrincipal::Service {
                service: service.to_owned(),
            };
        }
        _ => {
            // A constraint that binds only calls with an encryption context.
            constraints.encryption_context_equals = Some([("Team".to_owned(), "none".to_owned())].into());
            if !grant.operations.iter().any(|operation| operation == "DescribeKey") {
                grant.operations.push("DescribeKey".to_owned());
            }
            if let Ok(action) = serde_json::from_value(json!("kms:DescribeKey")) {
                request.action = action;
            }
        }
    }
}
