//! Account-level Block Public Access (S3 Control, `/v20180820/configuration/publicAccessBlock`).

use http::StatusCode;

use super::authorization::{Facts, ask_account};
use super::error::S3Error;
use super::exchange::{Answer, Exchange, empty, xml};
use super::permissions::checks;
use super::public_access::PublicAccessBlock;
use crate::names::AccountId;

/// PutPublicAccessBlock of an account.
pub(crate) fn put_block(exchange: &mut Exchange<'_>) -> Answer {
    let account = require(exchange)?;
    let block = PublicAccessBlock::from_xml(&exchange.request.body)?;
    exchange.state.s3.account_blocks.insert(account, block);
    Ok(empty(StatusCode::CREATED))
}

/// GetPublicAccessBlock of an account.
pub(crate) fn get_block(exchange: &mut Exchange<'_>) -> Answer {
    let account = require(exchange)?;
    exchange
        .state
        .s3
        .account_blocks
        .get(&account)
        .map(|block| xml(block.to_xml()))
        .ok_or_else(|| S3Error::fixed("NoSuchPublicAccessBlockConfiguration").with("AccountId", account.as_str()))
}

/// DeletePublicAccessBlock of an account.
pub(crate) fn delete_block(exchange: &mut Exchange<'_>) -> Answer {
    let account = require(exchange)?;
    exchange.state.s3.account_blocks.remove(&account);
    Ok(empty(StatusCode::NO_CONTENT))
}

/// The account of `x-amz-account-id`, which must be the caller's own.
fn require(exchange: &Exchange<'_>) -> Result<AccountId, S3Error> {
    let request = exchange.request;
    let account = request
        .header("x-amz-account-id")
        .and_then(AccountId::parse)
        .ok_or_else(|| S3Error::invalid_request("Missing or invalid x-amz-account-id header"))?;
    for check in checks(exchange.operation) {
        ask_account(
            exchange.state,
            request,
            exchange.operation,
            check,
            "*",
            Facts::default(),
        )?;
    }
    if request.caller.account() == Some(&account) {
        Ok(account)
    } else {
        Err(S3Error::access_denied("Access Denied"))
    }
}
