//! The condition keys of where and when a request is made: source, organization, network, endpoint, time (`iam:K-50`…`K-83`).

use jiff::Timestamp;

use super::Network;
use crate::case::VpcEndpointKind;
use crate::context::{Context, ContextValue};
use crate::evaluate::Caller;
use crate::name::{AccountId, Region};
use crate::world::StepError;
use crate::world::state::State;

/// The value of `aws:UserAgent` where a step does not say one; only its presence means something.
const USER_AGENT: &str = "countersign";
/// The address of a caller that does not say one.
const LOOPBACK: &str = "127.0.0.1";

/// `aws:SourceArn` and its kin, for services that call because of a resource (`iam:K-80`…`K-83`, `svc:C-30`).
pub(super) fn set_source_keys(state: &State, keys: &mut Context, arn: Option<&str>, account: Option<&AccountId>) {
    if let Some(arn) = arn {
        keys.set("aws:SourceArn", arn);
    }
    if let Some(account) = account {
        keys.set("aws:SourceAccount", account.as_str());
        if let Some(organization) = &state.contents.organization
            && let Some(path) = organization.path(account)
        {
            keys.set("aws:SourceOrgID", organization.id.as_str());
            keys.set("aws:SourceOrgPaths", vec![path.to_owned()]);
        }
    }
}

/// `iam:K-03`, `iam:K-04`.
pub(super) fn set_organization_keys(state: &State, keys: &mut Context, caller: &Caller) {
    if let (Some(account), Some(organization)) = (caller.account(), &state.contents.organization)
        && let Some(path) = organization.path(account)
    {
        keys.set("aws:PrincipalOrgID", organization.id.as_str());
        keys.set("aws:PrincipalOrgPaths", vec![path.to_owned()]);
    }
}

/// `iam:K-40`…`K-46`: an address, or the facts of the VPC endpoint that the request came through.
pub(super) fn set_network_keys(
    state: &State,
    keys: &mut Context,
    caller: &Caller,
    region: &Region,
    network: &Network<'_>,
) -> Result<Option<(AccountId, String)>, StepError> {
    let address = network
        .facts
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case("aws:SourceIp"))
        .map(|(_, value)| value);
    let vpc_address = network
        .facts
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case("aws:VpcSourceIp"))
        .map(|(_, value)| value);
    let Some(name) = network.through else {
        keys.set(
            "aws:SourceIp",
            address.map_or(Ok(LOOPBACK.into()), |value| fact("aws:SourceIp", value))?,
        );
        return Ok(None);
    };
    let owner = find_endpoint(state, name, caller.account())
        .ok_or_else(|| StepError::Step(format!("no VPC endpoint is named `{name}`")))?;
    let endpoint = &state.contents.accounts[&owner].vpc_endpoints[name];
    keys.set("aws:SourceVpce", endpoint.id.as_str());
    keys.set("aws:SourceVpc", endpoint.vpc.as_str());
    keys.set(
        "aws:SourceVpcArn",
        format!("arn:aws:ec2:{region}:{owner}:vpc/{}", endpoint.vpc),
    );
    keys.set("aws:VpceAccount", owner.as_str());
    if let Some(organization) = &state.contents.organization
        && let Some(path) = organization.path(&owner)
    {
        keys.set("aws:VpceOrgID", organization.id.as_str());
        keys.set("aws:VpceOrgPaths", vec![path.to_owned()]);
    }
    if let Some(value) = vpc_address.or(address) {
        keys.set("aws:VpcSourceIp", fact("aws:VpcSourceIp", value)?);
    }
    debug_assert!(matches!(
        endpoint.kind,
        VpcEndpointKind::Gateway | VpcEndpointKind::Interface
    ));
    Ok(Some((owner, name.to_owned())))
}

/// The endpoint of a name: the caller's own account first, else the only account that has one.
pub(super) fn find_endpoint(state: &State, name: &str, caller: Option<&AccountId>) -> Option<AccountId> {
    let mut owners: Vec<&AccountId> = state
        .contents
        .accounts
        .iter()
        .filter(|(_, account)| account.vpc_endpoints.contains_key(name))
        .map(|(id, _)| id)
        .collect();
    if let Some(own) = owners.iter().position(|owner| Some(*owner) == caller) {
        return Some(owners.swap_remove(own).clone());
    }
    match owners.as_slice() {
        [only] => Some((*only).clone()),
        _ => None,
    }
}

/// `iam:K-64`…`K-68`: present for everybody.
pub(super) fn set_time_keys(state: &State, keys: &mut Context, region: &Region) {
    keys.set("aws:CurrentTime", time_text(state.clock.now));
    keys.set("aws:EpochTime", state.clock.now.as_second().to_string());
    keys.set("aws:SecureTransport", true);
    keys.set("aws:RequestedRegion", region.as_str());
    keys.set("aws:UserAgent", USER_AGENT);
}

/// A time as condition values show it: seconds, `Z`.
pub(crate) fn time_text(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second()).unwrap_or(time).to_string()
}

pub(super) fn fact(key: &str, value: &serde_json::Value) -> Result<ContextValue, StepError> {
    match value {
        serde_json::Value::String(text) => Ok(text.as_str().into()),
        serde_json::Value::Bool(_) | serde_json::Value::Number(_) => Ok(value.to_string().into()),
        serde_json::Value::Array(items) => Ok(ContextValue::Many(
            items
                .iter()
                .map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned))
                .collect(),
        )),
        _ => Err(StepError::Step(format!(
            "context key `{key}` is a text, a number, a boolean or a list of them"
        ))),
    }
}
