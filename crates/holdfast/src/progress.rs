//! How far long work has come: a bar on a terminal, else a line now and then; both on standard error.

use std::fmt;
use std::io::{IsTerminal, Write};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressState, ProgressStyle};

use crate::cli::CommonArgs;
use crate::numbers::float;

/// How often a line is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// How often somebody looks how far work has come that does not tell.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// How far long work has come.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    lines: bool,
    what: &'static str,
    unit: &'static str,
    total: Option<u64>,
    done: u64,
    started: Instant,
    told: Instant,
}

impl Progress {
    /// Work that goes over `total` things, where that is known.
    pub(crate) fn new(common: &CommonArgs, what: &'static str, unit: &'static str, total: Option<u64>) -> Self {
        let has_bar = std::io::stderr().is_terminal() && std::io::stdout().is_terminal();
        Self::shown(common, what, unit, total, has_bar)
    }

    /// Work whose rows go to standard output as it goes on: on a terminal they tell themselves how far it is.
    pub(crate) fn beside_data(common: &CommonArgs, what: &'static str, unit: &'static str) -> Self {
        let rows_are_seen = std::io::stdout().is_terminal();
        let common = CommonArgs { no_progress: common.no_progress || rows_are_seen, ..common.clone() };
        Self::shown(&common, what, unit, None, std::io::stderr().is_terminal())
    }

    fn shown(common: &CommonArgs, what: &'static str, unit: &'static str, total: Option<u64>, has_bar: bool) -> Self {
        let bar = (has_bar && !common.no_progress).then(|| {
            let bar = match total {
                Some(total) => {
                    ProgressBar::new(total).with_style(style("{msg} [{bar:30}] {pos}/{len} {rate} {eta} left"))
                }
                None => ProgressBar::new_spinner().with_style(style("{msg} {pos} {rate}")),
            };
            // First paint after 300 ms: short work stays quiet.
            bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(3));
            bar.set_message(what);
            // Work that breaks off leaves no bar behind in front of its last words.
            bar.with_finish(ProgressFinish::AndClear)
        });
        let (lines, now) = (!has_bar && !common.no_progress, Instant::now());
        Self { bar, lines, what, unit, total, done: 0, started: now, told: now }
    }

    /// Notes that `more` things were done.
    pub(crate) fn advance(&mut self, more: u64) {
        self.done = self.done.saturating_add(more);
        if let Some(bar) = &self.bar {
            if self.started.elapsed() > Duration::from_millis(300) {
                bar.set_position(self.done);
            }
        } else if self.lines && self.told.elapsed() >= LINE_EVERY {
            self.told = Instant::now();
            self.tell();
        }
    }

    /// Does the work, while another thread looks how far it has come.
    pub(crate) fn watch<T>(mut self, so_far: impl Fn() -> u64 + Send, work: impl FnOnce() -> T) -> T {
        let (ends, end) = mpsc::channel::<()>();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                while end.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Timeout) {
                    self.advance(so_far().saturating_sub(self.done));
                }
                self.finish();
            });
            let done = work();
            drop(ends);
            done
        })
    }

    fn tell(&self) {
        let rate = float(self.done) / self.started.elapsed().as_secs_f64().max(0.001);
        let (what, done, unit) = (self.what, self.done, self.unit);
        let line = match self.total.filter(|total| *total > 0) {
            Some(total) => {
                let percent = float(done) * 100.0 / float(total);
                let left = float(total.saturating_sub(done)) / rate.max(0.001);
                format!("{what} {percent:.0}% {done}/{total} {rate:.0} {unit}/s eta {left:.0} s")
            }
            None => format!("{what} {done} {unit} {rate:.0} {unit}/s"),
        };
        // A lost line of progress is no failure of the work.
        let _ = writeln!(std::io::stderr(), "{line}");
    }

    /// Takes the bar away.
    pub(crate) fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.with_key("rate", |state: &ProgressState, text: &mut dyn fmt::Write| {
        let _ = write!(text, "{:.0}/s", state.per_sec()); // a bar without its rate is no failure of the work
    })
}
