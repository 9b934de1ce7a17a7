//! The test that a critic's text proposes.
//!
//! The text is a model's and may be anything, of any size: it is searched once, from its end.

use crate::domain::Text;

const OPENING: &[u8] = b"<testcase>";
const CLOSING: &[u8] = b"</testcase>";

/// A proposed test.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Proposed {
    /// A call expression.
    Call(Text),
    /// What a program reads.
    Stdin(Text),
}

/// The test in the last `<testcase>`, which may lack its end where the model ran out of tokens;
/// or what is wrong with the text.
pub(super) fn proposed(text: &Text) -> Result<Proposed, &'static str> {
    let text = text.as_bytes();
    let start = last(text, OPENING).ok_or("the text holds no <testcase>")?;
    let rest = &text[start + OPENING.len()..];
    let end = first(rest, CLOSING).unwrap_or(rest.len());
    let body = rest[..end].trim_ascii();
    if let Some(call) = body.strip_prefix(b"CALL:") {
        let call = call.trim_ascii();
        return match call {
            b"" => Err("the <testcase> holds no call"),
            call => Ok(Proposed::Call(Text::from_wtf8(call.to_vec()))),
        };
    }
    match body.strip_prefix(b"STDIN:") {
        Some(stdin) => Ok(Proposed::Stdin(Text::from_wtf8(lines(stdin)))),
        None => Err("the <testcase> begins neither with CALL: nor with STDIN:"),
    }
}

/// Blanks between the word and the first line are not meant; blanks that begin a later line are.
/// Programs expect their last line to end.
fn lines(stdin: &[u8]) -> Vec<u8> {
    let blanks = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r');
    let start = stdin.iter().take_while(|byte| blanks(byte)).count();
    let body = &stdin[start..];
    let body = body.strip_prefix(b"\n").unwrap_or(body).trim_ascii_end();
    let mut lines = body.to_vec();
    if !lines.is_empty() {
        lines.push(b'\n');
    }
    lines
}

fn first(text: &[u8], word: &[u8]) -> Option<usize> {
    text.windows(word.len()).position(|window| window == word)
}

fn last(text: &[u8], word: &[u8]) -> Option<usize> {
    text.windows(word.len()).rposition(|window| window == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Result<Proposed, &'static str>) {
        assert_eq!(proposed(&text.into()), expect);
    }

    #[test]
    fn the_last_testcase_counts() {
        let call = |call: &str| Ok(Proposed::Call(call.into()));
        check("<testcase> CALL: f(0) </testcase>", call("f(0)"));
        check(
            "<testcase>CALL: a</testcase> <testcase>CALL: b</testcase> c",
            call("b"),
        );
        check("<testcase>CALL:\nf(\n 1)\n</testcase>", call("f(\n 1)"));
        check("<testcase>CALL: f(1", call("f(1"));
        check("</testcase><testcase>CALL: <testcase>CALL: 1", call("1"));
    }

    #[test]
    fn input_keeps_its_lines() {
        let stdin = |stdin: &str| Ok(Proposed::Stdin(stdin.into()));
        check(
            "<testcase>STDIN: 3\n 1 2\n\n</testcase>",
            stdin("3\n 1 2\n"),
        );
        check("<testcase>STDIN: \n  x\n</testcase>", stdin("  x\n"));
        check("<testcase>STDIN:</testcase>", stdin(""));
    }

    #[test]
    fn other_texts_are_refused() {
        check("", Err("the text holds no <testcase>"));
        check("<TESTCASE>CALL: 1", Err("the text holds no <testcase>"));
        check(
            "<testcase>CALL: </testcase>",
            Err("the <testcase> holds no call"),
        );
        let neither = "the <testcase> begins neither with CALL: nor with STDIN:";
        check("<testcase>f(0)</testcase>", Err(neither));
        check("<testcase>CALL: 1</testcase><testcase>", Err(neither));
    }

    #[test]
    fn ten_megabytes_are_searched_once() {
        let text = "<testcase>CALL: ".repeat(10 << 16);
        check(&text, Err("the <testcase> holds no call"));
    }
}
