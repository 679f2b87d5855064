//! Documents of an evaluator case that somebody wants to save: accepted or refused, and by which rules. No world is asked; the users and
//! roles that exist are given with the document, if that matters.

use jiff::civil::Date;

use crate::case::{EvaluatorSave, EvaluatorSaveExpect};
use crate::policy::{Document, PolicyError, PrincipalEntry, PrincipalForm, rules_of_saving};
use crate::rule::Rules;

/// What saving a document came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaveAnswer {
    /// Why it is refused; none if it is saved.
    pub refusal: Option<PolicyError>,
    /// The rules by which it is accepted or refused.
    pub rules: Rules,
}

impl SaveAnswer {
    /// Whether the answer is what was expected; if not, the difference in words.
    ///
    /// # Errors
    /// The difference.
    pub fn meets(&self, expect: &EvaluatorSaveExpect) -> Result<(), String> {
        let found = self.refusal.as_ref();
        if expect.saved == found.is_some() {
            return Err(format!("expected saved: {}, got {found:?}", expect.saved));
        }
        let rule = found.map(|refusal| refusal.rule.as_str());
        if expect.rule.is_some() && expect.rule.as_deref() != rule {
            return Err(format!("expected a refusal by {:?}, got {rule:?}", expect.rule));
        }
        let message = found.map(|refusal| refusal.message.as_str());
        if expect.message.is_some() && expect.message.as_deref() != message {
            return Err(format!("expected the message {:?}, got {message:?}", expect.message));
        }
        Ok(())
    }
}

/// Saves one document on a date, with every check that AWS makes then (`iam:1.10`).
pub fn save(save: &EvaluatorSave, as_of: Date) -> SaveAnswer {
    let text = save.document.text();
    let mut rules = rules_of_saving(&text, save.kind);
    let refusal = match Document::save(&text, save.kind, as_of) {
        Ok(document) => {
            let mut principals = document.principals();
            let existing = save.existing_principals.as_deref();
            principals
                .find(|entry| existing.is_some_and(|existing| !exists(entry, existing)))
                .map(|entry| entry.unknown(save.kind))
        }
        Err(error) => Some(error),
    };
    rules.extend(refusal.iter().map(|refusal| refusal.rule.clone()));
    SaveAnswer { refusal, rules }
}

/// Accounts and services always exist; users and roles are looked up (`iam:P-43`).
fn exists(entry: &PrincipalEntry, existing: &[String]) -> bool {
    !matches!(entry.form, PrincipalForm::User { .. } | PrincipalForm::Role { .. })
        || existing.iter().any(|known| known == &entry.text)
}
