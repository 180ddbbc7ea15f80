//! Any text as shell and as PowerShell, with what its commands run.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    let passage = plimsoll::text::Passage::contiguous(plimsoll::text::FileId(0), text, 0);
    for script in [plimsoll::syntax::shell::parse(&passage), plimsoll::syntax::shell::parse_lines(&passage)] {
        for command in &script.commands {
            assert!(text.get(command.span.range()).is_some());
            let _ = command.effective();
        }
    }
});
