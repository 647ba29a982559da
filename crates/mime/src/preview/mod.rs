//! The line of a message list: the first words that its sender wrote (no preheader filler, quoted tail or signature).

mod tail;

use std::iter::Peekable;
use std::str::Lines;

use self::tail::{
    MAX_ATTRIBUTION, is_attribution_end, is_attribution_of_two, is_device_line, is_header_line, is_tail_start,
};

/// Characters of a preview.
const LENGTH: usize = 200;

/// Text that is read for it: what a person wrote comes before that.
pub(crate) const ENOUGH: usize = 16 * 1024;

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
            "Yes, fine.\n\n------------------&nbsp;原始邮件&nbsp;------------------\n发件人: x",
            "Yes, fine.\n\n------------------\u{a0}原始邮件\u{a0}------------------\n发件人: x",
            "Yes, fine.\n\n------------------ Original ------------------\nFrom: \"Ada\";\nDate: Mon\n\nq",
            "Yes, fine.\n\n原始邮件\n发件人：Ada\n发件时间：2026年1月5日 10:00\n收件人：b\n主题：x\nq",
            "Yes, fine.\n-------------\n发件人：李明 <li@example.cn>\n日　期：2026年01月05日 10:00:00\n收件人：b\n主　题：x\n\nq",
            "Yes, fine.\n\n---- 回复的原邮件 ----\n| 发件人 | Ada |\nq",
            "Yes, fine.\n\n---- Replied Message ----\n| From | Ada |\nq",
            "Yes, fine.\n________________\n发件人: Ada\n已发送: 2026 年 1 月 5 日 10:00\n收件人: b\n主题: x\n\nq",
            "Yes, fine.\n\nAm 05.01.26 um 10:00 schrieb Ada Beispiel:\n> q",
            "Yes, fine.\n\nOp 05-01-2026 om 10:00 schreef Ada:\n> q",
            "Yes, fine.\n\nDen 2026-01-05 kl. 10:00, skrev Ada:\n> q",
            "Yes, fine.\n\nW dniu 05.01.2026 o 10:00, Ada pisze:\n> q",
            "Yes, fine.\n\n2026年1月5日(月) 10:00 Ada <ada@example.com>:\n\n> q",
            "Yes, fine.\n\nпн, 5 янв. 2026 г. в 10:00, Ada <ada@example.com>:\n\n> q",
            "Yes, fine.\n\nPada Sen, 5 Jan 2026 pukul 10.00 Ada <ada@example.com> menulis:\n\n> q",
            "Yes, fine.\n\nAda L/ORG@ORG wrote on 01/05/2026 10:00:00 AM:\n\n> q",
            "Yes, fine.\n\nSent from Yahoo Mail for iPhone",
            "Yes, fine.\n\n获取 Outlook for iOS",
            "Yes, fine.\n\niOS 版 Outlook を入手",
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
            "The original plan\nwas fine.",
            "Am Montag schrieb er, dass es geht: ja.",
            "Meet at 10:00 <here>\nplease.",
            "原始邮件\n在哪里",
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
