//! `cutpoint replay`.

use crate::settings::Form::{Json, Out, Text};
use crate::test_dir::TestDir;

#[test]
fn of_a_drive() {
    let dir = TestDir::new();
    let ladon = "lte-drive.csv --edge ladon.toml --server sim:8x --delay 20ms";
    dir.check_all(
        ("replay", "ladon", ladon),
        &[Text, Json, Out],
        &[
            ("late", "--late 1s"),
            ("max_drop", "--max-drop 3% --fps 5 --late 500ms"),
        ],
    );
    dir.check_all(
        ("replay", "ladon", ladon),
        &[Text],
        &[
            ("ewma", "--estimator ewma:0.3"),
            ("period", "--period 1s --hysteresis 0%"),
            ("hysteresis", "--hysteresis 50%"),
            ("range", "--rate 1Mbit/s..5Mbit/s"),
            ("one_rate", "--rate 1Mbit/s"),
            ("link", "--link 4g"),
            ("max_gap", "--max-gap 50ms"),
            ("infeasible", "--edge-memory 1kB --keep-on-edge depth2"),
            ("overlap", "--schedule overlap --keep-on-edge classes"),
        ],
    );
    dir.check([(
        "replay__ladon__to_json",
        format!("replay {ladon} --quiet --out replay.json"),
    )]);
    dir.check_all(
        (
            "replay",
            "mobilenet",
            "lte-drive.csv --edge mobilenet.toml --server sim:8x",
        ),
        &[Text],
        &[("plain", ""), ("max_drop", "--max-drop 20% --fps 30")],
    );
}

#[test]
fn of_small_traces() {
    let dir = TestDir::new();
    dir.write(
        "steps.csv",
        "time_s,rate\n0,10Mbit/s\n1,100kbit/s\n2,1Mbit/s\n3,0Mbit/s\n4,30Mbit/s\n",
    );
    dir.write(
        "packets.txt",
        "0\n0\n1\n40\n90\n130\n130\n131\n250\n399\n400\n500\n",
    );
    dir.write(
        "gap.csv",
        "time_s,rate_mbit_s\n0,10\n1,5\n2,7\n60,3\n61,4\n",
    );
    dir.write("backwards.csv", "time_s,rate_mbit_s\n0,10\n2,5\n1,7\n");
    dir.write("no-rate.csv", "time_s,speed\n0,10\n");
    dir.write("down.csv", "time_s,rate_bit_s\n0,0\n1,0\n");
    dir.write("empty.csv", "");
    let of = |name: &str| format!("replay {name} --edge ladon.toml --server sim:8x --delay 20ms");
    dir.check(
        [
            "steps.csv",
            "packets.txt",
            "gap.csv",
            "backwards.csv",
            "no-rate.csv",
            "down.csv",
            "empty.csv",
            "none.csv",
        ]
        .map(|name| {
            let stem = name.split('.').next().unwrap_or_default().replace('-', "_");
            (format!("replay__trace__{stem}"), of(name))
        }),
    );
}
