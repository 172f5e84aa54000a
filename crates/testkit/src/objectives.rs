//! The naive evaluator's word on everything that depends on tasks, schedules and frame rates.

use cutpoint_core::codec::Codec;
use cutpoint_core::link::wire;
use cutpoint_core::units::Bytes;
use cutpoint_planner::scenario::{FrameRate, Objective, Results, Schedule};

use super::oracle::{Oracle, Placed, ns};

/// A placement with one order of work on the edge. Times are in nanoseconds times the rate.
#[derive(Debug, Clone)]
pub struct Weighed {
    pub edge: u32,
    /// Bit i: layer i runs beside link and server.
    pub local: u32,
    pub codecs: Vec<(String, Codec)>,
    /// Objectives, payload, layers on the edge: smaller is better.
    pub rank: ([i128; 2], u64, usize),
    pub latency: i128,
    /// When each task is done.
    pub tasks: Vec<i128>,
    pub objectives: Vec<(Objective, i128)>,
    /// What is used of each limit with an amount, in its unit, rounded up.
    pub uses: Vec<(String, i128)>,
    pub server_memory: u64,
    pub breaks: Vec<String>,
}

impl Weighed {
    pub fn objective(&self, wanted: Objective) -> i128 {
        let mut all = self.objectives.iter();
        all.find(|(o, _)| *o == wanted).unwrap().1
    }

    pub fn used(&self, limit: &str) -> Option<i128> {
        let mut uses = self.uses.iter();
        uses.find(|(name, _)| name == limit).map(|(_, used)| *used)
    }
}

/// The parts of an inference, each in nanoseconds times the rate.
#[derive(Debug, Clone, Copy, Default)]
struct Times {
    edge: i128,
    encode: i128,
    local: i128,
    there: i128,
    uplink: i128,
    decode: i128,
    server: i128,
    back: i128,
    downlink: i128,
    down_bytes: i128,
}

fn up(value: i128, unit: i128) -> i128 {
    (value + unit - 1).div_euclid(unit)
}

impl Oracle<'_> {
    fn rate(&self) -> i128 {
        i128::from(self.scenario.link.rate.bit_s())
    }

    /// Every placement of [`Oracle::all`] with every order of work.
    pub fn weighed(&self) -> Vec<Weighed> {
        let all = self.all();
        all.iter().flat_map(|placed| self.orders(placed)).collect()
    }

    fn orders(&self, placed: &Placed) -> Vec<Weighed> {
        let edge = placed.edge;
        let tasks = self.tasks();
        let sides: Vec<Results> = tasks.iter().map(|(t, _)| self.side(t)).collect();
        let kept: Vec<bool> = tasks
            .iter()
            .zip(&sides)
            .map(|((_, needs), side)| needs & !edge == 0 && *side != Results::Server)
            .collect();
        let mut locals = vec![0];
        if self.scenario.schedule == Schedule::Overlap && !placed.codecs.is_empty() {
            let mut before = placed
                .codecs
                .iter()
                .fold(0, |bits, (t, _)| bits | self.needed_for(t));
            let order: Vec<usize> = (0..tasks.len()).filter(|k| kept[*k]).collect();
            for task in (0..tasks.len()).filter(|k| !kept[*k]) {
                before |= tasks[task].1 & edge;
            }
            // any of them may run before anything is sent
            for set in 0..1_usize << order.len() {
                let (mut first, mut after) = (before, 0);
                for (position, task) in order.iter().enumerate() {
                    if set >> position & 1 == 1 {
                        first |= tasks[*task].1;
                    } else {
                        after |= tasks[*task].1;
                    }
                }
                locals.push(after & !first);
            }
        }
        locals.sort_unstable();
        locals.dedup();
        let weigh = |local: u32| self.weigh(placed, local, &kept, &sides);
        locals.into_iter().map(weigh).collect()
    }

    fn weigh(&self, placed: &Placed, local: u32, kept: &[bool], sides: &[Results]) -> Weighed {
        let times = self.times(placed, local);
        let here = times.edge + times.encode;
        let beside = here + times.local;
        let there = here + times.there + times.uplink + times.decode + times.server;
        let back = there + times.back + times.downlink;
        let tasks = self.tasks();
        let done = |task: usize| match sides[task] {
            Results::Server => there,
            _ if kept[task] && tasks[task].1 & local != 0 => beside,
            _ if kept[task] => here,
            Results::Edge => back,
            Results::Anywhere => there,
        };
        let done: Vec<i128> = (0..tasks.len()).map(done).collect();
        let latency = if local == 0 { back } else { back.max(beside) };
        let busy = beside;
        let capacities = placed.uses.iter();
        let capacities = capacities.map(|(c, used)| (format!("capacity {c}"), i128::from(*used)));
        let mut weighed = Weighed {
            edge: placed.edge,
            local,
            codecs: placed.codecs.clone(),
            rank: ([0; 2], placed.rank.1, placed.rank.2),
            latency,
            objectives: Vec::new(),
            uses: capacities.collect(),
            server_memory: self.server_memory(placed.edge),
            breaks: placed.breaks.clone(),
            tasks: done.clone(),
        };
        let weight = |task: &str| {
            let mut weights = self.scenario.weights.iter();
            weights
                .find(|w| w.task == task)
                .map_or(1000, |w| w.thousandths)
        };
        let late = tasks.iter().zip(&done).filter_map(|((task, _), done)| {
            Some(done - i128::from(self.deadline(task)?) * self.rate())
        });
        let period = [
            busy,
            times.uplink,
            times.decode + times.server,
            times.downlink,
        ];
        let period = period.into_iter().max().unwrap();
        let watts = |w: f64| (w * 1e6).round() as i128;
        let (energy, average) = match self.edge.power {
            None => (0, 0),
            Some(power) => {
                let waiting = (latency - busy - times.uplink).max(0);
                let (compute, transmit) = (watts(power.compute_w), watts(power.transmit_w));
                let idle = watts(power.idle_w);
                let energy = compute * busy + transmit * times.uplink + idle * waiting;
                let beyond =
                    (compute - idle).max(0) * busy + (transmit - idle).max(0) * times.uplink;
                (energy, beyond)
            }
        };
        let sum = tasks
            .iter()
            .zip(&done)
            .map(|((t, _), d)| d * i128::from(weight(t)));
        weighed.objectives = vec![
            (Objective::Latency, latency),
            (Objective::Weighted, sum.sum()),
            (Objective::Lateness, late.max().unwrap_or(0)),
            (Objective::Energy, energy),
            (Objective::Throughput, period),
            (Objective::Uplink, i128::from(placed.rank.1)),
            (Objective::EdgeTime, busy),
        ];
        weighed.rank.0[0] = weighed.objective(self.scenario.objective);
        weighed.rank.0[1] = self.scenario.then.map_or(0, |then| weighed.objective(then));
        let edge_memory = i128::from(placed.edge_memory);
        self.limit(&mut weighed, &times, [period, energy, average, edge_memory]);
        weighed
    }

    fn limit(
        &self,
        weighed: &mut Weighed,
        times: &Times,
        [period, energy, average, edge_memory]: [i128; 4],
    ) {
        let limits = &self.scenario.limits;
        let rate = self.rate();
        let bytes = |most: Option<Bytes>| most.map(|most| i128::from(most.0));
        let payload = i128::from(weighed.rank.1);
        let frame = limits.fps.map(FrameRate::period_ns).map(i128::from);
        let mut held: Vec<(String, i128, Option<i128>)> = vec![
            // broken already
            ("edge-memory".into(), edge_memory, None),
            ("max-uplink".into(), payload, None),
            (
                "server-memory".into(),
                i128::from(weighed.server_memory),
                bytes(limits.server_memory),
            ),
            (
                "max-downlink".into(),
                times.down_bytes,
                bytes(limits.max_downlink),
            ),
            (
                "max-message".into(),
                times.down_bytes.max(payload),
                bytes(limits.max_message),
            ),
            ("fps".into(), up(period, rate), frame),
            (
                "max-energy".into(),
                up(energy, rate * 1_000_000),
                limits.max_energy.map(|most| i128::from(most.0)),
            ),
        ];
        if let Some(frame) = frame {
            let link = times.uplink.max(times.downlink);
            held.push((
                "link-share".into(),
                up(link * 1_000_000, rate * frame),
                limits.link_share.map(|share| i128::from(share.0)),
            ));
            let idle = self.edge.power.map_or(0.0, |power| power.idle_w);
            held.push((
                "max-power".into(),
                up(average, rate * frame) + (idle * 1e6).round() as i128,
                limits.max_power.map(|most| i128::from(most.0)),
            ));
        }
        if self.scenario.objective != Objective::Lateness {
            for ((task, _), done) in self.tasks().iter().zip(&weighed.tasks) {
                let most = self.deadline(task).map(i128::from);
                held.push((format!("deadline {task}"), up(*done, rate), most));
            }
        }
        for (name, used, most) in held {
            if most.is_some_and(|most| used > most) {
                weighed.breaks.push(name.clone());
            }
            weighed.uses.push((name, used));
        }
        if let Some(least) = limits.min_depth {
            let shallow = |(t, _): &(String, Codec)| self.depth(t) < least;
            if weighed.codecs.iter().any(shallow) {
                weighed.breaks.push("min-depth".into());
            }
        }
    }

    fn times(&self, placed: &Placed, local: u32) -> Times {
        let link = self.scenario.link;
        let rate = self.rate();
        let mut times = Times::default();
        let fixed = |us: f64| ns(us) * rate;
        let bits = |bytes: u64| 8 * i128::from(wire(Bytes(bytes)).0) * 1_000_000_000;
        for (i, layer) in self.edge.layers.iter().enumerate() {
            if local >> i & 1 == 1 {
                times.local += fixed(layer.edge_us);
            } else if placed.edge >> i & 1 == 1 {
                times.edge += fixed(layer.edge_us);
            } else {
                times.server += fixed(layer.server_us / self.factor);
            }
        }
        for (name, codec) in &placed.codecs {
            let tensor = self.edge.tensors.iter().find(|t| t.name == *name).unwrap();
            let (encode, decode) = self.coding_us(tensor, *codec);
            times.edge += fixed(tensor.send_us);
            times.encode += fixed(encode);
            times.uplink += bits(self.bytes(tensor, *codec));
            times.decode += fixed(decode / self.factor);
            times.server += fixed(tensor.recv_us / self.factor);
        }
        let everything = (1_u32 << self.edge.layers.len()) - 1;
        if placed.edge != everything || !placed.codecs.is_empty() {
            times.edge += fixed(self.edge.method.split_edge_us);
            times.server += fixed(self.edge.method.split_server_us / self.factor);
            times.there = i128::from(link.delay.ns()) * rate;
        }
        if local != 0 {
            times.local += fixed(self.edge.method.split_edge_us);
        }
        for output in &self.edge.outputs {
            let producer = self.producer(&output.name);
            let computed_there = producer.is_some_and(|p| placed.edge >> p & 1 == 0);
            if computed_there && self.wanted(&output.name) == Results::Edge {
                times.back = i128::from(link.delay.ns()) * rate;
                times.down_bytes += i128::from(output.bytes);
                times.downlink += match link.down_rate {
                    None => bits(output.bytes),
                    Some(down) => {
                        let bits = 8 * wire(Bytes(output.bytes)).0;
                        ns(bits as f64 * 1e6 / down.bit_s() as f64) * rate
                    }
                };
            }
        }
        times
    }

    fn deadline(&self, task: &str) -> Option<u64> {
        let deadlines = &self.scenario.limits.deadlines;
        let of = |name: Option<&str>| deadlines.iter().find(|d| d.task.as_deref() == name);
        of(Some(task)).or_else(|| of(None)).map(|d| d.most.ns())
    }

    fn depth(&self, tensor: &str) -> u32 {
        if self.scenario.local_inputs.iter().any(|l| l == tensor) {
            return u32::MAX;
        }
        let Some(producer) = self.producer(tensor) else {
            return 0;
        };
        let inputs = self.edge.layers[producer].inputs.iter();
        inputs
            .map(|t| self.depth(t))
            .min()
            .unwrap_or(u32::MAX)
            .saturating_add(1)
    }

    fn server_memory(&self, edge: u32) -> u64 {
        if edge.count_ones() as usize == self.edge.layers.len() {
            return 0;
        }
        let there = |i: usize| edge >> i & 1 == 0;
        let layers = 0..self.edge.layers.len();
        let uses = |name: &String| {
            let mut layers = self.edge.layers.iter().enumerate();
            layers.any(|(i, l)| there(i) && l.weights.contains(name))
        };
        let weights = self.edge.weights.iter().filter(|w| uses(&w.name));
        let weights: u64 = weights.map(|w| w.bytes).sum();
        let alive = |name: &str, step: usize| {
            let reads = self.readers(name).iter().any(|r| there(*r) && *r >= step);
            match self.producer(name) {
                Some(made) if there(made) => {
                    let output = self.edge.outputs.iter().any(|o| o.name == name);
                    made <= step && (made == step || reads || output)
                }
                _ => reads,
            }
        };
        let at = |step: usize| -> u64 {
            let tensors = self.edge.tensors.iter().filter(|t| alive(&t.name, step));
            tensors.map(|t| t.bytes).sum()
        };
        let peak = layers.filter(|i| there(*i)).map(at).max().unwrap_or(0);
        let model = self.edge.memory;
        let factored = model.weight_factor * weights as f64 + model.activation_factor * peak as f64;
        model.base_bytes + factored.ceil() as u64
    }
}
