//! Zones that mails name without defining them.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::names::CLOCKS;
use super::{LocalTime, Yearly};

/// Longer names are none.
const MAX_NAME: usize = 200;

/// Cities of one display name that are looked up; Windows lists five at most.
const MAX_CITIES: usize = 8;

/// How a zone's clocks go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    /// Minutes east of UTC.
    standard: i64,
    summer: Option<Summer>,
}

#[derive(Debug, Clone, Copy)]
struct Summer {
    /// Minutes that clocks are put forward.
    extra: i64,
    from: Change,
    until: Change,
}

/// Month, week (5 is the last), weekday (0 is Sunday), seconds of local time: `Mm.w.d/time` of POSIX.
type Change = (u32, i64, i64, i64);

impl Clock {
    pub(super) const fn fixed(standard: i64) -> Self {
        Self { standard, summer: None }
    }

    pub(super) const fn summer(standard: i64, extra: i64, from: Change, until: Change) -> Self {
        Self { standard, summer: Some(Summer { extra, from, until }) }
    }

    /// Seconds east of UTC at `local`.
    fn offset(self, local: LocalTime) -> i64 {
        let extra = self.summer.filter(|summer| summer.holds(local)).map_or(0, |summer| summer.extra);
        (self.standard + extra) * 60
    }
}

impl Summer {
    fn holds(self, local: LocalTime) -> bool {
        let at = |(month, week, weekday, seconds): Change| {
            let nth = if week == 5 { -1 } else { week };
            Yearly { month, nth, weekday, from_day: 1, until_year: i64::MAX }
                .onset(local.year, seconds)
                .map_or(0, LocalTime::linear)
        };
        let (from, until, now) = (at(self.from), at(self.until), local.linear());
        // South of the equator summer goes over the turn of the year.
        if from < until { (from..until).contains(&now) } else { !(until..from).contains(&now) }
    }
}

/// Seconds east of UTC of the zone that `name` means at `local`.
pub(super) fn offset(name: &str, local: LocalTime) -> Option<i64> {
    let name = name.trim().trim_matches('"').trim();
    if name.len() > MAX_NAME {
        return None;
    }
    let clock = by_name(name)
        .or_else(|| by_path(name))
        .or_else(|| by_display_name(name))
        .or_else(|| offset_in_name(name).map(Clock::fixed))?;
    Some(clock.offset(local))
}

/// The names in lower case, so that an object with thousands of them costs no search each.
static BY_NAME: LazyLock<HashMap<String, Clock>> = LazyLock::new(|| {
    let names = CLOCKS.iter().flat_map(|(clock, names)| names.split('|').map(move |name| (name, *clock)));
    names.map(|(name, clock)| (name.to_ascii_lowercase(), clock)).collect()
});

/// The cities at the ends of the names (`hong kong`), and their standard time.
static BY_CITY: LazyLock<HashMap<(String, i64), Clock>> = LazyLock::new(|| {
    let city = |name: &str| name.rsplit('/').next().unwrap_or(name).replace('_', " ");
    BY_NAME.iter().map(|(name, clock)| ((city(name), clock.standard), *clock)).collect()
});

fn by_name(name: &str) -> Option<Clock> {
    BY_NAME.get(&name.to_ascii_lowercase()).copied()
}

/// `/freeassociation.sourceforge.net/Tzfile/Asia/Shanghai`: a globally unique name (RFC 5545 §3.8.3.1) by its end.
fn by_path(name: &str) -> Option<Clock> {
    let path = name.strip_prefix('/')?;
    let ends = path.rmatch_indices('/').take(3).filter_map(|(at, _)| path.get(at + 1..)).chain([path]);
    // The longest that is known: `America/Argentina/Salta`, not `Salta`.
    ends.filter_map(by_name).last()
}

/// `(UTC+08:00) Beijing, Chongqing, Hong Kong, Urumqi`, `(UTC+08:00) Asia/Shanghai`: how Windows and Outlook show a
/// zone. The offset is that of winter, so the cities say whether clocks change.
fn by_display_name(name: &str) -> Option<Clock> {
    let (offset, places) = name.strip_prefix('(')?.split_once(')')?;
    let places = places.trim();
    if let Some(clock) = by_name(places) {
        return Some(clock);
    }
    let standard = offset_in_name(offset)?;
    let cities = places.split(',').map(|city| city.trim().to_ascii_lowercase()).take(MAX_CITIES);
    let known = cities.filter_map(|city| BY_CITY.get(&(city, standard)).copied()).next();
    Some(known.unwrap_or(Clock::fixed(standard)))
}

/// Minutes of `UTC+08:00`, `GMT-3`, `+0530`; `UTC` alone is 0.
fn offset_in_name(name: &str) -> Option<i64> {
    let name = name.trim();
    let bare = ["utc", "gmt"]
        .iter()
        .find_map(|p| name.get(..3).filter(|start| start.eq_ignore_ascii_case(p)).and_then(|_| name.get(3..)));
    let (value, is_named) = (bare.unwrap_or(name).trim(), bare.is_some());
    if value.is_empty() {
        return is_named.then_some(0);
    }
    let (sign, digits) = match value.strip_prefix(['-', '\u{2212}']) {
        Some(digits) => (-1, digits),
        None => (1, value.strip_prefix('+')?),
    };
    let (hours, minutes) = match digits.split_once(':') {
        Some(parts) => parts,
        None if digits.len() > 2 => digits.split_at_checked(digits.len() - 2)?,
        None => (digits, "0"),
    };
    let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<i64>().ok()).flatten();
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    (hours <= 14 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minutes(name: &str, time: &str) -> Option<i64> {
        offset(name, LocalTime::parse(time).unwrap()).map(|seconds| seconds / 60)
    }

    #[test]
    fn zones_far_away_and_their_summers() {
        for (name, january, july) in [
            ("Pacific/Auckland", 780, 720),
            ("New Zealand Standard Time", 780, 720),
            ("Asia/Kathmandu", 345, 345),
            ("Asia/Katmandu", 345, 345),
            ("Australia/Adelaide", 630, 570),
            ("Australia/Lord_Howe", 660, 630),
            ("Egypt Standard Time", 120, 180),
            ("Etc/GMT-8", 480, 480),
            ("Europe/Dublin", 0, 60),
            ("America/St_Johns", -210, -150),
            ("America/Santiago", -180, -240),
            ("Asia/Tehran", 210, 210),
            ("asia/beijing", 480, 480),
            ("tzone://Microsoft/Utc", 0, 0),
        ] {
            assert_eq!(minutes(name, "20260115T120000"), Some(january), "{name}");
            assert_eq!(minutes(name, "20260715T120000"), Some(july), "{name}");
        }
    }

    #[test]
    fn names_with_something_around_them() {
        for (name, july) in [
            ("(UTC+08:00) Beijing, Chongqing, Hong Kong, Urumqi", Some(480)),
            ("(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna", Some(120)),
            ("(GMT-05:00) Eastern Time (US & Canada)", Some(-240)),
            ("(UTC+08:00) Asia/Shanghai", Some(480)),
            ("(UTC+07:00) Somewhere", Some(420)),
            ("(UTC) Coordinated Universal Time", Some(0)),
            ("(no offset) Somewhere", None),
            ("/freeassociation.sourceforge.net/Tzfile/Asia/Shanghai", Some(480)),
            ("/citadel.org/20210210_1/America/Argentina/Salta", Some(-180)),
            ("/Europe/Berlin", Some(120)),
            ("/example.net/Nowhere/City", None),
            ("\"Tokyo Standard Time\"", Some(540)),
            ("UTC+8", Some(480)),
            ("GMT-0330", Some(-210)),
            ("+05:30", Some(330)),
            ("UTC+99", None),
            ("UTC+a:b", None),
            ("8", None),
            ("", None),
        ] {
            assert_eq!(minutes(name, "20260715T120000"), july, "{name}");
        }
        assert_eq!(minutes(&"/a".repeat(100_000), "20260715T120000"), None);
    }

    #[test]
    fn no_name_means_two_zones() {
        let mut all: Vec<String> =
            CLOCKS.iter().flat_map(|(_, names)| names.split('|')).map(str::to_ascii_lowercase).collect();
        let found = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), found);
        assert!(found > 700, "{found}");
    }

    #[test]
    fn cities_of_one_name_and_offset_change_their_clocks_together() {
        let city = |name: &str| name.rsplit('/').next().unwrap_or_default().replace('_', " ");
        for (name, clock) in BY_NAME.iter() {
            assert_eq!(format!("{clock:?}"), format!("{:?}", BY_CITY[&(city(name), clock.standard)]), "{name}");
        }
    }
}
