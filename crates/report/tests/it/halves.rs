//! The figure of predicted and measured halves.

use cutpoint_report::figures::Figure;
use cutpoint_report::figures::halves::{self, HalvesData};
use cutpoint_report::{ReportError, Style};
use cutpoint_testkit::networks::{check, count, network, ugly};

fn data(layers: usize) -> HalvesData {
    halves::gather(&network(layers, ugly))
}

fn draw(data: &HalvesData) -> String {
    Figure::draw(data, &Style::default()).unwrap()
}

#[test]
fn every_half_is_there_twice_fitted_and_left_out() {
    for layers in [10, 60, 500] {
        let data = data(layers);
        let cuts = data.halves.len() / 2;
        let svg = draw(&data);
        check(&svg);
        for (class, tag) in [
            ("edge-half", "circle"),
            ("edge-left-out", "circle"),
            ("server-half", "polygon"),
            ("server-left-out", "polygon"),
        ] {
            assert_eq!(count(&svg, class, tag), cuts + 1, "{class}, and the legend");
            assert_eq!(count(&svg, class, "title"), cuts, "{class}");
        }
        assert!(svg.contains(&format!("n = {} halves", 2 * cuts)));
    }
}

#[test]
fn one_huge_error_neither_leaves_the_picture_nor_flattens_it() {
    let mut data = data(60);
    data.halves[3].left_out_us = 30.0 * data.whole_us;
    let svg = draw(&data);
    check(&svg);
    assert_eq!(
        count(&svg, "server-left-out", "polygon"),
        data.halves.len() / 2 + 1
    );
    assert!(
        svg.contains("+1 %") && svg.contains("maximum 3000 %"),
        "{svg}"
    );
}

#[test]
fn values_that_are_no_numbers_are_left_out() {
    let mut data = data(60);
    data.halves[0].left_out_us = f64::NAN;
    let svg = draw(&data);
    check(&svg);
    assert!(svg.contains(&format!("n = {} halves", data.halves.len() - 1)));
}

#[test]
fn nothing_to_show_is_said_in_words() {
    let none = HalvesData {
        halves: Vec::new(),
        ..data(10)
    };
    let idle = HalvesData {
        whole_us: 0.0,
        ..data(10)
    };
    for (data, word) in [(none, "no half"), (idle, "no time")] {
        let error = Figure::draw(&data, &Style::default()).unwrap_err();
        assert!(matches!(
            error,
            ReportError::Nothing {
                figure: "halves",
                ..
            }
        ));
        assert!(error.to_string().contains(word), "{error}");
    }
}
