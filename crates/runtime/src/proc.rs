//! Readers of the texts under `/proc` and `/sys`; no file is opened here.

use std::collections::BTreeSet;

/// What the kernel says about one logical processor.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Core {
    /// Such as `Cortex-A76`; empty where unknown.
    pub(super) brand: String,
    /// Relative speed, 1024 for the biggest; only kernels for unequal cores tell.
    pub(super) capacity: Option<u64>,
    pub(super) max_khz: Option<u64>,
    pub(super) governor: Option<String>,
}

impl Core {
    /// Comparable among the cores of one machine; zero where unknown.
    fn speed(&self) -> u64 {
        self.capacity.or(self.max_khz).unwrap_or(0)
    }

    /// Whether two cores are of one kind. Cores of a kind may differ a little in their highest
    /// frequency, by binning.
    fn like(&self, other: &Core) -> bool {
        let (low, high) = (
            self.speed().min(other.speed()),
            self.speed().max(other.speed()),
        );
        self.brand == other.brand && low as f64 >= 0.85 * high as f64
    }
}

pub(super) fn biggest(cores: &[Core]) -> Option<&Core> {
    // the first of equals, so that the answer does not depend on the order of iteration
    cores.iter().rev().max_by_key(|core| core.speed())
}

/// Returns the cores by kind, biggest first.
pub(super) fn describe_cores(cores: &[Core], physical: usize) -> String {
    let mut sorted: Vec<&Core> = cores.iter().collect();
    sorted.sort_by_key(|core| std::cmp::Reverse(core.speed()));
    let mut kinds: Vec<(&Core, usize)> = Vec::new();
    for core in sorted {
        match kinds.iter_mut().find(|(first, _)| first.like(core)) {
            Some((_, count)) => *count += 1,
            None => kinds.push((core, 1)),
        }
    }
    if kinds.len() < 2 {
        return match cores.len() {
            logical if logical > physical && physical > 0 => {
                format!("{physical} ({logical} threads)")
            }
            logical => logical.max(physical).max(1).to_string(),
        };
    }
    let same_brand = kinds.iter().all(|(core, _)| core.brand == kinds[0].0.brand);
    let names = kinds.iter().map(|(core, count)| match core.max_khz {
        Some(khz) if same_brand => format!("{count}x {:.2} GHz", khz as f64 / 1e6),
        _ if same_brand => format!("{count}x capacity {}", core.speed()),
        _ => format!("{count}x {}", core.brand),
    });
    names.collect::<Vec<_>>().join(" + ")
}

/// Returns the processor with the board's model, from the least that is known.
pub(super) fn cpu_name(brand: &str, model: Option<&str>, architecture: &str) -> String {
    let brand = if brand.is_empty() {
        architecture
    } else {
        brand
    };
    match model {
        Some(model) => format!("{brand} ({model})"),
        None => brand.to_owned(),
    }
}

/// Returns the governors in use, each once.
pub(super) fn governors<'a>(each: impl Iterator<Item = &'a str>) -> Option<String> {
    let names: BTreeSet<&str> = each.collect();
    (!names.is_empty()).then(|| names.into_iter().collect::<Vec<_>>().join("+"))
}

/// Returns the highest plausible temperature; sensors that are off report nonsense.
pub(super) fn hottest(celsius: impl Iterator<Item = f64>) -> Option<f64> {
    celsius
        .filter(|t| (-40.0..=150.0).contains(t) && *t != 0.0)
        .max_by(f64::total_cmp)
}

/// Clock ticks since the start of the system, summed over all processors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ticks {
    /// Anything but idling; time stolen by a hypervisor counts as busy.
    pub(super) busy: u64,
    pub(super) total: u64,
    pub(super) processors: u64,
}

/// Reads `/proc/stat`. `None` where the kernel counts nothing.
pub(super) fn ticks(stat: &str) -> Option<Ticks> {
    let mut lines = stat.lines().filter(|line| line.starts_with("cpu"));
    let all = lines.next()?.strip_prefix("cpu ")?;
    let counts: Vec<u64> = all
        .split_ascii_whitespace()
        .map(|number| number.parse().ok())
        .collect::<Option<_>>()?;
    // user nice system idle iowait irq softirq steal; guest times are part of user and nice
    let counts = counts.get(..counts.len().min(8))?;
    let idle: u64 = counts.get(3)? + counts.get(4).unwrap_or(&0);
    let total: u64 = counts.iter().sum();
    let processors = lines.count() as u64;
    (total > 0 && processors > 0).then_some(Ticks {
        busy: total - idle,
        total,
        processors,
    })
}

/// Clock ticks all threads of a process used, from its `/proc/<pid>/stat`.
pub(super) fn process_ticks(stat: &str) -> Option<u64> {
    // the second field is the program's name in parentheses and may hold anything
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

/// Processors that programs other than this one kept busy between two readings.
pub(super) fn others_share(before: (Ticks, u64), after: (Ticks, u64)) -> Option<f64> {
    /// Under so many ticks (a tenth of a second) the counters are too coarse.
    const FEWEST: u64 = 10;
    let total = after.0.total.checked_sub(before.0.total)?;
    if total < FEWEST * after.0.processors {
        return None;
    }
    let busy = after.0.busy.saturating_sub(before.0.busy);
    let own = after.1.saturating_sub(before.1);
    let others = busy.saturating_sub(own) as f64;
    Some(others / total as f64 * after.0.processors as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cores(kinds: &[(usize, &str, Option<u64>, Option<u64>)]) -> Vec<Core> {
        let core = |&(count, brand, capacity, max_khz): &(usize, &str, _, _)| {
            let core = Core {
                brand: brand.to_owned(),
                capacity,
                max_khz,
                governor: None,
            };
            vec![core; count]
        };
        kinds.iter().flat_map(core).collect()
    }

    #[test]
    fn cores_are_told_by_kind() {
        let pi5 = cores(&[(4, "Cortex-A76", None, Some(2_400_000))]);
        assert_eq!(describe_cores(&pi5, 4), "4");
        // an RK3588 numbers its little cores first; its big clusters differ by binning
        let rk3588 = cores(&[
            (4, "Cortex-A55", Some(530), Some(1_800_000)),
            (2, "Cortex-A76", Some(1024), Some(2_352_000)),
            (2, "Cortex-A76", Some(1012), Some(2_304_000)),
        ]);
        assert_eq!(describe_cores(&rk3588, 8), "4x Cortex-A76 + 4x Cortex-A55");
        assert_eq!(biggest(&rk3588).unwrap().brand, "Cortex-A76");
        let jetson = cores(&[(6, "Cortex-A78AE", Some(1024), Some(1_510_400))]);
        assert_eq!(describe_cores(&jetson, 6), "6");
        let desktop = cores(&[(
            16,
            "AMD Ryzen 7 5800X 8-Core Processor",
            None,
            Some(4_850_000),
        )]);
        assert_eq!(describe_cores(&desktop, 8), "8 (16 threads)");
        let hybrid = cores(&[
            (16, "Intel Core i7", None, Some(5_000_000)),
            (4, "Intel Core i7", None, Some(3_800_000)),
        ]);
        assert_eq!(describe_cores(&hybrid, 12), "16x 5.00 GHz + 4x 3.80 GHz");
        let unknown = cores(&[(2, "", Some(1024), None), (2, "", Some(400), None)]);
        assert_eq!(
            describe_cores(&unknown, 4),
            "2x capacity 1024 + 2x capacity 400"
        );
        assert_eq!(describe_cores(&[], 0), "1");
    }

    #[test]
    fn names_use_what_is_known() {
        assert_eq!(
            cpu_name(
                "Cortex-A76",
                Some("Raspberry Pi 5 Model B Rev 1.0"),
                "aarch64"
            ),
            "Cortex-A76 (Raspberry Pi 5 Model B Rev 1.0)"
        );
        assert_eq!(cpu_name("", None, "aarch64"), "aarch64");
        assert_eq!(
            governors(["ondemand"; 4].into_iter()).as_deref(),
            Some("ondemand")
        );
        assert_eq!(
            governors(["schedutil", "performance", "schedutil"].into_iter()).as_deref(),
            Some("performance+schedutil")
        );
        assert_eq!(governors(std::iter::empty()), None);
        assert_eq!(
            hottest([48.2, 51.7, f64::NAN, 0.0, 255.0].into_iter()),
            Some(51.7)
        );
        assert_eq!(hottest([0.0].into_iter()), None);
    }

    const VM: &str = "cpu  36238 0 5238 278778 1044 0 167 69 0 0
cpu0 16401 0 1953 141932 351 0 23 37 0 0
cpu1 19837 0 3284 136846 692 0 143 31 0 0
intr 1894223 0 9
ctxt 2989174
btime 1790000000
";

    #[test]
    fn system_time_is_split_into_busy_and_idle() {
        let ticks = ticks(VM).unwrap();
        assert_eq!(ticks.total, 321_534);
        assert_eq!(ticks.busy, 36_238 + 5_238 + 167 + 69);
        assert_eq!(ticks.processors, 2);
        // guest time is counted in user time already
        let guest = super::ticks("cpu  10 0 0 90 0 0 0 0 10 0\ncpu0 10 0 0 90 0 0 0 0 10 0\n");
        assert_eq!(guest.unwrap().total, 100);
        // old kernels have fewer columns, sandboxes count nothing
        assert_eq!(
            super::ticks("cpu  1 2 3 4\ncpu0 1 2 3 4\n").unwrap().busy,
            6
        );
        for text in [
            "",
            "cpu  0 0 0 0\ncpu0 0 0 0 0\n",
            "intr 5\n",
            "cpu  1 x 3 4\n",
        ] {
            assert_eq!(super::ticks(text), None, "{text}");
        }
    }

    #[test]
    fn process_time_survives_odd_names() {
        let stat = "4711 (my (odd) name) 3) S 1 4711 4711 0 -1 4194304 100 0 0 0 250 31 7 7 20 0 3";
        assert_eq!(process_ticks(stat), Some(281));
        for text in ["", "4711 (x)", "4711 (x) S 1 2"] {
            assert_eq!(process_ticks(text), None, "{text}");
        }
    }

    #[test]
    fn the_share_of_others_is_in_cores() {
        let at = |busy, total| Ticks {
            busy,
            total,
            processors: 4,
        };
        // one second: 400 ticks pass, 230 busy, 100 of them ours
        let share = others_share((at(1000, 9000), 50), (at(1230, 9400), 150));
        assert!((share.unwrap() - 1.3).abs() < 1e-9);
        // counters are read one after the other and may disagree by a tick
        assert_eq!(others_share((at(0, 0), 0), (at(100, 400), 101)), Some(0.0));
        assert_eq!(others_share((at(0, 0), 0), (at(5, 39), 5)), None);
        assert_eq!(others_share((at(0, 500), 0), (at(5, 400), 5)), None);
    }
}
