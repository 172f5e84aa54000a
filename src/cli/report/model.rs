//! Figures of the model itself: its network, its layers, and what codecs cost it.

use std::path::Path;

use cutpoint_core::codec_accuracy::{CodecAccuracy, Confidence};
use cutpoint_core::plan::Plan;
use cutpoint_core::profile::Profile;
use cutpoint_planner::problem::Problem;
use cutpoint_planner::server::Server;
use cutpoint_report::figures::{codecs, cumulative, network, roofline};

use super::draw::{Figures, stem};

impl Figures<'_> {
    /// What the network looks like, with the cut of `plan`; `profile` and `server` are those of the
    /// problem.
    pub(super) fn model(
        &mut self,
        path: &Path,
        profile: &Profile,
        server: &Server,
        problem: &Problem,
        plan: Option<&Plan>,
    ) {
        let stem = stem(&profile.board.name, &profile.model.file);
        let style = self.style;
        let drawn = network::gather(problem, profile, server, &[], plan);
        let drawn = drawn.and_then(|data| network::figure(&data, &style));
        self.keep(path, &stem, "network", drawn);
        let data = cumulative::gather(problem, profile, server, plan);
        self.keep(path, &stem, "cumulative", cumulative::figure(&data, &style));
        let drawn = roofline::figure(&roofline::gather(profile), &style);
        self.keep(path, &stem, "roofline", drawn);
    }

    /// Notes which figures need an accuracy file.
    pub(super) fn without_accuracy(&mut self, path: &Path) {
        for figure in ["tradeoff", "codecs"] {
            if self.wants(figure) {
                let why = format!(
                    "figure `{figure}` is left out: there is no accuracy file beside the profile; \
                     `cutpoint accuracy` measures one"
                );
                self.leave_out(path, why);
            }
        }
    }

    /// What codecs save and cost, for what `plan` sends.
    pub(super) fn codecs(
        &mut self,
        path: &Path,
        profile: &Profile,
        accuracy: &CodecAccuracy,
        confidence: Confidence,
        plan: Option<&Plan>,
    ) {
        if !self.wants("codecs") {
            return;
        }
        let stem = stem(&profile.board.name, &profile.model.file);
        let style = self.style;
        let ladders = codecs::gather(profile, accuracy, confidence, plan);
        if ladders.is_empty() {
            let why = "figure `codecs` is left out: the accuracy file has no codecs";
            self.leave_out(path, why.to_owned());
        }
        for data in ladders {
            self.keep(path, &stem, "codecs", codecs::figure(&data, &style));
        }
    }
}
