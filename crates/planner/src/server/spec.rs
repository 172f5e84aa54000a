//! Simulated servers: a uniform factor, or a roofline.

use std::path::Path;

use serde::Deserialize;

use super::{Server, ServerError, ServerTimes, Source, moved_bytes};
use cutpoint_core::file_kind::FileKind;
use cutpoint_core::graph::{Graph, Layer};
use cutpoint_core::profile::{BoardInfo, FORMAT, Profile};
use cutpoint_core::syntax::read_toml;

/// The `base` that means "the edge's own profile".
const EDGE_BASE: &str = "edge profile scaled";

/// How a simulated machine relates to the one that measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Speed {
    /// Every time is divided by this.
    Factor(f64),
    /// See [`Roofline`].
    Roofline(Roofline),
}

/// The two ceilings of a machine and its cost of starting a kernel.
///
/// A layer needs at least `max(flops / peak, bytes moved / bandwidth)` (the roofline model of
/// Williams, Waterman and Patterson, CACM 2009). The measured time is scaled by the ratio of the
/// two machines' rooflines, so the efficiency reached here is taken to be reached there, and one
/// kernel start is added:
///
/// `t_server = t_measured * roof_server / roof_measured + kernel_us`
///
/// Taking over a crossing tensor and decoding it are bound by memory: their times scale with the
/// bandwidths alone.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs)]
pub struct Roofline {
    pub peak_gflop_s: f64,
    pub mem_gb_s: f64,
    pub kernel_us: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SpecFile {
    format: u32,
    #[serde(default = "FileKind::server")]
    kind: FileKind,
    name: Option<String>,
    // for readers of the file
    #[serde(rename = "source")]
    _source: Option<String>,
    base: String,
    speedup: Option<f64>,
    peak_gflop_s: Option<f64>,
    mem_gb_s: Option<f64>,
    kernel_us: Option<f64>,
    #[serde(default)]
    request_us: f64,
    #[serde(default)]
    jitter: f64,
}

/// Factors that make sense.
pub(super) fn is_speedup(factor: f64) -> bool {
    (1e-3..=1e6).contains(&factor)
}

/// Reads the description of a simulated server; a base profile's path is relative to the file.
pub(super) fn parse(text: &str, path: &Path) -> Result<Server, ServerError> {
    let error = |message: String| ServerError::Spec {
        path: path.to_owned(),
        message,
    };
    let spec: SpecFile = read_toml(text).map_err(error)?;
    if spec.format != FORMAT {
        return Err(error(format!(
            "format {} is not format {FORMAT}",
            spec.format
        )));
    }
    if spec.kind != FileKind::Server {
        return Err(error(format!("it holds {}", spec.kind)));
    }
    let speed = spec.speed().map_err(error)?;
    let base = match spec.base.as_str() {
        EDGE_BASE => None,
        file => {
            let folder = path.parent().unwrap_or(Path::new("."));
            Some(Box::new(Profile::load(&folder.join(file))?))
        }
    };
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    Ok(Server {
        name: spec.name.unwrap_or_else(|| stem.into_owned()),
        request_us: spec.request_us,
        jitter: spec.jitter,
        source: Source::Simulated(base, speed),
    })
}

impl SpecFile {
    fn speed(&self) -> Result<Speed, String> {
        for (key, value) in [("request_us", self.request_us), ("jitter", self.jitter)] {
            if !(0.0..=60e6).contains(&value) {
                return Err(format!("{key} = {value} is out of range"));
            }
        }
        let roofline = (self.peak_gflop_s, self.mem_gb_s);
        match (self.speedup, roofline, self.kernel_us) {
            (Some(factor), (None, None), None) if is_speedup(factor) => Ok(Speed::Factor(factor)),
            (Some(factor), (None, None), None) => {
                Err(format!("speedup = {factor} is out of range"))
            }
            (None, (Some(peak_gflop_s), Some(mem_gb_s)), kernel_us) => {
                let kernel_us = kernel_us.unwrap_or(0.0);
                let sane = |x: f64| (1e-3..=1e9).contains(&x);
                if sane(peak_gflop_s) && sane(mem_gb_s) && (0.0..=1e6).contains(&kernel_us) {
                    Ok(Speed::Roofline(Roofline {
                        peak_gflop_s,
                        mem_gb_s,
                        kernel_us,
                    }))
                } else {
                    Err("the figures of the roofline are out of range".to_owned())
                }
            }
            _ => Err(
                "give either `speedup`, or `peak_gflop_s`, `mem_gb_s` and `kernel_us`".to_owned(),
            ),
        }
    }
}

impl Speed {
    /// Turns the times of the machine that measured into those of this one.
    pub(super) fn apply(
        &self,
        times: &mut ServerTimes,
        measured_on: &BoardInfo,
        graph: &Graph,
    ) -> Result<(), ServerError> {
        let copying = match self {
            Speed::Factor(factor) => {
                times.layer_us.iter_mut().for_each(|t| *t /= factor);
                1.0 / factor
            }
            Speed::Roofline(roofline) => {
                if measured_on.peak_gflop_s <= 0.0 || measured_on.mem_gb_s <= 0.0 {
                    return Err(ServerError::NoRoofline(measured_on.name.clone()));
                }
                let here = Roofline {
                    peak_gflop_s: measured_on.peak_gflop_s,
                    mem_gb_s: measured_on.mem_gb_s,
                    kernel_us: 0.0,
                };
                for (layer, time) in graph.layers().iter().zip(&mut times.layer_us) {
                    let ratio = roofline.roof_us(graph, layer) / here.roof_us(graph, layer);
                    // a layer without work takes no time but its kernel's start
                    let ratio = if ratio.is_finite() { ratio } else { 0.0 };
                    *time = *time * ratio + roofline.kernel_us;
                }
                here.mem_gb_s / roofline.mem_gb_s
            }
        };
        times.recv_us.iter_mut().for_each(|t| *t *= copying);
        times.split_us *= copying;
        for codec in &mut times.codecs {
            codec.dec_us *= copying;
            codec.dec_ns_per_byte *= copying;
        }
        Ok(())
    }
}

impl Roofline {
    fn roof_us(&self, graph: &Graph, layer: &Layer) -> f64 {
        let compute = layer.flops as f64 / (self.peak_gflop_s * 1e3);
        let memory = moved_bytes(graph, layer) / (self.mem_gb_s * 1e3);
        compute.max(memory)
    }
}
