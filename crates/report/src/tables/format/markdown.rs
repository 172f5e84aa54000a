use super::Table;

/// A heading, a table of GitHub's Markdown, and the notes as a paragraph.
pub(super) fn write(table: &Table) -> String {
    let line = |cells: Vec<String>| format!("| {} |", cells.join(" | "));
    let columns = table.columns.iter();
    let mut lines = vec![
        format!("### {}", escape(&table.title)),
        String::new(),
        line(columns.map(|column| escape(&column.headed())).collect()),
    ];
    let rule = (0..table.columns.len()).map(|index| {
        if table.is_numeric(index) {
            "---:".to_owned()
        } else {
            "---".to_owned()
        }
    });
    lines.push(line(rule.collect()));
    for row in &table.rows {
        lines.push(line(row.iter().map(|cell| escape(&cell.shown())).collect()));
    }
    if !table.notes.is_empty() {
        let notes: Vec<String> = table.notes.iter().map(|note| escape(note)).collect();
        lines.push(String::new());
        lines.push(notes.join(" "));
    }
    lines.join("\n") + "\n"
}

/// Text that stands for itself: no cell ends early, and no markup or HTML begins.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' | '&' | '$' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
