//! The Open Inference Protocol, from `proto/open_inference.proto`.
// generated: its comments are those of the definition
#![allow(missing_docs, unreachable_pub, clippy::all)]

tonic::include_proto!("inference");
