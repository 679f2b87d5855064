//! The slice of Lambda that meets KMS, over its SDK.

use aws_sdk_lambda::types::{Environment, FunctionCode};
use serde_json::{Map, Value, json};

use super::fields::{Fields, blob, boolean, bytes, integer, record, text, text_map, word};
use super::members::members;
use super::{Answer, Failure};
use crate::target::TargetError;

super::service_table! { "lambda", aws_sdk_lambda;
    "CreateFunction" create_function CreateFunction {
        "FunctionName" text set_function_name,
        "Runtime" word set_runtime,
        "Role" text set_role,
        "Handler" text set_handler,
        "Code" code set_code,
        "Description" text set_description,
        "Timeout" integer set_timeout,
        "MemorySize" integer set_memory_size,
        "Publish" boolean set_publish,
        "Environment" environment set_environment,
        "KMSKeyArn" text set_kms_key_arn,
        "Tags" text_map set_tags,
    } => |output| members()
        .put("FunctionName", output.function_name())
        .put("FunctionArn", output.function_arn())
        .put("Role", output.role())
        .put("KMSKeyArn", output.kms_key_arn());
    "UpdateFunctionConfiguration" update_function_configuration UpdateFunctionConfiguration {
        "FunctionName" text set_function_name,
        "Role" text set_role,
        "Handler" text set_handler,
        "Description" text set_description,
        "Timeout" integer set_timeout,
        "MemorySize" integer set_memory_size,
        "Runtime" word set_runtime,
        "Environment" environment set_environment,
        "KMSKeyArn" text set_kms_key_arn,
    } => |output| members()
        .put("FunctionName", output.function_name())
        .put("FunctionArn", output.function_arn())
        .put("Role", output.role())
        .put("KMSKeyArn", output.kms_key_arn());
    "GetFunctionConfiguration" get_function_configuration GetFunctionConfiguration {
        "FunctionName" text set_function_name,
        "Qualifier" text set_qualifier,
    } => |output| members()
        .put("FunctionName", output.function_name())
        .put("FunctionArn", output.function_arn())
        .put("Role", output.role())
        .put("KMSKeyArn", output.kms_key_arn())
        .put("Environment", output.environment().map(|environment| {
            let variables: Option<Map<String, Value>> = environment.variables().map(|variables| {
                let sorted: std::collections::BTreeMap<_, _> = variables.iter().collect();
                sorted.into_iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect()
            });
            members().put("Variables", variables).put("Error", environment.error().map(|error| {
                members().put("ErrorCode", error.error_code()).put("Message", error.message())
            }))
        }));
    "DeleteFunction" delete_function DeleteFunction {
        "FunctionName" text set_function_name,
        "Qualifier" text set_qualifier,
    } => |_output| members();
    "Invoke" invoke Invoke {
        "FunctionName" text set_function_name,
        "InvocationType" word set_invocation_type,
        "Payload" blob set_payload,
        "Qualifier" text set_qualifier,
    } => |output| members()
        .put("StatusCode", Some(output.status_code()))
        .put("FunctionError", output.function_error())
        .put_blob("Payload", output.payload());
}

/// Fills in what every function needs and no case is about: code, runtime, handler.
pub(super) fn supply(name: &str, fields: &mut Fields) {
    /// An archive with `index.py`: `def handler(event, context): return {}`.
    const CODE: &str = "UEsDBBQAAAAAAAAAIQBBi0CpJwAAACcAAAAIAAAAaW5kZXgucHlkZWYgaGFuZGxlcihldmVudCwgY29u\
                        dGV4dCk6IHJldHVybiB7fQpQSwECFAMUAAAAAAAAACEAQYtAqScAAAAnAAAACAAAAAAAAAAAAAAAgAEA\
                        AAAAaW5kZXgucHlQSwUGAAAAAAEAAQA2AAAATQAAAAAA";
    if name == "CreateFunction" {
        fields.supply("Code", || json!({"ZipFile": CODE}));
        fields.supply("Runtime", || json!("python3.13"));
        fields.supply("Handler", || json!("index.handler"));
    }
}

/// A function error inside a successful HTTP answer is a failed invocation: `FunctionError` with the error in the payload.
pub(super) fn judge_invocation(answer: &mut Answer) {
    let Ok(output) = &answer.result else { return };
    let Some(kind) = output.get("FunctionError").and_then(Value::as_str) else {
        return;
    };
    let payload = output
        .get("Payload")
        .and_then(|payload| crate::target::blob::decode(payload).ok())
        .and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    let member = |name: &str| {
        payload
            .as_ref()
            .and_then(|payload| payload.get(name))
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    answer.result = Err(Failure {
        code: member("errorType").or_else(|| Some(kind.to_owned())),
        message: member("errorMessage"),
    });
}

fn environment(fields: &mut Fields, name: &str) -> Result<Option<Environment>, TargetError> {
    record(fields, name, |environment| {
        Ok(Environment::builder()
            .set_variables(text_map(environment, "Variables")?)
            .build())
    })
}

fn code(fields: &mut Fields, name: &str) -> Result<Option<FunctionCode>, TargetError> {
    record(fields, name, |code| {
        Ok(FunctionCode::builder()
            .set_zip_file(bytes(code, "ZipFile")?.map(aws_smithy_types::Blob::new))
            .set_s3_bucket(text(code, "S3Bucket")?)
            .set_s3_key(text(code, "S3Key")?)
            .set_image_uri(text(code, "ImageUri")?)
            .build())
    })
}
