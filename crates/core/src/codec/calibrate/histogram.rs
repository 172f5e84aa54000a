//! Counts of values in bins whose width doubles as the values spread.

/// Bins of a histogram.
const BINS: usize = 2048;

/// How often values occur: exact zeros, and the others in bins of a power of two in width, so that
/// bins only ever merge whole.
#[derive(Debug, Clone, Default)]
pub(super) struct Histogram {
    /// Values that are zero, which are a large share behind a `ReLU`.
    pub(super) zeros: u64,
    /// The least and the largest value, zero included.
    ends: Option<(f32, f32)>,
    /// Bin `i` holds values from `(first + i) * width` to the next; empty before the first value.
    counts: Vec<u32>,
    first: i64,
    width: f64,
}

impl Histogram {
    /// Returns the least and the largest value.
    pub(super) fn ends(&self) -> Option<(f32, f32)> {
        self.ends
    }

    /// Bins that are not empty: their lower edge, width and count.
    pub(super) fn bins(&self) -> impl Iterator<Item = (f64, f64, f64)> {
        let filled = self.counts.iter().enumerate().filter(|(_, n)| **n > 0);
        filled.map(|(at, n)| {
            let edge = (self.first + at as i64) as f64 * self.width;
            (edge, self.width, f64::from(*n))
        })
    }

    /// Counts finite values.
    pub(super) fn add(&mut self, values: &[f32]) {
        let Some(first) = values.first() else { return };
        let (mut least, mut most) = self.ends.unwrap_or((*first, *first));
        for value in values {
            least = least.min(*value);
            most = most.max(*value);
        }
        self.ends = Some((least, most));
        if least == 0.0 && most == 0.0 {
            self.zeros += values.len() as u64;
            return;
        }
        self.widen(f64::from(least), f64::from(most), 0.0);
        let inverse = self.width.recip();
        for value in values {
            if *value == 0.0 {
                self.zeros += 1;
            } else {
                let bin = (f64::from(*value) * inverse).floor() as i64 - self.first;
                let count = usize::try_from(bin)
                    .ok()
                    .and_then(|b| self.counts.get_mut(b));
                if let Some(count) = count {
                    *count = count.saturating_add(1);
                }
            }
        }
    }

    /// Returns all of several histograms.
    pub(super) fn merged(parts: &[Histogram]) -> Histogram {
        let mut all = Histogram::default();
        let ends = parts.iter().filter_map(Histogram::ends);
        all.ends = ends.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
        let Some((least, most)) = all.ends else {
            return all;
        };
        all.zeros = parts.iter().map(|part| part.zeros).sum();
        let widest = parts.iter().map(|part| part.width).fold(0.0, f64::max);
        if widest == 0.0 {
            return all;
        }
        all.widen(f64::from(least), f64::from(most), widest);
        for part in parts.iter().filter(|part| part.width > 0.0) {
            let shift = doublings(part.width, all.width);
            all.take(&part.counts, part.first, shift);
        }
        all
    }

    /// Makes the bins span `least` to `most`, with a width of at least `width`.
    fn widen(&mut self, least: f64, most: f64, width: f64) {
        // the largest number needs at most half of the bins, so that some room is left
        let reach = (most - least).max(least.abs().max(most.abs()) * 1e-6);
        let start = power_of_two(reach / BINS as f64 * 2.0);
        let old = self.width;
        let mut wide = if old > 0.0 { old } else { start };
        wide = wide.max(width);
        let spans = |wide: f64| (most / wide).floor() - (least / wide).floor() + 1.0;
        while spans(wide) > BINS as f64 {
            wide *= 2.0;
        }
        let last = self.first + BINS as i64 - 1;
        let (from, to) = ((least / wide).floor() as i64, (most / wide).floor() as i64);
        if old == wide && from >= self.first && to <= last {
            return;
        }
        let counts = std::mem::replace(&mut self.counts, vec![0; BINS]);
        let first = self.first;
        self.width = wide;
        self.first = from - (BINS as i64 - 1 - (to - from)) / 2;
        if old > 0.0 {
            self.take(&counts, first, doublings(old, wide));
        }
    }

    /// Adds bins that are narrower by a number of halvings.
    fn take(&mut self, counts: &[u32], first: i64, shift: u32) {
        for (at, count) in counts.iter().enumerate().filter(|(_, n)| **n > 0) {
            let bin = ((first + at as i64) >> shift) - self.first;
            let mine = usize::try_from(bin)
                .ok()
                .and_then(|b| self.counts.get_mut(b));
            if let Some(mine) = mine {
                *mine = mine.saturating_add(*count);
            }
        }
    }
}

/// How often `narrow` doubles to become `wide`, both powers of two.
fn doublings(narrow: f64, wide: f64) -> u32 {
    ((wide / narrow).log2().round() as u32).min(63)
}

/// The least power of two that is not below a positive number.
fn power_of_two(number: f64) -> f64 {
    number.log2().ceil().exp2()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_is_lost_however_the_range_grows() {
        let mut histogram = Histogram::default();
        let pieces: [&[f32]; 6] = [
            &[0.0, 0.0],
            &[1e-20],
            &[3.0, -2.0, 0.0],
            &[1e20, -5.0],
            &[-3e38],
            &[7.0; 5],
        ];
        let mut total = 0;
        for piece in pieces {
            histogram.add(piece);
            total += piece.len() as u64;
            let counted: f64 = histogram.bins().map(|(_, _, n)| n).sum();
            assert_eq!(counted as u64 + histogram.zeros, total);
        }
        assert_eq!(histogram.ends(), Some((-3e38, 1e20)));
        let merged = Histogram::merged(&[histogram.clone(), Histogram::default(), histogram]);
        let counted: f64 = merged.bins().map(|(_, _, n)| n).sum();
        assert_eq!(counted as u64 + merged.zeros, 2 * total);
    }

    #[test]
    fn bins_hold_what_they_say() {
        let mut histogram = Histogram::default();
        histogram.add(&[0.3, 5.0, 5.001, 1000.0]);
        for value in [0.3, 5.0, 1000.0] {
            let holds = |(edge, width, _): (f64, f64, f64)| edge <= value && value < edge + width;
            assert!(histogram.bins().any(holds), "{value}");
        }
    }
}
