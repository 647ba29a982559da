//! Dates (RFC 5322 §3.3, §4.3), read tolerantly: comments, missing seconds and zones, two-digit years, zone names,
//! `asctime` order, ISO 8601.

use email_base::Timestamp;

use super::word;

/// The instant of a `Date` field's raw value; `None` when no reading makes a date of it.
pub fn parse(raw: &[u8]) -> Option<Timestamp> {
    ordinary(raw).or_else(|| at_length(raw))
}

/// `[Sat, ]31 Jan 2026 12:00:00 +0000[ (UTC)]`, as nearly all are: a list of messages has one a row, so no copy is made.
fn ordinary(raw: &[u8]) -> Option<Timestamp> {
    let mut words = raw.split(|b| *b == b' ').filter(|word| !word.is_empty());
    let mut first = words.next()?;
    if matches!(first, [_, _, _, b',']) {
        first = words.next()?;
    }
    let day = number(first)?;
    let month = month(words.next()?)?;
    let year = words.next().filter(|year| year.len() == 4)?;
    let [h1, h2, b':', m1, m2, b':', s1, s2] = *words.next()? else { return None };
    let (hour, minute, second) = (number(&[h1, h2])?, number(&[m1, m2])?, number(&[s1, s2])?);
    let [sign @ (b'+' | b'-'), z1, z2, z3, z4] = *words.next()? else { return None };
    let (east_hours, east_minutes) = (number(&[z1, z2])?, number(&[z3, z4])?);
    let plain_comment = words
        .next()
        .is_none_or(|word| matches!(word, [b'(', inner @ .., b')'] if inner.iter().all(u8::is_ascii_alphabetic)));
    if hour > 23 || minute > 59 || east_hours > 24 || east_minutes > 59 || !plain_comment || words.next().is_some() {
        return None;
    }
    let east = east_hours * 3600 + east_minutes * 60;
    let zone = if sign == b'-' { -east } else { east };
    let day = u32::try_from(day).ok()?;
    instant(number(year)?, month, day, hour * 3600 + minute * 60 + second.min(59), zone)
}

/// Up to four digits.
fn number(word: &[u8]) -> Option<i64> {
    let is_number = (1..=4).contains(&word.len()) && word.iter().all(u8::is_ascii_digit);
    is_number.then(|| word.iter().fold(0, |n, digit| n * 10 + i64::from(digit - b'0')))
}

/// Any date.
fn at_length(raw: &[u8]) -> Option<Timestamp> {
    let line = word::unfold(raw);
    // Longer than any date with its comments: not one.
    let text = String::from_utf8_lossy(line.get(..256).unwrap_or(&line)).into_owned();
    let text = without_comments(&text);
    iso(&text).or_else(|| words(&text))
}

/// Milliseconds of a civil time in a zone that many seconds east of UTC.
pub(crate) fn instant(year: i64, month: u32, day: u32, seconds_of_day: i64, zone_seconds: i64) -> Option<Timestamp> {
    let valid = (1..=12).contains(&month) && (1..=days_in(year, month)).contains(&day) && (1..=9999).contains(&year);
    valid.then(|| {
        Timestamp::from_unix_seconds(days_from_civil(year, month, day) * 86_400 + seconds_of_day - zone_seconds)
    })
}

fn without_comments(text: &str) -> String {
    let mut depth = 0usize;
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ if depth == 0 => out.push(c),
            _ => {}
        }
    }
    out
}

/// `2026-01-31T12:00:00.5+01:00`, also with a blank for the `T`.
fn iso(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let (date, rest) = text.split_at_checked(10)?;
    let mut fields = date.split(['-', '/', '.']);
    let year = fields.next().filter(|y| y.len() == 4)?.parse().ok()?;
    let month = fields.next()?.parse().ok()?;
    let day = fields.next()?.parse().ok()?;
    let rest = rest.trim_start_matches(['T', 't', ' ']);
    let time_end = rest.find(|c: char| !c.is_ascii_digit() && c != ':' && c != '.').unwrap_or(rest.len());
    let (time, zone) = rest.split_at_checked(time_end)?;
    let seconds = if time.is_empty() { 0 } else { time_of_day(time)? };
    instant(year, month, day, seconds, zone_offset(zone.trim()).unwrap_or(0))
}

/// Words in any order: a month's name, a time with colons, a year, a day, a zone.
fn words(text: &str) -> Option<Timestamp> {
    let spaced = text.replace(',', " ");
    let mut found = Words::default();
    for word in spaced.split_whitespace() {
        // `1-Jan-2026` and `Jan/1/2026`.
        let is_date =
            word.chars().filter(|c| *c == '-' || *c == '/').count() == 2 && word.chars().any(char::is_alphabetic);
        if is_date {
            word.split(['-', '/']).for_each(|part| found.take(part));
        } else {
            found.take(word);
        }
    }
    let year = found.year?;
    instant(year, found.month?, found.day?, found.time.unwrap_or(0), found.zone.unwrap_or(0))
}

#[derive(Default)]
struct Words {
    day: Option<u32>,
    month: Option<u32>,
    year: Option<i64>,
    time: Option<i64>,
    zone: Option<i64>,
    afternoon: Option<bool>,
}

impl Words {
    fn take(&mut self, word: &str) {
        if word.contains(':') && !word.starts_with(['+', '-']) && self.time.is_none() {
            self.take_time(word);
        } else if let Ok(number) = word.parse::<u32>()
            && !word.starts_with('+')
        {
            self.take_number(number, word.len());
        } else if self.month.is_none()
            && let Some(month) = month(word.as_bytes())
        {
            self.month = Some(month);
        } else if self.time.is_some() && matches!(word.to_ascii_lowercase().as_str(), "am" | "pm") {
            self.apply_half_of_day(word.eq_ignore_ascii_case("pm"));
        } else if self.zone.is_none() && (self.time.is_some() || word.starts_with(['+', '-'])) {
            self.zone = zone_offset(word);
        }
    }

    /// `12:00:00`, also with the zone glued on: `12:00:00+0100`, `12:00:00Z`.
    fn take_time(&mut self, word: &str) {
        let end = word.find(|c: char| !c.is_ascii_digit() && c != ':' && c != '.').unwrap_or(word.len());
        let (time, zone) = word.split_at_checked(end).unwrap_or((word, ""));
        self.time = time_of_day(time);
        if !zone.is_empty() {
            self.zone = zone_offset(zone);
        }
    }

    fn take_number(&mut self, number: u32, digits: usize) {
        if self.day.is_none() && digits <= 2 && (1..=31).contains(&number) {
            self.day = Some(number);
        } else if self.year.is_none() && digits >= 2 {
            // RFC 5322 §4.3: 00–49 are of this century, 50–99 and three digits count from 1900.
            self.year = Some(match number {
                0..=49 if digits == 2 => i64::from(number) + 2000,
                50..=999 => i64::from(number) + 1900,
                _ => i64::from(number),
            });
        } else if digits == 4 && self.zone.is_none() && self.time.is_some() {
            self.zone = zone_offset(&format!("+{number:04}"));
        }
    }

    fn apply_half_of_day(&mut self, afternoon: bool) {
        if self.afternoon.replace(afternoon).is_none()
            && let Some(time) = self.time.as_mut()
        {
            let hour = time.div_euclid(3600);
            match (afternoon, hour) {
                (true, 1..=11) => *time += 12 * 3600,
                (false, 12) => *time -= 12 * 3600,
                _ => {}
            }
        }
    }
}

/// Seconds since midnight; a leap second counts as the last of its minute.
fn time_of_day(text: &str) -> Option<i64> {
    let mut fields = text.split(':').map(|f| f.split('.').next().unwrap_or(f).parse::<i64>());
    let hour = fields.next()?.ok()?;
    let minute = fields.next()?.ok()?;
    let second = match fields.next() {
        Some(second) => second.ok()?.min(59),
        None => 0,
    };
    let valid = (0..=24).contains(&hour) && (0..=59).contains(&minute) && second >= 0;
    valid.then(|| hour * 3600 + minute * 60 + second)
}

/// Seconds east of UTC of `+0800`, `+08:00`, `GMT+8`, `EST`.
fn zone_offset(text: &str) -> Option<i64> {
    let upper = text.to_ascii_uppercase();
    let bare = upper.strip_prefix("GMT").or_else(|| upper.strip_prefix("UTC")).unwrap_or(&upper);
    let sign = match bare.chars().next() {
        None => return Some(0),
        Some('+') => 1,
        Some('-' | '−') => -1,
        _ => return named_zone(bare),
    };
    let digits: String = bare.chars().filter(char::is_ascii_digit).collect();
    let number: i64 = digits.parse().ok()?;
    let (hours, minutes) = match digits.len() {
        1 | 2 => (number, 0),
        3 | 4 => (number / 100, number % 100),
        _ => return None,
    };
    (hours <= 24 && minutes < 60).then(|| sign * (hours * 3600 + minutes * 60))
}

/// RFC 5322 §4.3; what is not known there counts as UTC, as it says of military zones.
fn named_zone(name: &str) -> Option<i64> {
    let hours = match name {
        "Z" | "UT" | "UTC" | "GMT" | "WET" => 0,
        "EDT" => -4,
        "EST" | "CDT" => -5,
        "CST" | "MDT" => -6,
        "MST" | "PDT" => -7,
        "PST" | "AKDT" => -8,
        "AKST" => -9,
        "HST" => -10,
        "CET" | "MEZ" | "BST" | "WEST" => 1,
        "CEST" | "MESZ" | "EET" => 2,
        "EEST" | "MSK" => 3,
        "HKT" | "AWST" | "SGT" => 8,
        "JST" | "KST" => 9,
        "AEST" => 10,
        "AEDT" => 11,
        "NZST" => 12,
        "NZDT" => 13,
        _ => return name.chars().all(|c| c.is_ascii_alphabetic()).then_some(0),
    };
    Some(hours * 3600)
}

fn month(word: &[u8]) -> Option<u32> {
    const MONTHS: [&[u8]; 12] =
        [b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"];
    let start = word.get(..3)?;
    MONTHS.iter().position(|m| m.eq_ignore_ascii_case(start)).and_then(|n| u32::try_from(n + 1).ok())
}

fn days_in(year: i64, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days since 1970-01-01 of a Gregorian date.
pub(crate) fn days_from_civil(year: i64, month: u32, day: u32) -> i64 {
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted.div_euclid(400);
    let year_of_era = shifted.rem_euclid(400);
    let month_from_march = i64::from((month + 9) % 12);
    let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Year, month and day of a day since 1970-01-01.
pub(crate) fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, u32::try_from(month).unwrap_or(1), u32::try_from(day).unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_as_they_come() {
        const NOON: i64 = 1_769_860_800_000; // 2026-01-31T12:00:00Z
        for (raw, expected) in [
            ("Sat, 31 Jan 2026 12:00:00 +0000", Some(NOON)),
            ("Sat, 31 Jan 2026 13:00:00 +0100 (CET)", Some(NOON)),
            ("31 Jan 2026 12:00 GMT", Some(NOON)),
            ("31 Jan 26 12:00:00 Z", Some(NOON)),
            ("Sat Jan 31 12:00:00 2026", Some(NOON)),
            ("Sat Jan 31 13:00:00 CET 2026", Some(NOON)),
            ("Sat, 31-Jan-2026 07:00:00 EST", Some(NOON)),
            ("2026-01-31T12:00:00Z", Some(NOON)),
            ("2026-01-31 13:00:00.123+01:00", Some(NOON)),
            ("Sat, 31 Jan 2026 20:00:00 GMT+8", Some(NOON)),
            ("Sat, 31 Jan 2026 20:00:00 +08:00", Some(NOON)),
            ("Sat,31 Jan 2026 12:00:00+0000", Some(NOON)),
            ("Sat (comment (nested)), 31\r\n Jan 2026 12:00:00 -0000", Some(NOON)),
            ("Saturday, January 31, 2026 12:00 PM", Some(NOON)),
            ("31 Jan 126 12:00:00 +0000", Some(NOON)),
            ("31 Jan 2026 11:59:60 +0000", Some(NOON - 1000)),
            ("Thu, 1 Jan 1970 00:00:00 +0000", Some(0)),
            ("29 Feb 2024 00:00:00 +0000", Some(1_709_164_800_000)),
            ("30 Feb 2024 00:00:00 +0000", None),
            // An impossible time leaves the day.
            ("31 Jan 2026 25:00:00 +0000", Some(1_769_817_600_000)),
            ("yesterday", None),
            ("", None),
        ] {
            let got = parse(raw.as_bytes()).map(|t| t.0);
            assert_eq!(got, expected, "{raw}");
        }
    }

    #[test]
    fn the_short_way_is_for_the_ordinary_form() {
        for raw in ["Sat, 31 Jan 2026 12:00:00 +0000", "31 Jan 2026 12:00:00 -0800 (PST)", " 1 Feb 2026 12:00:60 +0530"]
        {
            assert!(ordinary(raw.as_bytes()).is_some(), "{raw}");
        }
    }

    proptest::proptest! {
        #[test]
        fn the_short_way_never_gives_another_date(
            raw in "(Sat, ?)? ?[0-9]{1,2} (Jan|feb|June) [0-9]{2,4} [0-9]{1,2}:[0-6][0-9](:[0-6][0-9])? [-+][0-3][0-9]{3}( \\([A-Z]{0,3}\\)?)?( x)?"
        ) {
            if let Some(at) = ordinary(raw.as_bytes()) {
                proptest::prop_assert_eq!(Some(at), at_length(raw.as_bytes()));
            }
        }
    }

    #[test]
    fn days_there_and_back() {
        for days in (-800_000..3_000_000).step_by(997) {
            let (year, month, day) = civil_from_days(days);
            assert_eq!(days_from_civil(year, month, day), days);
        }
    }
}
