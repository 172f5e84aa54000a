//! A table of a page, whose columns the script can sort.

use std::fmt::Write as _;

use crate::report::text::escape;

/// A table.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// What it shows.
    pub caption: String,
    /// Where its numbers come from, in sentences.
    pub note: String,
    /// Titles with units; whether the column holds numbers.
    pub columns: Vec<(String, bool)>,
    /// As many cells each as there are columns.
    pub rows: Vec<Vec<Cell>>,
}

/// A cell.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// What it shows.
    pub text: String,
    /// What it is sorted by, where that is not the text.
    pub key: Option<f64>,
}

impl Cell {
    /// A text that is sorted as such.
    pub fn text(text: impl Into<String>) -> Cell {
        Cell {
            text: text.into(),
            key: None,
        }
    }

    /// A number shown as a text.
    pub fn number(text: impl Into<String>, key: f64) -> Cell {
        Cell {
            text: text.into(),
            key: Some(key),
        }
    }
}

impl Table {
    /// Writes the table as HTML.
    pub(super) fn write(&self, id: &str, html: &mut String) {
        let caption = escape(&self.caption);
        let _ = write!(
            html,
            "<div class=\"scroll\" role=\"region\" aria-labelledby=\"{id}\" tabindex=\"0\">\n\
             <table class=\"sortable\">\n<caption id=\"{id}\">{caption}</caption>\n<thead><tr>"
        );
        for (title, number) in &self.columns {
            let class = number_class(*number);
            let _ = write!(html, "<th scope=\"col\"{class}>{}</th>", escape(title));
        }
        html.push_str("</tr></thead>\n<tbody>\n");
        for row in &self.rows {
            html.push_str("<tr>");
            for (cell, (_, number)) in row.iter().zip(&self.columns) {
                let class = number_class(*number);
                let key = cell
                    .key
                    .map_or(String::new(), |key| format!(" data-sort=\"{key}\""));
                let _ = write!(html, "<td{class}{key}>{}</td>", escape(&cell.text));
            }
            html.push_str("</tr>\n");
        }
        html.push_str("</tbody>\n</table>\n</div>\n");
        if !self.note.is_empty() {
            let _ = writeln!(html, "<p class=\"note\">{}</p>", escape(&self.note));
        }
    }
}

fn number_class(number: bool) -> &'static str {
    if number { " class=\"number\"" } else { "" }
}
