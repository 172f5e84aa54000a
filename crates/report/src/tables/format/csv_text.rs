use super::Table;
use crate::ReportError;

/// Keys as the header and every number in full; below a line with the name where there are several.
pub(super) fn write(table: &Table, named: bool) -> Result<String, ReportError> {
    let failed = |error: String| ReportError::Writing(error);
    let mut writer = csv::Writer::from_writer(Vec::new());
    let written = writer.write_record(table.columns.iter().map(|column| column.key));
    written.map_err(|error| failed(error.to_string()))?;
    for row in &table.rows {
        let written = writer.write_record(row.iter().map(super::Cell::exact));
        written.map_err(|error| failed(error.to_string()))?;
    }
    let bytes = writer.into_inner();
    let bytes = bytes.map_err(|error| failed(error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|error| failed(error.to_string()))?;
    let title: String = table
        .title
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    Ok(if named {
        format!("# {}: {title}\n{text}", table.name)
    } else {
        text
    })
}
