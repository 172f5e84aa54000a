//! Robust statistics of samples: one disturbed run must not move a result.

/// Returns the median of `values`; zero when there are none.
pub fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// Returns the `q`-quantile by linear interpolation between order statistics; zero when there are
/// none.
pub fn quantile(values: &[f64], q: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else {
        return 0.0;
    };
    let place = q * last as f64;
    let (low, high) = (place.floor() as usize, place.ceil() as usize);
    sorted[low] + (sorted[high] - sorted[low]) * (place - low as f64)
}

/// Returns the median absolute deviation from the median.
pub fn mad(values: &[f64]) -> f64 {
    let centre = median(values);
    let deviations: Vec<f64> = values.iter().map(|v| (v - centre).abs()).collect();
    median(&deviations)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn robust_statistics_ignore_one_outlier() {
        let values = [1.0, 2.0, 3.0, 4.0, 1000.0];
        assert_eq!((median(&values), mad(&values)), (3.0, 1.0));
        assert_eq!(quantile(&values, 1.0), 1000.0);
        assert_eq!(median(&[]), 0.0);
    }
}
