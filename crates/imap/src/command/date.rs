//! `date` and `date-time` of RFC 9051 §9, in UTC.

use email_base::Timestamp;

use crate::error::{Error, Result};

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const MS_PER_DAY: i64 = 24 * 60 * 60 * 1000;

/// `1-Feb-1994`: a day, as SEARCH wants it.
pub(crate) fn date(argument: &'static str, at: Timestamp) -> Result<String> {
    let (year, month, day) = civil(argument, at)?;
    Ok(format!("{day}-{month}-{year:04}"))
}

/// `" 1-Feb-1994 21:52:25 +0000"`, quotes included, as APPEND wants it.
pub(crate) fn date_time(argument: &'static str, at: Timestamp) -> Result<String> {
    let (year, month, day) = civil(argument, at)?;
    let seconds = at.0.rem_euclid(MS_PER_DAY) / 1000;
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    Ok(format!("\"{day:>2}-{month}-{year:04} {hour:02}:{minute:02}:{second:02} +0000\""))
}

/// Year, month's name and day of a Gregorian date (Howard Hinnant's `civil_from_days`).
fn civil(argument: &'static str, at: Timestamp) -> Result<(i64, &'static str, i64)> {
    let z = at.0.div_euclid(MS_PER_DAY) + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 2 } else { shifted_month - 10 };
    let year = year_of_era + era * 400 + i64::from(month < 2);
    let name = usize::try_from(month).ok().and_then(|m| MONTHS.get(m));
    match name {
        Some(name) if (1..=9999).contains(&year) => Ok((year, name, day)),
        _ => Err(Error::argument(argument, "is not a date between the years 1 and 9999")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_dates() {
        for (ms, expected) in [
            (0, "1-Jan-1970"),
            (951_782_400_000, "29-Feb-2000"),
            (951_868_799_999, "29-Feb-2000"),
            (1_764_547_199_000, "30-Nov-2025"),
            (1_764_547_200_000, "1-Dec-2025"),
            (-86_400_000, "31-Dec-1969"),
            (-2_203_891_200_000, "1-Mar-1900"),
        ] {
            assert_eq!(date("since", Timestamp(ms)).unwrap(), expected);
        }
        assert_eq!(date_time("internalDate", Timestamp(760_139_545_000)).unwrap(), "\" 1-Feb-1994 21:52:25 +0000\"");
    }

    #[test]
    fn dates_out_of_reach_are_refused() {
        for ms in [i64::MIN, i64::MAX, 253_402_300_800_000, -62_135_596_800_001] {
            assert!(date("since", Timestamp(ms)).is_err(), "{ms}");
        }
    }
}
