//! Any text as a schedule.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    let _ = plimsoll::syntax::cron::Schedule::parse(text);
});
