//! The figures of what was measured end to end.

use cutpoint_core::file_kind::FileKind;
use cutpoint_core::plan::{FORMAT, Verification, VerifiedCut, VerifiedPart};
use cutpoint_report::figures::Figure;
use cutpoint_report::figures::verification::{AllCutsData, PartsData};
use cutpoint_report::{ReportError, Style, Subject};
use cutpoint_testkit::networks::{check, count};

fn cut(name: &str, planned: bool, measured_ms: f64) -> VerifiedCut {
    VerifiedCut {
        crossing: vec![name.to_owned()],
        planned,
        predicted_ms: 10.0,
        measured_ms,
        mad_ms: 0.2,
        n: 20,
    }
}

fn found(cuts: Option<Vec<VerifiedCut>>) -> Verification {
    let part = |name: &str, predicted_ms: f64, measured_ms: f64| VerifiedPart {
        name: name.to_owned(),
        predicted_ms,
        measured_ms,
        mad_ms: 0.1,
        n: 20,
    };
    Verification {
        format: FORMAT,
        kind: FileKind::Verification,
        model: "m.onnx".to_owned(),
        board: "<pi>".to_owned(),
        crossing: vec!["a & b".to_owned()],
        rate_bit_s: 10_000_000,
        down_rate_bit_s: 20_000_000,
        delay_ms: 5.0,
        connection: "warm".to_owned(),
        paced_fps: None,
        threads: 1,
        runtime: "onnxruntime 1.31.1".to_owned(),
        regret: cuts.as_ref().map(|_| 0.25),
        parts: vec![
            part("edge", 1.0, 1.1),
            part("encode", 0.0, 0.0),
            part("uplink", 6.0, 6.6),
            part("total", 10.0, 11.0),
        ],
        cuts,
    }
}

#[test]
fn each_part_has_a_bar_a_whisker_and_its_prediction() {
    let found = found(None);
    let figures = PartsData::gather(&Subject::Verification(&found)).unwrap();
    let svg = figures[0].draw(&Style::default()).unwrap();
    check(&svg);
    // the part that neither was predicted nor took time is left out
    assert_eq!(count(&svg, "edge", "rect"), 1);
    assert_eq!(count(&svg, "uplink", "rect"), 1);
    assert_eq!(count(&svg, "deadline", "title"), 3);
    for text in [
        "10 % more in all",
        "n = 20;",
        "6.60 ms (+10 %)",
        "up, 20 Mbit/s down",
        "&lt;pi&gt;",
    ] {
        assert!(svg.contains(text), "{text}: {svg}");
    }
    assert!(
        AllCutsData::gather(&Subject::Verification(&found))
            .unwrap()
            .is_empty()
    );
}

#[test]
fn the_chosen_cut_is_shown_however_many_are_faster() {
    let mut cuts: Vec<VerifiedCut> = (0..200)
        .map(|i| cut(&format!("t{i}"), false, 10.0 + f64::from(i)))
        .collect();
    cuts.push(cut("chosen", true, 500.0));
    let found = found(Some(cuts));
    let figures = AllCutsData::gather(&Subject::Verification(&found)).unwrap();
    let svg = figures[0].draw(&Style::default()).unwrap();
    check(&svg);
    assert!(
        svg.contains(">chosen<") && svg.contains(">t0<") && !svg.contains(">t199<"),
        "{svg}"
    );
    assert!(
        svg.contains("Of 201 cuts measured, the chosen one takes 25 % more"),
        "{svg}"
    );
    assert!(svg.contains("slower cuts are left out"));
}

#[test]
fn nothing_that_takes_time_is_said_in_words() {
    let mut found = found(None);
    for part in &mut found.parts {
        (part.measured_ms, part.mad_ms) = (0.0, 0.0);
        part.predicted_ms = f64::from(u8::from(part.name == "total")) * f64::INFINITY;
    }
    let figures = PartsData::gather(&Subject::Verification(&found)).unwrap();
    let error = figures[0].draw(&Style::default()).unwrap_err();
    assert!(
        matches!(
            error,
            ReportError::Nothing {
                figure: "verification",
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn files_come_back_from_both_forms() {
    let found = found(Some(vec![cut("a", true, 9.0)]));
    let path = std::path::Path::new("v.toml");
    assert_eq!(
        Verification::parse(&found.to_toml().unwrap(), path).unwrap(),
        found
    );
    let json = serde_json::to_string(&found).unwrap();
    assert_eq!(Verification::parse(&json, path).unwrap(), found);
    let none = super::verification::found(None);
    assert_eq!(
        Verification::parse(&none.to_toml().unwrap(), path).unwrap(),
        none
    );
}
