//! ONNX models: loaded and checked, read as a [`cutpoint_core::graph::Graph`], cut, and written.
//!
//! Internal, no stability promise: use the crate `cutpoint`.
//!
//! [`Model::load`] reads a file, and [`Model::graph`] turns it into a [`Reading`]: one layer per node,
//! with the types and shapes of a real run. [`cut`](fn@cut) makes the [`Halves`] that a [`CutRequest`]
//! describes, [`plan::cut_plan`] those of a plan, and [`directory::Split`] saves them with a
//! description. [`wire`] makes and undoes what operators of the halves cannot: image files and
//! compression. [`annotate`](mod@annotate) writes a plan and times into a copy of a model.
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
