//! A sliver of DynamoDB: tables that AWS Backup can be pointed at. Tables use the AWS owned key, so no KMS rule
//! applies (`svc:M-5`, `svc:B-2`). There are no items.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::access::{self, Question, Refusal};
use crate::identity::Via;
use crate::names::{AccountId, ArnParts, Region};
use crate::protocol::{Authenticated, Response, json as answers};
use crate::state::State;

/// Tables of every account and Region.
#[derive(Debug, Clone, Default)]
pub struct Store {
    tables: BTreeMap<(AccountId, Region, String), Table>,
}

impl Store {
    /// Whether a table ARN names a table that exists.
    #[must_use]
    pub fn has_table(&self, arn: &str) -> bool {
        let Some(parts) = ArnParts::parse(arn).filter(|parts| parts.service == "dynamodb") else {
            return false;
        };
        let (Some(account), Some(region), Some(name)) = (
            AccountId::parse(parts.account),
            Region::parse(parts.region),
            parts.resource.strip_prefix("table/"),
        ) else {
            return false;
        };
        self.tables.contains_key(&(account, region, name.to_owned()))
    }
}

#[derive(Debug, Clone)]
struct Table {
    arn: String,
    table_id: String,
    created_at: Timestamp,
    attribute_definitions: Value,
    key_schema: Value,
    billing_mode: String,
}

#[derive(Debug)]
struct DynamoDbError {
    code: String,
    message: String,
}

impl DynamoDbError {
    fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: format!("com.amazonaws.dynamodb.v20120810#{code}"),
            message: message.into(),
        }
    }

    fn common(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: format!("com.amazon.coral.service#{code}"),
            message: message.into(),
        }
    }
}

type Answer = Result<Value, DynamoDbError>;
type Perform = fn(&mut State, &Authenticated, &Value) -> Answer;

const OPERATIONS: &[(&str, Perform)] = &[
    ("CreateTable", create_table),
    ("DescribeTable", describe_table),
    ("ListTables", list_tables),
    ("DeleteTable", delete_table),
];

/// Answers one DynamoDB request.
pub fn handle(state: &mut State, request: &Authenticated) -> Response {
    let name = request
        .header("x-amz-target")
        .and_then(|target| target.strip_prefix("DynamoDB_20120810."))
        .unwrap_or_default();
    let answer = OPERATIONS
        .iter()
        .find(|(operation, _)| *operation == name)
        .ok_or_else(|| DynamoDbError::common("UnknownOperationException", ""))
        .and_then(|(_, perform)| {
            let body: Value = serde_json::from_slice(&request.body)
                .map_err(|error| DynamoDbError::common("SerializationException", error.to_string()))?;
            perform(state, request, &body)
        });
    match answer {
        Ok(body) => answers::answer(200, answers::JSON_1_0, &body),
        Err(error) => answers::failure(400, answers::JSON_1_0, &error.code, &error.message),
    }
}

fn create_table(state: &mut State, request: &Authenticated, body: &Value) -> Answer {
    let (key, arn) = table_key(request, body)?;
    require(state, request, "dynamodb:CreateTable", &arn)?;
    if body.pointer("/SSESpecification/Enabled") == Some(&Value::Bool(true)) {
        return Err(DynamoDbError::common(
            "ValidationException",
            "this emulator has no tables with customer or AWS managed keys",
        ));
    }
    for member in ["AttributeDefinitions", "KeySchema"] {
        let empty = body.get(member).and_then(Value::as_array).is_none_or(Vec::is_empty);
        if empty {
            return Err(DynamoDbError::common(
                "ValidationException",
                format!("One or more parameter values were invalid: {member} is missing"),
            ));
        }
    }
    if state.dynamodb.tables.contains_key(&key) {
        return Err(DynamoDbError::new(
            "ResourceInUseException",
            format!("Table already exists: {}", key.2),
        ));
    }
    let table = Table {
        arn,
        table_id: state.sources.ids.uuid(),
        created_at: state.now(),
        attribute_definitions: body["AttributeDefinitions"].clone(),
        key_schema: body["KeySchema"].clone(),
        billing_mode: body["BillingMode"].as_str().unwrap_or("PROVISIONED").to_owned(),
    };
    let description = describe(&key.2, &table, "ACTIVE");
    state.dynamodb.tables.insert(key, table);
    Ok(json!({ "TableDescription": description }))
}

fn describe_table(state: &mut State, request: &Authenticated, body: &Value) -> Answer {
    let (key, arn) = table_key(request, body)?;
    require(state, request, "dynamodb:DescribeTable", &arn)?;
    let table = state.dynamodb.tables.get(&key).ok_or_else(|| not_found(&key.2))?;
    Ok(json!({ "Table": describe(&key.2, table, "ACTIVE") }))
}

fn list_tables(state: &mut State, request: &Authenticated, _body: &Value) -> Answer {
    require(state, request, "dynamodb:ListTables", "*")?;
    let account = own_account(request)?;
    let names: Vec<&str> = state
        .dynamodb
        .tables
        .keys()
        .filter(|(owner, region, _)| owner == account && *region == request.region)
        .map(|(_, _, name)| name.as_str())
        .collect();
    Ok(json!({ "TableNames": names }))
}

fn delete_table(state: &mut State, request: &Authenticated, body: &Value) -> Answer {
    let (key, arn) = table_key(request, body)?;
    require(state, request, "dynamodb:DeleteTable", &arn)?;
    let table = state.dynamodb.tables.remove(&key).ok_or_else(|| not_found(&key.2))?;
    Ok(json!({ "TableDescription": describe(&key.2, &table, "DELETING") }))
}

fn table_key(request: &Authenticated, body: &Value) -> Result<((AccountId, Region, String), String), DynamoDbError> {
    let name = body["TableName"].as_str().unwrap_or_default();
    let legal = (3..=255).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'));
    if !legal {
        return Err(DynamoDbError::common(
            "ValidationException",
            format!(
                "1 validation error detected: Value '{name}' at 'tableName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
            ),
        ));
    }
    let account = own_account(request)?.clone();
    let arn = format!("arn:aws:dynamodb:{}:{account}:table/{name}", request.region);
    Ok(((account, request.region.clone(), name.to_owned()), arn))
}

fn own_account(request: &Authenticated) -> Result<&AccountId, DynamoDbError> {
    request.caller.account().ok_or_else(|| {
        DynamoDbError::common(
            "MissingAuthenticationTokenException",
            "Request is missing Authentication Token",
        )
    })
}

fn require(state: &State, request: &Authenticated, action: &str, arn: &str) -> Result<(), DynamoDbError> {
    let via = Via::Direct;
    let question = Question {
        resource: arn,
        ..Question::new(&request.caller, &via, action, &request.region)
    };
    access::check(state, question)
        .map(|_| ())
        .map_err(|refusal| match refusal {
            Refusal::Denied { message, .. } => DynamoDbError::common("AccessDeniedException", message),
            Refusal::Unusable(_) => DynamoDbError::new("InternalServerError", "Internal server error"),
        })
}

fn not_found(name: &str) -> DynamoDbError {
    DynamoDbError::new(
        "ResourceNotFoundException",
        format!("Requested resource not found: Table: {name} not found"),
    )
}

fn describe(name: &str, table: &Table, status: &str) -> Value {
    json!({
        "TableName": name,
        "TableArn": table.arn,
        "TableId": table.table_id,
        "TableStatus": status,
        "CreationDateTime": table.created_at.as_second(),
        "AttributeDefinitions": table.attribute_definitions,
        "KeySchema": table.key_schema,
        "BillingModeSummary": { "BillingMode": table.billing_mode },
        "ItemCount": 0,
        "TableSizeBytes": 0,
    })
}
