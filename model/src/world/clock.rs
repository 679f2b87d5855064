//! The Case clock, and values whose changes take effect only after the propagation delay (`svc:K-28`, `svc:G-21`).

use jiff::{SignedDuration, Timestamp};

/// The Case clock. It moves only by `advance`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Clock {
    /// Now.
    pub(crate) now: Timestamp,
    /// The delay before a change takes effect.
    pub(crate) propagation: SignedDuration,
    /// Numbers every change, so that `settle` can tell what was made before it.
    sequence: u64,
    /// Changes up to this number have taken effect, whatever their due time.
    settled: u64,
}

impl Clock {
    pub(crate) fn new(now: Timestamp, propagation: SignedDuration) -> Self {
        Self {
            now,
            propagation,
            sequence: 0,
            settled: 0,
        }
    }

    /// The moment at which a change made now takes effect.
    pub(crate) fn moment(&mut self) -> Moment {
        self.sequence += 1;
        // A clock near the end of time stands still there: later is not representable and not meant.
        let due = self.now.checked_add(self.propagation).unwrap_or(Timestamp::MAX);
        Moment {
            due,
            order: self.sequence,
        }
    }

    /// Everything made so far takes effect.
    pub(crate) fn settle(&mut self) {
        self.settled = self.sequence;
    }

    /// Moves the clock forward.
    pub(crate) fn advance(&mut self, by: SignedDuration) {
        self.now = self.now.checked_add(by).unwrap_or(Timestamp::MAX);
    }
}

/// When a change takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    due: Timestamp,
    order: u64,
}

impl Moment {
    /// The moment of everything that was there from the start.
    pub(crate) const START: Self = Self {
        due: Timestamp::MIN,
        order: 0,
    };

    /// Whether it has come.
    pub(crate) fn has_come(self, clock: &Clock) -> bool {
        self.due <= clock.now || self.order <= clock.settled
    }
}

/// A value that API reads see at once and authorization sees after the propagation delay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Delayed<T> {
    // INVARIANT: never empty; in the order of the changes.
    changes: Vec<(Moment, T)>,
}

impl<T> Delayed<T> {
    /// A value that was there from the start.
    pub(crate) fn new(value: T) -> Self {
        Self {
            changes: vec![(Moment::START, value)],
        }
    }

    /// What was written last.
    pub(crate) fn latest(&self) -> &T {
        &self.changes[self.changes.len() - 1].1
    }

    /// What authorization goes by now.
    pub(crate) fn effective(&self, clock: &Clock) -> &T {
        let place = self
            .changes
            .iter()
            .rposition(|(moment, _)| moment.has_come(clock))
            .unwrap_or(0);
        &self.changes[place].1
    }

    /// Writes a new value.
    pub(crate) fn set(&mut self, clock: &mut Clock, value: T) {
        if let Some(past) = self.changes.iter().rposition(|(moment, _)| moment.has_come(clock)) {
            self.changes.drain(..past);
        }
        let moment = clock.moment();
        self.changes.push((moment, value));
    }
}

impl<T: Clone> Delayed<T> {
    /// Changes the latest value.
    pub(crate) fn change(&mut self, clock: &mut Clock, change: impl FnOnce(&mut T)) {
        let mut value = self.latest().clone();
        change(&mut value);
        self.set(clock, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(propagation: i64) -> Clock {
        Clock::new(Timestamp::UNIX_EPOCH, SignedDuration::from_secs(propagation))
    }

    #[test]
    fn a_change_is_read_at_once_and_takes_effect_after_the_delay() {
        let mut clock = clock(300);
        let mut value = Delayed::new(1);
        value.set(&mut clock, 2);
        assert_eq!((*value.latest(), *value.effective(&clock)), (2, 1));
        clock.advance(SignedDuration::from_secs(299));
        assert_eq!(*value.effective(&clock), 1);
        clock.advance(SignedDuration::from_secs(1));
        assert_eq!(*value.effective(&clock), 2);
    }

    #[test]
    fn settle_ends_the_waiting_for_earlier_changes_only() {
        let mut clock = clock(300);
        let mut value = Delayed::new(1);
        value.set(&mut clock, 2);
        clock.settle();
        value.set(&mut clock, 3);
        assert_eq!((*value.latest(), *value.effective(&clock)), (3, 2));
    }

    #[test]
    fn without_a_delay_changes_take_effect_at_once() {
        let mut clock = clock(0);
        let mut value = Delayed::new(1);
        value.set(&mut clock, 2);
        value.change(&mut clock, |number| *number += 5);
        assert_eq!(*value.effective(&clock), 7);
    }
}
