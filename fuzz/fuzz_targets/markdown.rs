//! Any text as Markdown.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    let _ = plimsoll::syntax::markdown::parse(plimsoll::text::FileId(0), text);
});
