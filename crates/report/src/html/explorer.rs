//! The plan of a page, with the sliders that the script brings to life.

use std::fmt::Write as _;

use super::data::{DelayRow, Explorer, ModelData, PARTS, Shown};
use super::inline::inline;
use crate::ReportError;
use crate::canvas::text::{escape, harmless};
use crate::tables::{Cell, Column, Table};
use cutpoint_core::units::{BitRate, format_us, three_digits};

/// Name of what the edge does while link and server work.
const BESIDE: &str = "heads overlapped with the transfer";
const HOW_PLANS_HOLD: &str = "Each is the best from its first rate, exactly, up to the next one's; its latency is the time \
     without the wire plus the bits on the wire over the rate, or until heads overlapped with the transfer are \
     done, if that is later.";
/// Steps of the slider over the rate.
const STEPS: usize = 1_000;

/// Writes the plan at the link's own rate and delay, the controls, and what the script needs.
pub(super) fn write(model: &ModelData, id: &str, html: &mut String) -> Result<(), ReportError> {
    let none = Shown::default();
    let shown = model.plan.as_ref().unwrap_or(&none);
    let _ = writeln!(
        html,
        "<section class=\"explorer\" aria-labelledby=\"{id}-plan\">"
    );
    heading(model, id, html);
    match &model.explorer {
        Ok(found) => controls(found, id, html),
        Err(why) => {
            let _ = writeln!(
                html,
                "<p class=\"note\">No sliders here: {}.</p>",
                escape(why)
            );
        }
    }
    let _ = write!(
        html,
        "<p class=\"no-plan\"{}>No plan meets the limits here.</p>\n<div class=\"answer\"{}>\n",
        hidden(model.plan.is_some()),
        hidden(model.plan.is_none())
    );
    answer(shown, model.network.as_deref(), id, html);
    html.push_str("</div>\n");
    if let Ok(found) = &model.explorer {
        let json = serde_json::to_string(&clean(found))
            .map_err(|error| ReportError::Drawing(error.to_string()))?;
        let _ = writeln!(
            html,
            "<script type=\"application/json\">{}</script>",
            inert(&json)
        );
    }
    html.push_str("</section>\n");
    Ok(())
}

/// JSON that cannot end the element it stands in: in it, these characters occur in strings only.
fn inert(json: &str) -> String {
    let escaped = [('<', "\\u003c"), ('>', "\\u003e"), ('&', "\\u0026")];
    escaped
        .into_iter()
        .fold(json.to_owned(), |json, (c, code)| json.replace(c, code))
}

/// Names as the page shows them, as in the text around.
fn clean(explorer: &Explorer) -> Explorer {
    let mut clean = explorer.clone();
    for plan in &mut clean.plans {
        plan.name = harmless(&plan.name);
        for text in plan.crossing.iter_mut().flatten() {
            *text = harmless(text);
        }
        for task in &mut plan.tasks {
            task.name = harmless(&task.name);
        }
    }
    clean
}

fn hidden(is: bool) -> &'static str {
    if is { " hidden" } else { "" }
}

fn heading(model: &ModelData, id: &str, html: &mut String) {
    let at = match (&model.plan, &model.explorer) {
        (Some(shown), _) => Some((shown.rate.clone(), shown.delay.clone())),
        (None, Ok(found)) => found.delays.get(found.delay).map(|row| {
            let rate = BitRate::from_bit_s(found.rate_bit_s);
            (
                rate.map_or(String::new(), |rate| rate.to_string()),
                row.text.clone(),
            )
        }),
        (None, Err(_)) => None,
    };
    let words = at.map_or("The plan".to_owned(), |(rate, delay)| {
        format!(
            "Best plan at <span data-show=\"rate\">{}</span>, \
             <span data-show=\"delay\">{}</span> one way",
            escape(&rate),
            escape(&delay)
        )
    });
    let _ = writeln!(html, "<h3 id=\"{id}-plan\">{words}</h3>");
}

/// Hidden until the script is there to answer.
fn controls(found: &Explorer, id: &str, html: &mut String) {
    let show = |rate: u64| BitRate::from_bit_s(rate).map_or(String::new(), |rate| rate.to_string());
    let (from, to) = (show(found.from_bit_s), show(found.to_bit_s));
    let last = found.delays.len().saturating_sub(1);
    let _ = write!(
        html,
        "<div class=\"controls\" hidden>\n\
         <p class=\"legend\"><span><b class=\"envelope\"></b>latency of the best plan</span> \
         <span><b class=\"all-edge\"></b>everything on the edge</span> \
         <span><b class=\"all-server\"></b>everything on the server</span> \
         <span><i class=\"on-edge\"></i>edge alone is best</span> \
         <span><i class=\"split-a\"></i>a split is best</span> \
         <span><i class=\"on-server\"></i>server alone is best</span></p>\n\
         <svg class=\"curve\" aria-hidden=\"true\"></svg>\n\
         <input class=\"rate\" id=\"{id}-rate\" type=\"range\" min=\"0\" max=\"{STEPS}\" step=\"1\" \
         aria-label=\"Rate of the link, {from} to {to}\">\n<div class=\"row\">\n\
         <label>Rate <input class=\"entry\" type=\"text\" autocomplete=\"off\" spellcheck=\"false\" \
         size=\"12\" aria-describedby=\"{id}-hint\"></label>\n\
         <span class=\"buttons\"><button type=\"button\" class=\"slower\">&#8592; slower: previous plan</button>\n\
         <button type=\"button\" class=\"faster\">faster: next plan &#8594;</button></span>\n\
         <label>Delay one way <input class=\"delay\" type=\"range\" min=\"0\" max=\"{last}\" step=\"1\">\
         <output data-show=\"delay\"></output></label>\n\
         <button type=\"button\" class=\"reset\">back to the link</button>\n</div>\n\
         <p class=\"hint\" id=\"{id}-hint\" role=\"alert\"></p>\n\
         <p class=\"live\" role=\"status\" aria-live=\"polite\"></p>\n</div>\n"
    );
    let _ = writeln!(
        html,
        "<noscript><p class=\"note\">Scripts are off, so nothing here moves: this is the plan at the \
         link's own rate, and the table <a href=\"#{id}-every\">of every best plan</a> has the \
         others.</p></noscript>"
    );
}

fn answer(shown: &Shown, network: Option<&str>, id: &str, html: &mut String) {
    let _ = write!(
        html,
        "<p class=\"headline\"><output class=\"latency\" title=\"{:.6} ms\">{}</output> \
         <span class=\"name\">{}</span></p>\n<div class=\"bar\" aria-hidden=\"true\">",
        shown.latency_ms,
        time(shown.latency_ms),
        escape(&shown.name)
    );
    for ((class, _), ms) in PARTS.iter().zip(shown.parts_ms) {
        let share = ms / shown.latency_ms.max(f64::MIN_POSITIVE) * 100.0;
        let _ = write!(
            html,
            "<span class=\"{class}\" style=\"flex-grow:{share:.3}\"></span>"
        );
    }
    html.push_str("</div>\n");
    if let Some(svg) = network {
        let id = format!("{id}-network");
        let _ = writeln!(
            html,
            "<figure id=\"{id}\" class=\"network\">\n{}</figure>",
            inline(svg, &id)
        );
    }
    html.push_str("<div class=\"tables\">\n");
    small_table(
        html,
        "Where the time goes",
        &["part", "time"],
        "parts",
        || {
            let part = |((class, name), ms): (&(&str, &str), f64)| {
                let swatch = format!("<i class=\"{class}\"></i>{name}");
                vec![swatch, time(ms)]
            };
            let mut rows: Vec<Vec<String>> = PARTS.iter().zip(shown.parts_ms).map(part).collect();
            if shown.local_ms > 0.0 {
                rows.push(vec![BESIDE.to_owned(), time(shown.local_ms)]);
            }
            rows
        },
    );
    small_table(
        html,
        "Tasks",
        &["task", "runs on", "done after", "loses"],
        "tasks",
        || escaped(&shown.tasks),
    );
    small_table(
        html,
        "What crosses",
        &["tensor", "codec", "size"],
        "crossing",
        || escaped(&shown.crossing),
    );
    small_table(html, "Amounts", &["", ""], "facts", || {
        let fact = |(name, value): &(&str, String)| vec![escape(name), escape(value)];
        shown.facts.iter().map(fact).collect()
    });
    small_table(
        html,
        "In comparison",
        &["plan", "latency", "against the best"],
        "others",
        || {
            let other = |(name, ms): &(String, f64)| {
                vec![escape(name), time(*ms), ratio(*ms, shown.latency_ms)]
            };
            shown.others.iter().map(other).collect()
        },
    );
    html.push_str("</div>\n");
}

fn ratio(other: f64, own: f64) -> String {
    match other / own.max(f64::MIN_POSITIVE) {
        ratio if (ratio - 1.0).abs() < 0.005 => "the same".to_owned(),
        ratio => format!("{} times as long", three_digits(ratio)),
    }
}

fn escaped<const N: usize>(rows: &[[String; N]]) -> Vec<Vec<String>> {
    let row = |row: &[String; N]| row.iter().map(|text| escape(text)).collect();
    rows.iter().map(row).collect()
}

/// A table whose cells are HTML, and whose body the script fills anew.
fn small_table(
    html: &mut String,
    caption: &str,
    titles: &[&str],
    class: &str,
    rows: impl FnOnce() -> Vec<Vec<String>>,
) {
    let _ = write!(
        html,
        "<table class=\"{class}\">\n<caption>{caption}</caption>\n"
    );
    if titles.iter().any(|title| !title.is_empty()) {
        html.push_str("<thead><tr>");
        for title in titles {
            let _ = write!(html, "<th scope=\"col\">{title}</th>");
        }
        html.push_str("</tr></thead>\n");
    }
    html.push_str("<tbody>\n");
    for row in rows() {
        let mut cells = row.iter();
        html.push_str("<tr>");
        if let Some(first) = cells.next() {
            let _ = write!(html, "<th scope=\"row\">{first}</th>");
        }
        for cell in cells {
            let _ = write!(html, "<td>{cell}</td>");
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</tbody>\n</table>\n");
}

/// Every best plan, for those who read or print instead of sliding.
pub(super) fn every_plan(found: &Explorer) -> Table {
    Table {
        name: "every",
        title: "Every best plan".to_owned(),
        columns: vec![
            Column::number("delay_ms", "delay", "ms"),
            Column::number("from_mbit_s", "from", "Mbit/s"),
            Column::number("to_mbit_s", "to", "Mbit/s"),
            Column::plain("plan", "best plan"),
            Column::plain("edge_layers", "edge layers"),
            Column::number("latency_from_ms", "latency there", "ms"),
            Column::number("latency_to_ms", "at the end", "ms"),
            Column::number("fixed_ms", "without the wire", "ms"),
            Column::plain("wire_bits", "bits sent and back"),
        ],
        rows: found
            .delays
            .iter()
            .flat_map(|row| rows_of(found, row))
            .collect(),
        notes: [HOW_PLANS_HOLD.to_owned()]
            .into_iter()
            .chain(found.resolution.clone())
            .collect(),
    }
}

fn rows_of(found: &Explorer, row: &DelayRow) -> Vec<Vec<Cell>> {
    let delay = || Cell::number(row.ns as f64 / 1e6);
    let rate = |bit_s: u64| Cell::number(bit_s as f64 / 1e6);
    let first = row.segments.first();
    let first = first.map_or(found.to_bit_s, |stretch| stretch.from);
    let mut rows = Vec::new();
    if row.segments.is_empty() || first > found.from_bit_s {
        let mut none = vec![delay(), rate(found.from_bit_s), rate(first)];
        none.push(Cell::text("no plan meets the limits"));
        none.resize(9, Cell::Empty);
        rows.push(none);
    }
    let ends = row.segments.iter().skip(1).map(|stretch| stretch.from);
    for (stretch, to) in row.segments.iter().zip(ends.chain([found.to_bit_s])) {
        let Some(plan) = found.plans.get(stretch.plan) else {
            continue;
        };
        let times = &plan.times;
        let bits = times.up_bits + times.back_bits;
        let parts: f64 = times.parts_ms(stretch.from, row.ns).iter().sum();
        rows.push(vec![
            delay(),
            rate(stretch.from),
            rate(to),
            Cell::text(&plan.name),
            Cell::Count(plan.edge_layers as u64),
            Cell::number(times.latency_ms(stretch.from, row.ns)),
            Cell::number(times.latency_ms(to, row.ns)),
            Cell::number(parts - bits as f64 / stretch.from as f64 * 1e3),
            Cell::Count(bits),
        ]);
    }
    rows
}

fn time(ms: f64) -> String {
    format_us(ms * 1e3)
}
