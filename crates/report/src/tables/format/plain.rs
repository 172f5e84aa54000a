use comfy_table::{CellAlignment, Table as Grid, presets};

use super::Table;

/// Columns side by side, numbers to the right, units in the header; the notes below.
pub(super) fn write(table: &Table) -> String {
    let mut grid = Grid::new();
    grid.load_style(presets::NOTHING);
    grid.set_header(table.columns.iter().map(|column| column.headed()));
    for row in &table.rows {
        grid.add_row(row.iter().map(|cell| one_line(&cell.shown())));
    }
    for index in 0..table.columns.len() {
        if let Some(column) = grid.column_mut(index).filter(|_| table.is_numeric(index)) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let mut lines = vec![one_line(&table.title), String::new()];
    lines.extend(grid.lines().map(|line| line.trim_end().to_owned()));
    if !table.notes.is_empty() {
        lines.push(String::new());
        lines.extend(table.notes.iter().map(|note| one_line(note)));
    }
    lines.join("\n") + "\n"
}

/// Names may hold line breaks and other controls; a cell is one line.
fn one_line(text: &str) -> String {
    let visible = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    text.chars().map(visible).collect()
}
