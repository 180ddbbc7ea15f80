//! Any text as a Dockerfile.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    let _ = plimsoll::syntax::dockerfile::parse(plimsoll::text::FileId(0), text);
});
