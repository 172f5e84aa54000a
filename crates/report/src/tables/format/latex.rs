use super::Table;

/// A floating table with the rules of `booktabs`: the title and the notes as its caption.
pub(super) fn write(table: &Table) -> String {
    let line = |cells: Vec<String>| format!("    {} \\\\", cells.join(" & "));
    let align: String = (0..table.columns.len())
        .map(|index| if table.is_numeric(index) { 'r' } else { 'l' })
        .collect();
    let mut caption = vec![format!("{}.", escape(&table.title))];
    caption.extend(table.notes.iter().map(|note| escape(note)));
    let columns = table.columns.iter();
    let mut lines = vec![
        "% needs \\usepackage{booktabs}".to_owned(),
        "\\begin{table}".to_owned(),
        "  \\centering".to_owned(),
        format!("  \\caption{{{}}}", caption.join(" ")),
        format!("  \\begin{{tabular}}{{{align}}}"),
        "    \\toprule".to_owned(),
        line(columns.map(|column| escape(&column.headed())).collect()),
        "    \\midrule".to_owned(),
    ];
    for row in &table.rows {
        lines.push(line(row.iter().map(|cell| escape(&cell.shown())).collect()));
    }
    lines.extend(["    \\bottomrule", "  \\end{tabular}", "\\end{table}"].map(str::to_owned));
    lines.join("\n") + "\n"
}

/// Text that stands for itself in LaTeX, also where fonts have no such letter.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '#' | '$' | '%' | '&' | '_' | '{' | '}' => {
                out.push('\\');
                out.push(c);
            }
            '\\' => out.push_str("\\textbackslash{}"),
            '~' => out.push_str("\\textasciitilde{}"),
            '^' => out.push_str("\\textasciicircum{}"),
            '<' => out.push_str("\\textless{}"),
            '>' => out.push_str("\\textgreater{}"),
            '|' => out.push_str("\\textbar{}"),
            // a row that begins with a bracket would be read as the length of a skip
            '[' => out.push_str("{[}"),
            ']' => out.push_str("{]}"),
            'µ' | 'μ' => out.push_str("\\textmu{}"),
            '±' => out.push_str("\\textpm{}"),
            '×' => out.push_str("\\texttimes{}"),
            '…' => out.push_str("\\ldots{}"),
            '−' => out.push_str("\\textminus{}"),
            c if c.is_control() => out.push('?'),
            c => out.push(c),
        }
    }
    out
}
