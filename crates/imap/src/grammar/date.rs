//! INTERNALDATE (RFC 9051 §9), also in the order of a `Date` field, which careless servers copy.
//!
//! ```text
//! date-time = DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP zone DQUOTE
//! ```

use email_base::Timestamp;

const MONTHS: [&[u8]; 12] =
    [b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"];

/// RFC 5322 §4.3: the zones that have a name, in hours.
const ZONES: [(&[u8], i64); 11] = [
    (b"UT", 0),
    (b"UTC", 0),
    (b"GMT", 0),
    (b"EST", -5),
    (b"EDT", -4),
    (b"CST", -6),
    (b"CDT", -5),
    (b"MST", -7),
    (b"MDT", -6),
    (b"PST", -8),
    (b"PDT", -7),
];

/// The point in time; `None` when there is no day, month, year and time in it, in that order.
pub(super) fn parse(text: &[u8]) -> Option<Timestamp> {
    let mut words = text.split(|b| matches!(b, b' ' | b',' | b'\t' | b'\r' | b'\n')).filter(|w| !w.is_empty());
    let mut first = words.next()?;
    if first.first().is_some_and(u8::is_ascii_alphabetic) {
        first = words.next()?;
    }
    let mut fields = first.splitn(3, |b| *b == b'-');
    let day = small(fields.next()?, 31).filter(|d| *d >= 1)?;
    let month = month(fields.next().or_else(|| words.next())?)?;
    let year = year(fields.next().or_else(|| words.next())?)?;
    let time = time(words.next()?)?;
    let zone = words.next().map_or(0, zone);
    let days = days_from_civil(year, month, day);
    Some(Timestamp::from_unix_seconds(days * 86_400 + time - zone))
}

fn small(word: &[u8], most: i64) -> Option<i64> {
    if word.is_empty() || word.len() > 2 || !word.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value = word.iter().fold(0, |n, b| n * 10 + i64::from(b - b'0'));
    (value <= most).then_some(value)
}

fn month(word: &[u8]) -> Option<i64> {
    let head = word.get(..3)?;
    let at = MONTHS.iter().position(|name| head.eq_ignore_ascii_case(name))?;
    i64::try_from(at).ok().map(|m| m + 1)
}

/// RFC 5322 §4.3: two digits below 50 are of this century, three digits count from 1900.
fn year(word: &[u8]) -> Option<i64> {
    if !(2..=4).contains(&word.len()) || !word.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value = word.iter().fold(0, |n, b| n * 10 + i64::from(b - b'0'));
    Some(match word.len() {
        2 if value < 50 => value + 2000,
        2 | 3 => value + 1900,
        _ => value,
    })
}

/// `hh:mm[:ss]`, leap seconds taken.
fn time(word: &[u8]) -> Option<i64> {
    let mut fields = word.split(|b| *b == b':');
    let hour = small(fields.next()?, 23)?;
    let minute = small(fields.next()?, 59)?;
    let second = fields.next().map_or(Some(0), |s| small(s, 60))?;
    Some(hour * 3600 + minute * 60 + second)
}

/// Seconds east of Greenwich; 0 for what nobody knows.
fn zone(word: &[u8]) -> i64 {
    let (sign, digits) = match word.split_first() {
        Some((b'-', digits)) => (-1, digits),
        Some((b'+', digits)) => (1, digits),
        _ => (1, word),
    };
    if digits.len() == 4 && digits.iter().all(u8::is_ascii_digit) {
        let value = digits.iter().fold(0, |n, b| n * 10 + i64::from(b - b'0'));
        return sign * (value / 100 * 3600 + value % 100 * 60);
    }
    ZONES.iter().find(|(name, _)| word.eq_ignore_ascii_case(name)).map_or(0, |(_, hours)| hours * 3600)
}

/// Days since 1970-01-01 in the Gregorian calendar, counted in years that begin in March.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_answers() {
        for (text, seconds) in [
            ("17-Jul-1996 02:44:25 -0700", Some(837_596_665)),
            (" 1-Jan-1970 00:00:00 +0000", Some(0)),
            ("1-Jan-2024 01:00:00 +0100", Some(1_704_067_200)),
            ("01-feb-2000 00:00:00 +0000", Some(949_363_200)),
            ("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)", Some(837_595_405)),
            ("17 Jul 96 02:23 GMT", Some(837_570_180)),
            ("Thu, 29 Feb 2024 12:00:00 EST", Some(1_709_226_000)),
            ("Thu,29 February 2024 12:00:00 XYZ", Some(1_709_208_000)),
            ("1 Jan 1970 00:00:00", Some(0)),
            ("NIL", None),
            ("", None),
            ("32-Jan-2024 00:00:00 +0000", None),
            ("1-Foo-2024 00:00:00 +0000", None),
            ("1-Jan-2024 25:00:00 +0000", None),
            ("1-Jan-99999 00:00:00 +0000", None),
        ] {
            assert_eq!(parse(text.as_bytes()), seconds.map(Timestamp::from_unix_seconds), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes(text in proptest::collection::vec(any::<u8>(), 0..60)) {
            parse(&text);
        }

        #[test]
        fn almost_dates(text in "[0-9]{0,3}[- ][A-Za-z]{0,4}[- ][0-9]{0,5} [0-9:]{0,9} [-+]?[0-9A-Z]{0,5}") {
            parse(text.as_bytes());
        }
    }
}
