//! What time does to a key: imported material expires, rotation periods end, transient states pass, a primary's own
//! waiting period begins when its replicas are gone. Looked at whenever a request finds the key.

use jiff::{SignedDuration, Timestamp};

use super::key::{Key, KeyState};
use super::material::RotationType;

pub(super) const DAY: i64 = 86_400;
/// Most materials that a key collects; a clock far ahead must not make millions.
const MOST_MATERIALS: usize = 512;

impl Key {
    /// Lets time pass until `now`.
    pub(super) fn age(&mut self, now: Timestamp) {
        self.pass_transient(now);
        self.expire(now);
        if let Some((begun, done)) = self.rotation_under_way
            && done <= now
        {
            self.rotation_under_way = None;
            self.rotate(begun, RotationType::OnDemand);
        }
        self.rotate_when_due(now);
        self.import_parameters
            .retain(|parameters| !parameters.is_forgotten(now));
    }

    /// Everything pending has propagated: transient states and rotations are over.
    pub(super) fn settle(&mut self, now: Timestamp) {
        if let Some((until, _)) = &mut self.transient {
            *until = (*until).min(now);
        }
        if let Some((_, done)) = &mut self.rotation_under_way {
            *done = (*done).min(now);
        }
        self.age(now);
    }

    /// The last replica went at `gone`: now the primary's waiting period runs (svc:ST-4).
    pub(super) fn replicas_are_gone(&mut self, gone: Timestamp) {
        if let Some(days) = self.pending_window_days.take() {
            self.state = KeyState::PendingDeletion;
            self.deletion_date = Some(after_days(gone, days));
        }
    }

    /// When the next automatic rotation is due.
    pub(super) fn next_rotation(&self) -> Option<Timestamp> {
        self.rotation_period_days
            .map(|days| after_days(self.rotation_anchor, days))
    }

    /// Makes the next material current: a new one of KMS's, or the imported one that waits.
    pub(super) fn rotate(&mut self, at: Timestamp, kind: RotationType) {
        if self.origin == "EXTERNAL" {
            if self.current + 1 >= self.materials.len() {
                return;
            }
        } else {
            let Some(next) = self
                .materials
                .last()
                .map(|last| last.next(&self.id, self.materials.len()))
            else {
                return;
            };
            self.materials.push(next);
        }
        self.current += 1;
        self.materials[self.current].rotation = Some((at, kind));
    }

    /// Whether a symmetric key whose material is imported has all of it; otherwise it is pending import.
    pub(super) fn has_its_material(&self) -> bool {
        let in_use = self.materials.iter().take(self.current + 1);
        !self.materials.is_empty() && in_use.clone().all(super::material::Material::is_present)
    }

    fn pass_transient(&mut self, now: Timestamp) {
        if let Some((until, next)) = self.transient
            && until <= now
        {
            self.transient = None;
            if matches!(self.state, KeyState::Creating | KeyState::Updating) {
                self.state = next;
            }
        }
    }

    fn expire(&mut self, now: Timestamp) {
        let mut expired = false;
        for material in &mut self.materials {
            if material.valid_to.is_some_and(|date| date <= now) {
                material.delete();
                expired = true;
            }
        }
        if expired {
            self.lose_material();
        }
    }

    /// A key in use without all of its material waits for import (svc:ST-4).
    pub(super) fn lose_material(&mut self) {
        if !self.has_its_material() && matches!(self.state, KeyState::Enabled | KeyState::Disabled) {
            self.state = KeyState::PendingImport;
        }
    }

    /// Keys rotate while they are enabled; replicas follow their primary.
    fn rotate_when_due(&mut self, now: Timestamp) {
        let follows = self.multi_region_type() == Some("REPLICA");
        if self.state != KeyState::Enabled || self.origin != "AWS_KMS" || follows {
            return;
        }
        while let Some(due) = self.next_rotation()
            && due <= now
            && due > self.rotation_anchor
            && self.materials.len() < MOST_MATERIALS
        {
            self.rotate(due, RotationType::Automatic);
            self.rotation_anchor = due;
        }
    }
}

/// An instant some days later, or the same one at the end of time.
pub(super) fn after_days(instant: Timestamp, days: i64) -> Timestamp {
    instant
        .checked_add(SignedDuration::from_secs(days.saturating_mul(DAY)))
        .unwrap_or(instant)
}
