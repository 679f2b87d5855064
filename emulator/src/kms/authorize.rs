//! KMS's questions to `access`: the condition keys of svc:§3, grants as allow sources, foreign keys. No decisions
//! of its own but the ones KMS makes before any policy is read (svc:K-9).

use std::collections::BTreeMap;

use super::aging::DAY;
use super::call::Call;
use super::error::KmsError;
use super::grants::{self, GrantUse};
use super::key::{Key, KeyManager};
use super::operations::Operation;
use super::store::KeyAddress;
use crate::access::{self, Question};
use crate::authorizer::{AllowedBy, Context, GranteeMatch, MatchKinds, ResourcePolicyMode, known};
use crate::fault::Fault;
use crate::identity::Via;
use crate::names::{AccountId, ArnParts};
use crate::state::State;

/// One permission on one key.
#[derive(Debug)]
pub(super) struct KeyUse<'a> {
    /// The operation; its row says which condition keys there can be.
    pub(super) operation: &'static Operation,
    /// `kms:Decrypt`.
    pub(super) action: &'static str,
    /// The alias name the caller used (svc:C-11).
    pub(super) alias: Option<&'a str>,
    /// The request's context, for operations that have one (svc:C-4).
    pub(super) encryption_context: Option<&'a BTreeMap<String, String>>,
    /// Further keys of the operation.
    pub(super) extra: Context,
    /// Grant tokens of the request.
    pub(super) tokens: &'a [String],
    /// Where the allow of a grant comes from.
    pub(super) grants: GrantSource,
    /// Allows of the key's side that are neither policy nor grant: the issuing account of a grant (svc:G-16).
    pub(super) key_side: MatchKinds,
}

/// Which grant, if any, may allow the use.
#[derive(Debug, Clone, Copy)]
pub(super) enum GrantSource {
    /// Any live grant with the operation (svc:K-20).
    Search,
    /// This one, found by the operation itself; `None`: no grant helps.
    Found(Option<GranteeMatch>),
}

impl<'a> KeyUse<'a> {
    /// A use without context, alias, tokens or extra keys.
    pub(super) fn of(operation: &'static Operation) -> Self {
        Self {
            operation,
            action: operation.action(),
            alias: None,
            encryption_context: None,
            extra: Context::new(),
            tokens: &[],
            grants: GrantSource::Search,
            key_side: MatchKinds::NONE,
        }
    }

    /// Adds the alias name the caller used.
    pub(super) fn alias(mut self, alias: Option<&'a str>) -> Self {
        self.alias = alias;
        self
    }
}

/// Authorizes the use of one key that exists.
///
/// # Errors
/// AccessDeniedException with the text of svc:X-1.
pub(super) fn key(
    state: &State,
    call: &Call<'_>,
    address: &KeyAddress,
    wanted: KeyUse<'_>,
) -> Result<AllowedBy, KmsError> {
    let now = state.now();
    let operation = wanted.operation;
    let Some(key) = state.kms.key(address, now) else {
        let arn = address.arn();
        return Err(foreign_denial(
            state,
            call,
            operation,
            wanted.action,
            arn.as_str(),
            wanted.extra,
        ));
    };
    let grant = match wanted.grants {
        GrantSource::Found(found) => found,
        GrantSource::Search => grants::best_match(
            state,
            key,
            GrantUse {
                principal: &call.caller.principal,
                operation: wanted.action.trim_start_matches("kms:"),
                encryption_context: wanted.encryption_context,
                tokens: wanted.tokens,
            },
        ),
    };
    let mut context = wanted.extra;
    // INVARIANT: an operation sets only condition keys of its row (svc:§3).
    debug_assert!(
        context.iter().all(|(key, _)| operation.has_condition_key(key)),
        "{} has a condition key that its row does not know: {context:?}",
        operation.name
    );
    key_context(state, call, key, &mut context);
    unused_days(operation, key, now, &mut context);
    if operation.has_condition_key("kms:encryptioncontextkeys") {
        context_keys(wanted.encryption_context, &mut context);
    }
    if let Some(alias) = wanted.alias
        && operation.has_condition_key("kms:requestalias")
        && !state.case.faults.contains(Fault::RequestAliasAbsent)
    {
        context.set(known!("kms:requestalias"), alias);
    }
    let mut question = Question::new(call.caller, call.via, wanted.action, call.region);
    question.resource = key.arn.as_str();
    question.resource_account = Some(&key.account);
    question.mode = ResourcePolicyMode::KeyPolicy {
        aws_managed: key.manager == KeyManager::Aws,
    };
    question.resource_policy = Some(policy_holder(state, key, now).policy.visible(now));
    question.resource_tags = Some(key.tags.visible(now));
    question.context = context;
    question.grant = grant;
    question.resource_side = wanted.key_side;
    if wanted.action == "kms:RetireGrant" {
        // A key-policy Allow of kms:RetireGrant is ineffective, a Deny is not (svc:G-16, svc:N-1).
        question.resource_allows_count = state.case.faults.contains(Fault::KeyPolicyRetireGrantCounts);
    }
    access::check(state, question).map_err(|refusal| KmsError::refused(&refusal))
}

/// The key whose policy counts: its own, and under `replica-uses-primary-policy` that of its primary (svc:K-15).
fn policy_holder<'a>(state: &'a State, key: &'a Key, now: jiff::Timestamp) -> &'a Key {
    if !state.case.faults.contains(Fault::ReplicaUsesPrimaryPolicy) || key.multi_region_type() != Some("REPLICA") {
        return key;
    }
    let primary = KeyAddress::from_arn(key.arn.as_str()).map(|address| KeyAddress {
        region: key.primary_region.clone(),
        ..address
    });
    primary.and_then(|address| state.kms.key(&address, now)).unwrap_or(key)
}

/// Authorizes a pair without a key: identity policies only (svc:K-18), on `*` or an alias ARN.
///
/// # Errors
/// AccessDeniedException with the text of svc:X-1.
pub(super) fn identity_only(
    state: &State,
    call: &Call<'_>,
    action: &str,
    resource: &str,
    extra: Context,
) -> Result<(), KmsError> {
    let mut context = extra;
    caller_keys(state, call, &mut context);
    let mut question = Question::new(call.caller, call.via, action, call.region);
    question.resource = resource;
    question.context = context;
    access::check(state, question)
        .map(|_| ())
        .map_err(|refusal| KmsError::refused(&refusal))
}

/// The denial of a foreign key that is unknown, or of an operation that never works across accounts (svc:K-9). No Allow
/// of the key's side helps, but a Deny of any side is the reason where there is one (svc:K-2), and a guardrail that is
/// silent before it (iam:R-07). `extra` are the condition keys of the request itself, on which a Deny may hang. ListAliases
/// asks about no key, so the key's side is all there is to say.
pub(super) fn foreign_denial(
    state: &State,
    call: &Call<'_>,
    operation: &Operation,
    action: &str,
    resource: &str,
    extra: Context,
) -> KmsError {
    let owner = ArnParts::parse(resource).and_then(|parts| AccountId::parse(parts.account));
    if action != "kms:ListAliases"
        && let Some(owner) = &owner
    {
        let now = state.now();
        let key = KeyAddress::from_arn(resource).and_then(|address| state.kms.key(&address, now));
        let mut context = extra;
        match key {
            Some(key) => {
                key_context(state, call, key, &mut context);
                unused_days(operation, key, now, &mut context);
            }
            None => caller_keys(state, call, &mut context),
        }
        let mut question = Question::new(call.caller, call.via, action, call.region);
        question.resource = resource;
        question.resource_account = Some(owner);
        question.mode = ResourcePolicyMode::KeyPolicy { aws_managed: false };
        question.resource_policy = key.map(|key| key.policy.visible(now));
        question.resource_tags = key.map(|key| key.tags.visible(now));
        question.resource_allows_count = false;
        question.context = context;
        if let Err(refusal) = access::check(state, question) {
            return KmsError::refused(&refusal);
        }
    }
    let mut message = format!(
        "User: {} is not authorized to perform: {action} on resource: {resource}",
        call.caller.arn()
    );
    if state.as_of() >= jiff::civil::date(2021, 11, 1) {
        message.push_str(&format!(" because no resource-based policy allows the {action} action"));
    }
    KmsError::new("AccessDeniedException", message)
}

/// The keys that every question about a key has (svc:C-1 … svc:C-3).
pub(super) fn key_context(state: &State, call: &Call<'_>, key: &Key, context: &mut Context) {
    caller_keys(state, call, context);
    key_properties(key, state.now(), context);
}

/// kms:CallerAccount and kms:ViaService (svc:C-1, svc:C-3). A service principal has no account to tell (svc:Q-6), but
/// what another service does for it says through which service it came (svc:F-2).
fn caller_keys(state: &State, call: &Call<'_>, context: &mut Context) {
    if let Some(account) = call.caller.account() {
        context.set(known!("kms:calleraccount"), account);
    }
    match call.via {
        Via::Forwarded { service, region } => {
            context.set(known!("kms:viaservice"), format!("{service}.{region}.amazonaws.com"));
        }
        Via::LambdaRuntime { region } if state.case.quirks.lambda_runtime_decrypt_via_service => {
            context.set(known!("kms:viaservice"), format!("lambda.{region}.amazonaws.com"));
        }
        Via::Direct | Via::LambdaRuntime { .. } => {}
    }
}

/// svc:C-2.
fn key_properties(key: &Key, now: jiff::Timestamp, context: &mut Context) {
    spec_keys(key.spec.name, key.usage, key.origin, key.multi_region_type(), context);
    let aliases = key.alias_names.visible(now);
    if !aliases.is_empty() {
        context.set_many(known!("kms:resourcealiases"), aliases.clone());
    }
}

/// kms:TrailingDaysWithoutKeyUsage, where the operation has it (svc:C-21): a key that was never used counts from its
/// creation.
fn unused_days(operation: &Operation, key: &Key, now: jiff::Timestamp, context: &mut Context) {
    if operation.has_condition_key("kms:trailingdayswithoutkeyusage") {
        let since = key.last_use.as_ref().map_or(key.created_at, |last| last.at);
        let days = (now.as_second() - since.as_second()).max(0) / DAY;
        context.set(known!("kms:trailingdayswithoutkeyusage"), days.to_string());
    }
}

/// kms:KeySpec, kms:KeyUsage, kms:KeyOrigin, kms:MultiRegion, kms:MultiRegionKeyType and the deprecated names.
pub(super) fn spec_keys(
    spec: &'static str,
    usage: &'static str,
    origin: &'static str,
    multi_region_type: Option<&'static str>,
    context: &mut Context,
) {
    context.set_fixed(known!("kms:keyspec"), spec);
    context.set_fixed(known!("kms:customermasterkeyspec"), spec);
    context.set_fixed(known!("kms:keyusage"), usage);
    context.set_fixed(known!("kms:customermasterkeyusage"), usage);
    context.set_fixed(known!("kms:keyorigin"), origin);
    context.set_bool(known!("kms:multiregion"), multi_region_type.is_some());
    if let Some(kind) = multi_region_type {
        context.set_fixed(known!("kms:multiregionkeytype"), kind);
    }
}

/// kms:EncryptionContext:K and kms:EncryptionContextKeys (svc:C-4, svc:C-5).
pub(super) fn context_keys(encryption_context: Option<&BTreeMap<String, String>>, context: &mut Context) {
    let Some(pairs) = encryption_context.filter(|pairs| !pairs.is_empty()) else {
        return;
    };
    for (name, value) in pairs {
        context.add_member("kms:EncryptionContext:", name, value.clone());
    }
    context.set_many(known!("kms:encryptioncontextkeys"), pairs.keys().cloned().collect());
}

/// The denial of an alias that nobody may touch, whatever the policies say (errata svc:K-30).
pub(super) fn identity_denial(state: &State, call: &Call<'_>, action: &str, resource: &str) -> KmsError {
    let mut message = format!(
        "User: {} is not authorized to perform: {action} on resource: {resource}",
        call.caller.arn()
    );
    if state.as_of() >= jiff::civil::date(2021, 11, 1) {
        message.push_str(&format!(" because no identity-based policy allows the {action} action"));
    }
    KmsError::new("AccessDeniedException", message)
}
