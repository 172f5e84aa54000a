//! One self-contained HTML page: the answer in words, the plan with sliders over rate and delay, all
//! figures, all tables.
//!
//! Nothing is fetched: style, script, data and figures are in the file, and its policy lets nothing
//! else in. Without the script the page shows the plan at the link's own rate and delay, and every
//! other plan in a table. What the script computes comes from the constants in [`Explorer`] alone.

mod assemble;
mod data;
mod explorer;
mod gather;
mod inline;
mod summary;
mod table;

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::canvas::style;
use crate::canvas::text::escape;
use crate::tables::Table;
use crate::{ReportError, Style};
use inline::{inline, title};

pub use assemble::Page;
pub use data::{
    BlockTimes, Choice, CutView, DelayRow, Explorer, ModelData, OtherChoice, PARTS, PageData,
    PageFigure, Shown, Stretch, TaskTimes, Times,
};
pub use gather::{delays_around, explorer, shown};
pub use summary::{no_plan, summary};

const CSS: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// What the page says at its end.
const MADE_BY: &str = "Made by cutpoint.";

/// Whether a text is a page that was written here.
pub fn is_page(text: &str) -> bool {
    text.starts_with("<!doctype html>") && text.contains(&format!("<footer>{MADE_BY}"))
}

/// Writes the page.
///
/// # Errors
/// [`ReportError::Nothing`] when there is neither a model nor a figure to show.
pub fn page(data: &PageData, style: &Style) -> Result<String, ReportError> {
    if data.models.is_empty() && !has_more(data) {
        return Err(crate::nothing(
            "page",
            "there is neither a profile nor a figure to show",
        ));
    }
    let mut html = head(&data.title, style);
    let _ = writeln!(html, "<header>\n<h1>{}</h1>", escape(&data.title));
    contents(data, &mut html);
    html.push_str("</header>\n<main>\n");
    for (index, model) in data.models.iter().enumerate() {
        write_model(model, &format!("m{}", index + 1), &mut html)?;
    }
    if has_more(data) {
        html.push_str("<section class=\"model\" id=\"m0\">\n<h2>More</h2>\n");
        figures(&data.figures, "m0", &mut html);
        tables(&data.tables, "m0", &mut html);
        html.push_str("</section>\n");
    }
    if !data.left_out.is_empty() {
        html.push_str("<section id=\"left-out\">\n<h2>Left out</h2>\n<ul>\n");
        for sentence in &data.left_out {
            let _ = writeln!(html, "<li>{}</li>", escape(sentence));
        }
        html.push_str("</ul>\n</section>\n");
    }
    let _ = write!(
        html,
        "</main>\n<footer>{MADE_BY} This file needs no network and sends nothing.</footer>\n\
         <script>{SCRIPT}</script>\n</body>\n</html>\n"
    );
    Ok(html)
}

fn head(title: &str, style: &Style) -> String {
    let hash = STANDARD.encode(Sha256::digest(SCRIPT.as_bytes()));
    let variables = style::variables(style.theme);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; base-uri 'none'; \
         form-action 'none'; img-src data:; style-src 'unsafe-inline'; \
         script-src 'sha256-{hash}'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <link rel=\"icon\" href=\"data:,\">\n\
         <title>{}</title>\n<style>{variables}{CSS}</style>\n</head>\n<body>\n",
        escape(title)
    )
}

/// Whether there is anything that belongs to no model alone.
fn has_more(data: &PageData) -> bool {
    !data.figures.is_empty() || !data.tables.is_empty()
}

/// Which plan a model's part is about, where there are several.
fn of_plan(model: &ModelData) -> String {
    let name = model.plan_name.as_ref();
    name.map_or_else(String::new, |name| format!(", {}", escape(name)))
}

fn contents(data: &PageData, html: &mut String) {
    html.push_str("<nav aria-label=\"Contents\">\n<ul>\n");
    for (index, model) in data.models.iter().enumerate() {
        let id = format!("m{}", index + 1);
        let _ = write!(
            html,
            "<li><a href=\"#{id}\">{} on {}{}</a>: <a href=\"#{id}-plan\">plan</a>",
            escape(&model.model),
            escape(&model.edge.label()),
            of_plan(model)
        );
        for (part, title, any) in [
            ("figures", "figures", !model.figures.is_empty()),
            ("tables", "tables", true),
        ] {
            if any {
                let _ = write!(html, ", <a href=\"#{id}-{part}\">{title}</a>");
            }
        }
        html.push_str("</li>\n");
    }
    if has_more(data) {
        html.push_str("<li><a href=\"#m0\">more</a></li>\n");
    }
    html.push_str("</ul>\n</nav>\n");
}

fn write_model(model: &ModelData, id: &str, html: &mut String) -> Result<(), ReportError> {
    let _ = write!(
        html,
        "<section class=\"model\" id=\"{id}\">\n<h2>{} <span class=\"muted\">on {}, with {}{}</span></h2>\n\
         <div class=\"summary\">\n",
        escape(&model.model),
        escape(&model.edge.label()),
        escape(&model.server.label()),
        of_plan(model)
    );
    for paragraph in &model.summary {
        let _ = writeln!(html, "<p>{}</p>", escape(paragraph));
    }
    html.push_str("</div>\n");
    explorer::write(model, id, html)?;
    if !model.figures.is_empty() {
        let _ = writeln!(html, "<h3 id=\"{id}-figures\">Figures</h3>");
        figures(&model.figures, id, html);
    }
    let _ = writeln!(html, "<h3 id=\"{id}-tables\">Tables</h3>");
    if let Ok(found) = &model.explorer {
        table::write(&explorer::every_plan(found), &format!("{id}-every"), html);
    }
    tables(&model.tables, id, html);
    html.push_str("</section>\n");
    Ok(())
}

fn tables(tables: &[Table], id: &str, html: &mut String) {
    for (index, table) in tables.iter().enumerate() {
        table::write(table, &format!("{id}-table-{}", index + 1), html);
    }
}

fn figures(figures: &[PageFigure], id: &str, html: &mut String) {
    html.push_str("<ul class=\"list\">\n");
    for (index, figure) in figures.iter().enumerate() {
        let title = title(&figure.svg);
        let _ = writeln!(
            html,
            "<li><a href=\"#{id}-figure-{}\">{title}</a></li>",
            index + 1
        );
    }
    html.push_str("</ul>\n<div class=\"figures\">\n");
    for (index, figure) in figures.iter().enumerate() {
        let id = format!("{id}-figure-{}", index + 1);
        let _ = writeln!(
            html,
            "<figure id=\"{id}\" data-figure=\"{}\">\n{}</figure>",
            escape(&figure.name),
            inline(&figure.svg, &id)
        );
    }
    html.push_str("</div>\n");
}
