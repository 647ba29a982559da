//! Meeting requests inside TNEF (MS-OXOCAL): an Exchange server makes `text/calendar` of them, Outlook alone does not.

use email_base::Timestamp;

use super::{Tnef, mapi};
use crate::message::Invite;
use crate::parse::civil_from_days;

/// The meeting that the message is about, if it is about one. Its `raw` is a calendar object of the same content.
pub(crate) fn invite(tnef: &Tnef) -> Option<Invite> {
    let class = tnef.message_class.to_ascii_lowercase();
    let method = match class.as_str() {
        c if c.starts_with("ipm.schedule.meeting.request") || c.starts_with("ipm.microsoft schedule.mtgreq") => {
            "REQUEST"
        }
        c if c.starts_with("ipm.schedule.meeting.canceled") || c.starts_with("ipm.microsoft schedule.mtgcncl") => {
            "CANCEL"
        }
        c if c.starts_with("ipm.schedule.meeting.resp") || c.starts_with("ipm.microsoft schedule.mtgresp") => "REPLY",
        _ => return None,
    };
    let properties = &tnef.properties;
    let time = |named: u32, plain: u16| properties.named_time(named).or_else(|| properties.time(plain)).map(Timestamp);
    let id = properties
        .named_binary(mapi::CLEAN_GLOBAL_OBJECT_ID)
        .or_else(|| properties.named_binary(mapi::GLOBAL_OBJECT_ID));
    let organizer = properties.text(mapi::SENT_REPRESENTING_EMAIL).or_else(|| properties.text(mapi::SENDER_EMAIL));
    let mut invite = Invite {
        method: Some(method.to_owned()),
        uid: id.map(uid),
        summary: tnef.subject.clone(),
        start: time(mapi::APPOINTMENT_START, mapi::START_DATE),
        end: time(mapi::APPOINTMENT_END, mapi::END_DATE),
        // An address of a directory is none for mail.
        organizer: organizer.filter(|o| o.contains('@') && !o.starts_with('/')),
        raw: String::new(),
    };
    invite.raw = calendar(&invite);
    Some(invite)
}

/// An identifier that came from iCalendar stands inside (MS-OXCICAL §2.1.3.1.1.20.26), others are written as hexadecimal.
fn uid(id: &[u8]) -> String {
    const MARK: &[u8] = b"vCal-Uid\x01\0\0\0";
    match memchr::memmem::find(id, MARK).and_then(|at| id.get(at + MARK.len()..)) {
        Some(rest) => {
            String::from_utf8_lossy(rest).trim_end_matches('\0').chars().filter(|c| !c.is_control()).collect()
        }
        None => id.iter().take(500).map(|octet| format!("{octet:02X}")).collect(),
    }
}

fn calendar(invite: &Invite) -> String {
    let mut lines = vec!["BEGIN:VCALENDAR".to_owned(), "VERSION:2.0".to_owned()];
    let mut add = |name: &str, value: Option<String>| lines.extend(value.map(|v| format!("{name}:{v}")));
    add("METHOD", invite.method.clone());
    add("BEGIN", Some("VEVENT".to_owned()));
    add("UID", invite.uid.clone());
    add("SUMMARY", invite.summary.as_deref().map(escape));
    add("DTSTART", invite.start.map(utc));
    add("DTEND", invite.end.map(utc));
    add("ORGANIZER", invite.organizer.as_deref().map(|o| format!("mailto:{}", escape(o))));
    lines.extend(["END:VEVENT".to_owned(), "END:VCALENDAR".to_owned(), String::new()]);
    lines.join("\r\n")
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace(';', "\\;").replace(',', "\\,").replace(['\r', '\n'], " ")
}

fn utc(time: Timestamp) -> String {
    let seconds = time.0.div_euclid(1000);
    let (year, month, day) = civil_from_days(seconds.div_euclid(86_400));
    let of_day = seconds.rem_euclid(86_400);
    format!("{year:04}{month:02}{day:02}T{:02}{:02}{:02}Z", of_day / 3600, of_day / 60 % 60, of_day % 60)
}

#[cfg(test)]
mod tests {
    use super::super::{make, read};
    use super::*;

    #[test]
    fn a_request_becomes_an_invitation() {
        // 2026-01-31T12:00:00Z in ticks since 1601.
        let ticks = (1_769_860_800_000u64 + 11_644_473_600_000) * 10_000;
        let properties = make::properties(&[
            make::unicode(mapi::SUBJECT, "Planung; Teil 1"),
            make::time(mapi::START_DATE, ticks),
            make::time(mapi::END_DATE, ticks + 36_000_000_000),
            make::unicode(mapi::SENDER_EMAIL, "ada@example.com"),
        ]);
        let stream = make::stream(&[
            (1, 0x0007_8008, b"IPM.Microsoft Schedule.MtgReq\0".to_vec()),
            (1, 0x0006_9003, properties),
        ]);
        let invite = invite(&read(&stream).unwrap()).unwrap();
        assert_eq!(invite.method.as_deref(), Some("REQUEST"));
        assert_eq!((invite.start.unwrap().0, invite.end.unwrap().0), (1_769_860_800_000, 1_769_864_400_000));
        assert_eq!(invite.organizer.as_deref(), Some("ada@example.com"));
        let again = crate::parse::calendar::parse(&invite.raw, None).unwrap();
        assert_eq!((again.summary, again.start, again.end), (invite.summary, invite.start, invite.end));
        assert_eq!(uid(b"\x04\0vCal-Uid\x01\0\0\0abc@x\0"), "abc@x");
        assert_eq!(uid(&[4, 0, 0xAB]), "0400AB");
    }
}
