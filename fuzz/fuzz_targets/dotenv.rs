//! Any text as an env file.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    let _ = plimsoll::syntax::dotenv::parse(plimsoll::text::FileId(0), text);
});
