//! When a closed loop looks for its answer: as soon as it is there, as the steps before show.

use std::time::Duration;

/// Steps that a loop remembers.
const REMEMBERED: usize = 16;
/// How much earlier the next first look is when one found the answer, as a part of the time.
const EARLIER: f64 = 0.005;
/// How much later when it did not.
const LATER: f64 = 0.01;
/// The same where the time is next to nothing.
const LEAST_EARLIER: Duration = Duration::from_micros(5);
const LEAST_LATER: Duration = Duration::from_micros(40);
/// Finds in a row behind which the steps to earlier looks double.
const IN_A_ROW: u32 = 8;
/// A step that takes less than this part of what others take is a fast one.
const FAST: f64 = 0.8;
/// Programs that take longer are looked at once more, early: only that shows that a step was fast.
const PROBED: Duration = Duration::from_millis(1);
/// Of how many steps one is, where the gateway is far.
const PROBED_WHEN_FAR: usize = 4;

/// How long the program takes for a step, learned from the looks: the first that found the answer and the one before it
/// bound it.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// When a look finds the answer of most steps.
    usual: Duration,
    /// Steps in a row whose first look found it, and whose first did not.
    finds: u32,
    misses: u32,
    /// What the last steps took at most.
    recent: [Duration; REMEMBERED],
    steps: usize,
}

/// When the looks of a step are sent, behind its push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Looks {
    /// An early one, which mostly finds nothing.
    pub(crate) probe: Option<Duration>,
    /// The one behind which the policy of waiting goes on.
    pub(crate) first: Duration,
    /// Whether the first one found the answer of the step before: another is hardly needed then.
    pub(crate) sure: bool,
}

impl Pace {
    /// When to look. Where some of the last steps were fast, as early as for those.
    ///
    /// A probe is a request more in each step: where the gateway is far, in some.
    pub(crate) fn looks(&self, far: bool) -> Looks {
        let fastest = self.remembered().min().unwrap_or_default();
        if fastest < self.usual.mul_f64(FAST) {
            return Looks { probe: None, first: fastest, sure: false };
        }
        let probed = self.usual > PROBED && (!far || self.steps.is_multiple_of(PROBED_WHEN_FAR));
        let probe = probed.then(|| self.usual / 2);
        Looks { probe, first: self.usual, sure: self.finds > 0 }
    }

    fn remembered(&self) -> impl Iterator<Item = Duration> {
        self.recent[..self.steps.min(REMEMBERED)].iter().copied()
    }

    /// A step's answer was found by the look sent at `at`; `before` is when the one before that was sent, where it was
    /// neither the first nor the probe.
    pub(crate) fn found(&mut self, before: Option<Duration>, at: Duration) {
        let fast = at < self.usual.mul_f64(FAST);
        let at_once = before.is_none();
        // A first look bounds the time from above only: the next one is earlier.
        let took = match (at_once, fast) {
            (true, true) => at / 2,
            (true, false) => at.mul_f64(1.0 - LATER),
            (false, _) => at,
        };
        self.recent[self.steps % REMEMBERED] = took;
        self.steps += 1;
        if fast {
            // It tells nothing of the others.
        } else if at_once {
            self.finds += 1;
            self.misses = 0;
            let doubled = f64::from(1 << (self.finds / IN_A_ROW).min(10));
            let step = self.usual.mul_f64((EARLIER * doubled).min(0.25)).max(LEAST_EARLIER);
            self.usual = self.usual.saturating_sub(step);
        } else {
            self.finds = 0;
            self.misses += 1;
            let before = before.unwrap_or_default();
            // Once may be chance; in a row, the answer lies between the two looks.
            self.usual = if self.misses == 1 {
                (before + before.mul_f64(LATER).max(LEAST_LATER)).min(at)
            } else {
                (before + at) / 2
            };
        }
        let slowest = self.remembered().max().unwrap_or_default();
        if self.steps >= REMEMBERED && slowest < self.usual.mul_f64(FAST) {
            // All are fast now.
            self.usual = slowest;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GAP: Duration = Duration::from_micros(200);

    /// A step of a program that takes so long, asked as a loop does; gives the looks, and how late the last was.
    fn step(pace: &mut Pace, takes: Duration) -> (usize, Duration) {
        let Looks { probe, first, .. } = pace.looks(false);
        let (mut at, mut before, mut looks) = (first, None, 1);
        if let Some(probe) = probe {
            if probe >= takes {
                pace.found(None, probe);
                return (1, probe - takes);
            }
            looks = 2;
        }
        while at < takes {
            before = Some(at);
            at += at.mul_f64(0.02).max(GAP);
            looks += 1;
        }
        pace.found(before, at);
        (looks, at - takes)
    }

    fn ms(ms: f64) -> Duration {
        Duration::from_secs_f64(ms * 1e-3)
    }

    #[test]
    fn a_steady_program_is_looked_for_in_time() {
        for takes in [0.03, 0.4, 5.0, 80.0].map(ms) {
            let mut pace = Pace::default();
            (0..100).for_each(|_| {
                step(&mut pace, takes);
            });
            let mut steps: Vec<_> = (0..201).map(|_| step(&mut pace, takes)).collect();
            steps.sort_unstable();
            assert!(steps[100].0 <= 2, "{takes:?}: {steps:?}");
            steps.sort_unstable_by_key(|(_, late)| *late);
            assert!(steps[100].1 <= takes.mul_f64(0.02).max(GAP / 2), "{takes:?}: {steps:?}");
        }
    }

    #[test]
    fn a_program_whose_time_changes_loses_little() {
        let mut pace = Pace::default();
        (0..50).for_each(|_| {
            step(&mut pace, ms(10.0));
        });
        // Fast once in a while: waited for at most half as long as the others, then as if they all were.
        let late: Vec<_> = (0..200)
            .map(|at| step(&mut pace, if at % 10 == 0 { ms(1.0) } else { ms(10.0) }).1)
            .collect();
        assert!(late.iter().all(|late| *late <= ms(4.1)), "{late:?}");
        assert!(late[40..].iter().all(|late| *late <= ms(0.4)), "{late:?}");
        // Slower for good: learned once the fast steps are forgotten.
        let looks: Vec<_> = (0..80).map(|_| step(&mut pace, ms(30.0)).0).collect();
        assert!(looks[40..].iter().filter(|looks| **looks <= 2).count() > 20, "{looks:?}");
        // Faster for good.
        let late: Vec<_> = (0..80).map(|_| step(&mut pace, ms(2.0)).1).collect();
        assert!(late[30..].iter().all(|late| *late <= ms(0.3)), "{late:?}");
    }
}
