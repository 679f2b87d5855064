//! Tables, as something to back up: default encryption under an AWS owned key, so that no KMS rule applies (`svc:M-5`, `svc:B-2`).

use serde_json::json;

use super::Call;
use crate::context::Context;
use crate::world::StepError;
use crate::world::actor::Actor;
use crate::world::parameters::Parameters;
use crate::world::state::State;
use crate::world::trace::{Answer, Refusal, Stop, Trace};

/// Runs one DynamoDB operation.
pub(crate) fn call(state: &mut State, trace: &mut Trace, actor: &Actor, name: &str, with: Parameters<'_>) -> Answer {
    let mut call = Call {
        state,
        trace,
        actor,
        with,
        denied_code: "AccessDeniedException",
        denied_status: 400,
    };
    match name {
        "CreateTable" => call.create_table(),
        "DescribeTable" => call.describe_table(),
        "DeleteTable" => call.delete_table(),
        "ListTables" => call.list_tables(),
        other => Err(StepError::Operation(format!("dynamodb:{other}")).into()),
    }
}

impl Call<'_> {
    fn create_table(&mut self) -> Answer {
        let name = self.authorize_table("dynamodb:CreateTable")?;
        let account = self.own_account()?;
        let at = (self.actor.region.clone(), name.clone());
        if !self.state.account_mut(&account).tables.insert(at) {
            let message = format!("Table already exists: {name}");
            return Err(Refusal::error("ResourceInUseException", 400, message).into());
        }
        self.trace.rule("svc:M-5");
        Ok(json!({"TableDescription": {"TableName": name}}))
    }

    fn describe_table(&mut self) -> Answer {
        let name = self.existing_table("dynamodb:DescribeTable")?;
        Ok(json!({"Table": {"TableName": name, "TableStatus": "ACTIVE"}}))
    }

    fn delete_table(&mut self) -> Answer {
        let name = self.existing_table("dynamodb:DeleteTable")?;
        let account = self.own_account()?;
        let at = (self.actor.region.clone(), name.clone());
        self.state.account_mut(&account).tables.remove(&at);
        Ok(json!({"TableDescription": {"TableName": name}}))
    }

    fn list_tables(&mut self) -> Answer {
        self.authorize("dynamodb:ListTables", "*".to_owned(), Context::new())?;
        let account = self.own_account()?;
        let names: Vec<&String> = self
            .state
            .account(&account)
            .into_iter()
            .flat_map(|account| account.tables.iter())
            .filter(|(region, _)| *region == self.actor.region)
            .map(|(_, name)| name)
            .collect();
        Ok(json!({"TableNames": names}))
    }

    fn existing_table(&mut self, action: &str) -> Result<String, Stop> {
        let name = self.authorize_table(action)?;
        let account = self.own_account()?;
        let at = (self.actor.region.clone(), name.clone());
        if self
            .state
            .account(&account)
            .is_some_and(|account| account.tables.contains(&at))
        {
            return Ok(name);
        }
        let message = format!("Requested resource not found: Table: {name} not found");
        Err(Refusal::error("ResourceNotFoundException", 400, message).into())
    }

    fn authorize_table(&mut self, action: &str) -> Result<String, Stop> {
        let name = self.with.needed_text("TableName")?.to_owned();
        let arn = format!(
            "arn:aws:dynamodb:{}:{}:table/{name}",
            self.actor.region,
            self.own_account()?
        );
        self.authorize(action, arn, Context::new())?;
        Ok(name)
    }
}
