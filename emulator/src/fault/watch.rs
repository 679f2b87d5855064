//! Which faults the code came by. A watched [`FaultSet`] notes every fault that is asked for, on the thread that asks: a fault that
//! was never asked for cannot have changed anything, so whoever measures faults need not try it. Only sets are watched; here is the note.

use std::cell::Cell;

use super::{Fault, FaultSet};

thread_local! {
    static CAME_BY: Cell<FaultSet> = const { Cell::new(FaultSet::EMPTY) };
}

/// Notes that a fault was asked for.
pub(super) fn note(fault: Fault) {
    CAME_BY.with(|noted| noted.set(noted.get().with(fault)));
}

/// The faults that watched sets were asked for on this thread since the last call.
pub fn take_came_by() -> FaultSet {
    CAME_BY.with(|noted| noted.replace(FaultSet::EMPTY))
}

#[cfg(test)]
mod tests {
    use super::take_came_by;
    use crate::fault::{FAULTS, Fault, FaultSet};

    #[test]
    fn a_watched_set_notes_what_it_is_asked_and_answers_as_before() {
        let plain = FaultSet::EMPTY.with(Fault::BoundarySkipped);
        let watched = plain.watched();
        assert!(take_came_by().is_empty());
        for entry in FAULTS {
            assert_eq!(
                plain.contains(entry.fault),
                watched.contains(entry.fault),
                "{}",
                entry.id
            );
        }
        assert_eq!(
            take_came_by().iter().count(),
            FAULTS.len(),
            "every question is noted, the plain set's are not"
        );
        assert!(take_came_by().is_empty(), "taken is taken");
        assert!(!watched.contains(Fault::KeyStateIgnored));
        assert_eq!(take_came_by(), FaultSet::EMPTY.with(Fault::KeyStateIgnored));
        assert_eq!(watched.iter().collect::<Vec<_>>(), [Fault::BoundarySkipped]);
        assert!(take_came_by().is_empty(), "listing a set asks nothing");
        assert!(
            !FaultSet::EMPTY.watched().is_empty(),
            "a watched set is looked at even if nothing is on"
        );
    }
}
