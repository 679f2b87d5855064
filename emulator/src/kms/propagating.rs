//! A value whose changes reach authorization late (svc:K-28). Reading and changing it is all there is.

use jiff::Timestamp;

/// A current value and the earlier ones that authorization may still see.
#[derive(Debug, Clone)]
pub struct Propagating<T> {
    current: T,
    effective_at: Timestamp,
    /// Older values with the instant they became effective, oldest first.
    earlier: Vec<(Timestamp, T)>,
}

impl<T> Propagating<T> {
    /// A value that was always there.
    pub fn settled(value: T) -> Self {
        Self {
            current: value,
            effective_at: Timestamp::MIN,
            earlier: Vec::new(),
        }
    }

    /// The value as the service itself knows it.
    pub fn current(&self) -> &T {
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

    /// Changes the value; authorization sees it from `effective_at` on.
    pub fn change(&mut self, value: T, now: Timestamp, effective_at: Timestamp) {
        let previous = std::mem::replace(&mut self.current, value);
        let previous_effective = std::mem::replace(&mut self.effective_at, effective_at);
        if effective_at <= now {
            self.earlier.clear();
            return;
        }
        self.earlier.push((previous_effective, previous));
        // Only the newest value that is effective already can still be seen; what is older is dead.
        if let Some(newest) = self.earlier.iter().rposition(|(effective, _)| *effective <= now) {
            self.earlier.drain(..newest);
        }
    }

    /// Everything has propagated.
    pub fn settle(&mut self) {
        self.effective_at = Timestamp::MIN;
        self.earlier.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a small number")
    }

    #[test]
    fn changes_are_seen_late_and_in_order() {
        let mut value = Propagating::settled("a");
        value.change("b", at(10), at(20));
        value.change("c", at(15), at(25));
        assert_eq!(*value.current(), "c");
        for (second, expected) in [(10, "a"), (19, "a"), (20, "b"), (24, "b"), (25, "c")] {
            assert_eq!(*value.visible(at(second)), expected, "{second}");
        }
        value.change("d", at(30), at(30));
        assert_eq!(*value.visible(at(30)), "d");
    }

    #[test]
    fn settling_makes_the_current_value_visible() {
        let mut value = Propagating::settled(1);
        value.change(2, at(0), at(300));
        assert_eq!(*value.visible(at(0)), 1);
        value.settle();
        assert_eq!(*value.visible(at(0)), 2);
    }
}
