//! Evaluation: a model with its data, and the whole model's outcomes on them.

use sha2::{Digest, Sha256};

use super::AccuracyError;
use super::estimate::{self, Estimate, Outcome, Outcomes, six_digits};
use super::metric::{TaskMetric, Truth};
use super::parallel;
use super::samples::Samples;
use cutpoint_core::codec_accuracy::{DataInfo, ModelId, TaskAccuracy, TaskDrop};
use cutpoint_core::graph::{ElementType, TensorId};
use cutpoint_core::task::Task;
use cutpoint_onnx::{Model, Reading, Scale};
use cutpoint_planner::scenario::U8Input;
use cutpoint_runtime::Environment;
use cutpoint_runtime::measure::Control;
use cutpoint_runtime::session::{Session, SessionOptions, Value, Values};
use cutpoint_runtime::values;

/// A model to be evaluated, with its data.
#[derive(Debug)]
pub struct Subject<'a> {
    /// The runtime; for several workers it should have one thread, as each worker has its own.
    pub environment: &'a Environment,
    /// The model.
    pub model: &'a Model,
    /// Its node-level graph.
    pub reading: &'a Reading,
    /// The samples.
    pub samples: Samples,
    /// The tasks; labels are found by their names.
    pub tasks: Vec<Task>,
    /// Compare with the whole model's own outputs, whatever labels there are.
    pub agreement: bool,
    /// Threads that evaluate samples side by side.
    pub workers: usize,
}

/// A model with data, and the whole model's outcomes on them.
#[derive(Debug)]
pub struct Evaluation<'a> {
    pub(super) subject: Subject<'a>,
    pub(super) metrics: Vec<TaskMetric>,
    pub(super) truths: Vec<Truth>,
    /// Per task.
    pub(super) whole: Vec<Outcomes>,
    /// The model input that the images are for.
    pub(super) input: TensorId,
    /// How it was made from an 8-bit image, if it was.
    pub(super) scale: Option<Scale>,
    /// Of all that was evaluated.
    sha256: String,
}

impl<'a> Evaluation<'a> {
    /// Runs the whole model on every sample; `watch` is asked, with the number of samples done,
    /// whether to go on.
    ///
    /// # Errors
    /// Data that do not fit the model, tasks without labels where others have some, outputs that
    /// are no numbers, or [`AccuracyError::Interrupted`].
    pub fn open(
        subject: Subject<'a>,
        watch: &mut dyn FnMut(usize) -> Control,
    ) -> Result<Evaluation<'a>, AccuracyError> {
        let graph = &subject.reading.graph;
        let labelled = !subject.agreement && !subject.samples.preprocessing().tasks().is_empty();
        let metric = if labelled {
            TaskMetric::labelled
        } else {
            TaskMetric::agreement
        };
        let metrics = subject
            .tasks
            .iter()
            .map(|t| metric(graph, t, &subject.samples));
        let metrics = metrics.collect::<Result<Vec<_>, _>>()?;
        let truths = metrics.iter().map(|metric| metric.truth(&subject.samples));
        let truths = truths.collect::<Result<Vec<_>, _>>()?;
        let input = image_input(&subject)?;
        let scale = subject.samples.are_bytes()?.then(|| {
            let input = subject.samples.preprocessing().input();
            Scale {
                mean: input.mean.clone(),
                std: input.std.clone(),
            }
        });
        let whole = metrics
            .iter()
            .map(|metric| Outcomes::none(metric.kind))
            .collect();
        let mut evaluation = Evaluation {
            subject,
            metrics,
            truths,
            whole,
            input,
            scale,
            sha256: String::new(),
        };
        evaluation.run_whole(watch)?;
        evaluation.check()?;
        Ok(evaluation)
    }

    fn run_whole(&mut self, watch: &mut dyn FnMut(usize) -> Control) -> Result<(), AccuracyError> {
        let subject = &self.subject;
        let model = subject.model.encode();
        let mut sessions = self.sessions(|| session(subject.environment, &model))?;
        let samples = 0..subject.samples.len();
        let done = parallel::each(&mut sessions, samples, watch, |session, index| {
            let (feed, digest) = self.hashed_input(index)?;
            let outputs = session.run(&feed)?;
            Ok((digest, self.outcomes_of_whole(index, &outputs)?))
        })?;
        if done.stopped {
            return Err(AccuracyError::Interrupted);
        }
        let mut hash = Sha256::new();
        for (digest, outcomes) in done.results {
            hash.update(digest);
            for ((whole, truth), outcome) in
                self.whole.iter_mut().zip(&mut self.truths).zip(outcomes)
            {
                match (truth, &outcome) {
                    (Truth::Classes(classes), Outcome::Class(class))
                        if classes.len() == whole.len() =>
                    {
                        classes.push(*class);
                    }
                    _ => {}
                }
                whole.push(outcome);
            }
        }
        // label maps are in the samples' own hashes
        let held = self.truths.iter().filter(|t| !matches!(t, Truth::Maps(_)));
        held.for_each(|truth| hash.update(format!("{truth:?}")));
        let digest = hash.finalize();
        self.sha256 = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(())
    }

    fn outcomes_of_whole(
        &self,
        index: usize,
        outputs: &Values,
    ) -> Result<Vec<Outcome>, AccuracyError> {
        let tasks = self.metrics.iter().zip(&self.truths);
        let outcomes =
            tasks.map(
                |(metric, truth)| match metric.outcome(truth, index, outputs, outputs)? {
                    Outcome::NotANumber => Err(AccuracyError::Misfit(format!(
                        "{}: the whole model's task `{}` gives values that are no numbers (NaN or \
                     infinite): check mean and std in {}, or the model",
                        self.subject.samples.place(self.row(index)),
                        metric.task.name,
                        self.subject.samples.preprocessing().path().display()
                    ))),
                    outcome => Ok(outcome),
                },
            );
        outcomes.collect()
    }

    /// Refuses a whole model without any error, of which no share can be taken, and maps without
    /// any class.
    fn check(&self) -> Result<(), AccuracyError> {
        for ((metric, truth), whole) in self.metrics.iter().zip(&self.truths).zip(&self.whole) {
            let empty = |part: &Vec<f64>| part.iter().all(|count| *count == 0.0);
            match (truth, whole) {
                (Truth::Maps(_), Outcomes::Sums(parts)) if parts.iter().all(empty) => {
                    return Err(AccuracyError::Misfit(format!(
                        "task `{}`: no pixel of its label maps has a class, all hold the number for \
                         `ignore`: label some, or add --agreement",
                        metric.task.name
                    )));
                }
                _ => {}
            }
        }
        for task in self.tasks() {
            if task.metric.is_error() && task.baseline <= 0.0 {
                return Err(AccuracyError::Misfit(format!(
                    "task `{}`: the whole model makes no error at all, so that no share of it can \
                     be taken: are the labels its own outputs? add --agreement",
                    task.name
                )));
            }
        }
        Ok(())
    }

    /// Returns how good the whole model is at each task.
    pub fn tasks(&self) -> Vec<TaskAccuracy> {
        let rows = self.metrics.iter().zip(&self.truths).zip(&self.whole);
        let task = |((metric, truth), whole): ((&TaskMetric, &Truth), &Outcomes)| {
            // that the whole model agrees with itself is no finding
            let value = if metric.is_labelled() {
                estimate::value(metric.kind, truth.classes(), whole)
            } else {
                Estimate::exactly(1.0)
            };
            TaskAccuracy {
                name: metric.task.name.clone(),
                metric: metric.kind,
                baseline: six_digits(value.mean),
                std_error: six_digits(value.std_error),
            }
        };
        rows.map(task).collect()
    }

    /// Returns what outcomes on the first samples cost each task; `None` is a task that cannot have
    /// noticed anything.
    pub(super) fn drops(&self, coded: &[Option<Outcomes>]) -> Vec<TaskDrop> {
        let rows = self.metrics.iter().zip(&self.truths).zip(&self.whole);
        let drop =
            |(((metric, truth), whole), coded): (((&TaskMetric, &Truth), _), &Option<Outcomes>)| {
                let drop = match coded {
                    Some(coded) => estimate::drop(metric.kind, truth.classes(), whole, coded),
                    None => Estimate::exactly(0.0),
                };
                TaskDrop {
                    task: metric.task.name.clone(),
                    mean: drop.mean,
                    std_error: drop.std_error,
                }
            };
        rows.zip(coded).map(drop).collect()
    }

    /// Returns the model, for the file.
    pub fn model(&self) -> ModelId {
        ModelId {
            file: self.subject.model.file_name(),
            sha256: self.subject.model.sha256().to_owned(),
        }
    }

    /// Returns the data, for the file.
    pub fn data(&self) -> DataInfo {
        let samples = &self.subject.samples;
        let labels = samples.set().labels().path();
        // the folder says more than `labels.csv`
        let named = if labels.extension().is_some_and(|e| e == "npz") {
            labels.file_name()
        } else {
            labels.parent().and_then(std::path::Path::file_name)
        };
        DataInfo {
            source: named
                .unwrap_or(labels.as_os_str())
                .to_string_lossy()
                .into_owned(),
            samples: samples.len() as u64,
            sha256: self.sha256.clone(),
            calibration_samples: samples.calibration().len() as u64,
            labelled: self.metrics.iter().all(TaskMetric::is_labelled),
        }
    }

    /// Returns the image that the model's input is made from; `None` when it is made from floats.
    pub fn image(&self) -> Option<U8Input> {
        let wide = |values: &[f32]| values.iter().map(|x| f64::from(*x)).collect();
        self.scale.as_ref().map(|scale| U8Input {
            name: self.subject.samples.preprocessing().input().name.clone(),
            mean: wide(&scale.mean),
            std: wide(&scale.std),
        })
    }

    /// Returns whether outcomes are compared with outputs that are not kept.
    pub(super) fn needs_whole_outputs(&self) -> bool {
        self.truths.iter().any(|t| matches!(t, Truth::Whole))
    }

    /// Row of the data set of an evaluated sample.
    pub(super) fn row(&self, index: usize) -> usize {
        self.subject
            .samples
            .evaluated()
            .get(index)
            .copied()
            .unwrap_or(0)
    }

    /// Returns what the model is fed with for a row of the data set.
    pub(super) fn feed(&self, row: usize) -> Result<Values, AccuracyError> {
        let tensor = self.subject.reading.graph.tensor(self.input);
        let numbers = self.subject.samples.input(row, &tensor.shape)?;
        Ok(vec![(
            tensor.name.clone(),
            self.value(&tensor.shape, numbers)?,
        )])
    }

    fn hashed_input(&self, index: usize) -> Result<(Values, [u8; 32]), AccuracyError> {
        let tensor = self.subject.reading.graph.tensor(self.input);
        let numbers = self.subject.samples.input(self.row(index), &tensor.shape)?;
        let mut hash = Sha256::new();
        numbers.iter().for_each(|x| hash.update(x.to_le_bytes()));
        for truth in &self.truths {
            if let Truth::Maps(maps) = truth {
                let classes = maps.read(index)?;
                let number = |class: &Option<usize>| class.map_or(-1, |c| c as i64);
                classes
                    .iter()
                    .for_each(|c| hash.update(number(c).to_le_bytes()));
            }
        }
        let feed = vec![(tensor.name.clone(), self.value(&tensor.shape, numbers)?)];
        Ok((feed, hash.finalize().into()))
    }

    fn value(&self, shape: &[u64], numbers: Vec<f32>) -> Result<Value, AccuracyError> {
        Ok(values::from_floats(
            self.subject.environment,
            shape,
            numbers,
        )?)
    }

    /// Returns one state for each worker.
    pub(super) fn sessions<S>(
        &self,
        make: impl Fn() -> Result<S, AccuracyError>,
    ) -> Result<Vec<S>, AccuracyError> {
        (0..self.subject.workers.max(1)).map(|_| make()).collect()
    }
}

/// Returns a session at the deployment level.
pub(super) fn session(environment: &Environment, model: &[u8]) -> Result<Session, AccuracyError> {
    Ok(Session::new(
        environment,
        model,
        &SessionOptions::default(),
    )?)
}

/// The input that the images are for, which must be the only one.
fn image_input(subject: &Subject<'_>) -> Result<TensorId, AccuracyError> {
    let graph = &subject.reading.graph;
    let preprocessing = subject.samples.preprocessing();
    let wanted = &preprocessing.input().name;
    let misfit = |problem: String| {
        let path = preprocessing.path().display();
        Err(AccuracyError::Misfit(format!("{path}: {problem}")))
    };
    let names = || {
        graph
            .inputs()
            .iter()
            .map(|t| graph.tensor(*t).name.as_str())
    };
    let list = names().collect::<Vec<_>>().join("`, `");
    match graph.inputs() {
        [input] if graph.tensor(*input).name == *wanted => {
            let tensor = graph.tensor(*input);
            match tensor.dtype {
                ElementType::Float32 => Ok(*input),
                other => misfit(format!(
                    "input `{wanted}` is {other}, and images are fed as float32: convert the model"
                )),
            }
        }
        [_] => misfit(format!(
            "the model has no input `{wanted}`; its input is `{list}`: correct `name` under [input]"
        )),
        _ => misfit(format!(
            "the model has several inputs (`{list}`), and a data set of images feeds one"
        )),
    }
}
