//! The subject without what answering and forwarding put before it (after RFC 5256 §2.1, in the world's languages).

/// Words before a colon that say "answer" or "forwarded", in lower case.
///
/// Single letters of Italian (`R:`, `I:`) are there because Outlook writes them. What is more often a word of a subject
/// (`Ref:`, `FS:` for sale, `CT:`) is not.
#[rustfmt::skip]
const PREFIXES: &[&str] = &[
    // English, international
    "re", "fw", "fwd", "res", "resp",
    // German
    "aw", "antwort", "antw", "wg", "weitergeleitet",
    // Danish, Norwegian, Swedish, Finnish
    "sv", "vs", "vb", "vl", "vedr", "videresendt",
    // Dutch
    "betr", "doorst", "doorgestuurd",
    // French
    "tr", "réf", "rép",
    // Spanish, Portuguese, Catalan
    "rv", "enc", "reenv", "reenviado",
    // Italian
    "r", "i", "rif", "inoltra",
    // Polish, Czech, Slovak, Slovene, Croatian
    "odp", "pd", "předáno", "odpověď", "odpoveď", "preposlané", "odg", "nasl",
    // Hungarian
    "vá", "válasz", "továbbítás", "továbbítva",
    // Turkish
    "ynt", "ilt", "i̇lt",
    // Lithuanian, Latvian
    "ats", "persiųsta", "atb", "pārs",
    // Romanian
    "răsp", "redir",
    // Russian, Ukrainian, Bulgarian
    "отв", "ответ", "на", "пересл", "переслано", "відп", "отг", "препр",
    // Greek
    "απ", "απάντηση", "σχετ", "πρθ",
    // Hebrew, Arabic, Persian
    "השב", "תשובה", "הועבר", "رد", "إعادة توجيه", "اعادة توجيه", "پاسخ", "ارسال",
    // Chinese
    "回复", "回覆", "答复", "答覆", "回信", "转发", "转寄", "轉寄", "轉發", "轉送",
    // Japanese, Korean
    "返信", "転送", "회신", "답장", "전달",
    // Vietnamese, Thai, Indonesian, Malay
    "trả lời", "chuyển tiếp", "ตอบ", "ตอบกลับ", "ส่งต่อ", "bls", "trs", "balas", "teruskan",
    // Welsh, Basque
    "yml", "berb",
    // Answers of machines
    "automatic reply", "automatische antwort", "自动回复", "自动答复",
];

/// Octets of a subject that are looked at for prefixes; longer ones are no prefixes.
const MAX_PREFIX: usize = 40;

/// Prefixes taken off; stops `Re: Re: Re: …` of a megabyte from mattering.
const MAX_PREFIXES: usize = 100;

/// `subject` without prefixes; empty when there is nothing else.
pub(crate) fn base_subject(subject: &str) -> String {
    let mut rest = subject.trim();
    let mut tags = String::new();
    for _ in 0..MAX_PREFIXES {
        if let Some(within) = strip_prefix(rest).or_else(|| strip_brackets(rest)) {
            rest = within;
        } else if let Some((tag, after)) = leading_tag(rest).filter(|(_, after)| is_marked(after)) {
            // `[list] Re: x` and `Re: [list] x` are one subject, and so are `【重要】Re: x` and `【重要】x`.
            tags.push_str(tag);
            rest = after;
        } else if let Some(before) = strip_suffix(rest) {
            rest = before;
        } else {
            break;
        }
    }
    let mut out = String::with_capacity(tags.len() + rest.len());
    tags.push_str(rest);
    for word in tags.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// Whether `subject` says of itself that it answers or forwards something.
pub(crate) fn is_answer(subject: &str) -> bool {
    let subject = subject.trim();
    is_marked(subject) || leading_tag(subject).is_some_and(|(_, after)| is_marked(after))
}

fn is_marked(subject: &str) -> bool {
    strip_prefix(subject).is_some() || strip_brackets(subject).is_some()
}

/// `[Fwd: subject]` (RFC 5256 §2.1, step 6), where the first bracket is closed by the last.
fn strip_brackets(subject: &str) -> Option<&str> {
    let start = subject.get(..5).filter(|start| start.eq_ignore_ascii_case("[fwd:"))?;
    let within = subject.get(start.len()..)?.strip_suffix(']')?;
    let mut depth = 0i32;
    let closes_early = within.chars().any(|c| {
        depth += i32::from(c == '[') - i32::from(c == ']');
        depth < 0
    });
    (!closes_early).then(|| within.trim())
}

/// What follows `Re:`, `RE[2]：`, `Re^2:`, `Re (2):`, `Re:(2)`, `Antw.:`.
fn strip_prefix(subject: &str) -> Option<&str> {
    let mut end = subject.len().min(MAX_PREFIX);
    while !subject.is_char_boundary(end) {
        end -= 1;
    }
    let colon = subject.get(..end)?.find([':', '：', '﹕', '꞉'])?;
    let (word, rest) = subject.split_at(colon);
    let rest = rest.get(rest.chars().next()?.len_utf8()..)?;
    let word = word.trim().to_lowercase();
    let word = without_count(&word);
    let is_prefix = PREFIXES.contains(&word) || word.strip_suffix('.').is_some_and(is_abbreviation);
    is_prefix.then(|| behind_count(rest).unwrap_or(rest).trim_start())
}

/// `antw.`: a prefix that may end in a dot. A single letter with a dot numbers a chapter.
fn is_abbreviation(word: &str) -> bool {
    word.chars().nth(1).is_some() && PREFIXES.contains(&word)
}

/// What follows the `(2)` of `Re:(2)`; behind a blank, or with more digits, it is the subject's.
fn behind_count(rest: &str) -> Option<&str> {
    let (count, behind) = rest.strip_prefix('(')?.split_once(')')?;
    let is_count = matches!(count.len(), 1 | 2) && count.bytes().all(|b| b.is_ascii_digit());
    is_count.then_some(behind)
}

/// `re[2]`, `re(2)`, `re^2`, `re2`, `re *2` → `re`.
fn without_count(word: &str) -> &str {
    let bare = word.trim_end_matches([']', ')', '）', '】']).trim_end_matches(|c: char| c.is_ascii_digit());
    if bare.len() == word.len() {
        return word;
    }
    bare.trim_end_matches(['[', '(', '（', '【', '^', '*', ' ', '-'])
}

/// `[tag]` or `【tag】` at the start with the blanks behind it, and what follows.
fn leading_tag(subject: &str) -> Option<(&str, &str)> {
    let close = match subject.chars().next()? {
        '[' => ']',
        '【' => '】',
        '(' => ')',
        _ => return None,
    };
    let mut end = subject.len().min(MAX_PREFIX * 2);
    while !subject.is_char_boundary(end) {
        end -= 1;
    }
    let at = subject.get(..end)?.find(close)? + close.len_utf8();
    let rest = subject.get(at..)?.trim_start();
    Some((subject.get(..subject.len() - rest.len())?, rest))
}

/// `subject (fwd)`.
fn strip_suffix(subject: &str) -> Option<&str> {
    let at = subject.len().checked_sub(5)?;
    subject.get(at..).filter(|s| s.eq_ignore_ascii_case("(fwd)"))?;
    subject.get(..at).map(str::trim_end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_of_the_world() {
        for prefix in [
            "Re: ",
            "RE:",
            "re :",
            "Re[2]: ",
            "RE[12]:",
            "Re(3): ",
            "Re^2: ",
            "Re2: ",
            "Fwd: ",
            "FW: ",
            "AW: ",
            "WG: ",
            "Antw: ",
            "SV: ",
            "VS: ",
            "VB: ",
            "VL: ",
            "TR: ",
            "RV: ",
            "RES: ",
            "ENC: ",
            "R: ",
            "I: ",
            "RIF: ",
            "Odp: ",
            "PD: ",
            "YNT: ",
            "İLT: ",
            "Vá: ",
            "Továbbítás: ",
            "Ats: ",
            "Отв: ",
            "Ответ: ",
            "Пересл: ",
            "ΑΠ: ",
            "ΠΡΘ: ",
            "השב: ",
            "הועבר: ",
            "رد: ",
            "إعادة توجيه: ",
            "回复：",
            "回覆: ",
            "答复: ",
            "答覆：",
            "转发: ",
            "轉寄: ",
            "返信: ",
            "転送：",
            "회신: ",
            "전달: ",
            "Trả lời: ",
            "ตอบกลับ: ",
            "ส่งต่อ: ",
            "BLS: ",
            "Doorst: ",
            "Réf : ",
            "Re: Fwd: AW: 回复：",
            "Re:Re:Re:",
            "[EXT] Re: ",
            "Antw.: ",
            "Vedr.:",
            "Απάντηση: ",
            "ΑΠΆΝΤΗΣΗ: ",
            "转寄: ",
            "回信：",
            "Re:(2)",
            "Re:(12) ",
            "自动回复:",
            "自动答复: ",
            "Automatic reply: ",
            "Automatische Antwort: ",
        ] {
            let base = base_subject(&format!("{prefix}Plan für 2026"));
            assert_eq!(base.strip_prefix("[EXT] ").unwrap_or(&base), "Plan für 2026", "{prefix}");
            assert!(is_answer(&format!("{prefix}x")), "{prefix}");
        }
    }

    #[test]
    fn what_only_looks_like_a_prefix_stays() {
        for subject in [
            "Rechnung: 12",
            "Report: Q3",
            "Agenda",
            "会议: 明天",
            "re think this",
            "12: x",
            ": x",
            "I have: one",
            "[ABC-1] Fix",
            "Retour: x",
            "Ref: 12345",
            "I.: Introduction",
            "Automatic: reply",
        ] {
            assert_eq!(base_subject(subject), subject);
            assert!(!is_answer(subject), "{subject}");
        }
    }

    #[test]
    fn brackets_around_a_forwarded_subject_go_and_others_stay() {
        for (subject, base) in [
            ("[Fwd: Hi]", "Hi"),
            ("Re: [FWD:Hi] ", "Hi"),
            ("[Fwd: [Fwd: Re: Hi]]", "Hi"),
            ("[Fwd: [list] Hi]", "[list] Hi"),
            ("[list] [Fwd: Hi]", "[list] Hi"),
            ("[Fwd:]", ""),
        ] {
            assert_eq!(base_subject(subject), base, "{subject}");
            assert!(is_answer(subject), "{subject}");
        }
        for subject in ["[list] Hi", "[Fwd: a] or [b]", "[Fwd: Hi", "[Fwdhi: x]", "[ABC: x]"] {
            assert_eq!(base_subject(subject), subject);
        }
    }

    #[test]
    fn tags_suffixes_and_blanks() {
        assert_eq!(base_subject("[list] Re: x"), base_subject("Re: [list] x"));
        for (answer, root) in [
            ("【重要】Re: お知らせ", "【重要】お知らせ"),
            ("【重要】 Re: お知らせ", "【重要】 お知らせ"),
            ("[tag]Re:x", "[tag]x"),
            ("Re: [a]Re:[b] Re: x", "[a][b] x"),
            ("[a  b] Re: x", "[a  b] x"),
            ("[list] Re:", "[list]"),
        ] {
            assert_eq!(base_subject(answer), base_subject(root));
        }
        assert_eq!(base_subject("【重要】Re: お知らせ"), "【重要】お知らせ");
        // Only directly behind the colon it counts answers.
        for subject in ["(2) x", "(2026) x"] {
            assert_eq!(base_subject(&format!("Re: {subject}")), subject);
        }
        assert_eq!(base_subject("Re:(2026) x"), "(2026) x");
        assert_eq!(base_subject("Re: x  y (fwd)"), "x y");
        assert_eq!(base_subject("[Fwd: x] (fwd)"), "x");
        assert_eq!(base_subject("Re:"), "");
        assert_eq!(base_subject(""), "");
        assert!(base_subject(&"Re: ".repeat(100_000)).len() < 400_000);
    }
}
