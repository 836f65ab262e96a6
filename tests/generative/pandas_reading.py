"""A second reading of every shipped indicator, in pandas, from the definitions' sentences and docs/indicators.md.

It shares nothing with the product's calculations: no vocabulary, no calendar, no definition is read. What a
sentence says stands here once more as numbers, so that a slip on either side shows as a difference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

import pandas as pd

Counts = dict[str, int]
STRENGTH = {"signed": 0, "form": 1, "client": 2}
# These go on for a while: that one began before a window does not say whether it went on in it.
LASTING = {"analgesic", "programme-active", "municipal-support"}
DAY_COLUMNS = {
    "patients": ["birth_date"],
    "episodes": ["start", "end"],
    "sessions": ["day"],
    "measurements": ["day"],
    "referrals": ["day", "recorded_on"],
    "evaluations": ["day", "told_referrer_on"],
    "answers": ["start", "end", "first_day", "received_on"],
    "aggregates": ["start", "end"],
    "cases": ["opened_on"],
}


@dataclass(frozen=True)
class Scale:
    """What is needed of an instrument to tell better from worse, in whole numbers of its own scale."""

    lower_is_better: bool
    best: int
    mic: int | None
    mic_percent: int | None
    mdc: int | None
    effect: bool


@dataclass(frozen=True)
class Asked:
    """The period, the day up to which is known, and the agreements, where they matter."""

    start: date
    end: date
    cut_off: date
    agreements: frozenset[str] | None = None
    within: frozenset[str] | None = None


@dataclass(frozen=True)
class Practice:
    """The records as frames, and what was asked."""

    frames: Mapping[str, pd.DataFrame]
    scales: Mapping[str, Scale]
    asked: Asked
    expected: Callable[[Any], int | None]

    def __getitem__(self, name: str) -> pd.DataFrame:
        """Return one table."""
        return self.frames[name]

    @property
    def own(self) -> pd.DataFrame:
        """Return the episodes that are this practice's own."""
        episodes = self["episodes"]
        episodes = episodes[~episodes.foreign.astype(bool)]
        return episodes.set_index("episode_id", drop=False).rename_axis(None)

    @property
    def judged(self) -> pd.DataFrame:
        """Return the own episodes under the agreements within which is asked, where that is so."""
        own = self.own
        if self.asked.within is None:
            return own
        cases = self["cases"]
        return own[own.episode_id.isin(cases[cases.agreement_id.isin(self.asked.within)].episode_id)]

    def in_period(self, days: pd.Series) -> pd.Series:
        """Say which days lie in the period."""
        return (days >= pd.Timestamp(self.asked.start)) & (days < pd.Timestamp(self.asked.end))

    def ended(self) -> pd.DataFrame:
        """Return the own episodes that ended in the period."""
        judged = self.judged
        return judged[self.in_period(judged.end)]

    def passed(self, days: pd.Series) -> pd.Series:
        """Say which windows, given the day after their last, have closed."""
        return days <= pd.Timestamp(self.asked.cut_off)


def frames(dataset: Any) -> dict[str, pd.DataFrame]:
    """Return the records as plain frames, with days as pandas has them and codes as their words."""
    found = {}
    for one in fields(dataset):
        rows = [{name: _plain(getattr(row, name)) for name in _names(row)} for row in getattr(dataset, one.name)]
        found[one.name] = pd.DataFrame(rows, columns=COLUMNS[one.name])
        for name in DAY_COLUMNS[one.name]:
            found[one.name][name] = pd.to_datetime(found[one.name][name])
    return found


COLUMNS = {
    "patients": ["patient_id", "birth_date", "sex"],
    "episodes": [
        "episode_id", "patient_id", "start", "end", "diagnosis", "end_reason", "onward_advice", "chronic",
        "instrument", "foreign",
    ],
    "sessions": ["session_id", "episode_id", "patient_id", "day", "type"],
    "measurements": ["measurement_id", "episode_id", "instrument", "day", "score"],
    "referrals": ["referral_id", "episode_id", "day", "counterfactual", "recorded_on"],
    "evaluations": [
        "evaluation_id", "episode_id", "session_number", "day", "effect", "advice_taken_up", "decision",
        "told_referrer_on",
    ],
    "answers": [
        "answer_id", "case_id", "episode_id", "element", "start", "end", "status", "evidence", "count", "first_day",
        "received_on",
    ],
    "aggregates": ["partner", "element", "start", "end", "value", "population", "evidence", "message_id"],
    "cases": ["case_id", "agreement_id", "partner", "episode_id", "opened_on"],
}  # fmt: skip


def _names(row: Any) -> Iterable[str]:
    return tuple(getattr(row, "_fields", None) or type(row).__slots__)


def _plain(value: Any) -> Any:
    return value.value if hasattr(value, "value") else value


def months(days: pd.Series, number: int) -> pd.Series:
    """Return the same day so many months on, in pandas' own calendar."""
    return days + pd.DateOffset(months=number)


def days(given: pd.Series, number: int) -> pd.Series:
    """Return the day so many days on."""
    return given + pd.Timedelta(days=number)


# What somebody else answered --------------------------------------------------------------------------------------


def settled(practice: Practice, event: str, windows: pd.DataFrame, starting: pd.Series | None = None) -> pd.Series:
    """Say for each window (`first`, `until`, by episode) whether it happened: True, False, or nothing at all."""
    answers = practice["answers"]
    given = answers[(answers.element == f"answer.{event}") & answers.status.isin(["yes", "no"])]
    rows = windows[["first", "until"]].merge(given, left_index=True, right_on="episode_id")
    yes, dated = rows.status == "yes", rows.first_day.notna()
    covers = (rows.start <= rows["first"]) & (rows.end >= rows.until)
    within = (rows.start >= rows["first"]) & (rows.start < rows.end) & (rows.end <= rows.until)
    before, after = dated & (rows.first_day < rows["first"]), dated & (rows.first_day >= rows.until)
    happened = yes & ((dated & ~before & ~after) | (~dated & within))
    ruled_out = covers & (~yes | after)
    if event not in LASTING:
        ruled_out |= covers & yes & before & (rows["count"] == 1)
    if starting is not None:
        began = dated & (rows.first_day == starting.reindex(rows.episode_id).set_axis(rows.index))
        happened &= ~began
        ruled_out = (ruled_out & ~(yes & began)) | (covers & yes & began & (rows["count"] == 1))
    rows = rows.assign(happened=happened, strength=rows.evidence.map(STRENGTH))[happened | ruled_out]
    best = rows[rows.strength == rows.groupby("episode_id").strength.transform("min")]
    return best.groupby("episode_id").happened.any().astype(object).reindex(windows.index)


def left(practice: Practice, until: pd.Series) -> pd.Series:
    """Say who died, moved or left the partner's list before the window closed; undated is before, to be safe."""
    own = practice.own.reindex(until.index)
    gone = own.end_reason.isin(["died", "moved"]) & ~(own.end >= until)
    answers = practice["answers"]
    lists = answers[(answers.element == "answer.left-list") & (answers.status == "yes")]
    rows = until.rename("until").to_frame().merge(lists, left_index=True, right_on="episode_id")
    early = rows[~(rows.first_day >= rows.until)]
    return gone | until.index.isin(early.episode_id)


def windows(first: pd.Series, until: pd.Series) -> pd.DataFrame:
    """Return windows by episode."""
    return pd.DataFrame({"first": first, "until": until}, index=first.index)


def tallied(
    practice: Practice, cases: pd.DataFrame, due: pd.Series, held: pd.Series, gone: pd.Series | None = None
) -> Counts:
    """Count cases of which the outcome is True, False or not known; `gone` are those nobody could follow."""
    due = due.astype(bool)
    outcome = held.reindex(cases.index)[due]
    lost = (gone.reindex(cases.index)[due].astype(bool)) if gone is not None else pd.Series(False, index=outcome.index)
    known = outcome.notna() & ~lost
    return {
        "eligible": len(cases),
        "due": int(due.sum()),
        "answered": int(known.sum()),
        "numerator": int((known & (outcome == True)).sum()),  # noqa: E712  (an object column)
        "refuted": int((known & (outcome == False)).sum()),  # noqa: E712
        "unknown": int((~known).sum()),
        "censored": int(lost.sum()),
    }


def known_at_once(cases: pd.DataFrame) -> pd.Series:
    """Say that nothing has to be waited for."""
    return pd.Series(True, index=cases.index)


def without(cases: pd.DataFrame, *reasons: str) -> pd.DataFrame:
    """Leave out episodes that ended for one of these reasons."""
    return cases[~cases.end_reason.isin(reasons)]


def all_of(*parts: pd.Series) -> pd.Series:
    """Return False where one part is False, else nothing where one is not known, else True."""
    table = pd.concat(parts, axis=1)
    false, unknown = table.eq(False).any(axis=1), table.isna().any(axis=1)
    return pd.Series(True, index=table.index, dtype=object).mask(unknown, None).mask(false, False)


# Otherwise to the hospital, for a scan, for an intervention -------------------------------------------------------


def otherwise(practice: Practice, what: str) -> pd.DataFrame:
    """Return the ended episodes whose referrer recorded this alternative, seven days after the start at the latest."""
    ended = practice.ended()
    rows = practice["referrals"].merge(ended[["start"]], left_on="episode_id", right_index=True)
    rows = rows[(rows.recorded_on <= days(rows.start, 7)) & (rows.counterfactual != "unknown")]
    first = rows.sort_values(["recorded_on", "referral_id"]).groupby("episode_id").counterfactual.first()
    return ended[ended.episode_id.map(first) == what]


def not_needed(what: str, *events: str) -> Callable[[Practice], Counts]:
    """Read: none of these from the start until twelve months after the end."""

    def read(practice: Practice) -> Counts:
        cases = otherwise(practice, what)
        asked = windows(cases.start, months(cases.end, 12))
        starting = None
        if "specialist-referral" in events:
            referrals = practice["referrals"].dropna(subset=["day"])
            starting = referrals.groupby("episode_id").day.min()
        found = [settled(practice, event, asked, starting) for event in events]
        absent = all_of(*(one.map({True: False, False: True}) for one in found))
        gone = left(practice, asked.until) & ~absent.eq(False)
        return tallied(practice, cases, practice.passed(asked.until), absent, gone)

    return read


def no_longer(event: str, after: int) -> Callable[[Practice], Counts]:
    """Read: had it in the month before the start, and not in the month that closes so many months after the end."""

    def read(practice: Practice) -> Counts:
        ended = practice.ended()
        had = settled(practice, event, windows(months(ended.start, -1), ended.start))
        cases = ended[had.eq(True)]
        asked = windows(months(cases.end, after - 1), months(cases.end, after))
        absent = settled(practice, event, asked).map({True: False, False: True})
        gone = left(practice, asked.until) & ~absent.eq(False)
        return tallied(practice, cases, practice.passed(asked.until), absent, gone)

    return read


# Handed over ------------------------------------------------------------------------------------------------------


def handed_over(practice: Practice) -> pd.DataFrame:
    """Return the own episodes of which the first handover lies in the period, with its day."""
    evaluations = practice["evaluations"]
    firsts = evaluations[evaluations.decision == "hand-over"].groupby("episode_id").day.min()
    judged = practice.judged
    judged = judged.assign(handover=pd.to_datetime(firsts.reindex(judged.index)))
    return judged[practice.in_period(judged.handover)]


def handed(event: str, first: Callable[[pd.Series], pd.Series], until: Callable[[pd.Series], pd.Series]) -> Any:
    """Read: it happened in a window after the handover."""

    def read(practice: Practice) -> Counts:
        cases = handed_over(practice)
        asked = windows(first(cases.handover), until(cases.handover))
        found = settled(practice, event, asked)
        gone = left(practice, asked.until) & ~found.eq(True)
        return tallied(practice, cases, practice.passed(asked.until), found, gone)

    return read


def sessions_to_partner(practice: Practice) -> Counts:
    """Read: of each patient the first handover in the period, the session it was decided at."""
    evaluations = practice["evaluations"]
    rows = evaluations[evaluations.decision == "hand-over"].sort_values(["day", "evaluation_id"])
    rows = rows.groupby("episode_id", as_index=False).first()
    owners = practice.own[["patient_id"]]
    rows = rows[practice.in_period(rows.day)].merge(owners, left_on="episode_id", right_index=True)
    first = rows.sort_values(["day", "evaluation_id"]).groupby("patient_id").session_number.first()
    return {"patients": len(first), "sum": int(first.sum())}


# The practice's own records ---------------------------------------------------------------------------------------


def onward_advice(practice: Practice) -> Counts:
    """Read: ended without advice to refer onward."""
    cases = without(practice.ended(), "died")
    said = cases.onward_advice.map({"no": True, "yes": False})
    return tallied(practice, cases, known_at_once(cases), said)


def advice_taken_up(practice: Practice) -> Counts:
    """Read: at the last evaluation that recorded it the client did what was advised."""
    cases = without(practice.ended(), "died")
    rows = practice["evaluations"]
    rows = rows[rows.advice_taken_up.isin(["yes", "no"])].sort_values(["day", "evaluation_id"])
    last = rows.groupby("episode_id").advice_taken_up.last().map({"yes": True, "no": False})
    return tallied(practice, cases, known_at_once(cases), last)


def durable_discharge(number: int) -> Callable[[Practice], Counts]:
    """Read: goals reached, and not back for the same body location within so many months."""

    def read(practice: Practice) -> Counts:
        cases = without(practice.ended(), "died", "moved", "maintenance")
        until = months(cases.end, number)
        goals = (cases.end_reason == "goals-reached").astype(object).mask(cases.end_reason == "unknown", None)
        others = practice["episodes"]
        others = others[["episode_id", "patient_id", "start", "diagnosis"]]
        mine = cases[["episode_id", "patient_id", "end", "diagnosis"]].assign(until=until)
        pairs = mine.merge(others, on="patient_id", suffixes=("", "_other"))
        pairs = pairs[pairs.episode_id != pairs.episode_id_other]
        pairs = pairs[(pairs.start >= pairs.end) & (pairs.start < pairs.until)]
        place, other = pairs.diagnosis.str[:2], pairs.diagnosis_other.str[:2]
        same = pairs[(place == other) & (place != "")].episode_id
        open_ = pairs[(place == "") | (other == "")].episode_id
        stayed = pd.Series(True, index=cases.index, dtype=object)
        stayed = stayed.mask(stayed.index.isin(open_), None).mask(stayed.index.isin(same), False)
        return tallied(practice, cases, practice.passed(until), all_of(goals, stayed))

    return read


def near(practice: Practice, cases: pd.DataFrame, anchor: str) -> pd.DataFrame:
    """Return the scores within 28 days of a day of their episode."""
    rows = practice["measurements"].merge(cases[["instrument", anchor]], left_on="episode_id", right_index=True)
    rows = rows.rename(columns={"instrument_x": "instrument", "instrument_y": "primary"})
    return rows[(rows.day - rows[anchor]).abs() <= pd.Timedelta(days=28)]


def measured(practice: Practice) -> Counts:
    """Read: a start score and a later end score on the same instrument, prognostic lists aside."""
    cases = without(practice.ended(), "died")
    pairs = near(practice, cases, "start").merge(near(practice, cases, "end"), on=["episode_id", "instrument"])
    pairs = pairs[pairs.day_y > pairs.day_x]
    pairs = pairs[pairs.instrument.map({name: one.effect for name, one in practice.scales.items()}).eq(True)]
    both = pd.Series(cases.index.isin(pairs.episode_id), index=cases.index).astype(object)
    return tallied(practice, cases, practice.passed(days(cases.end, 28)), both)


def responders(practice: Practice) -> Counts:
    """Read: improved on the instrument chosen at the start, from the first score to the last one later."""
    cases = without(practice.ended(), "died")
    order = ["day", "measurement_id"]
    first, last = (near(practice, cases, anchor).sort_values(order) for anchor in ("start", "end"))
    first, last = (rows[rows.instrument == rows.primary] for rows in (first, last))
    start = first.groupby("episode_id").first()[["instrument", "day", "score"]]
    end = last.groupby("episode_id").last()[["day", "score"]]
    both = start.merge(end, left_index=True, right_index=True, suffixes=("", "_end"))
    both = both[both.day_end > both.day]
    rows = zip(both.index, both.instrument, both.score, both.score_end, strict=True)
    improved = {one: _improved(practice.scales.get(name), before, after) for one, name, before, after in rows}
    found = pd.Series(improved, dtype=object)
    return tallied(practice, cases, practice.passed(days(cases.end, 28)), found)


def _improved(scale: Scale | None, start: int, end: int) -> bool | None:
    if scale is None or not scale.effect:
        return None
    gain, room = (start - end, start - scale.best) if scale.lower_is_better else (end - start, scale.best - start)
    if scale.mic is None and scale.mic_percent is None:
        return None
    # In hundredths: a threshold in per cent is of the start score.
    mic = scale.mic * 100 if scale.mic is not None else (scale.mic_percent or 0) * start
    return room * 100 >= mic and gain * 100 >= max(mic, (scale.mdc or 0) * 100)


def participation(number: int) -> Callable[[Practice], Counts]:
    """Read: the gain on the PSK (lower is better), from the first score at the start to the last after the end."""

    def read(practice: Practice) -> Counts:
        cases = without(practice.ended(), "died")
        scores = practice["measurements"]
        rows = scores[scores.instrument == "psk"].merge(cases[["start", "end"]], left_on="episode_id", right_index=True)
        rows = rows.sort_values(["day", "measurement_id"])
        early = rows[(rows.day >= days(rows.start, -28)) & (rows.day < days(rows.start, 29))]
        late = rows[(rows.day >= months(rows.end, number - 1)) & (rows.day < months(rows.end, number + 1))]
        due = practice.passed(months(cases.end, number + 1))
        first, last = early.groupby("episode_id").first(), late.groupby("episode_id").last()
        both = first.merge(last, left_index=True, right_index=True, suffixes=("", "_last"))
        both = both[both.day_last > both.day]  # one score is not its own change
        gain = (both.score - both.score_last).reindex(cases.index)[due]
        return {
            "eligible": len(cases),
            "due": int(due.sum()),
            "answered": int(gain.notna().sum()),
            "unknown": int(gain.isna().sum()),
            "gain": int(gain.sum()),
        }

    return read


# Sessions ---------------------------------------------------------------------------------------------------------


def treated(practice: Practice) -> pd.DataFrame:
    """Return the sessions that count, of own episodes: no screenings, no surcharges."""
    sessions = practice["sessions"]
    return sessions[sessions.type.isin(["session", "group"]) & sessions.episode_id.isin(practice.own.index)]


def sessions_per_patient(practice: Practice) -> Counts:
    """Read: how many sessions each patient had in the period."""
    sessions = treated(practice)
    each = sessions[practice.in_period(sessions.day)].groupby("patient_id").size()
    return {"patients": len(each), "sum": int(each.sum())}


def evaluation_moments(practice: Practice) -> Counts:
    """Read: of the fourth, eighth and twelfth sessions in the period, those with an evaluation at that session."""
    sessions = treated(practice).sort_values(["episode_id", "day", "session_id"])
    sessions = sessions.assign(number=sessions.groupby("episode_id").cumcount() + 1)
    moments = sessions[sessions.number.isin([4, 8, 12]) & practice.in_period(sessions.day)]
    due = moments[practice.passed(moments.day)]
    done = practice["evaluations"][["episode_id", "session_number"]].drop_duplicates()
    both = due.merge(done, left_on=["episode_id", "number"], right_on=["episode_id", "session_number"])
    return {
        "eligible": len(moments), "due": len(due), "answered": len(due), "numerator": len(both),
        "refuted": len(due) - len(both), "unknown": 0,
    }  # fmt: skip


def sessions_against_plan(practice: Practice) -> Counts:
    """Read: sessions of ended episodes, against 18 each; both in thousandths where they are expected."""
    cases = without(practice.ended(), "died", "maintenance")
    each = treated(practice).groupby("episode_id").size().reindex(cases.index).dropna()
    return {"eligible": len(cases), "due": len(each), "o": int(each.sum()), "e": 18_000 * len(each)}


def treatment_index(practice: Practice) -> Counts:
    """Read: sessions of ended episodes, against what a table expects by age at the start, sex, place and chronic."""
    cases = practice.ended().merge(practice["patients"], on="patient_id", how="left")
    each = treated(practice).groupby("episode_id").size()
    expected = pd.Series([practice.expected(row) for row in cases.itertuples()], index=cases.index, dtype=object)
    cases = cases.assign(o=cases.episode_id.map(each), e=expected)
    counted = cases.dropna(subset=["o", "e"])
    return {"eligible": len(cases), "due": len(counted), "o": int(counted.o.sum()), "e": int(counted.e.sum())}


# Before and after -------------------------------------------------------------------------------------------------


def counted(practice: Practice, event: str, asked: pd.DataFrame) -> pd.Series:
    """Return how often it happened in exactly this window, nothing where nobody said so."""
    answers = practice["answers"]
    rows = asked[["first", "until"]].merge(
        answers[answers.element == f"answer.{event}"], left_index=True, right_on="episode_id"
    )
    number = (rows.status == "yes") & rows["count"].notna() & (rows.start == rows["first"]) & (rows.end == rows.until)
    none = (rows.status == "no") & (rows.start <= rows["first"]) & (rows.end >= rows.until)
    # Of a longer time than the window an answer still tells, where its first event or its only one has a day.
    longer = (rows.status == "yes") & ~number & (rows.start <= rows["first"]) & (rows.end >= rows.until)
    longer &= (rows["count"] > 0) & ((rows.first_day >= rows.until) | ((rows["count"] == 1) & rows.first_day.notna()))
    inside = longer & (rows.first_day >= rows["first"]) & (rows.first_day < rows.until)
    rows = rows.assign(
        number=rows["count"].where(number, inside.astype(int)).astype(float), strength=rows.evidence.map(STRENGTH)
    )[number | none | longer]
    best = rows[rows.strength == rows.groupby("episode_id").strength.transform("min")]
    return best.groupby("episode_id").number.max().reindex(asked.index)


def before_and_after(event: str, first: int, last: int, after: int) -> Callable[[Practice], Counts]:
    """Read: events per day of the same patients, in the days before the start and the days after the end."""

    def read(practice: Practice) -> Counts:
        cases = without(practice.ended(), "maintenance")
        early = windows(days(cases.start, -first), days(cases.start, -last))
        late = windows(cases.end, days(cases.end, after))
        due = practice.passed(late.until)
        b, a = counted(practice, event, early)[due], counted(practice, event, late)[due]
        gone = left(practice, late.until)[due]
        known = a.notna() & b.notna() & ~gone
        return {
            "eligible": len(cases),
            "due": int(due.sum()),
            "answered": int(known.sum()),
            "unknown": int((~known).sum()),
            "censored": int(gone.sum()),
            "a": int(a[known].sum()),
            "b": int(b[known].sum()),
            "u": after * int(known.sum()),
            "v": (first - last) * int(known.sum()),
        }

    return read


def specialist_referral_rate(practice: Practice) -> Counts:
    """Read: partners' totals in the year before the agreement and the year after it, of who gave both."""
    start = pd.Timestamp(practice.asked.start)
    year = pd.DateOffset(months=12)
    rows = practice["aggregates"]
    rows = rows[rows.element == "aggregate.specialist-referrals"]
    rows = rows.assign(strength=rows.evidence.map(STRENGTH)).sort_values(["strength", "message_id"])
    before = rows[(rows.start == start - year) & (rows.end == start)].groupby("partner").first()
    after = rows[(rows.start == start) & (rows.end == start + year)].groupby("partner").first()
    both = before.merge(after, left_index=True, right_index=True, suffixes=("_before", "_after"))
    partners = len(before.index.union(after.index))
    if start + year > pd.Timestamp(practice.asked.cut_off):
        both = both[:0]
        due = 0
    else:
        due = partners
    return {
        "eligible": partners,
        "due": due,
        "answered": len(both),
        "unknown": due - len(both),
        "events_before": int(both.value_before.sum()),
        "population_before": int(both.population_before.sum()),
        "events_after": int(both.value_after.sum()),
        "population_after": int(both.population_after.sum()),
    }


# Answers in time --------------------------------------------------------------------------------------------------


def returns_on_time(practice: Practice) -> Counts:
    """Read: of the cases opened, an answer that reaches a year after the end and came within 30 days of that."""
    cases = practice["cases"]
    if practice.asked.agreements is not None:
        cases = cases[cases.agreement_id.isin(practice.asked.agreements)]
    if practice.asked.within is not None:
        cases = cases[cases.agreement_id.isin(practice.asked.within)]
    own = practice.own[["end"]].dropna()
    cases = cases.merge(own, left_on="episode_id", right_index=True).set_index("case_id", drop=False).rename_axis(None)
    until = months(cases.end, 12)
    by = days(until.where(until >= cases.opened_on, cases.opened_on), 30)
    cases = cases.assign(until=until, by=by)[practice.in_period(by)]
    answers = practice["answers"][["case_id", "element", "status", "end", "received_on"]]
    rows = cases[["case_id", "until", "by"]].merge(answers, on="case_id")
    gone = (rows.element == "answer.left-list") & (rows.status == "yes")
    in_time = rows[(gone | (rows.end >= rows.until)) & (rows.received_on <= rows.by)].case_id
    met = pd.Series(cases.index.isin(in_time), index=cases.index).astype(object)
    return tallied(practice, cases, practice.passed(cases.by), met)


READINGS: dict[str, Callable[[Practice], Counts]] = {
    "advice-taken-up": advice_taken_up,
    "analgesic-reduction": no_longer("analgesic", 3),
    "analgesic-reduction-6": no_longer("analgesic", 6),
    "analgesic-reduction-12": no_longer("analgesic", 12),
    "durable-discharge-6": durable_discharge(6),
    "durable-discharge-12": durable_discharge(12),
    "evaluation-moments": evaluation_moments,
    "falls-3": before_and_after("fall", 182, 90, 92),
    "falls": before_and_after("fall", 273, 90, 183),
    "falls-12": before_and_after("fall", 455, 90, 365),
    "gp-contacts": before_and_after("gp-contact", 455, 90, 365),
    "measured": measured,
    "no-imaging": not_needed("imaging", "imaging"),
    "no-intervention": not_needed("intervention", "injection", "surgery"),
    "onward-advice": onward_advice,
    "participation-regained": participation(3),
    "participation-regained-6": participation(6),
    "participation-regained-12": participation(12),
    "responders": responders,
    "returns-on-time": returns_on_time,
    "sessions-against-plan": sessions_against_plan,
    "sessions-per-patient": sessions_per_patient,
    "sessions-to-partner": sessions_to_partner,
    "specialist-referral-rate": specialist_referral_rate,
    "substitution-net": not_needed("hospital", "specialist-referral"),
    "treatment-index": treatment_index,
    "warm-handover": handed("programme-start", lambda day: day, lambda day: days(day, 42)),
    "warm-handover-active": handed("programme-active", lambda day: months(day, 3), lambda day: months(day, 5)),
    "work-regained": no_longer("work-days-lost", 3),
    "work-regained-6": no_longer("work-days-lost", 6),
    "work-regained-12": no_longer("work-days-lost", 12),
}
# Definitions without a second reading, each with the reason; a test holds that nothing else is missing.
NOT_READ: dict[str, str] = {}
