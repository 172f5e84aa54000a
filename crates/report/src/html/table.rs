//! A table of a page, whose columns the script can sort.

use std::fmt::Write as _;

use crate::canvas::text::escape;
use crate::tables::{Cell, Table};

/// Writes a table as HTML.
pub(super) fn write(table: &Table, id: &str, html: &mut String) {
    let table = table.for_people();
    let class = |column: usize| {
        if table.is_numeric(column) {
            " class=\"number\""
        } else {
            ""
        }
    };
    let _ = write!(
        html,
        "<div class=\"scroll\" role=\"region\" aria-labelledby=\"{id}\" tabindex=\"0\">\n\
         <table class=\"sortable\">\n<caption id=\"{id}\">{}</caption>\n<thead><tr>",
        escape(&table.title)
    );
    for (index, column) in table.columns.iter().enumerate() {
        let _ = write!(
            html,
            "<th scope=\"col\"{}>{}</th>",
            class(index),
            escape(&column.headed())
        );
    }
    html.push_str("</tr></thead>\n<tbody>\n");
    for row in &table.rows {
        html.push_str("<tr>");
        for (index, cell) in row.iter().enumerate() {
            let key = match cell {
                Cell::Empty | Cell::Text(_) => String::new(),
                Cell::Count(_) | Cell::Number(_) => format!(" data-sort=\"{}\"", cell.exact()),
            };
            let _ = write!(
                html,
                "<td{}{key}>{}</td>",
                class(index),
                escape(&cell.shown())
            );
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</tbody>\n</table>\n</div>\n");
    if !table.notes.is_empty() {
        let _ = writeln!(
            html,
            "<p class=\"note\">{}</p>",
            escape(&table.notes.join(" "))
        );
    }
}
