//! Where a mail ends and what it answers begins: marks, quoted headers and attributions, as the programs of the world write
//! them.

/// Octets of a line that may announce what is quoted; longer ones are prose.
pub(super) const MAX_ATTRIBUTION: usize = 400;

/// Where the quoted message begins. `next` is the line after: attributions may take two.
pub(super) fn is_tail_start(line: &str, next: &str) -> bool {
    if line.len() > MAX_ATTRIBUTION {
        return false;
    }
    is_original_mark(line, next)
        || (is_header_line(line) && is_header_line(next))
        || is_attribution(line)
        || is_attribution_of_two(line, next)
}

/// `-----Original Message-----` in the languages of the great programs; without a frame, what is below has to be a header.
fn is_original_mark(line: &str, next: &str) -> bool {
    const WORDS: &[&str] = &[
        "original message",
        "replied message",
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
        "回复的原邮件",
        "回覆的原郵件",
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
    // QQ writes its blanks as entities, in plain text, too.
    let lower = line.to_lowercase().replace("&nbsp;", " ");
    let inner = lower.trim_matches(['-', '_', '=', '*', '>', ' ', '\u{A0}', ':', '—', '–']);
    let framed = inner.len() + 2 < lower.len() || lower.ends_with(':');
    if framed {
        return inner == "original" || WORDS.iter().any(|w| inner.starts_with(w));
    }
    is_header_line(next) && WORDS.contains(&inner)
}

/// `From: …`, `发件人：…`: one line of a quoted header.
pub(super) fn is_header_line(line: &str) -> bool {
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
        "发件时间",
        "已发送",
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
    // 日　期: two characters as wide as three.
    let name = name.trim_matches(['*', ' ']).replace('\u{3000}', "").to_lowercase();
    name.len() < 40 && !value.trim().is_empty() && NAMES.contains(&name.as_str())
}

/// `On Mon, Jan 5, 2026 at 10:00, Ada <ada@example.com> wrote:`
fn is_attribution(line: &str) -> bool {
    is_attribution_end(line)
        && (is_attribution_start(line) || line.contains('@') || line.chars().any(|c| c.is_ascii_digit()))
}

pub(super) fn is_attribution_of_two(line: &str, next: &str) -> bool {
    let short = line.len() <= MAX_ATTRIBUTION && next.len() <= MAX_ATTRIBUTION;
    short && is_attribution_start(line) && is_attribution_end(next)
}

fn is_attribution_start(line: &str) -> bool {
    const STARTS: &[&str] = &[
        "on ",
        "am ",
        "le ",
        "el ",
        "em ",
        "il ",
        "op ",
        "den ",
        "på ",
        "w dniu ",
        "dne ",
        "в ",
        "在",
        "於",
        "于",
        "vào ",
        "pada ",
        "ในวันที่ ",
        "في ",
    ];
    let lower: String = line.chars().take(12).collect::<String>().to_lowercase();
    line.chars().any(|c| c.is_ascii_digit()) && STARTS.iter().any(|s| lower.starts_with(s))
}

pub(super) fn is_attribution_end(line: &str) -> bool {
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
        "pisze",
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
        "เขียนว่า",
        "menulis",
    ];
    let Some(before) = line.trim_end().strip_suffix([':', '：']) else { return false };
    let lower = before.trim_end().to_lowercase();
    let says = |is: &dyn Fn(&str) -> bool| ENDS.iter().any(|w| is(w));
    // Germans, Dutch and Swedes name the writer last: „Am … schrieb Ada:“. Notes names the date last: "Ada wrote on …:".
    let by_word = |w: &str| lower.split_once(w).is_some_and(|(a, b)| a.ends_with([' ', ',']) && b.starts_with(' '));
    let dated = is_attribution_start(line) || lower.split_once(" wrote on ").is_some_and(|(_, date)| has_time(date));
    says(&|w| lower.ends_with(w))
        || (lower.ends_with('>') && (has_time(&lower) || says(&|w| lower.contains(w))))
        || (dated && says(&by_word))
}

/// `10:00`: what says when, beside whoever wrote.
fn has_time(text: &str) -> bool {
    let digit = |at: usize| text.as_bytes().get(at).is_some_and(u8::is_ascii_digit);
    text.match_indices(':').any(|(at, _)| at > 0 && digit(at - 1) && digit(at + 1) && digit(at + 2))
}

/// What a telephone puts below every message.
pub(super) fn is_device_line(line: &str) -> bool {
    const STARTS: &[&str] = &[
        "sent from my ",
        "sent from mail for windows",
        "sent from outlook",
        "sent from yahoo mail",
        "get outlook for ",
        "获取 outlook",
        "取得 outlook",
        "ios 版 outlook",
        "android 版 outlook",
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
