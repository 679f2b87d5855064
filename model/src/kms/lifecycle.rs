//! What time does to keys: deletion after the waiting period, expiry of imported material, the end of a transitory state
//! (`svc:ST-4`, `svc:ST-5`). No call is served here.

use super::key::{KeyRef, KeyState};
use crate::world::state::State;

/// Brings every key to where the clock is now.
pub(crate) fn pass_time(state: &mut State) {
    finish_transitions(state);
    expire_material(state);
    delete_due_keys(state);
}

/// Replicas that were being made are there, primaries that were changing have changed.
fn finish_transitions(state: &mut State) {
    let clock = &state.clock;
    for key in state.contents.keys.values_mut() {
        if let Some((moment, next)) = key.material.becomes
            && moment.has_come(clock)
        {
            // Whatever happened to the key in the meantime stays.
            if matches!(key.state, KeyState::Creating | KeyState::Updating) {
                key.state = next;
            }
            key.material.becomes = None;
        }
    }
}

/// Imported material that has expired is gone: the key waits for an import (`svc:ST-4`).
fn expire_material(state: &mut State) {
    let now = state.clock.now;
    for key in state.contents.keys.values_mut() {
        let expired = key
            .material
            .imported
            .as_ref()
            .and_then(|imported| imported.valid_to)
            .is_some_and(|valid_to| valid_to <= now);
        if expired {
            if matches!(key.state, KeyState::Enabled | KeyState::Disabled) {
                key.state = KeyState::PendingImport;
            }
            if let Some(imported) = &mut key.material.imported {
                imported.valid_to = None;
            }
        }
    }
}

/// Deletes the keys whose waiting period is over, with their aliases and grants (`svc:ST-5`).
fn delete_due_keys(state: &mut State) {
    let now = state.clock.now;
    let due: Vec<KeyRef> = state
        .contents
        .keys
        .values()
        .filter(|key| key.state == KeyState::PendingDeletion && key.deletion.is_some_and(|deletion| deletion <= now))
        .map(|key| key.at.clone())
        .collect();
    for at in due {
        state.contents.keys.remove(&at);
        state
            .contents
            .aliases
            .retain(|_, alias| alias.target.latest().as_ref() != Some(&at));
    }
    // A primary that waited for its replicas is deleted after its own period, once they are gone (svc:ST-4).
    let waiting: Vec<KeyRef> = state
        .contents
        .keys
        .values()
        .filter(|key| key.state == KeyState::PendingReplicaDeletion)
        .filter(|key| {
            !state
                .contents
                .keys
                .values()
                .any(|other| other.replica_of.as_ref() == Some(&key.at))
        })
        .map(|key| key.at.clone())
        .collect();
    for at in waiting {
        if let Some(key) = state.contents.keys.get_mut(&at) {
            key.state = KeyState::PendingDeletion;
        }
    }
}
