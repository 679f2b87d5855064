//! The JSON Schema of the Case format, generated from the types. It is checked in so that editors can complete a Case.

use super::Case;

/// Where the schema is kept, from the root of the workspace.
pub const SCHEMA_PATH: &str = "scenarios/schema/case.schema.json";

/// The schema as it is checked in.
pub fn case_schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(Case);
    schema.insert("title".to_owned(), "Countersign Case, version 1".into());
    schema.to_value()
}

/// The schema's text, with a line break at the end.
pub fn case_schema_text() -> String {
    // Alternate formatting of a `Value` cannot fail, and its members keep the order of the types.
    format!("{:#}\n", case_schema())
}
