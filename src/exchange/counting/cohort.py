"""The episodes of a definition in a period, each with its status, as one select."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from exchange.counting.criteria import agreed, judged, left_on
from exchange.counting.current import AsOf, current, handovers, patients, under_present_id, word
from exchange.counting.functions import greatest, least, month_of, year_of
from exchange.counting.joining import Base, Column, Joined, Judged
from exchange.indicators.cohort import (
    CENSORED,
    CONFIRMED,
    EXCLUDED,
    NO_AGREEMENT,
    NOT_DUE,
    OUTSIDE,
    REFUTED,
    UNKNOWN,
    WHERE_UNKNOWN,
    Question,
)
from exchange.indicators.definition import Happens, Has
from exchange.indicators.vocabulary import ENDS_OBSERVATION, NEW_EPISODE
from exchange.store import tables
from exchange.store.columns import Day

_NO_RANK = 9


@dataclass(frozen=True, slots=True)
class Case:
    """What becomes of an episode, as columns: its status, the rank of its evidence, its class of change."""

    status: Column
    evidence: Column
    change: Column


@dataclass(frozen=True, slots=True)
class Asked:
    """A question to an engine: the question and the load as of which it is answered.

    `kept` is the base of episodes where an engine has worked it out before, for several definitions; `held` is what
    every episode held of sessions (`held.kept`), where an engine can work that out for several.
    """

    question: Question
    as_of: AsOf
    kept: sa.TableClause | None = None
    held: sa.TableClause | None = None

    @property
    def start(self) -> Column:
        """Return the first day of the period, as a parameter."""
        return sa.bindparam("period_start", self.question.start, type_=Day())

    @property
    def end(self) -> Column:
        """Return the day after the period, as a parameter."""
        return sa.bindparam("period_end", self.question.end, type_=Day())

    @property
    def cut_off(self) -> Column:
        """Return the day up to which facts are known, as a parameter."""
        return sa.bindparam("cut_off", self.question.cut_off, type_=Day())


def group_columns(names: Sequence[str], episode: Any, sex: Any, day: Any) -> list[sa.Label[Any]]:
    """Return the columns of a split, each absent value a named one."""
    chronic = sa.case((episode.c.chronic.is_(None), "unknown"), (episode.c.chronic == True, "yes"), else_="no")  # noqa: E712 - SQL
    columns: dict[str, Any] = {
        "location": episode.c.location,
        "diagnosis": episode.c.diagnosis,
        "therapist": episode.c.therapist,
        "access": word(episode.c.access),
        "sex": sa.func.coalesce(sex, "unknown"),
        "chronic": chronic,
        "month": month_of(day),
        "year": year_of(day),
    }
    return [columns[name].label(f"g{i}") for i, name in enumerate(names)]


def base(asked: Asked) -> Base:
    """Return the episodes whose day lies in the period, with the patient's sex and birth date."""
    return based(asked).cte("base") if asked.kept is None else asked.kept


def based(asked: Asked) -> sa.Select[Any]:
    """Return the base as a select: for one query, or to be kept for several."""
    t, definition = tables.episode, asked.question.definition
    person = patients(asked.as_of)
    knows = looks_at_people(asked.question)
    sex: Column = person.c.sex if knows else sa.literal("unknown", sa.String())
    birth: Column = person.c.birth_date if knows else sa.null()
    handed_over: Column = sa.null()
    joined: Any = t
    if definition.period == "handover":
        handover = handovers(asked.as_of)
        handed_over, joined = handover.c.day, t.join(handover, handover.c.episode_id == t.c.episode_id)
    day = {"start": t.c.start_date, "end": t.c.end_date, "handover": handed_over}[definition.period]
    if knows:
        joined = joined.outerjoin(person, person.c.patient_id == t.c.patient_id)
    return (
        sa.select(
            t.c.episode_id,
            t.c.patient_id,
            t.c.start_date,
            t.c.end_date,
            sa.type_coerce(handed_over, Day()).label("handover_date"),
            t.c.location,
            t.c.instrument,
            t.c.chronic,
            t.c.foreign,
            word(t.c.end_reason).label("end_reason"),
            word(t.c.onward_advice).label("onward_advice"),
            word(t.c.access).label("access"),
            sa.func.coalesce(sex, "unknown").label("sex"),
            sa.type_coerce(birth, Day()).label("birth_date"),
            *group_columns(asked.question.group_by, t, sex, day),
        )
        .select_from(joined)
        .where(current(t, asked.as_of), day >= asked.start, day < asked.end, *_within(asked))
    )


def sex_of(person: sa.CTE, asked: Asked) -> Column:
    """Return a patient's sex, where that is what a question is split by."""
    return person.c.sex if "sex" in asked.question.group_by else sa.literal("unknown", sa.String())


def with_people(source: sa.FromClause, person: sa.CTE, asked: Asked) -> sa.FromClause:
    """Join the patients to episodes, where a question is split by what they are."""
    if "sex" not in asked.question.group_by:
        return source
    return source.outerjoin(person, person.c.patient_id == tables.episode.c.patient_id)


def looks_at_people(question: Question) -> bool:
    """Say whether a question needs to know of patients more than that they are different ones."""
    definition = question.definition
    conditions = (*definition.where, *definition.exclude, *definition.outcome)
    asked = any(isinstance(one, Has) and one.element.startswith("patient.") for one in conditions)
    return asked or "sex" in question.group_by or definition.kind == "standardised-ratio"


def _within(asked: Asked) -> list[Column]:
    """Return the condition that limits episodes to those with a case under some agreements, where that is asked."""
    if asked.question.within is None:
        return []
    case = tables.case_opened
    under = under_present_id(case, (), asked.as_of, case.c.agreement_id.in_(sorted(asked.question.within)))
    return [tables.episode.c.episode_id.in_(under)]


def admission(asked: Asked, joined: Joined) -> list[tuple[Column, str]]:
    """Return the conditions under which an episode is not counted, in the order in which they are judged."""
    definition = asked.question.definition
    refused: list[tuple[Column, str]] = []
    for condition in definition.where:
        where = judged(condition, joined)
        refused += [(where.no, OUTSIDE), (where.unknown, WHERE_UNKNOWN)]
    refused.append((joined.base.c.foreign == True, EXCLUDED))  # noqa: E712 - SQL
    refused += [(judged(condition, joined).yes, EXCLUDED) for condition in definition.exclude]
    return refused


def cases(asked: Asked) -> sa.CTE:
    """Return one row per episode that is looked at: patient, split, status, evidence and class of change."""
    joined = Joined(base(asked), asked.as_of, asked.question.instruments)
    settled = case(asked, joined)
    groups = [joined.base.c[f"g{i}"] for i in range(len(asked.question.group_by))]
    judged_cases = (
        sa.select(
            joined.base.c.episode_id,
            joined.base.c.patient_id,
            *groups,
            settled.status.label("status"),
            settled.evidence.label("evidence"),
            settled.change.label("change"),
        )
        .select_from(joined.source())
        .cte("judged")
    )
    return sa.select(judged_cases).where(judged_cases.c.status != OUTSIDE).cte("counted")


def case(
    asked: Asked,
    joined: Joined,
    code: Callable[[str], Any] = str,
    refused: list[tuple[Column, Any]] | None = None,
) -> Case:
    """Judge an episode, joining what that takes; `code` gives a status the form it has as a column.

    `refused` are the conditions under which it is not counted, where these have been worked out before.
    """
    definition = asked.question.definition
    if refused is None:
        refused = [(condition, code(status)) for condition, status in admission(asked, joined)]
    due = sa.and_(sa.true(), *(joined.on(moment) <= asked.cut_off for moment in definition.follow_up))
    outcome = [judged(criterion, joined) for criterion in definition.outcome]
    settled = [(condition, code(status)) for condition, status in _settled(asked, joined, outcome)]
    known = sa.case(*settled, else_=code(UNKNOWN))
    status = sa.case(*refused, else_=sa.case((due, known), else_=code(NOT_DUE)))
    change = next((each.change for each in outcome if each.change is not None), sa.literal("", sa.String()))
    return Case(status, _evidence(outcome), change)


def _settled(asked: Asked, joined: Joined, outcome: Sequence[Judged]) -> list[tuple[Column, str]]:
    """Return what settles a case that is due: what happened, and absence only where the patient remained in sight."""
    refuting, affirming = [each.no for each in outcome], [each.yes for each in outcome]
    refuted, confirmed = (sa.or_(*refuting), REFUTED), (sa.and_(*affirming), CONFIRMED)
    if not asked.question.definition.asks_partner:
        return [refuted, confirmed]
    # What can't be, or was asked before, is not asked: every condition is worked out for every episode.
    surely = [_surely(each, each.no) for each in outcome]
    possibly = [condition for condition in surely if condition is not None]
    settled = [(sa.or_(*possibly), REFUTED)] if possibly else []
    all_surely = [condition for each in outcome if (condition := _surely(each, each.yes)) is not None]
    if len(all_surely) == len(outcome):
        settled.append((sa.and_(*all_surely), CONFIRMED))
    settled.append((lost(asked, joined), CENSORED))
    again = ((refuted, surely, refuting), (confirmed, all_surely, affirming))
    settled += [one for one, before, now in again if list(map(id, before)) != list(map(id, now))]
    return [*settled, (sa.not_(agreed(joined, asked.question.agreements)), NO_AGREEMENT)]


def _surely(judged: Judged, condition: Column) -> Column | None:
    """Return where one of a criterion's conditions rests on what happened; None where the other one does."""
    if judged.seen is None or judged.seen is condition:
        return condition
    if judged.seen is judged.yes or judged.seen is judged.no:
        return None
    return sa.and_(condition, judged.seen)


def lost(asked: Asked, joined: Joined) -> Column:
    """Return whether the patient died, moved or left the list before a window had closed."""
    left = left_on(joined)
    ends = [
        joined.on(each.window.end)
        for each in asked.question.definition.outcome
        if isinstance(each, Happens) and each.event != NEW_EPISODE
    ]
    after = asked.question.definition.after
    if asked.question.definition.paired and after is not None:
        ends.append(joined.on(after.end))
    gone = sa.and_(left.is_not(None), sa.or_(*(left < end for end in ends)))
    last = joined.base.c.end_date
    early = sa.or_(last.is_(None), *(last < end for end in ends))
    return sa.or_(sa.and_(joined.base.c.end_reason.in_(ENDS_OBSERVATION), early), gone)


def _evidence(outcome: Sequence[Judged]) -> Column:
    """Return the rank of the weakest evidence behind a confirmation, of the strongest behind a refutation."""
    ranks = [sa.literal(0) if each.evidence is None else each.evidence for each in outcome]
    if all(each.evidence is None for each in outcome):
        return sa.literal(0, sa.Integer)
    refuting = [sa.case((each.no, rank), else_=_NO_RANK) for each, rank in zip(outcome, ranks, strict=True)]
    if len(ranks) == 1:
        return ranks[0]
    return sa.case((sa.or_(*(each.no for each in outcome)), least(*refuting)), else_=greatest(*ranks))
