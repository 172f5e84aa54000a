//! Which values are constant, and which shapes depend on the data.

use std::collections::HashMap;

use super::check::{called, has_bodies};
use super::proto::{FunctionProto, GraphProto, ModelProto, NodeProto};
use super::visit::bodies;
use super::{ops, scope};

/// Functions that call functions, and bodies in bodies: deeper than this is taken for
/// data-dependent.
const DEEPEST: usize = 64;

/// What is known about a value before the model runs; worse kinds are greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    /// The same in every run.
    Constant,
    /// Computed at run time; its shape follows from the shapes of the inputs.
    Static,
    /// Its shape depends on the data.
    DataDependent,
}

/// Kinds of the values of one graph, with those of the graphs around it.
struct Scope<'s, 'a> {
    own: HashMap<&'a str, Kind>,
    outer: Option<&'s Scope<'s, 'a>>,
}

impl Scope<'_, '_> {
    fn kind(&self, name: &str) -> Kind {
        let mut scope = Some(self);
        while let Some(here) = scope {
            if let Some(kind) = here.own.get(name) {
                return *kind;
            }
            scope = here.outer;
        }
        Kind::DataDependent
    }
}

/// Finds the kinds of the values of a model's main graph.
///
/// `has_shape` says whether the shape of a run-time tensor is known: only then is what is computed
/// from that shape constant.
pub(super) fn kinds<'a>(
    model: &'a ModelProto,
    graph: &'a GraphProto,
    has_shape: &dyn Fn(&str) -> bool,
) -> HashMap<&'a str, Kind> {
    let functions = model
        .functions
        .iter()
        .map(|f| ((f.domain(), f.name(), f.overload()), f));
    let mut flow = Flow {
        functions: functions.collect(),
        known: HashMap::new(),
    };
    let mut scope = Scope {
        own: HashMap::new(),
        outer: None,
    };
    scope
        .own
        .extend(graph.input.iter().map(|i| (i.name(), Kind::Static)));
    scope
        .own
        .extend(scope::initializers(graph).map(|name| (name, Kind::Constant)));
    for node in &graph.node {
        let mut kind = flow.node(node, &scope, 0);
        if kind == Kind::Constant
            && ops::reads_shape(node)
            && node
                .input
                .iter()
                .any(|i| scope.kind(i) != Kind::Constant && !has_shape(i))
        {
            kind = Kind::Static;
        }
        scope
            .own
            .extend(scope::outputs(node).map(|name| (name, kind)));
    }
    scope.own
}

type FunctionKey<'a> = (&'a str, &'a str, &'a str);

struct Flow<'a> {
    functions: HashMap<FunctionKey<'a>, &'a FunctionProto>,
    /// Results of functions by the kinds of their arguments.
    known: HashMap<(FunctionKey<'a>, Vec<Kind>), Kind>,
}

impl<'a> Flow<'a> {
    /// The worst kind among a node's results.
    fn node(&mut self, node: &'a NodeProto, scope: &Scope<'_, 'a>, depth: usize) -> Kind {
        let worst = scope::reads(node).into_iter().map(|n| scope.kind(n)).max();
        let worst = worst.unwrap_or(Kind::Constant);
        if depth > DEEPEST {
            return Kind::DataDependent;
        }
        if let Some(function) = self.functions.get(&called(node)).copied() {
            // what a function takes from its arguments' shapes cannot be written into the halves
            return self.function(function, node, scope, depth).max(worst);
        }
        if has_bodies(node) {
            return self.control_flow(node, scope, worst, depth);
        }
        match ops::rule(node) {
            ops::Rule::Random => worst.max(Kind::Static),
            ops::Rule::DataDependent if worst > Kind::Constant => Kind::DataDependent,
            ops::Rule::Unknown => Kind::DataDependent,
            ops::Rule::ReadsShape if worst == Kind::Static => Kind::Constant,
            ops::Rule::ShapedBy(inputs) => {
                let shaping = inputs.iter().filter_map(|i| node.input.get(*i));
                let all = shaping
                    .filter(|n| !n.is_empty())
                    .all(|n| scope.kind(n) == Kind::Constant);
                if all { worst } else { Kind::DataDependent }
            }
            _ => worst,
        }
    }

    fn function(
        &mut self,
        function: &'a FunctionProto,
        node: &'a NodeProto,
        scope: &Scope<'_, 'a>,
        depth: usize,
    ) -> Kind {
        let argument = |i: usize| match node.input.get(i).map(String::as_str) {
            None | Some("") => Kind::Constant,
            Some(name) => scope.kind(name),
        };
        let arguments: Vec<Kind> = (0..function.input.len()).map(argument).collect();
        let key = (called(node), arguments);
        if let Some(kind) = self.known.get(&key) {
            return *kind;
        }
        let parameters = function
            .input
            .iter()
            .map(String::as_str)
            .zip(key.1.iter().copied());
        let mut inner = Scope {
            own: parameters.collect(),
            outer: None,
        };
        let kind = self.nodes(&function.node, &mut inner, depth + 1);
        let delivered = function.output.iter().map(|o| inner.kind(o)).max();
        let kind = delivered.unwrap_or(kind);
        self.known.insert(key, kind);
        kind
    }

    /// Fills `scope` with the kinds of the nodes' results and returns the worst.
    fn nodes(&mut self, nodes: &'a [NodeProto], scope: &mut Scope<'_, 'a>, depth: usize) -> Kind {
        let mut worst = Kind::Constant;
        for node in nodes {
            let kind = self.node(node, scope, depth);
            worst = worst.max(kind);
            scope
                .own
                .extend(scope::outputs(node).map(|name| (name, kind)));
        }
        worst
    }

    /// A choice known in advance, or a node that reads only constants, is as good as its bodies;
    /// any other has unpredictable results.
    fn control_flow(
        &mut self,
        node: &'a NodeProto,
        scope: &Scope<'_, 'a>,
        worst: Kind,
        depth: usize,
    ) -> Kind {
        let chosen = node.op_type() == "If"
            && node
                .input
                .first()
                .is_some_and(|condition| scope.kind(condition) == Kind::Constant);
        if !(chosen || worst == Kind::Constant) || !ops::is_default_domain(node) {
            return Kind::DataDependent;
        }
        let mut result = worst;
        for body in bodies(node) {
            let parameters = body
                .input
                .iter()
                .map(|i| i.name())
                .chain(scope::initializers(body));
            let own = parameters.map(|name| (name, Kind::Constant)).collect();
            let mut inner = Scope {
                own,
                outer: Some(scope),
            };
            self.nodes(&body.node, &mut inner, depth + 1);
            result = body
                .output
                .iter()
                .map(|o| inner.kind(o.name()))
                .fold(result, Kind::max);
        }
        // a loop over constants that is not constant itself (random numbers) has an open length
        if result == Kind::Static && !chosen {
            Kind::DataDependent
        } else {
            result
        }
    }
}
