//! The cells of one column of labels.

/// The cells of a column.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Numbers; what is missing is NaN, which `Labels::number` refuses.
    Numbers(Vec<f64>),
    /// Anything else.
    Texts(Vec<String>),
}

impl Values {
    /// Cells.
    pub fn len(&self) -> usize {
        match self {
            Values::Numbers(cells) => cells.len(),
            Values::Texts(cells) => cells.len(),
        }
    }

    /// Returns whether there is no cell.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Numbers where every cell is one or is empty.
    pub(super) fn of(cells: Vec<String>) -> Values {
        let number = |cell: &String| match cell.as_str() {
            "" => Some(f64::NAN),
            text => text.parse().ok(),
        };
        let numbers: Option<Vec<f64>> = cells.iter().map(number).collect();
        match numbers {
            Some(numbers) if cells.iter().any(|cell| !cell.is_empty()) => Values::Numbers(numbers),
            _ => Values::Texts(cells),
        }
    }

    /// As a person would write a cell.
    pub(super) fn text(&self, row: usize) -> String {
        match self {
            Values::Numbers(cells) => match cells.get(row) {
                Some(number) if !number.is_nan() => number.to_string(),
                _ => String::new(),
            },
            Values::Texts(cells) => cells.get(row).cloned().unwrap_or_default(),
        }
    }
}
