//! The suite as files: the same bytes each time, nothing of others touched, and whatever is changed in an export is noticed.
#![cfg(feature = "wire")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use countersign::json_schema::Schema;
use countersign::vectors::{ExportError, VerifyError, export, schema, verify};
use serde_json::Value;

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("countersign-vectors-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Self(path)
    }

    fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut found = BTreeMap::new();
        collect(&self.0, &mut found);
        found
    }

    fn wrong(&self) -> String {
        match verify(&self.0) {
            Err(VerifyError::Wrong(wrong)) => wrong.join("\n"),
            other => panic!("{other:?}"),
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn collect(folder: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in std::fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the folder can be read").path();
        if path.is_dir() {
            collect(&path, found);
        } else {
            let bytes = std::fs::read(&path).expect("the file can be read");
            found.insert(path, bytes);
        }
    }
}

#[test]
fn an_export_is_the_same_each_time_and_every_change_is_noticed() {
    let folder = Folder::new("life");
    let first = export(&folder.0, 12).expect("a new folder");
    assert!(first.vectors > 1_000 && first.outcomes > first.vectors, "{first:?}");
    let files = folder.files();
    assert_eq!(files.len(), first.files);
    // Over itself, with a file that is no longer of the suite.
    let again = export(&folder.0, 12).expect("an earlier export");
    assert_eq!(
        (again, folder.files() == files),
        (first.clone(), true),
        "the same bytes"
    );
    let verified = verify(&folder.0).expect("what was just written holds");
    assert_eq!(
        (verified.vectors, verified.outcomes, verified.files),
        (first.vectors, first.outcomes, first.files)
    );

    // Every file is of the schema beside it, and no vector is empty.
    let form: Value = serde_json::from_slice(&files[&folder.0.join("vectors.schema.json")]).expect("JSON");
    assert_eq!(form, schema());
    for (path, bytes) in &files {
        let of_vectors = path.parent() != Some(folder.0.as_path());
        if of_vectors {
            let value: Value = serde_json::from_slice(bytes).expect("JSON");
            assert_eq!(Schema::new(&form).check(&value), Ok(()), "{}", path.display());
            let vectors = value["vectors"].as_array().expect("a list");
            for vector in vectors {
                assert!(
                    !vector["requires"].as_array().expect("a list").is_empty(),
                    "{}",
                    vector["id"]
                );
                let outcomes = vector["outcomes"].as_array().map(Vec::len);
                assert!(outcomes.is_some_and(|count| count > 0), "{}", vector["id"]);
            }
        }
    }

    let path = folder.0.join("evaluator/generated.json");
    let text = String::from_utf8(files[&path].clone()).expect("UTF-8");
    let changed = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        std::fs::write(&path, text.replacen(from, to, 1)).expect("the file can be written");
        folder.wrong()
    };
    let mut other: Value = serde_json::from_str(&text).expect("JSON");
    let decision = &mut other["vectors"][0]["outcomes"][0]["decision"];
    *decision = Value::from(if decision == "allow" { "explicit_deny" } else { "allow" });
    std::fs::write(&path, other.to_string()).expect("the file can be written");
    let wrong = folder.wrong();
    assert!(
        wrong.contains("the hash is not") && wrong.contains("the model answers outcome 0 otherwise"),
        "{wrong}"
    );
    let wrong = changed(r#""requires""#, r#""require""#);
    assert!(wrong.contains("not of the schema"), "{wrong}");
    std::fs::write(&path, &text).expect("the file can be written");
    std::fs::write(folder.0.join("world/more.json"), "{}").expect("the file can be written");
    let wrong = folder.wrong();
    assert!(wrong.contains("more.json: not in manifest.json"), "{wrong}");
    std::fs::remove_file(folder.0.join("world/more.json")).expect("it was just written");
    std::fs::remove_file(&path).expect("it is there");
    let wrong = folder.wrong();
    assert!(wrong.contains("evaluator/generated.json: "), "{wrong}");
}

#[test]
fn nothing_of_others_is_touched() {
    let folder = Folder::new("others");
    std::fs::create_dir_all(&folder.0).expect("the temporary folder can be made");
    for (name, text) in [
        ("thesis.txt", "years of work"),
        ("manifest.json", r#"{"suite":"other"}"#),
        (
            "manifest.json",
            r#"{"suite":"countersign-vectors","version":"0","format":1,"countersign":"0","sample":{"seed":1,"cases":0,"evaluator_generator":1,
               "world_generator":1},"counts":{"vectors":0,"outcomes":0,"tiers":{},"decisions":{},"origins":{},"evidence":{}},"capabilities":{},
               "rules":{},"files":[{"path":"../outside","sha256":"","bytes":0}]}"#,
        ),
    ] {
        let path = folder.0.join(name);
        std::fs::write(&path, text).expect("the temporary folder can be written");
        assert!(
            matches!(export(&folder.0, 1), Err(ExportError::NotOurs(_))),
            "{name}: {text}"
        );
        assert_eq!(std::fs::read_to_string(&path).expect("it is still there"), text);
        std::fs::remove_file(&path).expect("it is there");
    }
    let none = verify(&folder.0);
    assert!(matches!(none, Err(VerifyError::NoExport { .. })), "{none:?}");
}
