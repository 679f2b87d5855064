//! Settings of Block Public Access that can stand in the way of a call.

use countersign_model::case::Step;
use serde_json::{Value, json};

use crate::explain::site::account_path;
use crate::explain::subject::Run;
use crate::explain::tree::{Edit, Path, get};

/// Which setting of Block Public Access can stand in the way of a call, as Cases and as S3 spell it; any other call is stopped by
/// RestrictPublicBuckets.
const BLOCKED_CALLS: &[(&str, &str, &str)] = &[
    ("s3:PutBucketPolicy", "block_public_policy", "BlockPublicPolicy"),
    ("s3:PutBucketAcl", "block_public_acls", "BlockPublicAcls"),
    ("s3:PutObjectAcl", "block_public_acls", "BlockPublicAcls"),
];

/// Switches off what Block Public Access keeps from counting: of the bucket, of its account, and as an earlier step put it.
pub(super) fn public_access(run: &Run) -> Vec<Edit> {
    let Some((journey, Step::Call(call))) = run.journey.as_ref().map(|journey| (journey, &journey.step)) else {
        return Vec::new();
    };
    let (true, Some(bucket)) = (
        call.call.service() == "s3",
        call.with.get("Bucket").and_then(Value::as_str),
    ) else {
        return Vec::new();
    };
    let (_, setting, parameter) = BLOCKED_CALLS
        .iter()
        .find(|(blocked, ..)| *blocked == call.call.as_str())
        .unwrap_or(&("", "restrict_public_buckets", "RestrictPublicBuckets"));
    let tree = &run.tree;
    let mut edits = Vec::new();
    if let Some(path) = run.bucket_path(bucket) {
        let settings = path.member("public_access_block");
        let words = format!("switch {parameter} of bucket `{bucket}` off");
        match get(tree, &settings) {
            Some(Value::Object(given)) if given.get(*setting) == Some(&json!(true)) => {
                edits.push(Edit::set(words, settings.member(setting), json!(false), tree));
            }
            Some(Value::Object(_)) => {}
            // All four are on where the case says nothing.
            _ => {
                let mut all = json!({
                    "block_public_acls": true,
                    "ignore_public_acls": true,
                    "block_public_policy": true,
                    "restrict_public_buckets": true,
                });
                all[*setting] = json!(false);
                edits.push(Edit::set(words, settings, all, tree));
            }
        }
    }
    let accounts = run.world().into_iter().flat_map(|world| &world.accounts);
    for (account, _) in accounts.filter(|(_, spec)| spec.buckets.contains_key(bucket)) {
        let path = account_path(account).member("public_access_block").member(setting);
        if get(tree, &path) == Some(json!(true)) {
            let words = format!("switch {parameter} of account {account} off");
            edits.push(Edit::set(words, path, json!(false), tree));
        }
    }
    for (position, (step, _)) in journey.walked.iter().enumerate() {
        let Step::Call(put) = step else { continue };
        let of_bucket = put.with.get("Bucket").and_then(Value::as_str) == Some(bucket);
        let path = Path::of(["steps"]).entry(position).member("with");
        let path = path.member("PublicAccessBlockConfiguration").member(parameter);
        if of_bucket && get(tree, &path) == Some(json!(true)) {
            let words = format!(
                "let step `{}` leave {parameter} off",
                step.name().unwrap_or("without a name")
            );
            edits.push(Edit::set(words, path, json!(false), tree));
        }
    }
    edits
}
