//! Time zones of calendar objects: as their `VTIMEZONE` defines them (RFC 5545 §3.6.5), else those that everybody means.
//!
//! No zone database with its history: a calendar object must bring its zones along, and [`known`] covers those that do not.

mod known;
mod names;

use super::calendar::Line;
use super::date::days_from_civil;

/// Zones of one object; an honest one has two.
const MAX_ZONES: usize = 50;

/// Changes of rule of one zone; full histories have some hundred.
const MAX_OBSERVANCES: usize = 500;

/// A civil time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LocalTime {
    pub(crate) year: i64,
    pub(crate) month: u32,
    pub(crate) day: u32,
    /// Since midnight.
    pub(crate) seconds: i64,
}

impl LocalTime {
    /// `YYYYMMDD` or `YYYYMMDDTHHMMSS`.
    pub(crate) fn parse(value: &str) -> Option<Self> {
        let (date, time) = value.split_once(['T', 't']).unwrap_or((value, "000000"));
        let number = |text: &str, from: usize, to: usize| text.get(from..to)?.parse::<u32>().ok();
        if !date.is_ascii() || date.len() != 8 {
            return None;
        }
        let (hour, minute) = (number(time, 0, 2)?, number(time, 2, 4)?);
        let second = number(time, 4, 6).unwrap_or(0).min(59);
        let (year, month, day) = (number(date, 0, 4)?, number(date, 4, 6)?, number(date, 6, 8)?);
        let valid = hour < 25 && minute < 60 && (1..=12).contains(&month) && (1..=31).contains(&day);
        valid.then(|| Self { year: year.into(), month, day, seconds: i64::from(hour * 3600 + minute * 60 + second) })
    }

    /// Seconds since 1970 as if it were UTC.
    fn linear(self) -> i64 {
        days_from_civil(self.year, self.month, self.day) * 86_400 + self.seconds
    }
}

/// The zones that a calendar object defines.
#[derive(Debug, Default)]
pub(crate) struct Zones(Vec<(String, Vec<Observance>)>);

/// From when on which offset holds.
#[derive(Debug, Clone, Copy)]
struct Observance {
    start: LocalTime,
    /// Seconds east of UTC from then on.
    offset: i64,
    yearly: Option<Yearly>,
}

/// `FREQ=YEARLY;BYMONTH=m;BYDAY=nDD`.
#[derive(Debug, Clone, Copy)]
struct Yearly {
    month: u32,
    /// 1 = first, -1 = last.
    nth: i64,
    /// 0 = Sunday.
    weekday: i64,
    /// The first day that counts, for `BYMONTHDAY=8,9,…` with a weekday.
    from_day: u32,
    until_year: i64,
}

impl Zones {
    pub(crate) fn read(lines: &[Line]) -> Self {
        let mut zones = Self::default();
        let mut current: Option<(String, Vec<Observance>)> = None;
        let mut draft: Option<Draft> = None;
        for line in lines {
            let value = line.value.trim();
            match (line.name.as_str(), value.to_ascii_uppercase().as_str()) {
                ("BEGIN", "VTIMEZONE") => current = Some((String::new(), Vec::new())),
                ("BEGIN", "STANDARD" | "DAYLIGHT") => draft = current.is_some().then(Draft::default),
                ("END", "STANDARD" | "DAYLIGHT") => {
                    if let (Some((_, all)), Some(draft)) = (&mut current, draft.take()) {
                        let room = MAX_OBSERVANCES.saturating_sub(all.len());
                        all.extend(draft.finish().take(room));
                    }
                }
                ("END", "VTIMEZONE") => {
                    zones.0.extend(current.take().filter(|_| zones.0.len() < MAX_ZONES));
                }
                ("TZID", _) if draft.is_none() => {
                    if let Some((name, _)) = &mut current {
                        value.clone_into(name);
                    }
                }
                (name, _) => {
                    if let Some(draft) = &mut draft {
                        draft.line(name, value);
                    }
                }
            }
        }
        zones
    }

    /// Seconds east of UTC of zone `name` at `local`.
    pub(crate) fn offset(&self, name: &str, local: LocalTime) -> Option<i64> {
        let defined = self.0.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
        match defined.and_then(|(_, observances)| offset_at(observances, local)) {
            Some(offset) => Some(offset),
            None => known::offset(name, local),
        }
    }
}

/// The offset of the latest change before `local`; before the first change, that of the earliest.
fn offset_at(observances: &[Observance], local: LocalTime) -> Option<i64> {
    let onset = |o: &Observance| o.latest_onset(local).map(|at| (at, o.offset));
    let latest = observances.iter().filter_map(onset).max_by_key(|(at, _)| *at).map(|(_, offset)| offset);
    latest.or_else(|| observances.iter().min_by_key(|o| o.start).map(|o| o.offset))
}

impl Observance {
    /// When it last began, not after `local`.
    fn latest_onset(&self, local: LocalTime) -> Option<LocalTime> {
        let Some(rule) = self.yearly else { return Some(self.start).filter(|s| *s <= local) };
        let years = [local.year, local.year - 1].into_iter().filter(|y| *y >= self.start.year && *y <= rule.until_year);
        years.filter_map(|y| rule.onset(y, self.start.seconds)).find(|at| *at <= local)
    }
}

impl Yearly {
    fn onset(&self, year: i64, seconds: i64) -> Option<LocalTime> {
        let first = days_from_civil(year, self.month, self.from_day.max(1));
        // 1970-01-01 was a Thursday.
        let weekday_of = |days: i64| (days + 4).rem_euclid(7);
        let day = if self.nth > 0 {
            let ahead = (self.weekday - weekday_of(first)).rem_euclid(7);
            i64::from(self.from_day.max(1)) + ahead + (self.nth - 1) * 7
        } else {
            let next_month = if self.month == 12 {
                days_from_civil(year + 1, 1, 1)
            } else {
                days_from_civil(year, self.month + 1, 1)
            };
            let last = next_month - 1;
            let back = (weekday_of(last) - self.weekday).rem_euclid(7);
            last - back - (-self.nth - 1) * 7 - days_from_civil(year, self.month, 1) + 1
        };
        Some(LocalTime {
            year,
            month: self.month,
            day: u32::try_from(day).ok().filter(|d| (1..=31).contains(d))?,
            seconds,
        })
    }

    fn parse(rule: &str, start: LocalTime) -> Option<Self> {
        let part = |name: &str| {
            rule.split(';')
                .find_map(|p| p.split_once('=').filter(|(n, _)| n.eq_ignore_ascii_case(name)))
                .map(|(_, v)| v.trim())
        };
        if !part("FREQ")?.eq_ignore_ascii_case("YEARLY") {
            return None;
        }
        let month = part("BYMONTH").and_then(|m| m.parse().ok()).unwrap_or(start.month);
        let day = part("BYDAY")?.split(',').next()?.to_ascii_uppercase();
        let (count, weekday) = day.split_at_checked(day.len().checked_sub(2)?)?;
        let weekday = ["SU", "MO", "TU", "WE", "TH", "FR", "SA"].iter().position(|d| *d == weekday)?;
        let from_day = part("BYMONTHDAY")
            .and_then(|d| d.split(',').filter_map(|n| n.trim().parse::<u32>().ok()).min())
            .unwrap_or(1);
        let until_year = part("UNTIL").and_then(|u| u.get(..4)?.parse().ok()).unwrap_or(i64::MAX);
        let nth = if count.is_empty() { 1 } else { count.trim_start_matches('+').parse().ok()? };
        let valid = (1..=12).contains(&month) && (1..=31).contains(&from_day) && nth != 0 && (-5..=5).contains(&nth);
        valid.then(|| Self { month, nth, weekday: i64::try_from(weekday).unwrap_or(0), from_day, until_year })
    }
}

#[derive(Default)]
struct Draft {
    start: Option<LocalTime>,
    offset: Option<i64>,
    rule: Option<String>,
    /// When else it begins (RFC 5545 §3.8.5.2).
    more: Vec<LocalTime>,
}

impl Draft {
    fn line(&mut self, name: &str, value: &str) {
        match name {
            "DTSTART" => self.start = LocalTime::parse(value.trim_end_matches('Z')),
            "TZOFFSETTO" => self.offset = utc_offset(value),
            "RDATE" => {
                let room = MAX_OBSERVANCES.saturating_sub(self.more.len());
                let times = value.split(',').map(|time| time.trim().trim_end_matches('Z'));
                self.more.extend(times.filter_map(LocalTime::parse).take(room));
            }
            "RRULE" => self.rule = Some(value.to_owned()),
            _ => {}
        }
    }

    /// One that begins, perhaps every year, and those that begin on named days.
    fn finish(self) -> impl Iterator<Item = Observance> {
        let first = self.start.zip(self.offset).map(|(start, offset)| {
            let yearly = self.rule.and_then(|r| Yearly::parse(&r, start));
            Observance { start, offset, yearly }
        });
        let again = move |start| first.map(|first| Observance { start, yearly: None, ..first });
        first.into_iter().chain(self.more.into_iter().filter_map(again))
    }
}

/// `+0100`, `-033000`.
fn utc_offset(value: &str) -> Option<i64> {
    let (sign, digits) = value.strip_prefix('-').map_or((1, value.trim_start_matches('+')), |v| (-1, v));
    let number = |from: usize, to: usize| digits.get(from..to).and_then(|d| d.parse::<i64>().ok());
    Some(sign * (number(0, 2)? * 3600 + number(2, 4)? * 60 + number(4, 6).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_known_zones_change_their_clocks() {
        let at =
            |name: &str, value: &str| Zones::default().offset(name, LocalTime::parse(value).unwrap()).map(|s| s / 60);
        for (name, time, minutes) in [
            ("Europe/Berlin", "20260329T015959", Some(60)),
            ("Europe/Berlin", "20260329T030000", Some(120)),
            ("Europe/Berlin", "20261025T040000", Some(60)),
            ("America/New_York", "20260308T010000", Some(-300)),
            ("America/New_York", "20260308T030000", Some(-240)),
            ("America/New_York", "20261101T030000", Some(-300)),
            ("Australia/Sydney", "20260101T000000", Some(660)),
            ("Australia/Sydney", "20260701T000000", Some(600)),
            ("India Standard Time", "20260701T000000", Some(330)),
            ("(UTC+08:00) Asia/Shanghai", "20260701T000000", Some(480)),
            ("Nowhere/City", "20260701T000000", None),
        ] {
            assert_eq!(at(name, time), minutes, "{name} {time}");
        }
    }

    #[test]
    fn changes_of_the_clock_on_named_days() {
        let object = "BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:X\n\
            BEGIN:STANDARD\nDTSTART:20251026T030000\nTZOFFSETTO:+0100\nRDATE:20261025T030000,20271031T030000\nRDATE:20281029T030000\nEND:STANDARD\n\
            BEGIN:DAYLIGHT\nDTSTART:20260329T020000\nTZOFFSETTO:+0200\nRDATE;VALUE=DATE-TIME:20270328T020000\nRDATE:nonsense\nEND:DAYLIGHT\n\
            END:VTIMEZONE\nBEGIN:VEVENT\nDTSTART;TZID=X:WHEN\nEND:VEVENT\nEND:VCALENDAR\n";
        let start =
            |time: &str| crate::parse::calendar::parse(&object.replace("WHEN", time), None).unwrap().start.unwrap().0;
        for (local, utc) in [
            ("20260201T100000", "20260201T090000Z"),
            ("20260701T100000", "20260701T080000Z"),
            ("20261110T100000", "20261110T090000Z"),
            ("20270701T100000", "20270701T080000Z"),
            ("20271110T100000", "20271110T090000Z"),
            ("20290101T100000", "20290101T090000Z"),
        ] {
            assert_eq!(start(local), start(utc), "{local}");
        }
    }
}
