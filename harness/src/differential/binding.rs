//! The bijection between the model's symbols and the target's values: ids, tokens, ciphertexts that the target chose. It translates
//! outward (requests, expected texts) and inward (responses, messages). What is compared is `compare`'s affair.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::Value;

use super::names::Names;

/// Symbols and values, one to one. A symbol may be declared before it has a value. A copy costs nothing until one of the two changes: what
/// may be bound is tried on copies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Binding {
    // INVARIANT: `inward` is the inverse of `outward`, but for values bound with `bind_shared`, which keep their first symbol.
    outward: Arc<Names>,
    inward: Arc<Names>,
    /// Symbols without a value; they mean nothing yet.
    declared: Arc<Names>,
}

/// Why a symbol and a value cannot be bound, or a text not be translated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BindingError {
    /// The value already stands for another symbol: the target gave one value twice.
    #[error("the target's `{value}` already stands for `{first}`, and cannot stand for `{second}` too")]
    Reused {
        /// The value.
        value: String,
        /// The symbol it stands for.
        first: String,
        /// The symbol it was to stand for.
        second: String,
    },
    /// The symbol already has another value.
    #[error("`{symbol}` is `{bound}` on the target, and now it is `{now}`")]
    Changed {
        /// The symbol.
        symbol: String,
        /// Its value.
        bound: String,
        /// The value it was to get.
        now: String,
    },
    /// The target never gave a value for the symbol.
    #[error("the target never gave a value for `{symbol}`")]
    Unbound {
        /// The symbol.
        symbol: String,
    },
}

impl Binding {
    /// Makes a symbol known that has no value yet. Translating a text that holds it is an error until it is bound.
    pub fn declare(&mut self, symbol: &str) {
        if !symbol.is_empty() && self.outward.get(symbol).is_none() {
            Arc::make_mut(&mut self.declared).insert(symbol, "");
        }
    }

    /// Binds a symbol to a value.
    ///
    /// # Errors
    /// [`BindingError::Reused`] and [`BindingError::Changed`]; the binding is then as before.
    pub fn bind(&mut self, symbol: &str, value: &str) -> Result<(), BindingError> {
        if let Some(first) = self.inward.get(value)
            && first != symbol
        {
            return Err(BindingError::Reused {
                value: value.to_owned(),
                first: first.to_owned(),
                second: symbol.to_owned(),
            });
        }
        self.bind_shared(symbol, value)
    }

    /// Binds a symbol to a value that other symbols may have too: an ETag says what a body is, not which one it is.
    ///
    /// # Errors
    /// [`BindingError::Changed`]; the binding is then as before.
    pub fn bind_shared(&mut self, symbol: &str, value: &str) -> Result<(), BindingError> {
        if let Some(bound) = self.outward.get(symbol) {
            return if bound == value {
                Ok(())
            } else {
                Err(BindingError::Changed {
                    symbol: symbol.to_owned(),
                    bound: bound.to_owned(),
                    now: value.to_owned(),
                })
            };
        }
        if self.declared.get(symbol).is_some() {
            Arc::make_mut(&mut self.declared).remove(symbol);
        }
        Arc::make_mut(&mut self.outward).insert(symbol, value);
        if self.inward.get(value).is_none() {
            Arc::make_mut(&mut self.inward).insert(value, symbol);
        }
        Ok(())
    }

    /// The value of a symbol.
    pub fn value_of(&self, symbol: &str) -> Option<&str> {
        self.outward.get(symbol)
    }

    /// The symbol of a value.
    pub fn symbol_of(&self, value: &str) -> Option<&str> {
        self.inward.get(value)
    }

    /// Number of bound symbols.
    pub fn len(&self) -> usize {
        self.outward.len()
    }

    /// Whether nothing is bound.
    pub fn is_empty(&self) -> bool {
        self.outward.is_empty()
    }

    /// A text of the model in the target's values: every symbol in it is replaced.
    ///
    /// # Errors
    /// [`BindingError::Unbound`] when the text holds a symbol that has no value.
    pub fn outward_text<'t>(&self, text: &'t str) -> Result<Cow<'t, str>, BindingError> {
        if let Some(symbol) = self.declared.first_in(text) {
            return Err(BindingError::Unbound {
                symbol: symbol.to_owned(),
            });
        }
        Ok(self.outward.translate(text))
    }

    /// A text of the target in the model's symbols.
    pub fn inward_text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.inward.translate(text)
    }

    /// A JSON value of the model in the target's values, member names too.
    ///
    /// # Errors
    /// As for [`Binding::outward_text`].
    pub fn outward_json(&self, value: Value) -> Result<Value, BindingError> {
        map_texts(value, &|text| self.outward_text(text))
    }

    /// A JSON value of the target in the model's symbols.
    pub fn inward_json(&self, value: Value) -> Value {
        // Infallible closure: the error type has no value.
        match map_texts::<std::convert::Infallible>(value, &|text| Ok(self.inward_text(text))) {
            Ok(translated) => translated,
            Err(impossible) => match impossible {},
        }
    }
}

/// Maps every text of a value; what a text does not change stays where it is.
fn map_texts<E>(value: Value, map: &dyn Fn(&str) -> Result<Cow<'_, str>, E>) -> Result<Value, E> {
    Ok(match value {
        Value::String(text) => Value::String(mapped(text, map)?),
        Value::Array(mut list) => {
            for element in &mut list {
                *element = map_texts(element.take(), map)?;
            }
            Value::Array(list)
        }
        Value::Object(mut members) => {
            let mut renamed = false;
            for (name, member) in &mut members {
                renamed |= matches!(map(name)?, Cow::Owned(_));
                *member = map_texts(member.take(), map)?;
            }
            if renamed {
                let members = members
                    .into_iter()
                    .map(|(name, member)| Ok((mapped(name, map)?, member)));
                return members.collect::<Result<_, E>>().map(Value::Object);
            }
            Value::Object(members)
        }
        other => other,
    })
}

fn mapped<E>(text: String, map: &dyn Fn(&str) -> Result<Cow<'_, str>, E>) -> Result<String, E> {
    let changed = match map(&text)? {
        Cow::Borrowed(_) => None,
        Cow::Owned(changed) => Some(changed),
    };
    Ok(changed.unwrap_or(text))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_stands_for_one_symbol_and_a_symbol_has_one_value() {
        let mut binding = Binding::default();
        assert_eq!(binding.bind("s1", "v1"), Ok(()));
        assert_eq!(binding.bind("s1", "v1"), Ok(()));
        assert!(matches!(binding.bind("s1", "v2"), Err(BindingError::Changed { .. })));
        assert!(matches!(binding.bind("s2", "v1"), Err(BindingError::Reused { .. })));
        assert_eq!(
            (binding.value_of("s1"), binding.value_of("s2"), binding.symbol_of("v1")),
            (Some("v1"), None, Some("s1"))
        );
        assert_eq!(binding.len(), 1);
    }

    #[test]
    fn equal_etags_are_no_reuse() {
        let mut binding = Binding::default();
        assert_eq!(binding.bind_shared("part 1", "\"etag\""), Ok(()));
        assert_eq!(binding.bind_shared("part 2", "\"etag\""), Ok(()));
        assert_eq!(binding.outward_text("part 2"), Ok("\"etag\"".into()));
        assert_eq!(binding.symbol_of("\"etag\""), Some("part 1"));
    }

    #[test]
    fn a_declared_symbol_must_be_bound_before_it_is_used() {
        let mut binding = Binding::default();
        binding.declare("token");
        assert_eq!(
            binding.outward_text("a token"),
            Err(BindingError::Unbound {
                symbol: "token".to_owned()
            })
        );
        binding.bind("token", "real").expect("nothing is bound yet");
        assert_eq!(binding.outward_text("a token"), Ok("a real".into()));
        binding.declare("token");
        assert_eq!(
            binding.outward_json(json!({"token": ["x-token-y", 1]})),
            Ok(json!({"real": ["x-real-y", 1]}))
        );
    }

    #[test]
    fn the_longest_symbol_wins_and_nothing_is_translated_twice() {
        let mut binding = Binding::default();
        for (symbol, value) in [("ab", "1"), ("abc", "ab"), ("1", "x")] {
            binding.bind(symbol, value).expect("all are different");
        }
        assert_eq!(binding.outward_text("-abc-ab-1-"), Ok("-ab-1-x-".into()));
    }

    proptest! {
        /// Translating outward and back gives the text again, for symbols and values of the shape that ids have.
        #[test]
        fn outward_and_inward_are_inverse(count in 1_usize..6, order in proptest::collection::vec(0_usize..6, 0..12)) {
            let mut binding = Binding::default();
            for index in 0..count {
                binding.bind(&format!("<model-{index}>"), &format!("<target-{index}>")).expect("all are different");
            }
            let text: String = order.iter().map(|index| format!("arn:key/<model-{}> ", index % count)).collect();
            let outward = binding.outward_text(&text).expect("all are bound");
            prop_assert!(!outward.contains("<model-"));
            prop_assert_eq!(&*binding.inward_text(&outward), text.as_str());
        }

        /// No text makes translation panic or touch a text without symbols.
        #[test]
        fn texts_without_symbols_are_untouched(text in "\\PC{0,80}") {
            let mut binding = Binding::default();
            binding.bind("\u{1}symbol\u{1}", "value").expect("nothing is bound yet");
            prop_assert_eq!(binding.outward_text(&text), Ok(text.as_str().into()));
        }

        /// Bindings are one to one, whatever is tried.
        #[test]
        fn bindings_are_one_to_one(pairs in proptest::collection::vec(("[a-d]", "[w-z]"), 0..12)) {
            let mut binding = Binding::default();
            for (symbol, value) in &pairs {
                let before = binding.clone();
                if binding.bind(symbol, value).is_err() {
                    prop_assert_eq!(&before, &binding);
                } else {
                    prop_assert_eq!(binding.value_of(symbol), Some(value.as_str()));
                    prop_assert_eq!(binding.symbol_of(value), Some(symbol.as_str()));
                }
            }
        }
    }
}
