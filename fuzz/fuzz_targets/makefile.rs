//! Any text as a Makefile.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    let _ = plimsoll::syntax::makefile::parse(plimsoll::text::FileId(0), text);
});
