use serde_json::{Map, Value, json};

use super::{Cell, Table, rounded};
use crate::ReportError;

/// `{"tables": [...]}`: rows are objects by the columns' keys, unknown cells null.
pub(super) fn write(tables: &[Table]) -> Result<String, ReportError> {
    let tables: Vec<Value> = tables.iter().map(table).collect();
    let text = serde_json::to_string_pretty(&json!({ "tables": tables }));
    let text = text.map_err(|error| ReportError::Writing(error.to_string()))?;
    Ok(text + "\n")
}

fn table(table: &Table) -> Value {
    let columns = table
        .columns
        .iter()
        .map(|column| json!({ "key": column.key, "heading": column.heading, "unit": column.unit }));
    let rows = table.rows.iter().map(|row| {
        let cells = table.columns.iter().zip(row);
        let cells = cells.map(|(column, cell)| (column.key.to_owned(), value(cell)));
        Value::Object(cells.collect::<Map<String, Value>>())
    });
    json!({
        "name": table.name,
        "title": table.title,
        "columns": columns.collect::<Vec<_>>(),
        "rows": rows.collect::<Vec<_>>(),
        "notes": table.notes,
    })
}

fn value(cell: &Cell) -> Value {
    match cell {
        Cell::Empty => Value::Null,
        Cell::Text(text) => Value::from(text.as_str()),
        Cell::Count(count) => Value::from(*count),
        Cell::Number(number) => Value::from(rounded(*number)),
    }
}
