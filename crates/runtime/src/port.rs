//! What a session takes and gives, as the runtime declares it.

use std::fmt;

use ort::value::{Outlet, ValueType};

use super::session::element_type;
use cutpoint_core::graph::ElementType;

/// An input or output of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// Type of its elements; [`ElementType::Other`] when it is no tensor.
    pub dtype: ElementType,
    /// Its dimensions; `None` for one of any size.
    pub shape: Vec<Option<u64>>,
}

impl Port {
    pub(super) fn of(outlet: &Outlet) -> Port {
        let (dtype, shape) = match outlet.dtype() {
            ValueType::Tensor { ty, shape, .. } => {
                let dims = shape.iter().map(|dim| u64::try_from(*dim).ok());
                (element_type(*ty), dims.collect())
            }
            _ => (ElementType::Other, Vec::new()),
        };
        Port {
            name: outlet.name().to_owned(),
            dtype,
            shape,
        }
    }

    /// Returns whether a tensor of this type and shape may go through.
    pub fn takes(&self, dtype: ElementType, shape: &[u64]) -> bool {
        let fits = |(port, dim): (&Option<u64>, &u64)| port.is_none_or(|size| size == *dim);
        dtype == self.dtype
            && shape.len() == self.shape.len()
            && self.shape.iter().zip(shape).all(fits)
    }

    /// Returns the shape when no dimension is open.
    pub fn fixed_shape(&self) -> Option<Vec<u64>> {
        self.shape.iter().copied().collect()
    }
}

/// As in `float32 1x3x?`.
impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dims = self.shape.iter();
        let dims: Vec<String> = dims
            .map(|dim| dim.map_or("?".to_owned(), |size| size.to_string()))
            .collect();
        write!(f, "{} {}", self.dtype, dims.join("x"))
    }
}
