//! `cutpoint link`.

use std::sync::Arc;

use clap::Args;
use cutpoint_core::units::{Bytes, format_us};
use cutpoint_deploy::Network;
use cutpoint_deploy::client::{Client, ClientOptions, ServerAddress};
use cutpoint_deploy::link_probe::{MeasuredLink, measure_link};

use super::{Common, Kind, OrFail, plural};

/// Measure the link to a server, and print the flags for `plan`
///
/// The server is any that speaks the Open Inference Protocol over gRPC; it needs no model. Takes a
/// few seconds. The way back is not measured: the protocol has no message for it.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cutpoint link 192.168.0.9:8001
  cutpoint link 192.168.0.9:8001 --json")]
pub(crate) struct LinkArgs {
    /// The server
    #[arg(value_name = "HOST:PORT")]
    server: ServerAddress,
}

/// No server has a model of this name.
const NO_MODEL: &str = "cutpoint-link";

pub(crate) fn run(args: &LinkArgs, common: &Common) -> anyhow::Result<()> {
    let network = Arc::new(Network::start().or_fail(Kind::Other)?);
    let options = ClientOptions {
        address: args.server.clone(),
        model: NO_MODEL.to_owned(),
        max_message: Bytes(1 << 30),
    };
    let mut client = Client::new(network, options).or_fail(Kind::Usage)?;
    let found = measure_link(&mut client)
        .map_err(|error| Kind::Network.of(anyhow::anyhow!("{}: {error}", args.server)))?;
    if common.json {
        common.print_json(&found)
    } else {
        common.print(text(args, &found))
    }
}

fn text(args: &LinkArgs, found: &MeasuredLink) -> String {
    let ms = |ms: f64| format_us(ms * 1e3);
    let rate = found
        .rate()
        .map_or_else(|| "unknown".to_owned(), |rate| rate.to_string());
    let lines = [
        format!("{}", args.server),
        format!(
            "  rate   {rate} to the server (messages of up to {})",
            Bytes(found.rate_bytes)
        ),
        format!(
            "  delay  {} one way: half of {}' median (MAD {}, 99 % below {})",
            ms(found.delay_ms),
            plural(found.n, "round trip"),
            ms(found.round_trip_mad_ms),
            ms(found.round_trip_p99_ms)
        ),
        format!(
            "  idle   100 kB take {} longer after a pause of 1.5 s",
            ms(found.idle_ms)
        ),
        format!(
            "\nfor plan  --rate {} --delay {:.0}us",
            rate.replace(' ', ""),
            found.delay_ms * 1e3
        ),
    ];
    lines.join("\n")
}
