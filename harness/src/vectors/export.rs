//! Writes the suite to a folder: a file of vectors for every file of the corpus and each tier, the sample, the schema, a manifest with the
//! hash of every file. The same tree of Countersign writes the same bytes.

use std::collections::BTreeMap;
use std::io;
use std::path::{Component, Path, PathBuf};

use countersign_model::case::{Case, CaseError, Evidence, Origin, load_all};
use countersign_model::rule;
use serde::{Deserialize, Serialize};

use super::sample::{SAMPLE_SEED, sample};
use super::{
    FORMAT, MANIFEST, SCHEMA, SUITE, SUITE_VERSION, Tier, Vector, VectorError, VectorFile, schema, text_of, vector,
};
use crate::corpus;
use crate::hexadecimal::sha256_hex;
use crate::{evaluator, generate};

const README: &str = include_str!("export.md");

/// The manifest of an export.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    /// `countersign-vectors`.
    pub(super) suite: String,
    /// The suite's version.
    pub(super) version: String,
    /// The version of the form.
    pub(super) format: u32,
    /// The Countersign that wrote it.
    pub(super) countersign: String,
    /// How the sample was drawn.
    pub(super) sample: SampleManifest,
    /// Counts over the suite.
    pub(super) counts: Counts,
    /// Vectors that need a capability, by its name.
    pub(super) capabilities: BTreeMap<String, u64>,
    /// The rules that decide any outcome, with the number of outcomes, and how well each is known.
    pub(super) rules: BTreeMap<String, RuleManifest>,
    /// Every file but this one, with its hash.
    pub(super) files: Vec<FileManifest>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SampleManifest {
    seed: u64,
    /// Generated cases that were asked for, of each tier.
    cases: u64,
    evaluator_generator: u32,
    world_generator: u32,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Counts {
    pub(super) vectors: u64,
    pub(super) outcomes: u64,
    /// Vectors by tier.
    tiers: BTreeMap<String, u64>,
    /// Outcomes by decision; `saved` and `refused` of documents.
    decisions: BTreeMap<String, u64>,
    /// Vectors by where they come from: written by hand, generated, of an issue.
    origins: BTreeMap<String, u64>,
    /// Vectors by how well they are known; those that do not say are the model's word.
    evidence: BTreeMap<String, u64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleManifest {
    outcomes: u64,
    /// How well the rule is known: recorded, documented, inferred, disputed.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileManifest {
    /// With `/`, whatever the system.
    pub(super) path: String,
    pub(super) sha256: String,
    pub(super) bytes: u64,
    /// Of a file of vectors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) vectors: Option<u64>,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// Vectors.
    pub vectors: u64,
    /// What must come out, over all of them.
    pub outcomes: u64,
    /// Files, the manifest among them.
    pub files: usize,
}

/// Why nothing is written, or not all.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The folder holds something else.
    #[error("`{}` is not empty and no earlier export of vectors", .0.display())]
    NotOurs(PathBuf),
    /// The file system refused.
    #[error("`{}`: {source}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The model does not take a case.
    #[error(transparent)]
    Vector(#[from] VectorError),
    /// A file of the corpus cannot be read: a fault of Countersign.
    #[error(transparent)]
    Corpus(#[from] Box<CaseError>),
    /// A value has no JSON: a fault of Countersign.
    #[error("a vector cannot be written: {0}")]
    Json(#[from] serde_json::Error),
}

/// Writes the suite with so many generated cases of each tier. What an earlier export left is replaced.
///
/// # Errors
/// [`ExportError`]. Nothing of another origin is touched.
pub fn export(folder: &Path, generated: usize) -> Result<Export, ExportError> {
    let old = ours(folder)?;
    let files = files(generated)?;
    let mut counts = Counts::default();
    let (mut capabilities, mut rules) = (BTreeMap::new(), BTreeMap::new());
    let mut texts: Vec<(String, String, Option<u64>)> = vec![
        ("README.md".to_owned(), README.replace("{VERSION}", SUITE_VERSION), None),
        (SCHEMA.to_owned(), text_of(&schema())?, None),
    ];
    for (path, file) in &files {
        for one in &file.vectors {
            count(one, file.tier, &mut counts, &mut capabilities, &mut rules);
        }
        texts.push((path.clone(), text_of(file)?, Some(file.vectors.len() as u64)));
    }
    texts.sort();
    let manifest = Manifest {
        suite: SUITE.to_owned(),
        version: SUITE_VERSION.to_owned(),
        format: FORMAT,
        countersign: env!("CARGO_PKG_VERSION").to_owned(),
        sample: SampleManifest {
            seed: SAMPLE_SEED,
            cases: generated as u64,
            evaluator_generator: evaluator::generate::GENERATOR,
            world_generator: generate::GENERATOR,
        },
        capabilities,
        rules,
        files: texts
            .iter()
            .map(|(path, text, vectors)| FileManifest {
                path: path.clone(),
                sha256: sha256_hex(text.as_bytes()),
                bytes: text.len() as u64,
                vectors: *vectors,
            })
            .collect(),
        counts,
    };
    for path in old {
        // It is written again, or gone from the suite.
        std::fs::remove_file(&path).map_err(|source| ExportError::File { path, source })?;
    }
    for (path, text, _) in &texts {
        write(&folder.join(path), text)?;
    }
    // Last: an export that was cut off has none, or one that does not hold.
    write(&folder.join(MANIFEST), &text_of(&manifest)?)?;
    Ok(Export {
        vectors: manifest.counts.vectors,
        outcomes: manifest.counts.outcomes,
        files: texts.len() + 1,
    })
}

/// The files of an earlier export in a folder; none in a new or an empty one.
fn ours(folder: &Path) -> Result<Vec<PathBuf>, ExportError> {
    let failed = |source| ExportError::File {
        path: folder.to_owned(),
        source,
    };
    let mut entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    if entries.next().is_none() {
        return Ok(Vec::new());
    }
    let path = folder.join(MANIFEST);
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    let manifest: Option<Manifest> = serde_json::from_str(&text).ok();
    let manifest = manifest
        .filter(|manifest| manifest.suite == SUITE && manifest.files.iter().all(|file| is_inside(&file.path)))
        .ok_or_else(|| ExportError::NotOurs(folder.to_owned()))?;
    let files = manifest.files.iter().map(|file| folder.join(&file.path));
    Ok(files.filter(|path| path.is_file()).collect())
}

/// Whether a path of a manifest stays in its folder.
pub(super) fn is_inside(path: &str) -> bool {
    let mut parts = Path::new(path).components();
    !path.is_empty() && parts.all(|part| matches!(part, Component::Normal(_)))
}

/// The files of vectors, by path.
fn files(generated: usize) -> Result<BTreeMap<String, VectorFile>, ExportError> {
    let mut files: BTreeMap<String, VectorFile> = BTreeMap::new();
    for (name, text) in corpus::FILES {
        let cases = load_all(name, text, countersign_model::case::Syntax::of_file(name)).map_err(Box::new)?;
        let stem = name.trim_end_matches(".yaml").trim_start_matches("scenarios/");
        let stem = stem.trim_start_matches("evaluator/");
        for case in &cases {
            add(&mut files, stem, case)?;
        }
    }
    for tier in [Tier::Evaluator, Tier::World] {
        for case in sample(tier, generated) {
            add(&mut files, "generated", &case)?;
        }
    }
    Ok(files)
}

fn add(files: &mut BTreeMap<String, VectorFile>, stem: &str, case: &Case) -> Result<(), ExportError> {
    let tier = Tier::of(case);
    files
        .entry(format!("{}/{stem}.json", tier.word()))
        .or_insert_with(|| VectorFile {
            suite: SUITE.to_owned(),
            format: FORMAT,
            tier,
            vectors: Vec::new(),
        })
        .vectors
        .push(vector(case)?);
    Ok(())
}

fn count(
    one: &Vector,
    tier: Tier,
    counts: &mut Counts,
    capabilities: &mut BTreeMap<String, u64>,
    rules: &mut BTreeMap<String, RuleManifest>,
) {
    counts.vectors += 1;
    counts.outcomes += one.outcomes.len() as u64;
    *counts.tiers.entry(tier.word().to_owned()).or_default() += 1;
    let origin = match &one.case.origin {
        Some(Origin::Generated { .. }) => "generated",
        Some(Origin::Issue { .. }) => "issue",
        Some(Origin::Word(_)) | None => "handwritten",
    };
    *counts.origins.entry(origin.to_owned()).or_default() += 1;
    let evidence = match one.case.evidence {
        Some(Evidence::Recorded) => "recorded",
        Some(Evidence::Documented) => "documented",
        Some(Evidence::Inferred) => "inferred",
        Some(Evidence::Disputed) => "disputed",
        None => "model",
    };
    *counts.evidence.entry(evidence.to_owned()).or_default() += 1;
    for name in &one.requires {
        *capabilities.entry(name.clone()).or_default() += 1;
    }
    for outcome in &one.outcomes {
        let word = match (outcome.decision, outcome.saved) {
            (Some(decision), _) => decision.word(),
            (None, Some(true)) => "saved",
            (None, _) => "refused",
        };
        *counts.decisions.entry(word.to_owned()).or_default() += 1;
        for id in &outcome.rules {
            let entry = rules.entry(id.clone()).or_insert_with(|| {
                let known = rule::find(id);
                RuleManifest {
                    outcomes: 0,
                    status: known.and_then(|known| {
                        let word = serde_json::to_value(known.status).ok()?;
                        word.as_str().map(str::to_owned)
                    }),
                    source: known.map(|known| known.source.to_string()),
                }
            });
            entry.outcomes += 1;
        }
    }
}

fn write(path: &Path, text: &str) -> Result<(), ExportError> {
    let failed = |source| ExportError::File {
        path: path.to_owned(),
        source,
    };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    std::fs::write(path, text).map_err(failed)
}
