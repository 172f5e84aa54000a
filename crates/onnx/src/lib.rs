//! ONNX models: loading and checking, reading as a [`cutpoint_core::graph::Graph`], cutting, writing.
//!
//! Files are untrusted: everything is checked before any runtime sees it, and data kept in other
//! files is brought inside. Only the main graph is cut; the bodies of `If`, `Loop` and `Scan` and
//! model-local functions stay whole.

pub mod annotate;
pub mod build;
mod check;
mod codecs;
mod constants;
mod cut;
pub mod directory;
mod error;
mod external;
mod flops;
mod flow;
mod model;
mod ops;
pub mod plan;
pub mod proto;
mod reading;
mod save;
mod scope;
mod tensor;
mod visit;
pub mod wire;

pub use codecs::{CodecData, CodecModels, Scale, codec_models};
pub use cut::{CutRequest, Halves, cut};
pub use error::{OnnxError, show};
pub use model::{Dim, InputDecl, Kernel, Model, ValueFacts};
pub use reading::Reading;
