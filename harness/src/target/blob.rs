//! Blobs as they stand in a Case: base64 text, or `{text: …}`. Nothing else about parameters lives here.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// The bytes of a blob parameter.
///
/// # Errors
/// What is wrong with it, to be put behind the field's name.
pub(crate) fn decode(value: &Value) -> Result<Vec<u8>, String> {
    match value {
        Value::String(text) => STANDARD
            .decode(text)
            .map_err(|error| format!("`{text}` is not base64 ({error}); write `{{text: …}}` for plain text")),
        Value::Object(map) if map.len() == 1 => match map.get("text") {
            Some(Value::String(text)) => Ok(text.clone().into_bytes()),
            _ => Err("a blob is base64 text or `{text: …}`".to_owned()),
        },
        _ => Err("a blob is base64 text or `{text: …}`".to_owned()),
    }
}

/// The base64 text of some bytes.
pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn text_and_base64_are_read_and_nothing_else() {
        assert_eq!(decode(&json!("aGk=")), Ok(b"hi".to_vec()));
        assert_eq!(decode(&json!({"text": "hi"})), Ok(b"hi".to_vec()));
        assert_eq!(decode(&json!("")), Ok(Vec::new()));
        for wrong in [
            json!("hi there"),
            json!({"text": 1}),
            json!({"text": "a", "more": 1}),
            json!(7),
            json!(null),
            json!(["a"]),
        ] {
            assert!(decode(&wrong).is_err(), "{wrong}");
        }
        assert_eq!(encode(b"hi"), "aGk=");
    }
}
