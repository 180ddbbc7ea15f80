//! Configuration files of nginx: directives and blocks, as a flat list in which each names its parent
//! (<https://nginx.org/en/docs/beginners_guide.html#conf_structure>).

use crate::text::{FileId, Span, Spanned};

/// Blocks that are nested deeper are no configuration of a proxy.
const DEEPEST: usize = 64;
/// More directives of one file tell nothing more.
const MOST: usize = 50_000;

/// A directive, simple or with a block behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive {
    /// Its name.
    pub name: Spanned<String>,
    /// Its words, without quotes.
    pub args: Vec<Spanned<String>>,
    /// The block that it stands in, as an index into the list.
    pub parent: Option<usize>,
    /// Whether a block follows.
    pub block: bool,
}

/// What a file says, in order, and why it was not read to its end, if it was not.
#[derive(Debug, Default)]
pub struct Nginx {
    /// Every directive; a block comes before what stands in it.
    pub directives: Vec<Directive>,
    /// Why the file is no configuration of nginx, or only a part of one.
    pub problem: Option<&'static str>,
}

/// Reads one file. Placeholders of templates (`{{ … }}`, `{% … %}`) are parts of words.
pub fn parse(file: FileId, text: &str) -> Nginx {
    let mut found = Nginx::default();
    let mut open: Vec<usize> = Vec::new();
    let mut words: Vec<Spanned<String>> = Vec::new();
    let mut at = 0;
    while let Some(token) = next(text, &mut at) {
        match token {
            Token::Word(from, to, written) => words.push(Spanned::new(written, Span::new(file, from..to))),
            Token::Open | Token::End if words.is_empty() => {
                if matches!(token, Token::Open) {
                    found.problem = Some("a block without a name");
                    return found;
                }
            }
            Token::Open | Token::End => {
                let block = matches!(token, Token::Open);
                let mut all = words.drain(..);
                let Some(name) = all.next() else { continue };
                let args: Vec<_> = all.collect();
                let program = name.value.ends_with("_by_lua_block") || name.value == "js_content";
                found.directives.push(Directive { name, args, parent: open.last().copied(), block });
                if block && program {
                    at = past_program(text, at);
                } else if block {
                    open.push(found.directives.len() - 1);
                }
                if open.len() > DEEPEST || found.directives.len() >= MOST {
                    found.problem = Some("nested too deep, or too long");
                    return found;
                }
            }
            Token::Close => {
                if open.pop().is_none() {
                    found.problem = Some("a bracket that closes nothing");
                    return found;
                }
                words.clear();
            }
        }
    }
    if !open.is_empty() || !words.is_empty() {
        found.problem = Some("a block or directive that does not end");
    }
    found
}

enum Token {
    Word(usize, usize, String),
    Open,
    Close,
    End,
}

fn next(text: &str, at: &mut usize) -> Option<Token> {
    let bytes = text.as_bytes();
    loop {
        match bytes.get(*at)? {
            b if b.is_ascii_whitespace() => *at += 1,
            b'#' => *at = text[*at..].find('\n').map_or(text.len(), |end| *at + end),
            b'{' if bytes.get(*at + 1) == Some(&b'%') => {
                *at = text[*at..].find("%}").map_or(text.len(), |end| *at + end + 2);
            }
            b'{' if bytes.get(*at + 1) != Some(&b'{') => {
                *at += 1;
                return Some(Token::Open);
            }
            b'}' => {
                *at += 1;
                return Some(Token::Close);
            }
            b';' => {
                *at += 1;
                return Some(Token::End);
            }
            quote @ (b'"' | b'\'') => return Some(quoted(text, at, *quote)),
            _ => return Some(word(text, at)),
        }
    }
}

/// <https://github.com/nginx/nginx/blob/master/src/core/ngx_conf_file.c>: a backslash keeps what follows.
fn quoted(text: &str, at: &mut usize, quote: u8) -> Token {
    let from = *at;
    let bytes = text.as_bytes();
    let mut to = from + 1;
    while to < bytes.len() && bytes[to] != quote {
        to += if bytes[to] == b'\\' { 2 } else { 1 };
    }
    let inside = text.get(from + 1..to.min(text.len())).unwrap_or("").to_owned();
    let mut end = (to + 1).min(text.len());
    while !text.is_char_boundary(end) {
        end += 1;
    }
    *at = end;
    Token::Word(from, end, inside)
}

fn word(text: &str, at: &mut usize) -> Token {
    let from = *at;
    let bytes = text.as_bytes();
    let mut to = from;
    while to < bytes.len() {
        match bytes[to] {
            b'\\' => to += 2,
            // `${name}` and `{{ name }}` are one word.
            b'$' if bytes.get(to + 1) == Some(&b'{') => {
                to = text[to..].find('}').map_or(text.len(), |e| to + e + 1)
            }
            b'{' if bytes.get(to + 1) == Some(&b'{') => {
                to = text[to..].find("}}").map_or(text.len(), |e| to + e + 2)
            }
            b'{' | b';' => break,
            b if b.is_ascii_whitespace() => break,
            _ => to += 1,
        }
    }
    let mut end = to.min(text.len());
    while !text.is_char_boundary(end) {
        end += 1;
    }
    *at = end.max(from + 1);
    Token::Word(from, end, text[from..end].to_owned())
}

/// Behind the bracket that closes a program in another language.
fn past_program(text: &str, from: usize) -> usize {
    let mut depth = 1usize;
    for (index, byte) in text.as_bytes()[from..].iter().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return from + index + 1;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_know_their_words_and_their_block() {
        let text = "user nginx; # a comment {\nhttp {\n  map $a $b { default 'x;y'; }\n  server {\n    listen 443 ssl;\n    server_name {{ host }} ${OTHER};\n    location ~ \\.php$ { proxy_pass http://app; }\n    content_by_lua_block { if x then { } end }\n  }\n}\n";
        let read = parse(FileId(0), text);
        assert_eq!(read.problem, None);
        let rows: Vec<(String, Option<&str>)> = read
            .directives
            .iter()
            .map(|d| {
                let words: Vec<&str> =
                    std::iter::once(&d.name).chain(&d.args).map(|w| w.value.as_str()).collect();
                (words.join(" "), d.parent.map(|p| read.directives[p].name.value.as_str()))
            })
            .collect();
        let wanted = [
            ("user nginx", None),
            ("http", None),
            ("map $a $b", Some("http")),
            ("default x;y", Some("map")),
            ("server", Some("http")),
            ("listen 443 ssl", Some("server")),
            ("server_name {{ host }} ${OTHER}", Some("server")),
            ("location ~ \\.php$", Some("server")),
            ("proxy_pass http://app", Some("location")),
            ("content_by_lua_block", Some("server")),
        ];
        assert_eq!(rows, wanted.map(|(t, p)| (t.to_owned(), p)));
        assert_eq!(&text[read.directives[5].args[0].span.range()], "443");
    }

    #[test]
    fn what_is_no_configuration_is_told() {
        for text in ["}", "{", "a {", "a 'é", "a é\\", "a ${", "a {{", &"a {".repeat(100)] {
            assert!(parse(FileId(0), text).problem.is_some(), "{text}");
        }
    }
}
