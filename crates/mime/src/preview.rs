//! The line of a message list: the first words that its sender wrote (no preheader filler, quoted tail or signature).

use std::iter::Peekable;
use std::str::Lines;

/// Characters of a preview.
const LENGTH: usize = 200;

/// Text that is read for it: what a person wrote comes before that.
pub(crate) const ENOUGH: usize = 16 * 1024;

/// Octets of a line that may announce what is quoted; longer ones are prose.
const MAX_ATTRIBUTION: usize = 400;

/// The preview of a message's text.
pub(crate) fn of_text(text: &str) -> String {
    let mut end = text.len().min(ENOUGH);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let text = text.get(..end).unwrap_or_default();
    let own = gather(text, false);
    // Nothing but a quotation or a forwarded message: then that is what there is to read.
    if own.is_empty() { gather(text, true) } else { own }
}

fn gather(text: &str, everything: bool) -> String {
    let mut out = Words::default();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let bare = line.trim();
        let is_quote = bare.starts_with('>');
        let announced = if everything || !out.is_empty() { None } else { to_quotation(bare, &lines) };
        if let Some(quotation) = announced {
            lines = quotation;
        } else if everything {
            let bare = bare.trim_start_matches(['>', ' ']);
            if !is_ruler(bare) && !is_tail_start(bare, "") && !is_header_line(bare) {
                out.line(bare);
            }
        } else if line == "-- "
            || bare == "--"
            || is_tail_start(bare, lines.peek().map_or("", |l| l.trim()))
            || is_device_line(bare)
        {
            break;
        } else if is_quote && out.is_empty() {
            // Answers below the quotation.
        } else if is_quote {
            break;
        } else if !is_ruler(bare) {
            out.line(bare);
        }
        if out.is_full() {
            break;
        }
    }
    out.finish()
}

/// What follows the attribution that `line` begins, from the quotation on. `None`: it is none, or nothing is quoted.
fn to_quotation<'a>(line: &str, following: &Peekable<Lines<'a>>) -> Option<Peekable<Lines<'a>>> {
    let mut rest = following.clone();
    // Before a quotation, whoever "wrote:" needs no date beside the name.
    if line.len() > MAX_ATTRIBUTION || !is_attribution_end(line) {
        rest.next_if(|next| is_attribution_of_two(line, next.trim()))?;
    }
    while rest.next_if(|line| line.trim().is_empty()).is_some() {}
    rest.peek()?.trim_start().starts_with('>').then_some(rest)
}

/// Words joined by single blanks, without what nobody reads.
#[derive(Default)]
struct Words {
    out: String,
    count: usize,
}

impl Words {
    fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    fn is_full(&self) -> bool {
        self.count > LENGTH
    }

    fn line(&mut self, line: &str) {
        for word in line.split_whitespace() {
            let visible: String = word.chars().filter(|c| !is_filler(*c)).collect();
            if visible.is_empty() || is_link(&visible) {
                continue;
            }
            if !self.out.is_empty() {
                self.out.push(' ');
                self.count += 1;
            }
            self.count += visible.chars().count();
            self.out.push_str(&visible);
            if self.is_full() {
                return;
            }
        }
    }

    fn finish(self) -> String {
        let Some((cut, _)) = self.out.char_indices().nth(LENGTH) else { return self.out };
        let text = self.out.get(..cut).unwrap_or_default();
        // At the end of a word, unless the script has no blanks or the word is long.
        let end = text
            .rfind(' ')
            .filter(|at| text.len() - at < 30 && self.out.as_bytes().get(cut) != Some(&b' '))
            .unwrap_or(text.len());
        text.get(..end).unwrap_or_default().trim_end().to_owned()
    }
}

/// What fills a preheader up: invisible or of no width.
fn is_filler(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180E}' | '\u{200B}'
            | '\u{200C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2064}' | '\u{2800}' | '\u{3164}' | '\u{FEFF}' | '\u{FFA0}')
}

/// `[cid:image001.png@…]`, `<https://…>`, `[https://…]`: marks of a conversion, not words.
fn is_link(word: &str) -> bool {
    let inner = word.trim_matches(['[', ']', '<', '>', '(', ')']);
    inner.len() < word.len() && ["cid:", "http://", "https://", "mailto:", "tel:"].iter().any(|s| inner.starts_with(s))
}

/// Only punctuation: `-----`, `=====`, `* * *`.
fn is_ruler(line: &str) -> bool {
    !line.is_empty()
        && line
            .chars()
            .all(|c| c.is_ascii_punctuation() || c.is_whitespace() || matches!(c, '–' | '—' | '─' | '━' | '•' | '·'))
}

/// Where the quoted message begins. `next` is the line after: attributions may take two.
fn is_tail_start(line: &str, next: &str) -> bool {
    if line.len() > MAX_ATTRIBUTION {
        return false;
    }
    is_original_mark(line)
        || (is_header_line(line) && is_header_line(next))
        || is_attribution(line)
        || is_attribution_of_two(line, next)
}

/// `-----Original Message-----` in the languages of the great programs.
fn is_original_mark(line: &str) -> bool {
    const WORDS: &[&str] = &[
        "original message",
        "forwarded message",
        "forwarded by",
        "begin forwarded message",
        "ursprüngliche nachricht",
        "weitergeleitete nachricht",
        "originalnachricht",
        "message d'origine",
        "message transféré",
        "message original",
        "mensaje original",
        "mensaje reenviado",
        "mensagem original",
        "mensagem encaminhada",
        "messaggio originale",
        "messaggio inoltrato",
        "oorspronkelijk bericht",
        "doorgestuurd bericht",
        "ursprungligt meddelande",
        "originalmeddelande",
        "oprindelig meddelelse",
        "opprinnelig melding",
        "alkuperäinen viesti",
        "wiadomość oryginalna",
        "původní zpráva",
        "исходное сообщение",
        "пересылаемое сообщение",
        "原始邮件",
        "原始郵件",
        "转发的邮件",
        "轉寄的郵件",
        "転送メッセージ",
        "元のメッセージ",
        "원본 메시지",
        "전달된 메시지",
        "thư gốc",
        "özgün ileti",
        "الرسالة الأصلية",
        "הודעה מקורית",
    ];
    let lower = line.to_lowercase();
    let inner = lower.trim_matches(['-', '_', '=', '*', '>', ' ', ':', '—', '–']);
    let framed = inner.len() + 2 < lower.len() || lower.ends_with(':');
    framed && WORDS.iter().any(|w| inner.starts_with(w))
}

/// `From: …`, `发件人：…`: one line of a quoted header.
fn is_header_line(line: &str) -> bool {
    const NAMES: &[&str] = &[
        "from",
        "sent",
        "date",
        "to",
        "cc",
        "subject",
        "von",
        "gesendet",
        "datum",
        "an",
        "betreff",
        "de",
        "envoyé",
        "date",
        "à",
        "objet",
        "enviado",
        "para",
        "asunto",
        "assunto",
        "da",
        "inviato",
        "a",
        "oggetto",
        "van",
        "verzonden",
        "aan",
        "onderwerp",
        "från",
        "skickat",
        "till",
        "ämne",
        "fra",
        "sendt",
        "til",
        "emne",
        "lähettäjä",
        "lähetetty",
        "aihe",
        "od",
        "wysłano",
        "do",
        "temat",
        "odesláno",
        "komu",
        "předmět",
        "от",
        "отправлено",
        "кому",
        "тема",
        "发件人",
        "发送时间",
        "收件人",
        "抄送",
        "主题",
        "日期",
        "寄件者",
        "寄件日期",
        "收件者",
        "副本",
        "主旨",
        "差出人",
        "送信日時",
        "宛先",
        "件名",
        "日時",
        "보낸 사람",
        "보낸 날짜",
        "받는 사람",
        "제목",
        "날짜",
        "gönderen",
        "gönderme",
        "kime",
        "konu",
        "từ",
        "đã gửi",
        "đến",
        "chủ đề",
        "من",
        "إلى",
        "الموضوع",
    ];
    let Some((name, value)) = line.trim_matches(['*', ' ']).split_once([':', '：']) else { return false };
    let name = name.trim_matches(['*', ' ']).to_lowercase();
    name.len() < 40 && !value.trim().is_empty() && NAMES.contains(&name.as_str())
}

/// `On Mon, Jan 5, 2026 at 10:00, Ada <ada@example.com> wrote:`
fn is_attribution(line: &str) -> bool {
    is_attribution_end(line)
        && (is_attribution_start(line) || line.contains('@') || line.chars().any(|c| c.is_ascii_digit()))
}

fn is_attribution_of_two(line: &str, next: &str) -> bool {
    let short = line.len() <= MAX_ATTRIBUTION && next.len() <= MAX_ATTRIBUTION;
    short && is_attribution_start(line) && is_attribution_end(next)
}

fn is_attribution_start(line: &str) -> bool {
    const STARTS: &[&str] = &[
        "on ", "am ", "le ", "el ", "em ", "il ", "op ", "den ", "på ", "w dniu ", "dne ", "в ", "在", "於", "于",
        "vào ",
    ];
    let lower: String = line.chars().take(12).collect::<String>().to_lowercase();
    line.chars().any(|c| c.is_ascii_digit()) && STARTS.iter().any(|s| lower.starts_with(s))
}

fn is_attribution_end(line: &str) -> bool {
    const ENDS: &[&str] = &[
        "wrote",
        "schrieb",
        "geschrieben",
        "a écrit",
        "écrit",
        "escribió",
        "escreveu",
        "ha scritto",
        "schreef",
        "skrev",
        "kirjoitti",
        "napisał(a)",
        "napisał",
        "napsal(a)",
        "napsal",
        "написал(а)",
        "написал",
        "пишет",
        "写道",
        "寫道",
        "书写",
        "のメール",
        "書きました",
        "작성",
        "님이 작성",
        "yazdı",
        "yazmış",
        "đã viết",
        "كتب",
    ];
    let Some(before) = line.trim_end().strip_suffix([':', '：']) else { return false };
    let lower = before.trim_end().to_lowercase();
    // German and Dutch name the writer last: „Am … schrieb Ada <…>:“
    ENDS.iter().any(|w| lower.ends_with(w)) || (lower.ends_with('>') && ENDS.iter().any(|w| lower.contains(w)))
}

/// What a telephone puts below every message.
fn is_device_line(line: &str) -> bool {
    const STARTS: &[&str] = &[
        "sent from my ",
        "sent from mail for windows",
        "sent from outlook",
        "get outlook for ",
        "von meinem ",
        "gesendet von mail",
        "gesendet von meinem",
        "envoyé de mon ",
        "envoyé depuis ",
        "enviado desde mi ",
        "enviado do meu ",
        "inviato da ",
        "verzonden vanaf ",
        "skickat från min ",
        "发自我的",
        "發自我的",
        "从我的",
        "從我的",
        "发自",
        "發自",
        "iphoneから送信",
        "나의 iphone에서 보냄",
        "отправлено с ",
        "wysłane z ",
    ];
    let lower: String = line.chars().take(40).collect::<String>().to_lowercase();
    STARTS.iter().any(|s| lower.starts_with(s)) && line.chars().count() < 80
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quoted_tail_is_left_out() {
        for text in [
            "Yes, fine.\n\nOn Mon, Jan 5, 2026 at 10:00 AM Ada <ada@example.com> wrote:\n> Shall we?\n",
            "Yes, fine.\n\nOn Mon, Jan 5, 2026 at 10:00 AM Ada Lovelace\n<ada@example.com> wrote:\n> Shall we?\n",
            "Yes, fine.\n\nAm 05.01.26 um 10:00 schrieb Ada <ada@example.com>:\n> Sollen wir?",
            "Yes, fine.\n\n-----Original Message-----\nFrom: Ada\nSent: Monday\n\nShall we?",
            "Yes, fine.\n\n________________________________\n发件人: 李明 <li@example.cn>\n发送时间: 2026年1月5日\n收件人: x\n主题: y\n\n你好",
            "Yes, fine.\n\n差出人: 田中\n送信日時: 2026年1月5日\n\nこんにちは",
            "Yes, fine.\n\n------------------ 原始邮件 ------------------\n发件人: x",
            "Yes, fine.\n\n2026年1月5日 10:00，李明 <li@example.cn> 写道：\n> 你好",
            "Yes, fine.\n\nLe lun. 5 janv. 2026 à 10:00, Ada <ada@example.com> a écrit :\n> Oui",
            "> Shall we?\n\nYes, fine.\n",
            "On Mon, 5 Jan 2026 at 10:00, Ada <ada@example.com> wrote:\n> Shall we?\n> Or not?\n\nYes, fine.\n",
            "On Mon, Jan 5, 2026 at 10:00 AM Ada Lovelace\n<ada@example.com> wrote:\n\n> Shall we?\n\nYes, fine.\n",
            "Ada <ada@example.com> schrieb:\n> Sollen wir?\n\nYes, fine.\n-- \nBob",
            "\nAda wrote:\n> Shall we?\nYes, fine.\n> Where?\nHere.",
            "Yes, fine.\n-- \nBob\nhttps://example.com",
            "Yes, fine.\n\nSent from my iPhone",
            "Yes, fine.\n\n发自我的iPhone",
            "Yes,\u{a0}fine.\u{200c}\u{a0}\u{200c}\u{34f}\u{a0}\n=====\n",
            "[cid:logo@x] Yes, <https://example.com/track> fine.",
        ] {
            assert_eq!(of_text(text), "Yes, fine.", "{text}");
        }
    }

    #[test]
    fn prose_is_no_tail() {
        for text in [
            "From: the beginning it was clear.",
            "On Monday he wrote a letter to me.",
            "To: do or not to do",
            "a: b\nc: d",
            "Listen to what Ada wrote:\nyes.",
        ] {
            let flat = text.replace('\n', " ");
            assert_eq!(of_text(text), flat);
        }
    }

    #[test]
    fn a_forward_without_words_shows_what_is_forwarded() {
        let text = "---------- Forwarded message ---------\nFrom: Ada <a@b.c>\nDate: Mon\nSubject: s\nTo: x\n\nThe plan is ready.\n";
        assert_eq!(of_text(text), "The plan is ready.");
        assert_eq!(of_text("> only\n> quoted"), "only quoted");
        assert_eq!(of_text("On 5 Jan 2026, Ada wrote:\n> only\n> quoted\n\n-- \nBob"), "only quoted Bob");
    }

    #[test]
    fn two_hundred_characters_of_whole_words() {
        let long = "word ".repeat(100);
        let preview = of_text(&long);
        assert!(preview.chars().count() <= LENGTH && preview.ends_with("word"), "{preview}");
        assert_eq!(of_text(&"字".repeat(500)).chars().count(), LENGTH);
        assert_eq!(of_text(&"👍".repeat(100_000)).chars().count(), LENGTH);
    }
}
