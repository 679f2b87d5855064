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
    /// Read and write capacity; zero on demand.
    capacity: (u64, u64),
    deletion_protection: bool,
    tags: BTreeMap<String, String>,
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
    ("DescribeContinuousBackups", describe_continuous_backups),
    ("DescribeTimeToLive", describe_time_to_live),
    ("ListTagsOfResource", list_tags),
    ("TagResource", tag),
    ("UntagResource", untag),
];

/// Most names of one ListTables answer.
const MOST_NAMES: u64 = 100;

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
    let tags = tags_of(body)?;
    if !tags.is_empty() {
        require(state, request, "dynamodb:TagResource", &arn)?;
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
        capacity: (
            body.pointer("/ProvisionedThroughput/ReadCapacityUnits")
                .and_then(Value::as_u64)
                .unwrap_or(0),
            body.pointer("/ProvisionedThroughput/WriteCapacityUnits")
                .and_then(Value::as_u64)
                .unwrap_or(0),
        ),
        deletion_protection: body["DeletionProtectionEnabled"] == Value::Bool(true),
        tags,
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

/// Nothing is ever backed up by itself: what was never switched on is off.
fn describe_continuous_backups(state: &mut State, request: &Authenticated, body: &Value) -> Answer {
    named_table(state, request, body, "dynamodb:DescribeContinuousBackups")?;
    Ok(json!({ "ContinuousBackupsDescription": {
        "ContinuousBackupsStatus": "ENABLED",
        "PointInTimeRecoveryDescription": { "PointInTimeRecoveryStatus": "DISABLED" },
    }}))
}

/// There are no items that could expire.
fn describe_time_to_live(state: &mut State, request: &Authenticated, body: &Value) -> Answer {
    named_table(state, request, body, "dynamodb:DescribeTimeToLive")?;
    Ok(json!({ "TimeToLiveDescription": { "TimeToLiveStatus": "DISABLED" } }))
}

fn list_tags(state: &mut State, request: &Authenticated, body: &Value) -> Answer {
    let table = tagged_table(state, request, body, "dynamodb:ListTagsOfResource")?;
    let tags: Vec<Value> = table
        .tags
        .iter()
        .map(|(key, value)| json!({ "Key": key, "Value": value }))
        .collect();
    Ok(json!({ "Tags": tags }))
}

fn tag(state: &mut State, request: &Authenticated, body: &Value) -> Answer {
    let tags = tags_of(body)?;
    tagged_table(state, request, body, "dynamodb:TagResource")?
        .tags
        .extend(tags);
    Ok(json!({}))
}

fn untag(state: &mut State, request: &Authenticated, body: &Value) -> Answer {
    let table = tagged_table(state, request, body, "dynamodb:UntagResource")?;
    for key in body["TagKeys"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        table.tags.remove(key);
    }
    Ok(json!({}))
}

fn list_tables(state: &mut State, request: &Authenticated, body: &Value) -> Answer {
    require(state, request, "dynamodb:ListTables", "*")?;
    let account = own_account(request)?;
    let after = body["ExclusiveStartTableName"].as_str().unwrap_or_default();
    let limit = match body["Limit"].as_u64() {
        None if body["Limit"].is_null() => MOST_NAMES,
        Some(limit) if (1..=MOST_NAMES).contains(&limit) => limit,
        _ => {
            return Err(DynamoDbError::common(
                "ValidationException",
                format!(
                    "1 validation error detected: Value '{}' at 'limit' failed to satisfy constraint: Member must be between 1 and {MOST_NAMES}",
                    body["Limit"]
                ),
            ));
        }
    };
    let mut names: Vec<&str> = state
        .dynamodb
        .tables
        .keys()
        .filter(|(owner, region, _)| owner == account && *region == request.region)
        .map(|(_, _, name)| name.as_str())
        .filter(|name| *name > after)
        .collect();
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = names.len() > limit;
    names.truncate(limit);
    let mut answer = json!({ "TableNames": names });
    if let (true, Some(last)) = (more, names.last()) {
        answer["LastEvaluatedTableName"] = json!(last);
    }
    Ok(answer)
}

fn delete_table(state: &mut State, request: &Authenticated, body: &Value) -> Answer {
    let (key, arn) = table_key(request, body)?;
    require(state, request, "dynamodb:DeleteTable", &arn)?;
    let table = state.dynamodb.tables.get(&key).ok_or_else(|| not_found(&key.2))?;
    if table.deletion_protection {
        return Err(DynamoDbError::common(
            "ValidationException",
            "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.",
        ));
    }
    let table = state.dynamodb.tables.remove(&key).ok_or_else(|| not_found(&key.2))?;
    Ok(json!({ "TableDescription": describe(&key.2, &table, "DELETING") }))
}

/// A table named by `TableName`, after authorization.
fn named_table<'a>(
    state: &'a mut State,
    request: &Authenticated,
    body: &Value,
    action: &str,
) -> Result<&'a mut Table, DynamoDbError> {
    let (key, arn) = table_key(request, body)?;
    require(state, request, action, &arn)?;
    state.dynamodb.tables.get_mut(&key).ok_or_else(|| not_found(&key.2))
}

/// A table named by `ResourceArn`, after authorization.
fn tagged_table<'a>(
    state: &'a mut State,
    request: &Authenticated,
    body: &Value,
    action: &str,
) -> Result<&'a mut Table, DynamoDbError> {
    let arn = body["ResourceArn"].as_str().unwrap_or_default();
    let name = ArnParts::parse(arn)
        .filter(|parts| parts.service == "dynamodb")
        .and_then(|parts| parts.resource.strip_prefix("table/"))
        .ok_or_else(|| DynamoDbError::common("ValidationException", "Invalid TableArn"))?;
    require(state, request, action, arn)?;
    let table = state.dynamodb.tables.values_mut().find(|table| table.arn == arn);
    table.ok_or_else(|| {
        DynamoDbError::new(
            "ResourceNotFoundException",
            format!("Requested resource not found: ResourcArn: {arn} not found for table {name}"),
        )
    })
}

/// `Tags` of a request.
fn tags_of(body: &Value) -> Result<BTreeMap<String, String>, DynamoDbError> {
    let invalid = || DynamoDbError::common("ValidationException", "One or more parameter values were invalid: Tags");
    let text = |tag: &Value, member: &str| tag[member].as_str().map(str::to_owned).ok_or_else(invalid);
    body["Tags"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|tag| Ok((text(tag, "Key")?, text(tag, "Value")?)))
        .collect()
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
        "ProvisionedThroughput": {
            "ReadCapacityUnits": table.capacity.0,
            "WriteCapacityUnits": table.capacity.1,
            "NumberOfDecreasesToday": 0,
        },
        "DeletionProtectionEnabled": table.deletion_protection,
        "ItemCount": 0,
        "TableSizeBytes": 0,
    })
}
