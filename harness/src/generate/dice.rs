//! Draws from a byte source. Here are uniform and weighted choices; what is chosen from lives elsewhere.

use arbitrary::Unstructured;

/// Draws over [`Unstructured`]. A draw never fails: an exhausted source answers zero, and the generator discards the case at the end.
// INVARIANT: no draw depends on the width of `usize`, so the same bytes give the same case on every machine.
#[derive(Debug)]
pub(crate) struct Dice<'u, 'bytes> {
    source: &'u mut Unstructured<'bytes>,
}

impl<'u, 'bytes> Dice<'u, 'bytes> {
    /// Draws from the source.
    pub(crate) fn new(source: &'u mut Unstructured<'bytes>) -> Self {
        Self { source }
    }

    /// Whether the source has run dry.
    pub(crate) fn exhausted(&self) -> bool {
        self.source.is_empty()
    }

    /// A number below `end`, which is at least 1. One byte for small ranges, two for larger ones: scaled, not reduced, so that no
    /// value is favoured by more than one in 256.
    pub(crate) fn below(&mut self, end: u32) -> u32 {
        if end <= 1 {
            return 0;
        }
        if end <= 16 {
            (u32::from(self.byte()) * end) >> 8
        } else {
            (self.word() * end.min(1 << 16)) >> 16
        }
    }

    /// True `percent` times in a hundred.
    pub(crate) fn percent(&mut self, percent: u8) -> bool {
        self.below(100) < u32::from(percent)
    }

    /// A heads or tails.
    pub(crate) fn coin(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    /// One of a non-empty list.
    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.position(items.len())]
    }

    /// A position in a non-empty list.
    pub(crate) fn position(&mut self, length: usize) -> usize {
        debug_assert!(length > 0, "nothing to choose from");
        let end = u32::try_from(length).unwrap_or(u32::MAX);
        usize::try_from(self.below(end)).unwrap_or(0)
    }

    /// One of a weighted table; the weights are not all zero.
    pub(crate) fn weighted<T: Copy>(&mut self, table: &[(u32, T)]) -> T {
        let total: u32 = table.iter().map(|(weight, _)| weight).sum();
        let mut at = self.below(total);
        for (weight, item) in table {
            if at < *weight {
                return *item;
            }
            at -= weight;
        }
        table[0].1
    }

    /// A few of a list, in the list's order: at least `least`, at most `most` as far as there are so many.
    pub(crate) fn some<T: Clone>(&mut self, items: &[T], least: u32, most: u32) -> Vec<T> {
        let available = u32::try_from(items.len()).unwrap_or(u32::MAX);
        let most = most.min(available);
        let least = least.min(most);
        let mut wanted = least + self.below(most - least + 1);
        let mut left = available;
        let mut chosen = Vec::new();
        for item in items {
            if wanted > 0 && self.below(left) < wanted {
                chosen.push(item.clone());
                wanted -= 1;
            }
            left -= 1;
        }
        chosen
    }

    fn byte(&mut self) -> u8 {
        let mut buffer = [0; 1];
        // A dry source leaves the zero in place.
        let _ = self.source.fill_buffer(&mut buffer);
        buffer[0]
    }

    fn word(&mut self) -> u32 {
        let mut buffer = [0; 2];
        let _ = self.source.fill_buffer(&mut buffer);
        u32::from(u16::from_le_bytes(buffer))
    }
}

#[cfg(test)]
mod tests {
    use super::Dice;
    use arbitrary::Unstructured;

    #[test]
    fn a_dry_source_answers_zero_and_says_so() {
        let mut source = Unstructured::new(&[]);
        let mut dice = Dice::new(&mut source);
        assert_eq!(dice.below(1000), 0);
        assert_eq!(*dice.pick(&["a", "b"]), "a");
        assert!(dice.exhausted());
    }

    #[test]
    fn every_value_of_a_range_is_reached_and_none_outside() {
        // Every pair of bytes once: one-byte draws see every byte, two-byte draws every word.
        let bytes: Vec<u8> = (0..=u16::MAX).flat_map(u16::to_le_bytes).collect();
        for end in [1_u32, 2, 3, 16, 17, 100, 1000] {
            let mut source = Unstructured::new(&bytes);
            let mut dice = Dice::new(&mut source);
            let mut seen = vec![false; usize::try_from(end).expect("small")];
            while !dice.exhausted() && !seen.iter().all(|one| *one) {
                let value = dice.below(end);
                seen[usize::try_from(value).expect("small")] = true;
                if end == 1 {
                    break;
                }
            }
            assert!(seen.iter().all(|one| *one), "{end}");
        }
    }

    #[test]
    fn some_keeps_the_order_and_the_bounds() {
        let bytes: Vec<u8> = (0..4096_u32).map(|n| (n * 131 % 251) as u8).collect();
        let mut source = Unstructured::new(&bytes);
        let mut dice = Dice::new(&mut source);
        for _ in 0..200 {
            let chosen = dice.some(&[1, 2, 3, 4, 5], 1, 3);
            assert!((1..=3).contains(&chosen.len()));
            assert!(chosen.is_sorted());
        }
    }
}
