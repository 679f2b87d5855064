//! A value whose changes reach decisions late: the one mechanism behind every delayed policy, tag and alias (svc:K-28).
//! Which values are delayed is decided where they are kept; grants have a life of their own (svc:G-21).

use jiff::Timestamp;

/// When a change is made, and from when decisions see it.
#[derive(Debug, Clone, Copy)]
pub struct ChangeTime {
    /// The instant of the change: readers see it from here on.
    pub now: Timestamp,
    /// Authorization sees it from here on.
    pub effective_at: Timestamp,
}

/// A current value and the earlier ones that authorization may still see.
#[derive(Debug, Clone)]
pub struct Propagating<T> {
    current: T,
    effective_at: Timestamp,
    /// Older values with the instant they became effective, oldest first.
    earlier: Vec<(Timestamp, T)>,
}

impl<T> Propagating<T> {
    /// A value that was always there: what something was made with.
    pub const fn settled(value: T) -> Self {
        Self {
            current: value,
            effective_at: Timestamp::MIN,
            earlier: Vec::new(),
        }
    }

    /// The value as the service itself knows it, and shows it.
    pub const fn current(&self) -> &T {
        &self.current
    }

    /// The value as authorization sees it at `now`.
    pub fn visible(&self, now: Timestamp) -> &T {
        if self.effective_at <= now {
            return &self.current;
        }
        let visible = self.earlier.iter().rev().find(|(effective_at, _)| *effective_at <= now);
        visible
            .or_else(|| self.earlier.first())
            .map_or(&self.current, |(_, value)| value)
    }

    /// Changes the value; authorization sees it from `when.effective_at` on.
    pub fn change(&mut self, value: T, when: ChangeTime) {
        let previous = std::mem::replace(&mut self.current, value);
        let previous_effective = std::mem::replace(&mut self.effective_at, when.effective_at);
        if when.effective_at <= when.now {
            self.earlier.clear();
            return;
        }
        self.earlier.push((previous_effective, previous));
        // Only the newest value that is effective already can still be seen; what is older is dead.
        if let Some(newest) = self.earlier.iter().rposition(|(effective, _)| *effective <= when.now) {
            self.earlier.drain(..newest);
        }
    }

    /// Everything has propagated.
    pub fn settle(&mut self) {
        self.effective_at = Timestamp::MIN;
        self.earlier.clear();
    }
}

impl<T: Clone> Propagating<T> {
    /// Changes a copy of the current value, which becomes the current value.
    pub fn update(&mut self, when: ChangeTime, change: impl FnOnce(&mut T)) {
        let mut value = self.current.clone();
        change(&mut value);
        self.change(value, when);
    }
}

impl<T: Default> Default for Propagating<T> {
    fn default() -> Self {
        Self::settled(T::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a small number")
    }

    fn change(now: i64, effective_at: i64) -> ChangeTime {
        ChangeTime {
            now: at(now),
            effective_at: at(effective_at),
        }
    }

    #[test]
    fn changes_are_seen_late_and_in_order() {
        let mut value = Propagating::settled("a");
        value.change("b", change(10, 20));
        value.change("c", change(15, 25));
        assert_eq!(*value.current(), "c");
        for (second, expected) in [(10, "a"), (19, "a"), (20, "b"), (24, "b"), (25, "c")] {
            assert_eq!(*value.visible(at(second)), expected, "{second}");
        }
        value.change("d", change(30, 30));
        assert_eq!(*value.visible(at(30)), "d");
    }

    #[test]
    fn updating_starts_from_the_current_value() {
        let mut value = Propagating::settled(vec![1]);
        value.update(change(0, 10), |list| list.push(2));
        value.update(change(5, 15), |list| list.push(3));
        assert_eq!(*value.visible(at(5)), [1]);
        assert_eq!(*value.visible(at(10)), [1, 2]);
        assert_eq!(*value.visible(at(15)), [1, 2, 3]);
    }

    #[test]
    fn settling_makes_the_current_value_visible() {
        let mut value = Propagating::settled(1);
        value.change(2, change(0, 300));
        assert_eq!(*value.visible(at(0)), 1);
        value.settle();
        assert_eq!(*value.visible(at(0)), 2);
    }
}
