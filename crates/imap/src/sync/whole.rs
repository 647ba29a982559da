//! The messages of a first sync: all, or those since a moment.

use email_base::Timestamp;

use super::hear::{Tolerance, ask, hear};
use super::question::{Answer, Question, below};
use crate::command::date;
use crate::command::line::Line;
use crate::connection::Link;
use crate::error::{Error, Result};
use crate::grammar::Untagged;
use crate::uid_set::UidRanges;

const MS_PER_DAY: i64 = 24 * 60 * 60 * 1000;

/// Every message, or those since a moment; and where new ones will begin.
pub(super) async fn whole(link: &mut Link, since: Option<i64>) -> Result<(UidRanges, u32)> {
    if link.is_empty() {
        return Ok((UidRanges::default(), 1));
    }
    let exists = link.exists();
    let Some(since) = since else {
        let asked = ask(link, [Question::all(link)]).await?;
        let all = match hear(link, asked, exists, Tolerance::None).await?.unwrap_or_default().pop() {
            Some(Answer::All(uids)) => uids,
            _ => UidRanges::default(),
        };
        let frontier = all.last().map_or(1, |last| last.saturating_add(1));
        return Ok((all, frontier));
    };
    // SEARCH knows days, and each message's day is that of its own time zone: from the day before on they are candidates,
    // from two days later on there is no doubt.
    let day = |days: i64| date::date("since", Timestamp(since.saturating_add(days * MS_PER_DAY)));
    let search = |day: String| Question::Since(Question::search(link).arg("SINCE").arg(day));
    let newest = Question::Newest(Line::new("FETCH").arg("*").arg("(UID)"));
    let questions = [newest, search(day(-1)?), search(day(2)?)];
    let asked = ask(link, questions).await?;
    let answers: [Answer; 3] = hear(link, asked, exists, Tolerance::None)
        .await?
        .and_then(|answers| answers.try_into().ok())
        .ok_or(Error::Internal("an answer is missing"))?;
    let [Answer::Newest(newest), Answer::Since(candidates), Answer::Since(certain)] = answers else {
        return Err(Error::Internal("answers out of order"));
    };
    let frontier = newest.or(candidates.last()).map_or(1, |last| last.saturating_add(1));
    let doubtful = candidates.minus(&certain);
    let older = older(link, &doubtful, since).await?;
    Ok((candidates.minus(&older).intersection(&below(frontier)), frontier))
}

/// Those of `uids` whose INTERNALDATE is before `since`.
async fn older(link: &mut Link, uids: &UidRanges, since: i64) -> Result<UidRanges> {
    let mut older = Vec::new();
    for piece in uids.lines(crate::command::MAX_SET_BYTES) {
        let line = Line::new("UID FETCH").arg(piece).arg("(UID INTERNALDATE)");
        link.run(&line, &mut |data| {
            if let Untagged::Fetch(row) = data
                && let (Some(uid), Some(at)) = (row.uid.filter(|uid| uids.contains(*uid)), row.internal_date)
                && at.0 < since
            {
                older.push(uid);
            }
        })
        .await?;
    }
    Ok(UidRanges::from_uids(older))
}
