//! `format=flowed` (RFC 3676): paragraphs cut into lines are joined again.

/// `text` with its soft line ends taken out. `delsp` says that the blank at a soft end is none of the text's.
pub(crate) fn join(text: &str, delsp: bool) -> String {
    let mut out = String::with_capacity(text.len());
    // Quotation depth of the line that goes on.
    let mut open: Option<usize> = None;
    for (n, line) in text.split('\n').enumerate() {
        let depth = line.bytes().take_while(|b| *b == b'>').count();
        let content = line.get(depth..).unwrap_or_default();
        let content = content.strip_prefix(' ').unwrap_or(content);
        let is_signature = content == "-- ";
        if open != Some(depth) || is_signature {
            if n > 0 {
                out.push('\n');
            }
            push_marks(depth, &mut out);
        }
        let flows = content.ends_with(' ') && !is_signature;
        out.push_str(if flows && delsp { content.get(..content.len() - 1).unwrap_or_default() } else { content });
        open = flows.then_some(depth);
    }
    out
}

fn push_marks(depth: usize, out: &mut String) {
    out.extend(std::iter::repeat_n('>', depth));
    if depth > 0 {
        out.push(' ');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_and_quotations() {
        for (text, expected) in [
            ("one \ntwo \nthree\nfour\n", "one two three\nfour\n"),
            ("> a \n> b\n>> c \n>> d\ne", "> a b\n>> c d\ne"),
            (" >not a quote\n From here", ">not a quote\nFrom here"),
            ("text \n-- \nBob", "text \n-- \nBob"),
            ("a \n> b", "a \n> b"),
            ("a\n\nb", "a\n\nb"),
            ("\nReply text\n", "\nReply text\n"),
            ("\n\n\na \nb", "\n\n\na b"),
            (" \n> a", "\n> a"),
            ("", ""),
            ("\n", "\n"),
        ] {
            assert_eq!(join(text, false), expected, "{text:?}");
        }
        assert_eq!(join("你好 \n世界\n", true), "你好世界\n");
    }
}
