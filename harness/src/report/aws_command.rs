//! The steps of a case as `aws` commands, for people who want to see for themselves. References stay as they are: what a name stands for is
//! known only when the world has been built. Nothing is run here.

use countersign_model::case::{Case, Step};
use serde_json::Value;

use super::shell_word;
use super::words::describe_principal;

/// One command for each call of the case, each after a comment that says who makes it.
pub(super) fn commands(case: &Case) -> Vec<String> {
    case.steps
        .iter()
        .filter_map(|step| match step {
            Step::Call(call) => {
                let (service, operation) = call.call.as_str().split_once(':')?;
                let service = if service == "s3" { "s3api" } else { service };
                let mut command = format!("# as {}\n", describe_principal(&call.principal).replace('\n', " "));
                command.push_str(&format!(
                    "aws {} {}",
                    shell_word(service),
                    shell_word(&kebab(operation))
                ));
                if let Some(region) = &call.region {
                    command.push_str(&format!(" --region {}", shell_word(region.as_str())));
                }
                let mut input = call.with.clone();
                // A body is a file to the command, not a member of its input.
                if input.remove("Body").is_some() {
                    command.push_str(" --body FILE");
                }
                if !input.is_empty() {
                    let input = Value::Object(input).to_string();
                    command.push_str(&format!(" --cli-input-json {}", shell_word(&input)));
                }
                Some(command)
            }
            Step::Invoke(invoke) => Some(format!(
                "# invoke\naws lambda invoke --function-name {} /dev/stdout",
                shell_word(&invoke.function)
            )),
            _ => None,
        })
        .collect()
}

/// `GenerateDataKeyWithoutPlaintext` as the command line spells it: `generate-data-key-without-plaintext`.
fn kebab(operation: &str) -> String {
    let letters: Vec<char> = operation.chars().collect();
    let mut name = String::new();
    for (position, letter) in letters.iter().enumerate() {
        let after_lower = position > 0 && !letters[position - 1].is_ascii_uppercase();
        let before_lower = letters.get(position + 1).is_some_and(char::is_ascii_lowercase);
        if position > 0 && letter.is_ascii_uppercase() && (after_lower || before_lower) {
            name.push('-');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::kebab;

    #[test]
    fn operations_are_spelt_as_the_command_line_spells_them() {
        for (operation, command) in [
            ("Encrypt", "encrypt"),
            ("GenerateDataKeyWithoutPlaintext", "generate-data-key-without-plaintext"),
            ("ListObjectsV2", "list-objects-v2"),
            ("PutObjectACL", "put-object-acl"),
            ("AssumeRoleWithSAML", "assume-role-with-saml"),
            ("ListMFADevices", "list-mfa-devices"),
        ] {
            assert_eq!(kebab(operation), command);
        }
    }
}
