//! Templated text made readable for a parser, byte for byte, so that every offset stays.

/// What stands for template text inside a line: it is a plain scalar in every place of a YAML file.
const FILLER: u8 = b'x';

/// Longest template action that may span lines, in bytes.
const LONGEST_ACTION: usize = 16 * 1024;

/// Replaces every `${{ … }}` of a line by filler of the same length. Blanks inside stay, so that folding
/// does too. An expression that does not end on its line is left alone.
pub fn mask_expressions(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    let mut line = 0;
    while let Some(start) = find(bytes, b"${{", at) {
        if line <= start {
            line = bytes[start..]
                .iter()
                .position(|b| matches!(b, b'\n' | b'\r'))
                .map_or(bytes.len(), |i| start + i);
        }
        // The next opener bounds the search: what precedes it was never closed.
        let stop = find(&bytes[..line], b"${{", start + 3).unwrap_or(line);
        let Some(end) = expression_end(&bytes[..stop], start + 3) else {
            at = stop.max(start + 3);
            continue;
        };
        for byte in &mut out[start..end] {
            if !matches!(*byte, b' ' | b'\t') {
                *byte = FILLER;
            }
        }
        at = end;
    }
    text_of(out, text)
}

/// Just past the `}}` that ends an expression: the first one outside of a string in single quotes, or,
/// when the quotes do not pair, the first one.
fn expression_end(bytes: &[u8], from: usize) -> Option<usize> {
    let mut quoted = false;
    let mut at = from;
    while at < bytes.len() {
        match bytes[at] {
            b'\'' => quoted = !quoted,
            b'}' if !quoted && bytes.get(at + 1) == Some(&b'}') => return Some(at + 2),
            _ => {}
        }
        at += 1;
    }
    find(bytes, b"}}", from).map(|end| end + 2)
}

/// Masks Go and Jinja templates, `{{ … }}`, `{% … %}`, `{# … #}`, and ERB, `<% … %>`. An action that has its lines to itself
/// becomes line breaks (blanks could be indented deeper than the block scalar around them, which YAML
/// forbids); any other becomes filler, its own line breaks included. Lengths and offsets stay, line
/// numbers do not: count lines in the original.
pub fn mask_templates(text: &str) -> String {
    let actions = find_actions(text);
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut next = 0;
    while let Some(&(start, mut end)) = actions.get(next) {
        let blanks_before = bytes[..start].iter().rev().take_while(|b| matches!(b, b' ' | b'\t')).count();
        let line = start - blanks_before;
        let begins = line == 0 || matches!(bytes[line - 1], b'\n' | b'\r') || &text[..line] == "\u{feff}";
        let mut after = next + 1;
        let mut rest = past_blanks(bytes, end);
        while let Some(&(_, e)) = actions.get(after).filter(|a| a.0 == rest) {
            (after, end, rest) = (after + 1, e, past_blanks(bytes, e));
        }
        let alone = begins && bytes.get(rest).is_none_or(|b| matches!(b, b'\n' | b'\r'));
        if alone {
            out[line..rest].fill(b'\n');
        } else {
            for &(s, e) in &actions[next..after] {
                out[s..e].fill(FILLER);
            }
        }
        debug_assert!(end <= rest);
        next = after;
    }
    text_of(out, text)
}

/// Every action of a Go or Jinja template or of ERB, in order, without overlaps; with its braces.
pub fn template_actions(text: &str) -> Vec<std::ops::Range<usize>> {
    find_actions(text).into_iter().map(|(start, end)| start..end).collect()
}

/// Masks templates as [`mask_templates`] does, but for actions that write nothing by themselves (`if`, `else`, `end`,
/// `with`, `range`, …) or only on the next line (`nindent`): blanks stand for them, so that what follows on their line begins a value of its own.
pub fn mask_controls(text: &str) -> String {
    let mut out = mask_templates(text).into_bytes();
    for (start, end) in find_actions(text) {
        let said = text[start..end].trim_start_matches(['{', '-', '%', ' ']);
        let word = said.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or("");
        let silent = matches!(
            word,
            "if" | "else" | "end" | "with" | "range" | "define" | "endif" | "for" | "endfor" | "elif"
        ) || said.starts_with(['/', '$', '#']) && (said.starts_with('/') || said.contains("="));
        // What it writes begins on the next line.
        let below = said.contains("nindent");
        if (silent || below) && out[start] == FILLER {
            out[start..end].fill(b' ');
        }
    }
    text_of(out, text)
}

fn past_blanks(bytes: &[u8], at: usize) -> usize {
    at + bytes[at..].iter().take_while(|b| matches!(b, b' ' | b'\t')).count()
}

/// Every template action, in order, without overlaps.
fn find_actions(text: &str) -> Vec<(usize, usize)> {
    let bytes = text.as_bytes();
    let mut actions = Vec::new();
    let mut at = 0;
    // Up to here a string did not end or a comment did not close: looking again would be quadratic.
    let mut known_open = 0;
    // In ERB the first closer ends a tag, be it in a string or not: one search tells for all before it.
    let mut closer_of_tags = find(bytes, b"%>", 0);
    while let Some(start) = next_of(bytes, b"{<", at) {
        if bytes[start] == b'<' {
            at = start + 1;
            // `<%%` writes `<%`.
            if bytes.get(at) == Some(&b'%') && bytes.get(at + 1) != Some(&b'%') {
                while let Some(end) = closer_of_tags.filter(|&end| end < start + 2) {
                    closer_of_tags = find(bytes, b"%>", end + 2);
                }
                if let Some(end) = closer_of_tags.filter(|end| end - start <= LONGEST_ACTION) {
                    actions.push((start, end + 2));
                    at = end + 2;
                }
            }
            continue;
        }
        let limit = bytes.len().min(start + LONGEST_ACTION);
        let (closer, comment): (&[u8], bool) = match bytes.get(start + 1) {
            Some(b'{') => (
                b"}}",
                matches!(text.get(start + 2..), Some(r) if r.trim_start_matches('-').trim_start_matches(' ').starts_with("/*")),
            ),
            Some(b'%') => (b"%}", false),
            // `${#array[@]}` is shell.
            Some(b'#') if start == 0 || bytes[start - 1] != b'$' => (b"#}", true),
            _ => {
                at = start + 1;
                continue;
            }
        };
        let end = if comment && closer == b"}}" {
            (start >= known_open).then(|| comment_end(&bytes[..limit], start + 2)).flatten()
        } else if comment {
            (start >= known_open).then(|| find(&bytes[..limit], closer, start + 2)).flatten()
        } else {
            action_end(&bytes[..limit], start + 2, closer, start >= known_open)
        };
        match end {
            Some(end) => {
                let end = if comment { end + 2 } else { end };
                actions.push((start, end));
                at = end;
            }
            None => {
                if comment {
                    known_open = known_open.max(limit);
                } else if start >= known_open {
                    known_open = string_stop(&bytes[..limit], start + 2);
                }
                at = start + 2;
            }
        }
    }
    actions
}

/// The braces that end a comment of Go: actions inside of it are part of it.
fn comment_end(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = find(bytes, b"/*", from)? + 2;
    loop {
        at = find(bytes, b"*/", at)? + 2;
        let trim = if bytes[at..].starts_with(b" -") { 2 } else { 0 };
        if bytes[at + trim..].starts_with(b"}}") {
            return Some(at + trim);
        }
    }
}

/// Just past the closer of the action whose text begins at `from`; strings are honoured when `quotes`.
/// Another opener outside of a string means that this one is not closed.
fn action_end(bytes: &[u8], from: usize, closer: &[u8], quotes: bool) -> Option<usize> {
    let mut at = from;
    while at < bytes.len() {
        match bytes[at] {
            _ if bytes[at..].starts_with(closer) => return Some(at + 2),
            b'{' if matches!(bytes.get(at + 1), Some(b'{' | b'%')) => return None,
            quote @ (b'"' | b'`') if quotes => {
                let Some(end) = string_end(bytes, at + 1, quote) else {
                    return action_end(bytes, from, closer, false);
                };
                at = end;
            }
            _ => at += 1,
        }
    }
    None
}

/// Just past the quote that ends a Go string; one in double quotes does not span lines.
fn string_end(bytes: &[u8], from: usize, quote: u8) -> Option<usize> {
    let mut at = from;
    while at < bytes.len() {
        match bytes[at] {
            b if b == quote => return Some(at + 1),
            b'\\' if quote == b'"' => at += 2,
            b'\n' if quote == b'"' => return None,
            _ => at += 1,
        }
    }
    None
}

/// How far a failed search for an action's end looked.
fn string_stop(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while at < bytes.len() {
        match bytes[at] {
            b'{' if matches!(bytes.get(at + 1), Some(b'{' | b'%')) => return at,
            quote @ (b'"' | b'`') => match string_end(bytes, at + 1, quote) {
                Some(end) => at = end,
                None => return bytes.len(),
            },
            _ => at += 1,
        }
    }
    at
}

fn next_of(bytes: &[u8], wanted: &[u8], from: usize) -> Option<usize> {
    Some(from + bytes.get(from..)?.iter().position(|b| wanted.contains(b))?)
}

fn find(bytes: &[u8], needle: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    let mut at = 0;
    while let Some(i) = rest[at..].iter().position(|&b| b == needle[0]) {
        if rest[at + i..].starts_with(needle) {
            return Some(from + at + i);
        }
        at += i + 1;
    }
    None
}

/// Masked ranges begin and end at ASCII bytes, so whole characters were replaced.
fn text_of(masked: Vec<u8>, original: &str) -> String {
    debug_assert_eq!(masked.len(), original.len());
    String::from_utf8(masked).expect("masks cover whole characters")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_become_words_of_the_same_length() {
        for (text, masked) in [
            ("a: ${{ b }} c", "a: xxx x xx c"),
            ("[${{ a, 'b}}' }}]", "[xxx xx xxxxx xx]"),
            ("${{ it's }} ${{ b", "xxx xxxx xx ${{ b"),
            ("${{ a\n}}", "${{ a\n}}"),
            ("é${{é}}é", "éxxxxxxxé"),
            ("${{${{ a }}", "${{xxx x xx"),
        ] {
            assert_eq!(mask_expressions(text), masked);
        }
    }

    #[test]
    fn actions_alone_on_their_lines_vanish_and_others_become_words() {
        for (text, masked) in [
            ("a: {{ .b }}-c\n", "a: xxxxxxxx-c\n"),
            ("  {{- if x }}\na: 1\n", "\n\n\n\n\n\n\n\n\n\n\n\n\n\na: 1\n"),
            ("a: {{ tpl \"}}\" }}", "a: xxxxxxxxxxxxxx"),
            ("a: {{ f\n  1 }}b", "a: xxxxxxxxxxxb"),
            ("{{/* {{ a }} */}}b", "xxxxxxxxxxxxxxxxxb"),
            ("{{/* it's \" */}}\nb", "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\nb"),
            ("{% if a %}\nb: {{ c }}\n", "\n\n\n\n\n\n\n\n\n\n\nb: xxxxxxx\n"),
            ("run: echo ${#a[@]} {# c #}", "run: echo ${#a[@]} xxxxxxx"),
            ("{{ a }} {{ b }}\r\nc", "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\r\nc"),
            ("a: {b: {c: d}}", "a: {b: {c: d}}"),
            ("a: <%= b('%s: %s') || 'x' %>\n", "a: xxxxxxxxxxxxxxxxxxxxxxxxx\n"),
            ("<% if a %>\nb: <%# c %>\n", "\n\n\n\n\n\n\n\n\n\n\nb: xxxxxxxx\n"),
            ("a: \"<%= b[\"c\"] %>\"", "a: \"xxxxxxxxxxxxx\""),
            ("a: <%% <%= b", "a: <%% <%= b"),
            ("a: <%= {{ %>b", "a: xxxxxxxxxb"),
            ("<%>: %>", "\n\n\n\n\n\n\n"),
        ] {
            assert_eq!(mask_templates(text), masked, "{text}");
        }
    }

    #[test]
    fn unclosed_templates_take_linear_time() {
        for unit in
            ["{{ ", "{{ \"", "{# ", "{{ \\\" ", "${{ '", "{{ \"\\", "{{/*", "{% `", "<%= ", "%><%", "<% %>"]
        {
            let text = unit.repeat(200_000);
            assert_eq!(mask_templates(&text).len(), text.len());
            assert_eq!(mask_expressions(&text).len(), text.len());
        }
    }
}
