//! The problem without side limits as a plain maximum flow, built from its tables without any
//! reduction and solved by petgraph: an independent check, and what the planner's time is held
//! against.

use cutpoint_core::graph::{LayerId, TensorId};
use cutpoint_planner::problem::Problem;
use petgraph::algo::dinics;
use petgraph::graph::{DiGraph, NodeIndex};

pub struct Flow {
    network: DiGraph<(), u128>,
    edge: NodeIndex,
    server: NodeIndex,
    never: u128,
}

impl Flow {
    /// The edge is the source's side of a cut.
    pub fn new(problem: &Problem) -> Flow {
        let mut network = DiGraph::new();
        let edge = network.add_node(());
        let server = network.add_node(());
        let mut flow = Flow {
            network,
            edge,
            server,
            // above any sum of costs, below what overflows when many are added
            never: 1 << 100,
        };
        flow.build(problem);
        flow
    }

    /// The least latency in the unit of [`TimePerBit::scaled`](cutpoint_planner::problem::TimePerBit::scaled).
    pub fn least(&self) -> u128 {
        dinics(&self.network, self.edge, self.server).0
    }

    fn arc(&mut self, from: NodeIndex, to: NodeIndex, capacity: u128) {
        if capacity > 0 {
            self.network.add_edge(from, to, capacity);
        }
    }

    fn build(&mut self, problem: &Problem) {
        let graph = problem.graph();
        let time_per_bit = problem.time_per_bit();
        let scaled = |ns, bits| u128::try_from(time_per_bit.scaled(ns, bits)).unwrap();
        let layers: Vec<NodeIndex> = graph
            .layer_ids()
            .map(|_| self.network.add_node(()))
            .collect();
        let node = |layer: LayerId| layers[layer.index()];
        for layer in graph.layer_ids() {
            let time = problem.model().layer(layer);
            self.arc(node(layer), self.server, scaled(time.edge_ns, 0));
            self.arc(self.edge, node(layer), scaled(time.server_ns, 0));
            for producer in graph
                .layer(layer)
                .inputs
                .iter()
                .filter_map(|t| graph.producer(*t))
            {
                self.arc(node(layer), node(producer), self.never);
            }
        }
        for tensor in graph.tensor_ids().filter(|t| !problem.model().is_local(*t)) {
            let producer = graph.producer(tensor).map_or(self.edge, node);
            let time = problem.model().tensor(tensor);
            let costs = problem.encodings(tensor).iter().map(|way| {
                let ns = way.encode_ns + way.decode_ns + time.send_ns + time.recv_ns;
                scaled(ns, way.wire_bits)
            });
            let cost = costs.min().unwrap_or(self.never);
            self.add_crossing(problem, tensor, producer, cost, &node);
        }
        self.add_split(problem, &node);
    }

    fn add_crossing(
        &mut self,
        problem: &Problem,
        tensor: TensorId,
        producer: NodeIndex,
        cost: u128,
        node: &impl Fn(LayerId) -> NodeIndex,
    ) {
        if problem.model().goes_to_server(tensor) {
            self.arc(producer, self.server, cost);
            return;
        }
        let sent = self.network.add_node(());
        self.arc(producer, sent, cost);
        for reader in problem.graph().consumers(tensor) {
            self.arc(sent, node(*reader), self.never);
        }
    }

    fn add_split(&mut self, problem: &Problem, node: &impl Fn(LayerId) -> NodeIndex) {
        let graph = problem.graph();
        let time_per_bit = problem.time_per_bit();
        let scaled = |ns, bits| u128::try_from(time_per_bit.scaled(ns, bits)).unwrap();
        let split = problem.model().split();
        let once = scaled(split.edge_ns + split.server_ns + split.delay_ns, 0);
        if graph
            .tensor_ids()
            .any(|t| problem.model().goes_to_server(t))
        {
            self.arc(self.edge, self.server, once);
        } else {
            let any = self.network.add_node(());
            self.arc(self.edge, any, once);
            graph
                .layer_ids()
                .for_each(|layer| self.arc(any, node(layer), self.never));
        }
        let back = self.network.add_node(());
        self.arc(self.edge, back, scaled(split.delay_ns, 0));
        for output in graph
            .outputs()
            .iter()
            .filter(|t| problem.model().comes_back(**t))
        {
            if let Some(producer) = graph.producer(*output) {
                let time = problem.model().tensor(*output);
                self.arc(
                    self.edge,
                    node(producer),
                    scaled(time.down_ns, time.down_bits),
                );
                self.arc(back, node(producer), self.never);
            }
        }
    }
}
