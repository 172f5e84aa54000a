//! A plan in words.

use crate::Origin;
use crate::canvas::text::bare;
use crate::figures::rate::Side;
use crate::wording::side;
use cutpoint_core::plan::{
    Alternative, Crossing, DelayMap, HalfEvidence, MapSegment, NoPlan, Plan, Status,
};
use cutpoint_core::units::{BitRate, Bytes, format_us, three_digits};
use cutpoint_planner::problem::Problem;

/// A plan in words, a paragraph each: what it is, against what it is good, where it flips, and how
/// the numbers came about. `map` holds the best plans at other rates.
pub fn summary(
    problem: &Problem,
    plan: &Plan,
    map: Option<&DelayMap>,
    edge: &Origin,
    server: &Origin,
) -> Vec<String> {
    let mut paragraphs = vec![format!(
        "{} {}",
        best(problem, plan, edge, server),
        proof(plan)
    )];
    paragraphs.extend(against(plan));
    paragraphs.extend(map.and_then(|map| flips(problem, map)));
    paragraphs.push(limits(problem, plan));
    paragraphs.push(rests_on(plan, edge, server));
    paragraphs
}

/// The same when no plan meets the limits.
pub fn no_plan(problem: &Problem, none: &NoPlan, edge: &Origin, server: &Origin) -> Vec<String> {
    let limits: Vec<String> = none.conflict.iter().map(|c| c.limit.to_string()).collect();
    let why = match limits.as_slice() {
        [] => String::new(),
        [one] => format!(" The limit {one} cannot be met."),
        [rest @ .., last] => format!(
            " The limits {} and {last} contradict one another.",
            rest.join(", ")
        ),
    };
    let link = problem.link();
    vec![
        format!(
            "No plan meets the limits at {} and {} one way.{why}",
            link.rate, link.delay
        ),
        origins(edge, server),
    ]
}

fn best(problem: &Problem, plan: &Plan, edge: &Origin, server: &Origin) -> String {
    let link = problem.link();
    let all = problem.graph().layers().len();
    let sent = Bytes(plan.uplink_bytes);
    let what = match side(plan) {
        Side::Edge if plan.crossing.is_empty() => {
            format!("runs everything on {} and sends nothing", edge.label())
        }
        Side::Edge => format!(
            "runs everything on {} and sends the results, {sent}",
            edge.label()
        ),
        Side::Server => format!(
            "runs everything on {} and sends it {}, {sent}",
            server.label(),
            sends(plan)
        ),
        Side::Split => format!(
            "runs {} of {all} layers on {}, sends {}, {sent}, and runs the rest on {}",
            plan.edge.len(),
            edge.label(),
            sends(plan),
            server.label()
        ),
    };
    let objective = if plan.objective.is_latency() {
        String::new()
    } else {
        format!(", where {} is to be least,", plan.objective.name)
    };
    format!(
        "At {} and {} one way{objective} the best plan {what}: {} until the last result.",
        link.rate,
        link.delay,
        time(plan.latency_ms)
    )
}

/// `features as q8 and image as u8`.
fn sends(plan: &Plan) -> String {
    let sent = |c: &Crossing| format!("{} as {}", bare(&c.tensor), c.codec);
    let sent: Vec<String> = plan.crossing.iter().map(sent).collect();
    sent.join(" and ")
}

/// A plan among others, in a few words.
pub(super) fn in_short(plan: &Plan) -> String {
    match side(plan) {
        Side::Edge => "everything on the edge".to_owned(),
        Side::Server => format!("everything on the server, sent {}", sends(plan)),
        Side::Split => format!("a cut that sends {}", sends(plan)),
    }
}

fn proof(plan: &Plan) -> String {
    match plan.status {
        Status::Optimal => format!("It is proven to be the best ({}).", plan.proof),
        _ => format!(
            "A better one may exist, but none below {} ({}).",
            time(plan.bound_ms),
            plan.proof
        ),
    }
}

fn against(plan: &Plan) -> Option<String> {
    let named = [
        ("all-edge", "everything on the edge"),
        ("all-server", "everything on the server"),
    ];
    let sentence = |(name, words): (&str, &str)| {
        let other = plan
            .alternatives
            .iter()
            .find(|a| a.name == name && a.model.is_none())?;
        let is_the_plan = match side(plan) {
            Side::Edge => name == "all-edge",
            Side::Server => name == "all-server" && other.latency_ms == plan.latency_ms,
            Side::Split => false,
        };
        if is_the_plan {
            return None;
        }
        Some(format!(
            "{words} takes {}{}",
            compared(plan, other),
            broken(other)
        ))
    };
    let parts: Vec<String> = named.into_iter().filter_map(sentence).collect();
    (!parts.is_empty()).then(|| capital(&format!("{}.", parts.join("; "))))
}

fn compared(plan: &Plan, other: &Alternative) -> String {
    let ratio = other.latency_ms / plan.latency_ms;
    let words = match ratio {
        r if (0.995..1.005).contains(&r) => "as long".to_owned(),
        r if r.is_finite() => format!("{} times as long", three_digits(r)),
        _ => return time(other.latency_ms),
    };
    format!("{}, {words}", time(other.latency_ms))
}

fn broken(other: &Alternative) -> String {
    let broken = other.breaks.as_ref();
    broken.map_or(String::new(), |limit| {
        format!(" (and breaks the limit {limit})")
    })
}

/// Where the best plan changes at the link's own delay.
fn flips(problem: &Problem, map: &DelayMap) -> Option<String> {
    let own = problem.link();
    let index = map
        .rows
        .iter()
        .position(|row| row.delay_ns == own.delay.ns())?;
    let segments = &map.rows[index].segments;
    let holds = |s: &MapSegment| s.from_bit_s <= own.rate.bit_s() && own.rate.bit_s() <= s.to_bit_s;
    let here = segments.iter().rposition(holds)?;
    let rate = |bit_s: u64| BitRate::from_bit_s(bit_s).map_or(String::new(), |r| r.to_string());
    let of = |segment: &MapSegment| {
        let plan = &map.plans.get(segment.plan - 1)?.plan;
        Some(in_short(plan))
    };
    let below = match here.checked_sub(1) {
        Some(below) => Some(format!(
            "below {}, {}",
            rate(segments[here].from_bit_s),
            of(&segments[below])?
        )),
        None if segments[here].from_bit_s > map.from_bit_s => Some(format!(
            "below {} no plan meets the limits",
            rate(segments[here].from_bit_s)
        )),
        None => None,
    };
    let above = match segments.get(here + 1) {
        Some(above) => Some(format!(
            "from {} on, {}",
            rate(above.from_bit_s),
            of(above)?
        )),
        None => None,
    };
    let range = format!("{} to {}", rate(map.from_bit_s), rate(map.to_bit_s));
    Some(match (below, above) {
        (None, None) => format!("The plan stays the best at every rate from {range}."),
        (below, above) => {
            let both: Vec<String> = [below, above].into_iter().flatten().collect();
            format!(
                "At other rates other plans are better: {}. Over {range} there are {} best plans in \
                 turn.",
                both.join("; "),
                segments.len()
            )
        }
    })
}

fn limits(problem: &Problem, plan: &Plan) -> String {
    if problem.limits().is_empty() {
        return "No limits were set.".to_owned();
    }
    let amount = |limit: &cutpoint_planner::problem::Limit| match limit.allows() {
        Some(amount) => format!("{limit} ({})", limit.amount(amount)),
        None => limit.to_string(),
    };
    let all: Vec<String> = problem.limits().iter().map(amount).collect();
    let binding = match plan.binding.as_slice() {
        [] => "None of them costs anything here.".to_owned(),
        some => format!("A better plan exists without {}.", some.join(" or ")),
    };
    format!("Limits: {}. {binding}", all.join(", "))
}

fn rests_on(plan: &Plan, edge: &Origin, server: &Origin) -> String {
    let half = |evidence: HalfEvidence| match evidence {
        HalfEvidence::Measured => "was itself measured",
        HalfEvidence::Predicted => "is predicted from other halves that were measured",
        HalfEvidence::Stated => "rests on times stated by hand",
        HalfEvidence::Imported => "rests on times that were imported",
        HalfEvidence::Simulated => "is simulated",
    };
    format!(
        "The plan's edge half {}, its server half {}. {}",
        half(plan.evidence.edge),
        half(plan.evidence.server),
        origins(edge, server)
    )
}

fn origins(edge: &Origin, server: &Origin) -> String {
    crate::provenance(edge, server)
}

fn time(ms: f64) -> String {
    format_us(ms * 1e3)
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(chars).collect()
}
