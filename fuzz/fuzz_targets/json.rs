//! Any text as json: every scalar lies in the text.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    let tree = plimsoll::syntax::json::parse(plimsoll::text::FileId(0), text);
    for document in tree.documents() {
        for leaf in document.leaves() {
            assert!(text.get(leaf.node.span().range()).is_some());
            let _ = leaf.node.passage();
        }
    }
});
