//! A line on the standard error that says how far the reading is, for runs of more than a second.

use std::sync::atomic::Ordering;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use super::failure::say;
use crate::readers::Reading;

/// Nobody waits for a line that comes sooner.
const PATIENCE: Duration = Duration::from_secs(1);
const BEAT: Duration = Duration::from_millis(200);

/// Does `work`, and shows how far it is if `visible`.
pub(super) fn show<T>(visible: bool, reading: &Reading, work: impl FnOnce() -> T) -> T {
    if !visible {
        return work();
    }
    std::thread::scope(|scope| {
        let (done, wait) = channel::<()>();
        scope.spawn(move || {
            let start = Instant::now();
            let mut shown = false;
            while wait.recv_timeout(BEAT) == Err(RecvTimeoutError::Timeout) {
                if start.elapsed() > PATIENCE {
                    let (done, all) =
                        (reading.done.load(Ordering::Relaxed), reading.all.load(Ordering::Relaxed));
                    let text =
                        if done < all { format!("{done} of {all} files read") } else { "judging".into() };
                    say(format!("\r\u{1b}[K{text}").as_bytes());
                    shown = true;
                }
            }
            if shown {
                say(b"\r\x1b[K");
            }
        });
        // Dropped even if the work panics, so that the scope can end.
        let _done = done;
        work()
    })
}
