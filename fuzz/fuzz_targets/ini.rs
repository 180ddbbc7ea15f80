//! Any text as INI and as properties.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    let _ = plimsoll::syntax::ini::parse_ini(plimsoll::text::FileId(0), text);
    let _ = plimsoll::syntax::ini::parse_properties(plimsoll::text::FileId(0), text);
});
