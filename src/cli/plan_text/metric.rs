//! Values of metrics as human-readable text.

/// A value of a metric: shares of samples in percent, anything else as it is.
pub(crate) fn metric(name: &str, value: f64) -> String {
    metric_to(4, name, value)
}

/// As [`metric`], with so many decimals of the value.
fn metric_to(decimals: i32, name: &str, value: f64) -> String {
    let digits = 10f64.powi(decimals);
    match name {
        "top1" | "macro-f1" | "mean-iou" => {
            let decimals = usize::try_from(decimals - 2).unwrap_or_default();
            format!("{:.decimals$} %", 100.0 * value)
        }
        _ => format!("{}", (value * digits).round() / digits),
    }
}

/// The best value of a metric that is reachable, rounded so that it still is, and what is asked for
/// instead, with as many digits as tell the two apart.
pub(crate) fn metric_within_reach(name: &str, best: f64, asked: f64) -> (String, String) {
    const MOST_DECIMALS: i32 = 9;
    let mut decimals = 4;
    loop {
        let digits = 10f64.powi(decimals);
        // a little more than a round number is noise of the sum
        let rounded = if best > asked {
            (best * digits - 1e-6).ceil()
        } else {
            (best * digits + 1e-6).floor()
        };
        let best = metric_to(decimals, name, rounded / digits);
        let asked = metric_to(decimals, name, asked);
        if best != asked || decimals == MOST_DECIMALS {
            return (best, asked);
        }
        decimals += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_within_reach_is_rounded_to_what_is_reached() {
        let text = |name, best, asked| metric_within_reach(name, best, asked);
        let pair = |best: &str, asked: &str| (best.to_owned(), asked.to_owned());
        assert_eq!(text("top1", 0.949_87, 0.96), pair("94.98 %", "96.00 %"));
        assert_eq!(text("top1", 0.94, 0.96), pair("94.00 %", "96.00 %"));
        assert_eq!(
            text("top1", 0.949_81, 0.949_84),
            pair("94.981 %", "94.984 %")
        );
        assert_eq!(text("mae", 2.500_01, 2.4), pair("2.5001", "2.4"));
        assert_eq!(text("mae", 2.500_01, 2.5), pair("2.5001", "2.5"));
    }
}
