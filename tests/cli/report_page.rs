//! The page in a real browser: what it shows is what cutpoint plans, by keyboard, mouse and address.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use crate::browser::Browser;
use cutpoint_core::plan::Plan;
use cutpoint_core::units::{BitRate, Bytes, Delay, format_us};
use cutpoint_planner::planning::{Outcome, best_plan};
use cutpoint_planner::problem::Problem;
use cutpoint_planner::server::Server;
use cutpoint_planner::solve::Options;
use cutpoint_testkit::networks::{network, ugly};
use serde_json::json;

const LINK: &str = "30Mbit/s";

/// A page of a network between its board and a simulated server, and the problem it is of.
struct Made {
    folder: tempfile::TempDir,
    problem: Problem,
}

impl Made {
    fn new(layers: usize, more: &[&str]) -> Made {
        let folder = tempfile::tempdir().unwrap();
        let mut profile = network(layers, ugly);
        // more and more work on less and less data: worth splitting
        for (index, layer) in profile.layers.iter_mut().enumerate() {
            let factor = 2.0 + 300.0 * (index as f64 / layers as f64).powi(2);
            layer.edge_us *= factor;
            layer.server_us *= factor;
        }
        let file = folder.path().join("p.toml");
        std::fs::write(&file, profile.to_toml(&file).unwrap()).unwrap();
        let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_cutpoint"));
        command.current_dir(folder.path());
        command.args(["report", "p.toml", "--rate", LINK, "--delay", "2ms"]);
        command
            .args(more)
            .args(["--html", "page.html"])
            .assert()
            .success();
        let problem = cutpoint_testkit::networks::problem(&profile, &Server::faster(8.0), LINK);
        Made { folder, problem }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("page.html")
    }

    fn address(&self) -> String {
        format!("file://{}", self.file().display())
    }

    /// What cutpoint itself plans.
    fn plan(&self, bit_s: u64, delay_ns: u64) -> Plan {
        let problem = self.problem.with_rate(BitRate::from_bit_s(bit_s).unwrap());
        let problem = problem.with_delay(Delay(Duration::from_nanos(delay_ns)));
        match best_plan(&problem, &Options::default()).unwrap() {
            Outcome::Plan(plan) => plan,
            Outcome::NoPlan(none) => panic!("{none:?}"),
        }
    }
}

/// Reads what the page shows and compares it with the library's plan at the rate and delay shown.
fn is_right(browser: &mut Browser, made: &Made) -> Plan {
    let cells = |table: &str| {
        format!(
            "[...document.querySelectorAll('.{table} tbody tr')].map(row => \
             [...row.cells].map(cell => cell.textContent))"
        )
    };
    let rate: BitRate = browser
        .text("document.querySelector('.entry').value")
        .parse()
        .unwrap();
    let delay =
        browser.text("document.querySelector('input.delay').getAttribute('aria-valuetext')");
    let delay: Delay = delay.strip_suffix(" one way").unwrap().parse().unwrap();
    let plan = made.plan(rate.bit_s(), delay.ns());

    let latency = browser.text("document.querySelector('output.latency').textContent");
    assert_eq!(
        latency,
        format_us(plan.latency_ms * 1e3),
        "at {rate}, {delay}"
    );
    let exact = browser.text("document.querySelector('output.latency').title");
    let exact: f64 = exact.strip_suffix(" ms").unwrap().parse().unwrap();
    assert!(
        (exact - plan.latency_ms).abs() <= 1e-6 + 1e-12 * exact,
        "{exact} {}",
        plan.latency_ms
    );

    let crossing = plan.crossing.iter().map(|c| {
        [
            visible(&c.tensor),
            c.codec.to_string(),
            Bytes(c.bytes).to_string(),
        ]
    });
    let crossing: Vec<[String; 3]> = crossing.collect();
    assert_eq!(
        browser.value(&cells("crossing")),
        json!(crossing),
        "at {rate}, {delay}"
    );
    let parts = browser.value(&format!("{}.map(row => row[1])", cells("parts")));
    let ms = plan.breakdown_ms;
    let ms = [
        ms.edge,
        ms.encode,
        ms.uplink,
        ms.decode,
        ms.server,
        ms.downlink,
    ];
    assert_eq!(
        parts,
        json!(ms.map(|ms| format_us(ms * 1e3))),
        "at {rate}, {delay}"
    );
    let tasks = browser.value(&format!("{}.map(row => [row[0], row[2]])", cells("tasks")));
    let planned = plan
        .tasks
        .iter()
        .map(|t| [visible(&t.name), format_us(t.latency_ms * 1e3)]);
    assert_eq!(
        tasks,
        json!(planned.collect::<Vec<_>>()),
        "at {rate}, {delay}"
    );
    let layers = browser.text("document.querySelector('.facts td').textContent");
    let all = made.problem.graph().layers().len();
    assert_eq!(layers, format!("{} of {all}", plan.edge.len()));
    // the graph: blocks of the plan's layers, and a label for each tensor that crosses
    let drawn = browser.value(
        "['at-edge', 'at-server'].map(side => document.querySelectorAll(\
         `figure.network g.${side}[id*=block]`).length > 0)",
    );
    assert_eq!(
        drawn,
        json!([true, !plan.server.is_empty()]),
        "at {rate}, {delay}"
    );
    let labels = browser.value(
        "[...document.querySelectorAll('figure.network .cut-label')].map(l => l.textContent).sort()",
    );
    let sent = plan
        .crossing
        .iter()
        .map(|c| format!("{} · {}", Bytes(c.bytes), c.codec));
    let sent: BTreeSet<String> = sent.collect();
    assert_eq!(labels, json!(sent), "at {rate}, {delay}");
    let spoken =
        browser.text("document.querySelector('input.rate').getAttribute('aria-valuetext')");
    assert_eq!(spoken, rate.to_string());
    plan
}

/// As the page shows a name.
fn visible(name: &str) -> String {
    name.replace('\u{1b}', "\u{fffd}")
}

fn focus(browser: &mut Browser, selector: &str) {
    browser.value(&format!("document.querySelector({selector:?}).focus()"));
}

fn is_quiet(browser: &Browser, made: &Made) {
    assert!(
        browser.complaints().is_empty(),
        "{:#?}",
        browser.complaints()
    );
    for address in browser.requests() {
        let own = address.split('#').next() == Some(made.address().as_str());
        assert!(own || address.starts_with("data:"), "asked for {address}");
    }
}

#[test]
fn sliders_move_through_the_exact_plans() {
    let Some(program) = crate::browser::find() else {
        return;
    };
    let made = Made::new(60, &[]);
    let mut browser = Browser::start(&program);
    browser.open(&made.address());
    let own = is_right(&mut browser, &made);
    assert_eq!(own.setting.rate_bit_s, 30_000_000);

    let mut seen = BTreeSet::new();
    focus(&mut browser, "input.rate");
    browser.press("Home");
    for _ in 0..12 {
        let plan = is_right(&mut browser, &made);
        seen.insert(plan.edge.len());
        browser.press("PageUp");
        browser.press("ArrowRight");
    }
    browser.press("End");
    is_right(&mut browser, &made);
    browser.press("ArrowLeft");
    is_right(&mut browser, &made);
    assert!(seen.len() > 2, "the same plans everywhere: {seen:?}");

    focus(&mut browser, "input.delay");
    browser.press("Home");
    let nearest = is_right(&mut browser, &made);
    assert_eq!(nearest.setting.delay_ms, 0.0);
    browser.press("ArrowRight");
    is_right(&mut browser, &made);
    browser.press("End");
    is_right(&mut browser, &made);
    is_quiet(&browser, &made);
}

#[test]
fn rates_are_typed_clicked_and_named_in_the_address() {
    let Some(program) = crate::browser::find() else {
        return;
    };
    let made = Made::new(60, &[]);
    let mut browser = Browser::start(&program);
    let mut dice = 7u64;
    browser.open(&made.address());
    for _ in 0..20 {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let share = (dice >> 11) as f64 / (1u64 << 53) as f64;
        let bit_s = (1e5 * 1e5f64.powf(share)).round() as u64;
        browser.write(".entry", &format!("{bit_s} bit/s"));
        let plan = is_right(&mut browser, &made);
        assert_eq!(plan.setting.rate_bit_s, bit_s);
    }
    browser.write(".entry", "40");
    let hint = browser.text("document.querySelector('.hint').textContent");
    assert!(hint.contains("with its unit"), "{hint}");
    browser.write(".entry", "1 bit/s");
    assert_eq!(is_right(&mut browser, &made).setting.rate_bit_s, 100_000);
    let hint = browser.text("document.querySelector('.hint').textContent");
    assert!(hint.contains("from 100 kbit/s"), "{hint}");

    let before = is_right(&mut browser, &made);
    browser.click("button.faster");
    let after = is_right(&mut browser, &made);
    assert!((&before.edge, &before.crossing) != (&after.edge, &after.crossing));
    // the first rate of the new plan: one bit per second less, and the old one is the best
    let switch = after.setting.rate_bit_s;
    let old = made.plan(switch - 1, 2_000_000);
    assert_eq!((&old.edge, &old.crossing), (&before.edge, &before.crossing));
    browser.click("button.reset");
    assert_eq!(is_right(&mut browser, &made).setting.rate_bit_s, 30_000_000);

    // the address follows, and leads back
    browser.write(".entry", "12.5 Mbit/s");
    browser.value("new Promise(done => setTimeout(done, 500))");
    let address = browser.text("location.href");
    assert!(address.ends_with("#rate=12.5Mbit/s&delay=2ms"), "{address}");
    let spoken = browser.text("document.querySelector('.live').textContent");
    assert!(spoken.starts_with("12.5 Mbit/s, 2 ms: "), "{spoken}");
    is_quiet(&browser, &made);
    browser.open(&format!("{}#rate=20Mbit/s&delay=500us", made.address()));
    let plan = is_right(&mut browser, &made);
    assert_eq!(
        (plan.setting.rate_bit_s, plan.setting.delay_ms),
        (20_000_000, 0.5)
    );
    browser.open(&format!("{}#rate=<script>&delay=1", made.address()));
    assert_eq!(is_right(&mut browser, &made).setting.rate_bit_s, 30_000_000);
    is_quiet(&browser, &made);
}

#[test]
fn rates_without_a_plan_say_so() {
    let Some(program) = crate::browser::find() else {
        return;
    };
    let made = Made::new(20, &["--deadline", "25ms"]);
    let html = std::fs::read_to_string(made.file()).unwrap();
    assert!(
        html.contains("class=\"answer\" hidden"),
        "no plan at the link itself"
    );
    let mut browser = Browser::start(&program);
    browser.open(&format!("{}#rate=100kbit/s", made.address()));
    let hidden = "document.querySelector('.answer').hidden";
    assert_eq!(browser.value(hidden), json!(true));
    let said = browser.text("document.querySelector('.no-plan').textContent");
    assert!(
        said.starts_with("No plan meets the limits at 100 kbit/s and 2 ms one way; from"),
        "{said}"
    );
    focus(&mut browser, "input.rate");
    browser.press("End");
    assert_eq!(browser.value(hidden), json!(false));
    let names = browser.text("document.querySelector('.facts th').textContent");
    assert_eq!(names, "layers on the edge");
    is_quiet(&browser, &made);
}

#[test]
fn tables_sort_by_mouse_and_keyboard() {
    let Some(program) = crate::browser::find() else {
        return;
    };
    let made = Made::new(60, &[]);
    let mut browser = Browser::start(&program);
    browser.open(&made.address());
    let column = "[...document.querySelectorAll('#m1-every ~ tbody tr, caption#m1-every')]\
                  .slice(1).map(row => Number(row.cells[1].dataset.sort))";
    let sorted = "document.querySelectorAll('.sortable th')[1].getAttribute('aria-sort')";
    let original = browser.value(column);
    browser.click(".sortable th:nth-child(2) button");
    assert_eq!(browser.text(sorted), "ascending");
    let up: Vec<f64> = serde_json::from_value(browser.value(column)).unwrap();
    assert!(up.is_sorted() && up.len() > 5, "{up:?}");
    assert_ne!(json!(up), original);
    focus(&mut browser, ".sortable th:nth-child(2) button");
    browser.press("Enter");
    assert_eq!(browser.text(sorted), "descending");
    let down: Vec<f64> = serde_json::from_value(browser.value(column)).unwrap();
    assert!(down.is_sorted_by(|a, b| a >= b));
    browser.press(" ");
    assert_eq!(browser.text(sorted), "none");
    assert_eq!(browser.value(column), original);
    is_quiet(&browser, &made);
}

#[test]
fn without_scripts_everything_is_there() {
    let Some(program) = crate::browser::find() else {
        return;
    };
    let made = Made::new(60, &[]);
    let mut browser = Browser::start(&program);
    browser.ask(
        "Emulation.setScriptExecutionDisabled",
        json!({"value": true}),
    );
    browser.open(&made.address());
    let plan = made.plan(30_000_000, 2_000_000);
    let shown = browser.text("document.querySelector('output.latency').innerText");
    assert_eq!(shown, format_us(plan.latency_ms * 1e3));
    let seen = "e => e.checkVisibility()";
    let any = |what: &str| format!("[...document.querySelectorAll({what:?})].some({seen})");
    assert_eq!(browser.value(&any(".controls")), json!(false));
    assert_eq!(browser.value(&any("noscript p")), json!(true));
    let rows = browser.value("document.querySelectorAll('#m1-every ~ tbody tr').length");
    assert!(rows.as_u64().unwrap() > 5, "{rows}");
    let figures = browser.value("document.querySelectorAll('figure > svg').length");
    assert!(figures.as_u64().unwrap() >= 4, "{figures}");
    is_quiet(&browser, &made);
}

#[test]
fn pictures_are_not_empty_and_dark_ones_are_dark() {
    let Some(program) = crate::browser::find() else {
        return;
    };
    let made = Made::new(60, &[]);
    let mut browser = Browser::start(&program);
    browser.open(&made.address());
    let light = Picture::of(&browser.picture("light", 1280, 1400));
    assert!(light.brightness > 200.0 && light.colours > 50, "{light:?}");
    let dark = json!({"features": [{"name": "prefers-color-scheme", "value": "dark"}]});
    browser.ask("Emulation.setEmulatedMedia", dark);
    let dark = Picture::of(&browser.picture("dark", 1280, 1400));
    assert!(dark.brightness < 60.0 && dark.colours > 50, "{dark:?}");
    browser.ask("Emulation.setEmulatedMedia", json!({"features": []}));
    let narrow = Picture::of(&browser.picture("narrow", 360, 1400));
    assert!(narrow.colours > 50, "{narrow:?}");
    // nothing but figures and tables, in frames of their own, is wider than a telephone
    let width = browser.value("document.documentElement.scrollWidth");
    assert!(width.as_u64().unwrap() <= 360, "{width}");
    assert!(browser.print("print").starts_with(b"%PDF"));
    browser.ask("Emulation.setEmulatedMedia", json!({"media": "print"}));
    let controls = "document.querySelector('.controls').checkVisibility()";
    assert_eq!(browser.value(controls), json!(false));
    is_quiet(&browser, &made);
}

#[derive(Debug)]
struct Picture {
    brightness: f64,
    colours: usize,
}

impl Picture {
    fn of(png: &[u8]) -> Picture {
        let image = image::load_from_memory(png).unwrap().to_rgb8();
        let pixels = || image.pixels().map(|pixel| pixel.0);
        let sum: f64 = pixels().flatten().map(f64::from).sum();
        Picture {
            brightness: sum / (3.0 * pixels().count() as f64),
            colours: pixels().collect::<BTreeSet<_>>().len(),
        }
    }
}
