//! Meeting requests (iCalendar RFC 5545, iTIP RFC 5546): what a list of invitations shows.

use email_base::Timestamp;

use super::date;
use super::zone::{LocalTime, Zones};
use crate::message::Invite;

/// Octets of a calendar object that are read; an invitation has a few kilobytes.
const MAX_BYTES: usize = 2 << 20;

/// The characters of a calendar object. A line may be folded between the octets of one character (RFC 5545 §3.1), which
/// is then none before the lines are joined; `decode` says what it had trouble with.
pub(crate) fn characters<T>(octets: &[u8], decode: impl Fn(&[u8]) -> (String, Option<T>)) -> String {
    if std::str::from_utf8(octets).is_ok() {
        return decode(octets).0;
    }
    let joined = join_octets(octets);
    let is_sound = std::str::from_utf8(&joined).is_ok();
    let (text, trouble) = decode(if is_sound { &joined } else { octets });
    match trouble {
        Some(_) if !is_sound => match decode(&joined) {
            (better, None) => better,
            _ => text,
        },
        _ => text,
    }
}

/// Without line breaks before a space or tab.
fn join_octets(octets: &[u8]) -> Vec<u8> {
    let mut joined = Vec::with_capacity(octets.len());
    let mut rest = octets;
    while let Some((first, tail)) = rest.split_first() {
        rest = match rest {
            [b'\r', b'\n', b' ' | b'\t', after @ ..] | [b'\r' | b'\n', b' ' | b'\t', after @ ..] => after,
            _ => {
                joined.push(*first);
                tail
            }
        };
    }
    joined
}

/// A calendar object that was read.
pub(crate) struct Found {
    pub(crate) invite: Invite,
    /// It names a time zone that it does not define and that is none of the known ones.
    pub(crate) unknown_zone: bool,
}

/// Without what was wrong with it.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn parse(text: &str, method: Option<&str>) -> Option<Invite> {
    read(text, method).map(|found| found.invite)
}

/// Reads a calendar object; `method` is the Content-Type's parameter. `None` when it is no calendar.
pub(crate) fn read(text: &str, method: Option<&str>) -> Option<Found> {
    let start = text.trim_start_matches(['\u{feff}', ' ', '\n', '\t']);
    if text.len() > MAX_BYTES || !start.get(..15).is_some_and(|s| s.eq_ignore_ascii_case("BEGIN:VCALENDAR")) {
        return None;
    }
    let lines = unfold(text);
    let zones = Zones::read(&lines);
    let mut head = Head::default();
    let mut event = Event::default();
    // The first component, until the master of its series is found.
    let mut chosen: Option<Event> = None;
    let mut stack: Vec<String> = Vec::new();
    for line in &lines {
        match line.name.as_str() {
            "BEGIN" => stack.push(line.value.trim().to_ascii_uppercase()),
            "END" if stack.pop().is_some_and(|closed| is_event(&closed)) => {
                let event = std::mem::take(&mut event);
                match &chosen {
                    Some(first) if !event.is_master_of(first) => {}
                    _ => chosen = Some(event),
                }
            }
            "END" => {}
            _ => match stack.last().map(String::as_str) {
                Some("VCALENDAR") => head.line(line),
                Some(name) if is_event(name) => event.line(line, &zones, head.default_zone.as_deref()),
                _ => {}
            },
        }
    }
    // One that is cut off before its end.
    let event = chosen.unwrap_or(event);
    let unknown_zone = event.unknown_zone;
    let invite = event.into_invite(text, head.method.or_else(|| method.map(str::to_ascii_uppercase)));
    Some(Found { invite, unknown_zone })
}

fn is_event(component: &str) -> bool {
    matches!(component, "VEVENT" | "VTODO" | "VFREEBUSY")
}

/// One unfolded content line (RFC 5545 §3.1).
#[derive(Debug)]
pub(crate) struct Line {
    /// Upper case.
    pub(crate) name: String,
    parameters: Vec<(String, String)>,
    pub(crate) value: String,
}

impl Line {
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

fn unfold(text: &str) -> Vec<Line> {
    let mut joined: Vec<String> = Vec::new();
    for line in text.split(['\n', '\r']).filter(|l| !l.is_empty()) {
        match (line.strip_prefix([' ', '\t']), joined.last_mut()) {
            (Some(more), Some(last)) => last.push_str(more),
            _ => joined.push(line.to_owned()),
        }
    }
    joined.iter().filter_map(|l| content_line(l)).collect()
}

/// `NAME;PARAM="a:b";X=y:value`
fn content_line(line: &str) -> Option<Line> {
    let mut quoted = false;
    let mut cuts = Vec::new();
    let mut colon = None;
    for (at, c) in line.char_indices() {
        match c {
            '"' => quoted = !quoted,
            ';' if !quoted => cuts.push(at),
            ':' if !quoted => {
                colon = Some(at);
                break;
            }
            _ => {}
        }
    }
    // A quote that never closes is none.
    let colon = colon.or_else(|| line.find(':'))?;
    cuts.retain(|c| *c < colon);
    cuts.push(colon);
    let name = line.get(..*cuts.first()?)?.trim().to_ascii_uppercase();
    let parameters = cuts.windows(2).filter_map(|pair| {
        let (name, value) = line.get(pair.first()? + 1..*pair.get(1)?)?.split_once('=')?;
        Some((name.trim().to_ascii_uppercase(), value.trim().trim_matches('"').to_owned()))
    });
    let parameters = parameters.collect();
    Some(Line { name, parameters, value: line.get(colon + 1..).unwrap_or_default().to_owned() })
}

/// What a calendar object says of itself.
#[derive(Default)]
struct Head {
    method: Option<String>,
    default_zone: Option<String>,
}

impl Head {
    fn line(&mut self, line: &Line) {
        match line.name.as_str() {
            "METHOD" => self.method = Some(line.value.trim().to_ascii_uppercase()),
            "X-WR-TIMEZONE" => self.default_zone = Some(line.value.trim().to_owned()),
            _ => {}
        }
    }
}

#[derive(Default)]
struct Event {
    /// One occasion of a series that differs from the others (RFC 5545 §3.8.4.4).
    is_exception: bool,
    /// A time is read as UTC because nobody knows its zone.
    unknown_zone: bool,
    uid: Option<String>,
    summary: Option<String>,
    start: Option<Timestamp>,
    end: Option<Timestamp>,
    duration: Option<i64>,
    organizer: Option<String>,
}

impl Event {
    fn is_master_of(&self, exception: &Self) -> bool {
        exception.is_exception && !self.is_exception && self.uid == exception.uid
    }

    fn line(&mut self, line: &Line, zones: &Zones, default_zone: Option<&str>) {
        let mut time = || instant(line, zones, default_zone, &mut self.unknown_zone);
        match line.name.as_str() {
            "RECURRENCE-ID" => self.is_exception = true,
            "UID" => self.uid = text_value(&line.value),
            "SUMMARY" => self.summary = text_value(&line.value),
            "DTSTART" => self.start = time(),
            "DTEND" | "DUE" => self.end = time(),
            "DURATION" => self.duration = duration(&line.value),
            "ORGANIZER" => self.organizer = organizer(line),
            _ => {}
        }
    }

    fn into_invite(self, raw: &str, method: Option<String>) -> Invite {
        let from_duration =
            self.start.zip(self.duration).map(|(start, seconds)| Timestamp(start.0.saturating_add(seconds * 1000)));
        Invite {
            method: method.filter(|m| !m.is_empty()),
            uid: self.uid,
            summary: self.summary,
            start: self.start,
            end: self.end.or(from_duration),
            organizer: self.organizer,
            raw: raw.to_owned(),
        }
    }
}

/// `19970714T133000Z`, `;TZID=…:19970714T133000`, `;VALUE=DATE:19970714`.
fn instant(line: &Line, zones: &Zones, default_zone: Option<&str>, unknown_zone: &mut bool) -> Option<Timestamp> {
    let value = line.value.trim();
    let (value, is_utc) = value.strip_suffix(['Z', 'z']).map_or((value, false), |v| (v, true));
    let local = LocalTime::parse(value)?;
    let zone = line.parameter("TZID").or(default_zone).filter(|_| !is_utc);
    let offset = zone.and_then(|z| zones.offset(z, local));
    // A day is a day in any zone.
    *unknown_zone |= zone.is_some() && offset.is_none() && value.contains(['T', 't']);
    date::instant(local.year, local.month, local.day, local.seconds, offset.unwrap_or(0))
}

/// RFC 5545 §3.3.11.
fn text_value(value: &str) -> Option<String> {
    let mut out = String::with_capacity(value.len());
    let mut chars = value.trim().chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n' | 'N') => out.push(' '),
                Some(escaped) => out.push(escaped),
                None => {}
            },
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    Some(out).filter(|t| !t.is_empty())
}

/// Seconds of `P1DT2H30M`, `-PT15M`, `P2W` (RFC 5545 §3.3.6).
fn duration(value: &str) -> Option<i64> {
    let value = value.trim();
    let (sign, value) = value.strip_prefix('-').map_or((1, value.trim_start_matches('+')), |v| (-1, v));
    let mut number = String::new();
    let mut total = 0i64;
    for c in value.strip_prefix('P')?.chars() {
        let unit = match c {
            '0'..='9' if number.len() < 9 => {
                number.push(c);
                continue;
            }
            'T' => continue,
            'W' => 7 * 86_400,
            'D' => 86_400,
            'H' => 3_600,
            'M' => 60,
            'S' => 1,
            _ => return None,
        };
        total = total.saturating_add(number.parse::<i64>().ok()?.saturating_mul(unit));
        number.clear();
    }
    Some(sign * total)
}

/// The value's address, else that of the `EMAIL` parameter (RFC 7986 §6.2): Apple's value is a path of its server.
fn organizer(line: &Line) -> Option<String> {
    let value = line.value.trim();
    let by_parameter =
        || line.parameter("EMAIL").and_then(|email| address(without_scheme(email.trim()).unwrap_or(email)));
    match without_scheme(value) {
        Some(bare) => address(bare).or_else(by_parameter),
        None => by_parameter().or_else(|| address(value)),
    }
}

fn without_scheme(uri: &str) -> Option<&str> {
    uri.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("mailto:")).and_then(|_| uri.get(7..))
}

fn address(text: &str) -> Option<String> {
    let bare = text.trim();
    // Addresses of a directory are none for mail.
    (bare.contains('@') && !bare.starts_with('/')).then(|| bare.chars().filter(|c| !c.is_control()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTLOOK: &str = "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nPRODID:Microsoft Exchange Server 2010\r\nVERSION:2.0\r\nBEGIN:VTIMEZONE\r\n\
        TZID:W. Europe Standard Time\r\nBEGIN:STANDARD\r\nDTSTART:16010101T030000\r\nTZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\n\
        RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10\r\nEND:STANDARD\r\nBEGIN:DAYLIGHT\r\nDTSTART:16010101T020000\r\nTZOFFSETFROM:+0100\r\n\
        TZOFFSETTO:+0200\r\nRRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=3\r\nEND:DAYLIGHT\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT\r\n\
        ORGANIZER;CN=\"Ada: L.\":MAILTO:ada@example.com\r\nATTENDEE;CN=Bob:mailto:bob@example.com\r\nSUMMARY;LANGUAGE=de-DE:Planung\\, Teil 1 mit ei\r\n\
        \x20ner langen Zeile\r\nDTSTART;TZID=W. Europe Standard Time:20260701T100000\r\nDTEND;TZID=W. Europe Standard Time:20260701T113000\r\n\
        UID:040000008200E00074C5B7101A82E008\r\nBEGIN:VALARM\r\nSUMMARY:not me\r\nEND:VALARM\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

    #[test]
    fn an_invitation_of_outlook() {
        let invite = parse(OUTLOOK, None).unwrap();
        assert_eq!(invite.method.as_deref(), Some("REQUEST"));
        assert_eq!(invite.uid.as_deref(), Some("040000008200E00074C5B7101A82E008"));
        assert_eq!(invite.summary.as_deref(), Some("Planung, Teil 1 mit einer langen Zeile"));
        assert_eq!(invite.organizer.as_deref(), Some("ada@example.com"));
        assert_eq!(invite.start.unwrap().0, 1_782_892_800_000, "10:00 CEST is 08:00 UTC");
        assert_eq!(invite.end.unwrap().0, 1_782_898_200_000);
    }

    #[test]
    fn winter_and_summer_of_one_zone() {
        let winter = OUTLOOK.replace("20260701T1", "20260115T1");
        assert_eq!(parse(&winter, None).unwrap().start.unwrap().0, 1_768_467_600_000, "10:00 CET is 09:00 UTC");
    }

    #[test]
    fn times_of_other_shapes() {
        let event = |lines: &str| {
            parse(&format!("BEGIN:VCALENDAR\nBEGIN:VEVENT\n{lines}\nEND:VEVENT\nEND:VCALENDAR"), Some("publish"))
                .unwrap()
        };
        let utc = event("DTSTART:20260131T120000Z\nDURATION:PT1H30M");
        assert_eq!((utc.start.unwrap().0, utc.end.unwrap().0), (1_769_860_800_000, 1_769_866_200_000));
        assert_eq!(utc.method.as_deref(), Some("PUBLISH"));
        assert_eq!(event("DTSTART;VALUE=DATE:20260131").start.unwrap().0, 1_769_817_600_000);
        assert_eq!(event("DTSTART;TZID=Asia/Shanghai:20260131T200000").start.unwrap().0, 1_769_860_800_000);
        assert_eq!(event("DTSTART;TZID=China Standard Time:20260131T200000").start.unwrap().0, 1_769_860_800_000);
        assert_eq!(event("DTSTART;TZID=America/New_York:20260701T080000").start.unwrap().0, 1_782_907_200_000);
        assert_eq!(event("DTSTART:nonsense\nDURATION:PX").start, None);
    }

    #[test]
    fn what_is_no_calendar() {
        assert!(parse("hello", None).is_none());
        assert!(parse("", None).is_none());
        let deep = format!("BEGIN:VCALENDAR\n{}", "BEGIN:X\n".repeat(100_000));
        assert!(parse(&deep, None).is_some());
    }

    #[test]
    fn a_line_folded_inside_a_character() {
        let line = "SUMMARY:项目会议".as_bytes();
        for cut in 8..line.len() {
            let (before, after) = line.split_at(cut);
            let object =
                [b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n", before, b"\r\n ", after, b"\r\nEND:VEVENT\r\n"].concat();
            for kind in ["text/calendar", "text/calendar; charset=utf-8"] {
                let source = [format!("Content-Type: {kind}\r\n\r\n").as_bytes(), object.as_slice()].concat();
                let invites = crate::parse(&source, &crate::ParseOptions::default()).invites;
                assert_eq!(invites[0].summary.as_deref(), Some("项目会议"), "{kind} {cut}");
            }
        }
    }

    #[test]
    fn a_series_is_shown_as_its_master_says() {
        let component = |uid: &str, lines: &str| {
            format!("BEGIN:VEVENT\nUID:{uid}\nATTENDEE:mailto:b@example.net\n{lines}\nEND:VEVENT\n")
        };
        let moved = component("7", "RECURRENCE-ID:20260112T020000Z\nDTSTART:20260112T050000Z\nSUMMARY:moved");
        let master = component("7", "DTSTART:20260105T020000Z\nDURATION:PT1H\nRRULE:FREQ=WEEKLY\nSUMMARY:series");
        let other = component("8", "DTSTART:20270105T020000Z\nSUMMARY:other");
        let read = |parts: &[&str]| {
            let invite =
                parse(&format!("BEGIN:VCALENDAR\nMETHOD:REQUEST\n{}END:VCALENDAR\n", parts.concat()), None).unwrap();
            (invite.summary.unwrap(), invite.start.unwrap().0, invite.end.map(|e| e.0), invite.method.unwrap())
        };
        let series = ("series".to_owned(), 1_767_578_400_000, Some(1_767_582_000_000), "REQUEST".to_owned());
        let alone = ("moved".to_owned(), 1_768_194_000_000, None, "REQUEST".to_owned());
        assert_eq!(read(&[&moved, &master]), series);
        assert_eq!(read(&[&moved, &moved, &other, &master]), series);
        assert_eq!(read(&[&master, &moved]), series);
        assert_eq!(read(&[&moved]), alone);
        assert_eq!(read(&[&moved, &other]), alone, "another event is no master of it");
    }

    #[test]
    fn an_organizer_without_a_mail_address_as_its_value() {
        let organizer = |line: &str| {
            parse(&format!("BEGIN:VCALENDAR\nBEGIN:VEVENT\nORGANIZER{line}\nEND:VEVENT\nEND:VCALENDAR"), None)
                .unwrap()
                .organizer
        };
        let ada = Some("ada@icloud.example".to_owned());
        assert_eq!(organizer(";CN=\"Ada\";EMAIL=ada@icloud.example:/aMTIz/principal/"), ada);
        assert_eq!(organizer(";EMAIL=\"mailto:ada@icloud.example\":urn:uuid:1"), ada);
        assert_eq!(organizer(";EMAIL=ada@icloud.example:/a@b/principal/"), ada);
        assert_eq!(organizer(";EMAIL=other@icloud.example:MAILTO:ada@icloud.example"), ada);
        assert_eq!(organizer(":ada@icloud.example"), ada);
        assert_eq!(organizer(";EMAIL=nobody:/aMTIz/principal/"), None);
        assert_eq!(organizer(":mailto:"), None);
    }

    #[test]
    fn a_calendar_file_of_any_type_is_an_invitation() {
        let invites = |head: &str, body: &str| {
            let source =
                format!("Content-Type: multipart/mixed; boundary=b\n\n--b\n\nhi\n--b\n{head}\n\n{body}\n--b--\n");
            let parsed = crate::parse(source.as_bytes(), &crate::ParseOptions::default());
            assert_eq!(parsed.attachments.len(), 1, "{head}");
            parsed.invites.into_iter().filter_map(|i| i.uid).collect::<Vec<_>>()
        };
        let object = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:6\nEND:VEVENT\nEND:VCALENDAR";
        for head in [
            "Content-Type: application/octet-stream; name=invite.ics",
            "Content-Type: application/octet-stream\nContent-Disposition: attachment; filename=\"Termin.ICS\"",
            "Content-Type: text/plain; name=invite.ics\nContent-Disposition: attachment",
            "Content-Disposition: attachment; filename=invite.ics",
        ] {
            assert_eq!(invites(head, object), ["6"], "{head}");
            assert!(invites(head, "not a calendar").is_empty(), "{head}");
        }
        assert!(invites("Content-Type: application/octet-stream; name=invite.txt", object).is_empty());
    }

    #[test]
    fn a_file_without_a_method_repeats_the_invitation_beside_it() {
        let object = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:6\nEND:VEVENT\nEND:VCALENDAR";
        let source = format!(
            "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: application/octet-stream; name=invite.ics\n\n{object}\n--b\n\
             Content-Type: text/calendar; method=REQUEST\n\n{object}\n--b--\n"
        );
        let invites = crate::parse(source.as_bytes(), &crate::ParseOptions::default()).invites;
        assert_eq!(invites.iter().map(|i| i.method.as_deref()).collect::<Vec<_>>(), [Some("REQUEST")]);
    }

    #[test]
    fn a_zone_that_nobody_knows_is_said() {
        let read = |lines: &str| {
            let source = format!(
                "Content-Type: text/calendar\n\nBEGIN:VCALENDAR\nBEGIN:VEVENT\n{lines}\nEND:VEVENT\nEND:VCALENDAR\n"
            );
            let parsed = crate::parse(source.as_bytes(), &crate::ParseOptions::default());
            (parsed.invites[0].start.unwrap().0, parsed.defects.iter().any(|d| d.contains("time zone")))
        };
        assert_eq!(read("DTSTART;TZID=Nowhere/City:20260131T120000"), (1_769_860_800_000, true));
        assert_eq!(read("DTSTART;TZID=Nowhere/City:20260131T120000Z"), (1_769_860_800_000, false));
        assert_eq!(read("DTSTART;VALUE=DATE;TZID=Nowhere/City:20260131"), (1_769_817_600_000, false));
        assert_eq!(read("DTSTART;TZID=Asia/Kathmandu:20260131T174500"), (1_769_860_800_000, false));
        assert_eq!(read("DTSTART:20260131T120000"), (1_769_860_800_000, false));
    }
}
