//! The calls of the protocol.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use cutpoint_core::codec::Codec;
use cutpoint_runtime::RunError;
use cutpoint_runtime::port::Port;
use tonic::{Request, Response, Status};

use super::AnswerNote;
use super::worker::{Counters, Refused, RequestTimes, Worker};
use crate::clock::now_ns;
use crate::halves::{HalfError, ServerHalf};
use crate::protocol::grpc_inference_service_server::GrpcInferenceService;
use crate::protocol::infer_parameter::ParameterChoice;
use crate::protocol::model_infer_request::InferInputTensor;
use crate::protocol::model_infer_response::InferOutputTensor;
use crate::protocol::model_metadata_response::TensorMetadata;
use crate::protocol::*;
use crate::tensor::{SentTensor, datatype, element_type};

/// The one version of a model that is served.
const VERSION: &str = "1";

/// Names of parameters that only cutpoint's own two ends know.
pub(crate) mod parameter {
    /// Codec of a packed tensor.
    pub(crate) const CODEC: &str = "cutpoint_codec";
    /// Hash of the server half.
    pub(crate) const SHA256: &str = "cutpoint_sha256";
    /// What the server says of an answer, see [`crate::server::AnswerNote`].
    pub(crate) const ANSWER: &str = "cutpoint";
}

/// What is said about the model that is served.
#[derive(Debug)]
pub(super) struct ServedModel {
    name: String,
    sha256: String,
    inputs: Vec<TensorMetadata>,
    outputs: Vec<TensorMetadata>,
}

impl ServedModel {
    pub(super) fn of(half: &ServerHalf, name: &str) -> ServedModel {
        ServedModel {
            name: name.to_owned(),
            sha256: half.sha256.clone(),
            inputs: half.inputs.iter().map(metadata).collect(),
            outputs: half.outputs.iter().map(metadata).collect(),
        }
    }
}

fn metadata(port: &Port) -> TensorMetadata {
    TensorMetadata {
        name: port.name.clone(),
        datatype: datatype(port.dtype).unwrap_or("BYTES").to_owned(),
        shape: port_shape(port),
    }
}

/// The shape of a port as the protocol has it: -1 for any size, and no scalars.
pub(crate) fn port_shape(port: &Port) -> Vec<i64> {
    if port.shape.is_empty() {
        return vec![1];
    }
    let dims = port.shape.iter();
    dims.map(|dim| dim.and_then(|size| i64::try_from(size).ok()).unwrap_or(-1))
        .collect()
}

/// The server half as a service.
#[derive(Debug)]
pub(super) struct Service {
    model: ServedModel,
    worker: Worker,
    counters: Arc<Counters>,
}

impl Service {
    pub(super) fn new(model: ServedModel, worker: Worker, counters: Arc<Counters>) -> Service {
        Service {
            model,
            worker,
            counters,
        }
    }

    fn check_name(&self, name: &str, version: &str) -> Result<(), Status> {
        if name != self.model.name {
            let own = &self.model.name;
            return Err(Status::not_found(format!(
                "no model is named `{name}`; there is `{own}`"
            )));
        }
        if version.is_empty() || version == VERSION {
            Ok(())
        } else {
            Err(Status::not_found(format!(
                "`{name}` has no version `{version}`; there is `{VERSION}`"
            )))
        }
    }

    fn check_outputs(&self, request: &ModelInferRequest) -> Result<(), Status> {
        let known = |name: &str| self.model.outputs.iter().any(|output| output.name == name);
        match request.outputs.iter().find(|output| !known(&output.name)) {
            None => Ok(()),
            Some(output) => {
                let names: Vec<&str> = self
                    .model
                    .outputs
                    .iter()
                    .map(|output| output.name.as_str())
                    .collect();
                Err(Status::invalid_argument(format!(
                    "no output is named `{}`; there are {}",
                    cutpoint_onnx::show(&output.name),
                    names.join(", ")
                )))
            }
        }
    }

    fn respond(
        &self,
        request: &ModelInferRequest,
        results: Vec<SentTensor>,
        times: &RequestTimes,
        received_ns: u64,
    ) -> ModelInferResponse {
        let wanted = |result: &&SentTensor| {
            let mut names = request.outputs.iter().map(|output| &output.name);
            request.outputs.is_empty() || names.any(|name| *name == result.name)
        };
        let (outputs, raw_output_contents) = results.iter().filter(wanted).map(output).unzip();
        let note = AnswerNote {
            sha256: self.model.sha256.clone(),
            received_ns,
            queue: times.queue,
            decode: times.decode,
            compute: times.compute,
            replied_ns: now_ns(),
        };
        let note = InferParameter {
            parameter_choice: Some(ParameterChoice::StringParam(note.to_string())),
        };
        let parameters = HashMap::from([(parameter::ANSWER.to_owned(), note)]);
        ModelInferResponse {
            model_name: self.model.name.clone(),
            model_version: VERSION.to_owned(),
            id: request.id.clone(),
            parameters,
            outputs,
            raw_output_contents,
        }
    }
}

fn output(result: &SentTensor) -> (InferOutputTensor, Bytes) {
    let tensor = InferOutputTensor {
        name: result.name.clone(),
        datatype: datatype(result.dtype).unwrap_or("BYTES").to_owned(),
        shape: result.sent_shape(),
        ..InferOutputTensor::default()
    };
    (tensor, result.bytes.clone())
}

/// The tensors of a request.
fn message(request: &ModelInferRequest) -> Result<Vec<SentTensor>, Status> {
    if request.raw_input_contents.len() != request.inputs.len() {
        return Err(Status::invalid_argument(format!(
            "{} inputs with raw contents for {}: send every input in raw_input_contents",
            request.inputs.len(),
            request.raw_input_contents.len()
        )));
    }
    let inputs = request.inputs.iter().zip(&request.raw_input_contents);
    inputs.map(|(input, bytes)| tensor(input, bytes)).collect()
}

fn tensor(input: &InferInputTensor, bytes: &Bytes) -> Result<SentTensor, Status> {
    let refuse = |problem: &str| {
        let name = cutpoint_onnx::show(&input.name);
        Status::invalid_argument(format!("tensor `{name}`: {problem}"))
    };
    let dims = input.shape.iter().map(|dim| u64::try_from(*dim));
    let packed = match input.parameters.get(parameter::CODEC) {
        None => None,
        Some(InferParameter {
            parameter_choice: Some(ParameterChoice::StringParam(text)),
        }) => Some(
            text.parse::<Codec>()
                .map_err(|error| refuse(&error.to_string()))?,
        ),
        Some(_) => return Err(refuse("its codec is no text")),
    };
    Ok(SentTensor {
        name: input.name.clone(),
        dtype: element_type(&input.datatype).ok_or_else(|| {
            refuse(&format!(
                "type `{}` is not taken",
                cutpoint_onnx::show(&input.datatype)
            ))
        })?,
        shape: dims
            .collect::<Result<_, _>>()
            .map_err(|_| refuse("a dimension is negative"))?,
        bytes: bytes.clone(),
        packed,
    })
}

fn status(error: &HalfError) -> Status {
    match error {
        HalfError::Run {
            error: RunError::Run { .. },
            ..
        } => Status::internal(error.to_string()),
        _ => Status::invalid_argument(error.to_string()),
    }
}

#[tonic::async_trait]
impl GrpcInferenceService for Service {
    async fn server_live(
        &self,
        _: Request<ServerLiveRequest>,
    ) -> Result<Response<ServerLiveResponse>, Status> {
        Ok(Response::new(ServerLiveResponse { live: true }))
    }

    async fn server_ready(
        &self,
        _: Request<ServerReadyRequest>,
    ) -> Result<Response<ServerReadyResponse>, Status> {
        Ok(Response::new(ServerReadyResponse { ready: true }))
    }

    async fn model_ready(
        &self,
        request: Request<ModelReadyRequest>,
    ) -> Result<Response<ModelReadyResponse>, Status> {
        let request = request.into_inner();
        self.check_name(&request.name, &request.version)?;
        Ok(Response::new(ModelReadyResponse { ready: true }))
    }

    async fn server_metadata(
        &self,
        _: Request<ServerMetadataRequest>,
    ) -> Result<Response<ServerMetadataResponse>, Status> {
        Ok(Response::new(ServerMetadataResponse {
            name: "cutpoint".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            extensions: vec!["model_configuration".to_owned(), "statistics".to_owned()],
        }))
    }

    async fn model_metadata(
        &self,
        request: Request<ModelMetadataRequest>,
    ) -> Result<Response<ModelMetadataResponse>, Status> {
        let request = request.into_inner();
        self.check_name(&request.name, &request.version)?;
        Ok(Response::new(ModelMetadataResponse {
            name: self.model.name.clone(),
            versions: vec![VERSION.to_owned()],
            platform: "onnxruntime_onnx".to_owned(),
            inputs: self.model.inputs.clone(),
            outputs: self.model.outputs.clone(),
        }))
    }

    async fn model_infer(
        &self,
        request: Request<ModelInferRequest>,
    ) -> Result<Response<ModelInferResponse>, Status> {
        let received_ns = now_ns();
        let request = request.into_inner();
        let checked = self
            .check_name(&request.model_name, &request.model_version)
            .and_then(|()| self.check_outputs(&request))
            .and_then(|()| message(&request));
        let message = checked.inspect_err(|_| Counters::add(&self.counters.failed, 1))?;
        let answer = self
            .worker
            .queue(message)
            .map_err(|refused| match refused {
                Refused::Full => {
                    Counters::add(&self.counters.turned_away, 1);
                    Status::unavailable("too many requests wait already; try again later")
                }
                Refused::Ended => Status::unavailable("the server ends"),
            })?;
        let outcome = answer.await;
        let outcome = outcome.map_err(|_| Status::unavailable("the server ends"))?;
        let (results, times) = outcome.map_err(|error| status(&error))?;
        Ok(Response::new(self.respond(
            &request,
            results,
            &times,
            received_ns,
        )))
    }

    async fn model_config(
        &self,
        request: Request<ModelConfigRequest>,
    ) -> Result<Response<ModelConfigResponse>, Status> {
        let request = request.into_inner();
        self.check_name(&request.name, &request.version)?;
        let hash = ModelParameter {
            string_value: self.model.sha256.clone(),
        };
        let config = ModelConfig {
            name: self.model.name.clone(),
            parameters: HashMap::from([(parameter::SHA256.to_owned(), hash)]),
        };
        Ok(Response::new(ModelConfigResponse {
            config: Some(config),
        }))
    }

    async fn model_statistics(
        &self,
        request: Request<ModelStatisticsRequest>,
    ) -> Result<Response<ModelStatisticsResponse>, Status> {
        let request = request.into_inner();
        if !request.name.is_empty() {
            self.check_name(&request.name, &request.version)?;
        }
        let read = |counter| Counters::read(counter);
        let counters = &self.counters;
        let answered = read(&counters.answered);
        let duration = |ns| {
            Some(StatisticDuration {
                count: answered,
                ns,
            })
        };
        let parts = [
            &counters.queue_ns,
            &counters.decode_ns,
            &counters.compute_ns,
            &counters.encode_ns,
        ];
        let [queue, decode, compute, encode] = parts.map(read);
        let failed = read(&counters.failed) + read(&counters.turned_away);
        let statistics = ModelStatistics {
            name: self.model.name.clone(),
            version: VERSION.to_owned(),
            inference_count: answered,
            execution_count: answered,
            last_inference: 0,
            inference_stats: Some(InferStatistics {
                success: duration(queue + decode + compute + encode),
                fail: Some(StatisticDuration {
                    count: failed,
                    ns: 0,
                }),
                queue: duration(queue),
                compute_input: duration(decode),
                compute_infer: duration(compute),
                compute_output: duration(encode),
            }),
        };
        Ok(Response::new(ModelStatisticsResponse {
            model_stats: vec![statistics],
        }))
    }
}
