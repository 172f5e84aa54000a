//! The network as a graph, with the cut.
//!
//! Blocks are elements `block-N` and links `link-N`, numbered as in [`Network`], whose classes
//! ([`Side::class`], [`Flow::class`]) say all that a plan changes.

mod fold;
mod gather;
mod layout;
mod names;
mod route;

use std::fmt::Write as _;

pub(super) use fold::full_name;
pub use fold::{Block, Link, MOST_BLOCKS, Network, fold};
pub use gather::{gather, view};

use crate::canvas::label_layout::{Frame, Room};
use crate::canvas::panel::pixels;
use crate::canvas::style::{SMALL, TINY};
use crate::canvas::text::{escape, fit, width};
use crate::canvas::{Anchor, Canvas, Swatch, Words};
use crate::figures::Figure;
use crate::{Origin, ReportError, Style, Subject, nothing, provenance};
use cutpoint_core::units::{Bytes, format_us};
use layout::{Layout, layout};
use route::{Step, path};

/// What the figure shows.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkData {
    /// Name of the model.
    pub model: String,
    /// Where the edge times come from.
    pub edge: Origin,
    /// Where the server times come from.
    pub server: Origin,
    /// The blocks and what flows between them.
    pub network: Network,
    /// What is written about each block.
    pub nodes: Vec<Node>,
    /// What is written about each link.
    pub wires: Vec<Wire>,
    /// The plan to show, if any.
    pub view: Option<View>,
}

/// What is written about a block.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// What it is called.
    pub name: String,
    /// Operator of a single layer; empty for others.
    pub op: String,
    /// Size of what it puts out.
    pub output: Bytes,
    /// Time of its layers on the edge.
    pub edge_us: f64,
    /// Time of its layers on the server.
    pub server_us: f64,
    /// What it consists of, a line each.
    pub parts: Vec<String>,
}

/// What is written about a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wire {
    /// Name of the tensor.
    pub tensor: String,
    /// Its size in its own type.
    pub bytes: Bytes,
}

/// A plan, as far as the drawing shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// What it is for and what it comes to, in words.
    pub words: String,
    /// Where each block runs, or a task's results are wanted.
    pub sides: Vec<Side>,
    /// What each link does.
    pub flows: Vec<Flow>,
    /// When each task's results are there; `None` for other blocks.
    pub ready_us: Vec<Option<f64>>,
    /// What is written at links, by their number: how a tensor is sent.
    pub labels: Vec<(usize, String)>,
}

/// Where a block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// On the edge.
    Edge,
    /// On the server.
    Server,
    /// On both sides, or on either.
    Either,
}

impl Side {
    /// Class of its blocks.
    pub fn class(self) -> &'static str {
        match self {
            Side::Edge => "at-edge",
            Side::Server => "at-server",
            Side::Either => "at-either",
        }
    }
}

/// What a link does under a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// It stays on one side.
    Inside,
    /// It goes from edge to server.
    Crosses,
    /// It brings a result back to the edge.
    Returns,
}

impl Flow {
    /// Class of its links.
    pub fn class(self) -> &'static str {
        match self {
            Flow::Inside => "inside",
            Flow::Crosses => "crosses",
            Flow::Returns => "returns",
        }
    }
}

const NAME: &str = "network";
/// Names in a tooltip.
const LISTED: usize = 14;

impl Figure for NetworkData {
    const NAME: &'static str = NAME;
    const ABOUT: &'static str = "the network as a graph, with the cut of the best plan";
    const NEEDS: &'static str = "a profile";

    fn gather(subject: &Subject<'_>) -> Result<Vec<NetworkData>, ReportError> {
        let Some(study) = subject.study() else {
            return Ok(Vec::new());
        };
        let (problem, profile) = (&study.problem, study.profile);
        let data = gather(problem, profile, &study.server, &[], study.plan())?;
        Ok(vec![data])
    }

    fn draw(&self, style: &Style) -> Result<String, ReportError> {
        draw(self, style)
    }
}

/// Draws the figure.
///
/// # Errors
/// [`ReportError::Nothing`] without layers, with times that are no numbers, or where the page
/// would have to be many times larger.
fn draw(data: &NetworkData, style: &Style) -> Result<String, ReportError> {
    let model = &data.model;
    if data
        .network
        .blocks
        .iter()
        .all(|block| block.layers().is_empty())
    {
        return Err(nothing(NAME, format!("`{model}` has no layers")));
    }
    let times = data
        .nodes
        .iter()
        .flat_map(|node| [node.edge_us, node.server_us]);
    if !times.sum::<f64>().is_finite() {
        let why = format!(
            "some layer times of `{model}` are no numbers; measure again with `cutpoint profile`"
        );
        return Err(nothing(NAME, why));
    }
    // wide and deep networks are drawn on a larger page and made smaller
    let zooms = (0..40).map(|step| 1.06_f64.powi(step));
    for zoom in zooms {
        let mut canvas = Canvas::zoomed(style, zoom, &words(data));
        if data.view.is_some() {
            canvas.legend(&legend(data));
        }
        let room = canvas.free();
        let drawing = layout(&data.network, room);
        if drawing.height > room.height {
            continue;
        }
        let Some(labels) = labels(data, &drawing, room) else {
            continue;
        };
        graph(&mut canvas, data, &drawing);
        for (frame, point, text) in labels {
            canvas.label("strong", &frame, point, text);
        }
        return Ok(canvas.finish());
    }
    Err(nothing(
        NAME,
        format!("`{model}` has too many parallel branches for a page"),
    ))
}

fn words(data: &NetworkData) -> Words {
    let layers: usize = data
        .network
        .blocks
        .iter()
        .map(|block| block.layers().len())
        .sum();
    let blocks = data
        .network
        .blocks
        .iter()
        .filter(|block| !block.layers().is_empty())
        .count();
    let total = |time: fn(&Node) -> f64| format_us(data.nodes.iter().map(time).sum());
    let folded = if blocks < layers {
        format!(" in {blocks} blocks")
    } else {
        String::new()
    };
    let plural = if layers == 1 { "" } else { "s" };
    let both = format!(
        "{layers} layer{plural}{folded}: {} on the edge, {}; {} on the server, {}.",
        total(|node| node.edge_us),
        data.edge.label(),
        total(|node| node.server_us),
        data.server.label(),
    );
    let (heading, summary, side) = match &data.view {
        None => ("the network", both, "the edge"),
        Some(view) => (
            "where the network is cut",
            view.words.clone(),
            "its side; a task is on the side that wants its results",
        ),
    };
    Words {
        heading: format!("{}: {heading}", data.model),
        summary,
        caption: format!(
            "Behind its operator or the number of its layers stands a block's time on {side}. \
             Bars compare edge times. {}",
            provenance(&data.edge, &data.server)
        ),
    }
}

fn legend(data: &NetworkData) -> Vec<(&'static str, Swatch, String)> {
    let (edge, server) = (data.edge.label(), data.server.label());
    let mut entries = vec![
        (
            Side::Edge.class(),
            Swatch::Box,
            format!("on the edge, {edge}"),
        ),
        (
            Side::Server.class(),
            Swatch::Box,
            format!("on the server, {server}"),
        ),
    ];
    if data
        .view
        .iter()
        .any(|view| view.sides.contains(&Side::Either))
    {
        entries.push((Side::Either.class(), Swatch::Box, "either".to_owned()));
    }
    entries.extend([
        (Flow::Crosses.class(), Swatch::Line, "crosses".to_owned()),
        (
            Flow::Returns.class(),
            Swatch::Line,
            "result comes back".to_owned(),
        ),
    ]);
    entries
}

impl NetworkData {
    fn side(&self, block: usize) -> Side {
        let sides = self.view.as_ref().map(|view| &view.sides);
        sides
            .and_then(|sides| sides.get(block))
            .copied()
            .unwrap_or(Side::Either)
    }

    fn flow(&self, link: usize) -> Flow {
        let flows = self.view.as_ref().map(|view| &view.flows);
        flows
            .and_then(|flows| flows.get(link))
            .copied()
            .unwrap_or(Flow::Inside)
    }
}

/// What is written at a link, with its room and the point it belongs to.
type Label<'a> = (Frame, (f64, f64), &'a str);

/// Room for what is written at links, off other links if possible; `None` when there is too little.
fn labels<'a>(data: &'a NetworkData, drawing: &Layout, page: Frame) -> Option<Vec<Label<'a>>> {
    let mut rooms = [Room::new(page), Room::new(page)];
    for frame in &drawing.boxes {
        rooms.iter_mut().for_each(|room| room.block(*frame));
    }
    for line in drawing.routes.iter().flat_map(|steps| lines(steps)) {
        rooms[0].block(line);
    }
    let wanted = data.view.iter().flat_map(|view| &view.labels);
    let placed = wanted.map(|(link, text)| {
        let steps = drawing.routes.get(*link)?;
        let middle = |pair: &[Step]| {
            let ((x0, y0), (x1, y1)) = (pair[0].end(), pair[1].end());
            ((x0 + x1) / 2.0, (y0 + y1) / 2.0)
        };
        let (frame, point) = rooms.iter_mut().find_map(|room| {
            let mut points = steps.windows(2).map(middle);
            points.find_map(|(x, y)| {
                let frame = room.take(x, y, width(text, SMALL), SMALL + 3.0)?;
                Some((frame, (x, y)))
            })
        })?;
        rooms.iter_mut().for_each(|room| room.block(frame));
        Some((frame, point, text.as_str()))
    });
    placed.collect()
}

/// The straight parts of a link, as boxes.
fn lines(steps: &[Step]) -> Vec<Frame> {
    let pairs = steps.windows(2).map(|pair| (pair[0].end(), pair[1].end()));
    let straight = pairs.filter(|((x0, y0), (x1, y1))| x0 == x1 || y0 == y1);
    straight
        .map(|((x0, y0), (x1, y1))| Frame {
            left: x0.min(x1) + 1.0,
            top: y0.min(y1) - 1.0,
            width: ((x1 - x0).abs() - 2.0).max(0.0),
            height: (y1 - y0).abs() + 2.0,
        })
        .collect()
}

fn graph(canvas: &mut Canvas, data: &NetworkData, drawing: &Layout) {
    let mut links: Vec<usize> = (0..drawing.routes.len()).collect();
    links.sort_by_key(|link| data.flow(*link) != Flow::Inside);
    for link in links {
        canvas.element(&link_element(data, link, &drawing.routes[link]));
    }
    let longest = data
        .nodes
        .iter()
        .map(|node| node.edge_us)
        .fold(0.0, f64::max);
    for (number, frame) in drawing.boxes.iter().enumerate() {
        if let (Some(block), Some(node)) = (data.network.blocks.get(number), data.nodes.get(number))
        {
            canvas.element(&opening(data, number, block, node, frame));
            if node.edge_us > 0.0 && longest > 0.0 {
                let width = (frame.width - 8.0) * node.edge_us / longest;
                let bar = Frame {
                    left: frame.left + 4.0,
                    top: frame.bottom() - 4.5,
                    width,
                    height: 2.5,
                };
                canvas.boxes("share", &[bar]);
            }
            write_texts(canvas, data, number, block, node, frame);
            canvas.element("</g>");
        }
    }
}

fn link_element(data: &NetworkData, link: usize, steps: &[Step]) -> String {
    let class = data.flow(link).class();
    let tip = data.wires.get(link).map_or(String::new(), |wire| {
        format!("{}: {}", fit(&wire.tensor, 1.0, 60.0), wire.bytes)
    });
    let label = data
        .view
        .iter()
        .flat_map(|view| &view.labels)
        .find(|(at, _)| *at == link);
    let sent = label.map_or(String::new(), |(_, text)| format!("\nsent: {text}"));
    format!(
        "<path class=\"{class}\" id=\"link-{link}\" d=\"{}\"><title>{}{}</title></path>",
        path(steps),
        escape(&tip),
        escape(&sent),
    )
}

/// The group of a block with its tooltip and outline, still open.
fn opening(data: &NetworkData, number: usize, block: &Block, node: &Node, frame: &Frame) -> String {
    let corner = if block.layers().is_empty() {
        frame.height / 2.0
    } else {
        4.0
    };
    let mut tip = fit(&node.name, 1.0, 60.0);
    if !block.layers().is_empty() {
        let _ = write!(
            tip,
            "\nedge {}, server {}",
            format_us(node.edge_us),
            format_us(node.server_us)
        );
    }
    for part in node.parts.iter().take(LISTED) {
        let _ = write!(tip, "\n{}", fit(part, 1.0, 60.0));
    }
    if node.parts.len() > LISTED {
        let _ = write!(tip, "\nand {} more", node.parts.len() - LISTED);
    }
    let [x, y, w, h, r] = [frame.left, frame.top, frame.width, frame.height, corner].map(pixels);
    format!(
        "<g class=\"{}\" id=\"block-{number}\"><title>{}</title>\n\
         <rect x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" rx=\"{r}\"/>",
        data.side(number).class(),
        escape(&tip),
    )
}

fn write_texts(
    canvas: &mut Canvas,
    data: &NetworkData,
    number: usize,
    block: &Block,
    node: &Node,
    frame: &Frame,
) {
    let middle = frame.left + frame.width / 2.0;
    let room = frame.width - if block.layers().is_empty() { 16.0 } else { 8.0 };
    let name = fit_name(&node.name, room);
    canvas.text("small", middle, frame.top + 13.5, Anchor::Middle, &name);
    let below = below(data, number, block, node);
    let fitting = below.iter().find(|text| width(text, TINY) <= room);
    if let Some(text) = fitting.or(below.last()) {
        let text = fit(text, TINY, room);
        canvas.text("tiny", middle, frame.top + 25.5, Anchor::Middle, &text);
    }
}

/// A block's name; of one that says where the block begins and ends, the end if need be.
fn fit_name(name: &str, room: f64) -> String {
    let close = name.replace(" … ", "…");
    let end = name.split_once(" … ").map(|(_, end)| format!("…{end}"));
    let mut names = [name.to_owned(), close].into_iter().chain(end.clone());
    names
        .find(|name| width(name, SMALL) <= room)
        .unwrap_or_else(|| fit(&end.unwrap_or_else(|| name.to_owned()), SMALL, room))
}

/// The second line of a block, the longest first.
fn below(data: &NetworkData, number: usize, block: &Block, node: &Node) -> Vec<String> {
    match block {
        Block::Inputs(_) => vec![format!("input · {}", node.output), node.output.to_string()],
        Block::Tasks(_) => {
            let ready = data
                .view
                .as_ref()
                .and_then(|view| *view.ready_us.get(number)?);
            match ready.filter(|us| us.is_finite()) {
                Some(us) => vec![format!("task · {}", format_us(us)), format_us(us)],
                None => vec!["task".to_owned()],
            }
        }
        Block::Layers(layers) => {
            let us = match data.side(number) {
                Side::Server => node.server_us,
                Side::Edge | Side::Either => node.edge_us,
            };
            let time = format_us(us);
            match layers.len() {
                // a profile written by hand may name no operators
                1 if node.op.is_empty() => vec![time],
                1 => {
                    let first = node.op.split('+').next().unwrap_or_default();
                    vec![
                        format!("{} · {time}", node.op),
                        format!("{first}+… · {time}"),
                        time,
                    ]
                }
                count => vec![
                    format!("{count} layers · {time}"),
                    format!("{count} · {time}"),
                    time,
                ],
            }
        }
    }
}
