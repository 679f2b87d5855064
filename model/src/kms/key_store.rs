//! Custom key stores: permissions, names and connection. What is behind a store (a CloudHSM cluster, a proxy) is not modelled: it is
//! there and works.

use serde_json::{Value, json};

use super::key::{KeyState, KeyStore, KeyStoreKind};
use super::table::{PermissionResource, When};
use super::{Call, empty, validation};
use crate::context::Context;
use crate::name::AccountId;
use crate::world::state::KeyStoreRef;
use crate::world::symbol;
use crate::world::trace::{Answer, Refusal, Stop};

impl Call<'_> {
    pub(super) fn create_custom_key_store(&mut self) -> Answer {
        let name = self.with.needed_text("CustomKeyStoreName")?.to_owned();
        let kind = match self.with.text("CustomKeyStoreType")? {
            None => KeyStoreKind::CloudHsm,
            Some(text) => KeyStoreKind::named(text).ok_or_else(|| validation(None))?,
        };
        if name.is_empty() || name.len() > 256 {
            return Err(validation(None));
        }
        let account = self.own_account()?;
        self.authorize_store(&account, kind)?;
        if self.own_stores(&account).any(|(_, store)| store.name == name) {
            return Err(Refusal::error("CustomKeyStoreNameInUseException", 400, None).into());
        }
        let seed = self.state.next_seed("custom key store");
        let id = self.state.symbol(symbol::short_id("cks-", &seed));
        let at = KeyStoreRef {
            account,
            region: self.actor.region.clone(),
            id: id.clone(),
        };
        let store = KeyStore {
            name,
            kind,
            connected: false,
        };
        self.state.contents.key_stores.insert(at, store);
        Ok(json!({"CustomKeyStoreId": id}))
    }

    /// Connecting makes the store's keys usable again, disconnecting makes them Unavailable (`svc:ST-4`).
    pub(super) fn connect_custom_key_store(&mut self, connected: bool) -> Answer {
        let (account, at, _) = self.authorized_store()?;
        self.trace.rule("svc:ST-4");
        if let Some(store) = self.state.contents.key_stores.get_mut(&at) {
            store.connected = connected;
        }
        let (from, to) = if connected {
            (KeyState::Unavailable, KeyState::Enabled)
        } else {
            (KeyState::Enabled, KeyState::Unavailable)
        };
        for key in self.state.contents.keys.values_mut() {
            let inside = key.at.account == account
                && key.at.region == at.region
                && key.material.custom_key_store.as_ref() == Some(&at.id);
            if inside && key.state == from {
                key.state = to;
            }
        }
        Ok(empty())
    }

    /// Most of a store can only be changed while it is disconnected.
    pub(super) fn update_custom_key_store(&mut self) -> Answer {
        let name = self.with.text("NewCustomKeyStoreName")?.map(str::to_owned);
        let (account, at, store) = self.authorized_store()?;
        if store.connected {
            return Err(Refusal::error("CustomKeyStoreInvalidStateException", 400, None).into());
        }
        let Some(name) = name else { return Ok(empty()) };
        if self
            .own_stores(&account)
            .any(|(id, other)| *id != at.id && other.name == name)
        {
            return Err(Refusal::error("CustomKeyStoreNameInUseException", 400, None).into());
        }
        if let Some(store) = self.state.contents.key_stores.get_mut(&at) {
            store.name = name;
        }
        Ok(empty())
    }

    pub(super) fn delete_custom_key_store(&mut self) -> Answer {
        let (account, at, store) = self.authorized_store()?;
        let has_keys = self.state.contents.keys.values().any(|key| {
            key.at.account == account
                && key.at.region == at.region
                && key.material.custom_key_store.as_ref() == Some(&at.id)
        });
        if has_keys {
            return Err(Refusal::error("CustomKeyStoreHasCMKsException", 400, None).into());
        }
        if store.connected {
            return Err(Refusal::error("CustomKeyStoreInvalidStateException", 400, None).into());
        }
        self.state.contents.key_stores.remove(&at);
        Ok(empty())
    }

    pub(super) fn describe_custom_key_stores(&mut self) -> Answer {
        let id = self.with.text("CustomKeyStoreId")?.map(str::to_owned);
        let name = self.with.text("CustomKeyStoreName")?.map(str::to_owned);
        if id.is_some() && name.is_some() {
            return Err(validation(None));
        }
        let account = self.own_account()?;
        self.authorize_identity("kms:DescribeCustomKeyStores", "*".to_owned(), Context::new())?;
        let stores: Vec<Value> = self
            .own_stores(&account)
            .filter(|(store_id, store)| {
                id.as_ref().is_none_or(|id| id == *store_id) && name.as_ref().is_none_or(|name| *name == store.name)
            })
            .map(|(store_id, store)| {
                json!({
                    "CustomKeyStoreId": store_id,
                    "CustomKeyStoreName": store.name,
                    "CustomKeyStoreType": store.kind.name(),
                    "ConnectionState": if store.connected { "CONNECTED" } else { "DISCONNECTED" },
                })
            })
            .collect();
        if stores.is_empty() && (id.is_some() || name.is_some()) {
            return Err(not_found());
        }
        Ok(json!({"CustomKeyStores": stores, "Truncated": false}))
    }

    /// The store that a request to make something in it names: it must be there and connected.
    pub(super) fn connected_key_store(&self, id: &str) -> Result<KeyStoreKind, Stop> {
        let account = self.own_account()?;
        let Some((_, store)) = self.own_stores(&account).find(|(store_id, _)| *store_id == id) else {
            return Err(not_found());
        };
        if store.connected {
            Ok(store.kind)
        } else {
            Err(Refusal::error("CustomKeyStoreInvalidStateException", 400, None).into())
        }
    }

    fn authorized_store(&mut self) -> Result<(AccountId, KeyStoreRef, KeyStore), Stop> {
        let id = self.with.needed_text("CustomKeyStoreId")?.to_owned();
        let account = self.own_account()?;
        let action = format!("kms:{}", self.operation.name);
        self.authorize_identity(&action, "*".to_owned(), Context::new())?;
        let at = KeyStoreRef {
            account: account.clone(),
            region: self.actor.region.clone(),
            id,
        };
        match self.state.contents.key_stores.get(&at) {
            Some(store) => Ok((account, at.clone(), store.clone())),
            None => Err(not_found()),
        }
    }

    /// The permissions of the table; those of AWS CloudHSM only for such a store.
    fn authorize_store(&mut self, account: &AccountId, kind: KeyStoreKind) -> Result<(), Stop> {
        for permission in &self.operation.permissions {
            if permission.when == Some(When::CloudHsm) && kind != KeyStoreKind::CloudHsm {
                continue;
            }
            if permission.resource == PermissionResource::ServiceLinkedRole {
                let role = format!(
                    "arn:aws:iam::{account}:role/aws-service-role/cks.kms.amazonaws.com/AWSServiceRoleForKeyManagementServiceCustomKeyStores"
                );
                let keys = Context::new().with("iam:AWSServiceName", "cks.kms.amazonaws.com");
                self.authorize_identity(&permission.action, role, keys)?;
            } else {
                self.authorize_identity(&permission.action, "*".to_owned(), Context::new())?;
            }
        }
        Ok(())
    }

    /// The stores of an account in the Region of the call, by id.
    fn own_stores<'b>(&'b self, account: &'b AccountId) -> impl Iterator<Item = (&'b String, &'b KeyStore)> {
        self.state
            .contents
            .key_stores
            .iter()
            .filter(move |(at, _)| at.account == *account && at.region == self.actor.region)
            .map(|(at, store)| (&at.id, store))
    }
}

fn not_found() -> Stop {
    Refusal::error("CustomKeyStoreNotFoundException", 400, None).into()
}
