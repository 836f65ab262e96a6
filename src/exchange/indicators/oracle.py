"""The oracle: every definition calculated in plain Python over plain records; each engine must agree with it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from exchange.errors import IndicatorError
from exchange.indicators.classes import CLASSES
from exchange.indicators.cohort import (
    CENSORED,
    CONFIRMED,
    EXCLUDED,
    NO_AGREEMENT,
    NOT_DUE,
    OUTSIDE,
    REFUTED,
    WHERE_UNKNOWN,
    DueEvaluation,
    Question,
    admitted,
    cases,
    evaluations,
    group_of,
    in_period,
    period_day,
)
from exchange.indicators.cube import (
    CASE_TOTALS,
    CHANGE_TOTALS,
    EVIDENCE,
    INDEX_TOTALS,
    PAIRED_TOTALS,
    RATE_TOTALS,
    Cube,
    CubeRow,
    case_counts,
    change_counts,
    index_counts,
    mean_counts,
    paired_counts,
)
from exchange.indicators.deciding import NO_THRESHOLD, NOT_MEASURED
from exchange.indicators.definition import Definition, Scores
from exchange.indicators.facts import Facts, facts_of
from exchange.indicators.moments import Moment, Window
from exchange.indicators.pairing import pairs
from exchange.indicators.reference import ReferenceTable, require_reference
from exchange.indicators.returning import LATE, MISSING, DueReturn, returns
from exchange.indicators.vocabulary import GROUPS, PARTNER_GROUP, SESSIONS, SESSIONS_TO_PARTNER
from exchange.records.codes import Evidence
from exchange.records.instruments import Instrument
from exchange.records.model import Aggregate, Dataset, Episode

Group = tuple[str, ...]
_EVIDENCE_ORDER = {Evidence.SIGNED: 1, Evidence.FORM: 2, Evidence.CLIENT: 3}


@dataclass(slots=True)
class _Tally:
    """One group's totals per patient while they are added up."""

    patients: dict[str, dict[str, int]]
    parts: Counter[str]
    evidence: Counter[str]

    @classmethod
    def empty(cls) -> _Tally:
        return cls({}, Counter(), Counter())


def cube(
    definition: Definition,
    dataset: Dataset,
    *,
    start: date,
    end: date,
    cut_off: date,
    group_by: tuple[str, ...] = (),
    instruments: Mapping[str, Instrument],
    reference: ReferenceTable | None = None,
    agreements: frozenset[str] | None = None,
    within: frozenset[str] | None = None,
) -> Cube:
    """Return the integers of a definition over [start, end), with facts known up to `cut_off`.

    `agreements` limits whose cases count as "agreed with a partner who can know"; None takes any case. `within` counts
    only episodes with a case under one of these agreements, where the definition judges episodes. For a rate
    ratio of aggregates `start` is the day the agreement began, and `end` does not matter.
    """
    require_groups(definition, group_by)
    question = Question(definition, start, end, cut_off, group_by, instruments, agreements, within)
    facts = facts_of(dataset)
    if definition.count == "aggregates":
        rows = _rates(question, facts)
    elif definition.paired:
        rows = _paired(question, facts)
    elif definition.kind == "mean":
        rows = _means(question, facts)
    elif definition.kind == "standardised-ratio":
        rows = _index(question, facts, require_reference(definition, reference))
    elif definition.agreed:
        rows = _index(question, facts, None)
    elif definition.count == "moments":
        rows = _moments(question, facts)
    elif definition.count == "returns":
        rows = _returns(question, facts)
    else:
        rows = _cases(question, facts)
    return Cube(definition.id, definition.version, start, end, cut_off, group_by, tuple(rows))


def require_groups(definition: Definition, group_by: tuple[str, ...]) -> None:
    """Refuse a split that the definition's unit does not have."""
    allowed = PARTNER_GROUP if definition.count == "aggregates" else GROUPS
    for group in group_by:
        if group not in allowed:
            raise IndicatorError("indicators.group-unknown", group=group)


def part_names(definition: Definition) -> tuple[str, ...]:
    """Return the named parts of a definition's cube, all of which stand in every row."""
    if definition.count == "moments":
        return ("without-effect", "stopped", "stopped-and-told", NOT_DUE)
    if definition.count == "returns":
        return (LATE, MISSING, NOT_DUE)
    if definition.measure == SESSIONS and definition.kind != "mean":
        return (
            ("no-reference", "no-sessions", WHERE_UNKNOWN) if definition.reference else ("no-sessions", WHERE_UNKNOWN)
        )
    if definition.count in ("patients", "aggregates"):
        return ()
    classes = (*CLASSES, NOT_MEASURED, NO_THRESHOLD) if _has_classes(definition) else ()
    return (*classes, NOT_DUE, WHERE_UNKNOWN)


def _has_classes(definition: Definition) -> bool:
    return any(isinstance(each, Scores) and each.wanted == "improved" for each in definition.outcome)


def _cases(question: Question, facts: Facts) -> Iterator[CubeRow]:
    groups: dict[Group, _Tally] = defaultdict(_Tally.empty)
    for one in cases(question, facts):
        if one.status == OUTSIDE:
            continue
        tally = groups[one.group]
        tally.parts.update(one.parts)
        if one.status in (NOT_DUE, WHERE_UNKNOWN):
            tally.parts[one.status] += 1
        if one.evidence:
            tally.evidence[EVIDENCE[one.evidence - 1]] += 1
        if one.status == WHERE_UNKNOWN:
            continue
        totals = tally.patients.setdefault(one.patient_id, dict.fromkeys(CASE_TOTALS, 0))
        for name in _counted(one.status):
            totals[name] += 1
    return _case_rows(question, groups)


def _counted(status: str) -> tuple[str, ...]:
    if status == EXCLUDED:
        return ("excluded",)
    if status == NOT_DUE:
        return ("eligible",)
    if status == CONFIRMED:
        return ("eligible", "due", "answered", "numerator")
    if status == REFUTED:
        return ("eligible", "due", "answered", "refuted")
    more = {CENSORED: ("censored",), NO_AGREEMENT: ("no_agreement",)}.get(status, ())
    return ("eligible", "due", "unknown", *more)


def _case_rows(question: Question, groups: dict[Group, _Tally]) -> Iterator[CubeRow]:
    names = part_names(question.definition)
    for group in _keys(question, groups):
        tally = groups[group]
        yield CubeRow(
            group=dict(zip(question.group_by, group, strict=True)),
            counts=case_counts(tally.patients.values()),
            parts={name: tally.parts[name] for name in names},
            evidence={name: tally.evidence[name] for name in EVIDENCE} if question.definition.asks_partner else {},
        )


def _keys(question: Question, groups: Iterable[Group]) -> list[Group]:
    """Return the groups in order; without a split there is always one, however empty."""
    return sorted(groups) if question.group_by else [()]


def _moments(question: Question, facts: Facts) -> Iterator[CubeRow]:
    return _fallen_due(question, facts, ((one, one.excluded, one.done) for one in evaluations(question, facts)))


def _returns(question: Question, facts: Facts) -> Iterator[CubeRow]:
    return _fallen_due(question, facts, ((one, one.episode.foreign, one.on_time) for one in returns(question, facts)))


def _fallen_due(
    question: Question, facts: Facts, units: Iterable[tuple[DueEvaluation | DueReturn, bool, bool]]
) -> Iterator[CubeRow]:
    """Count what fell due on a day, each with whether it is excluded and whether it was done."""
    groups: dict[Group, _Tally] = defaultdict(_Tally.empty)
    for one, excluded, done in units:
        tally = groups[group_of(question.group_by, one.episode, facts, one.day)]
        tally.parts.update(one.parts)
        totals = tally.patients.setdefault(one.episode.patient_id, dict.fromkeys(CASE_TOTALS, 0))
        if excluded:
            totals["excluded"] += 1
            continue
        totals["eligible"] += 1
        if not one.due:
            tally.parts[NOT_DUE] += 1
            continue
        for name in ("due", "answered", "numerator" if done else "refuted"):
            totals[name] += 1
    return _case_rows(question, groups)


def _paired(question: Question, facts: Facts) -> Iterator[CubeRow]:
    """Count each episode against itself: events before and after, or the gain on an instrument."""
    definition = question.definition
    names, fold = (CHANGE_TOTALS, change_counts) if definition.instrument else (PAIRED_TOTALS, paired_counts)
    groups: dict[Group, _Tally] = defaultdict(_Tally.empty)
    for one in pairs(question, facts):
        tally = groups[one.group]
        if one.status in (NOT_DUE, WHERE_UNKNOWN):
            tally.parts[one.status] += 1
        if one.evidence:
            tally.evidence[EVIDENCE[one.evidence - 1]] += 1
        if one.status == WHERE_UNKNOWN:
            continue
        totals = tally.patients.setdefault(one.patient_id, dict.fromkeys(names, 0))
        for name in (each for each in _counted(one.status) if each in names):
            totals[name] += 1
        for name, amount in one.numbers.items():
            totals[name] += amount
    for group in _keys(question, groups):
        tally = groups[group]
        yield CubeRow(
            group=dict(zip(question.group_by, group, strict=True)),
            counts=fold(tally.patients.values()),
            parts={name: tally.parts[name] for name in part_names(definition)},
            evidence={name: tally.evidence[name] for name in EVIDENCE} if definition.asks_partner else {},
        )


@dataclass(frozen=True, slots=True)
class Numbers:
    """One whole number per patient and group, and the patients of episodes that are not this practice's."""

    numbers: Mapping[Group, Mapping[str, int]]
    foreign: Mapping[Group, frozenset[str]]


def patient_numbers(question: Question, facts: Facts) -> Numbers:
    """Return what a mean is taken of: each patient's sessions, or the session at which a partner was brought in."""
    counted: dict[Group, Counter[str]] = defaultdict(Counter)
    foreign: dict[Group, set[str]] = defaultdict(set)
    brought_in = question.definition.measure == SESSIONS_TO_PARTNER
    for episode, day, number in _handovers(facts) if brought_in else _sessions(facts):
        if not question.start <= day < question.end:
            continue
        group = group_of(question.group_by, episode, facts, day)
        if episode.foreign:
            foreign[group].add(episode.patient_id)
        elif brought_in:
            counted[group].setdefault(episode.patient_id, number)
        else:
            counted[group][episode.patient_id] += number
    return Numbers(counted, {group: frozenset(patients) for group, patients in foreign.items()})


def _sessions(facts: Facts) -> Iterator[tuple[Episode, date, int]]:
    for episode in facts.episodes:
        yield from ((episode, session.day, 1) for session in facts.sessions.get(episode.episode_id, ()))


def _handovers(facts: Facts) -> Iterator[tuple[Episode, date, int]]:
    """Yield each episode's first handover, the earliest first."""
    episodes = {each.episode_id: each for each in facts.episodes}
    for each in sorted(facts.handovers.values(), key=lambda each: (each.day, each.evaluation_id)):
        if each.episode_id in episodes:
            yield episodes[each.episode_id], each.day, each.session_number


def _means(question: Question, facts: Facts) -> Iterator[CubeRow]:
    found = patient_numbers(question, facts)
    for group in _keys(question, {*found.numbers, *found.foreign}):
        histogram = dict(sorted(Counter(found.numbers.get(group, {}).values()).items()))
        yield CubeRow(
            group=dict(zip(question.group_by, group, strict=True)),
            counts=mean_counts(histogram, len(found.foreign.get(group, ()))),
            histogram=histogram,
        )


def _index(question: Question, facts: Facts, table: ReferenceTable | None) -> Iterator[CubeRow]:
    """Set sessions against what a table expects or, without one, against the number that was agreed."""
    agreed = 1000 * question.definition.agreed
    groups: dict[Group, _Tally] = defaultdict(_Tally.empty)
    for episode in facts.episodes:
        if not in_period(question, episode, facts):
            continue
        reason, _ = admitted(question, episode, facts)
        if reason == OUTSIDE:
            continue
        tally = groups[group_of(question.group_by, episode, facts, period_day(question.definition, episode, facts))]
        if reason == WHERE_UNKNOWN:
            tally.parts[WHERE_UNKNOWN] += 1
            continue
        totals = tally.patients.setdefault(episode.patient_id, dict.fromkeys(INDEX_TOTALS, 0))
        observed = len(facts.sessions.get(episode.episode_id, ()))
        expected = expected_sessions(episode, facts, table) if table is not None else agreed
        if reason:
            totals["excluded"] += 1
            continue
        totals["eligible"] += 1
        if expected is None or not observed:
            tally.parts["no-sessions" if not observed else "no-reference"] += 1
            continue
        for name, amount in (("due", 1), ("o", observed), ("e", expected)):
            totals[name] += amount
    for group in _keys(question, groups):
        tally = groups[group]
        yield CubeRow(
            group=dict(zip(question.group_by, group, strict=True)),
            counts=index_counts(tally.patients.values()),
            parts={name: tally.parts[name] for name in part_names(question.definition)},
        )


def expected_sessions(episode: Episode, facts: Facts, table: ReferenceTable) -> int | None:
    """Return the sessions a table expects of an episode, in thousandths; nothing where it has no row for it."""
    patient = facts.patients.get(episode.patient_id)
    birth = None if patient is None else patient.birth_date
    band = next((each.label for each in table.bands if birth is not None and each.holds(birth, episode.start)), "")
    values = {
        "age-band": band,
        "sex": "unknown" if patient is None else str(patient.sex.value),
        "diagnosis-group": episode.location,
        "chronic": {True: "yes", False: "no", None: "unknown"}[episode.chronic],
    }
    return table.rows.get(tuple(values[each] for each in table.characteristics))


def _rates(question: Question, facts: Facts) -> Iterator[CubeRow]:
    definition = question.definition
    if definition.before is None or definition.after is None:
        raise AssertionError(definition.id)  # the schema asks for both
    before = _aggregates(facts, definition.events, definition.before, question.start)
    after = _aggregates(facts, definition.events, definition.after, question.start)
    due = definition.after.end.on(question.start) <= question.cut_off
    groups: dict[Group, dict[str, int]] = defaultdict(lambda: dict.fromkeys(RATE_TOTALS, 0))
    for partner in sorted({*before, *after}):
        totals = groups[(partner,) if question.group_by else ()]
        totals["eligible"] += 1
        if not due:
            continue
        totals["due"] += 1
        if partner not in before or partner not in after:
            totals["unknown"] += 1
            continue
        totals["answered"] += 1
        for side, row in (("before", before[partner]), ("after", after[partner])):
            totals[f"events_{side}"] += row.value
            totals[f"population_{side}"] += row.population
    for group in _keys(question, groups):
        yield CubeRow(group=dict(zip(question.group_by, group, strict=True)), counts=groups[group])


def _aggregates(facts: Facts, element: str, window: Window, start: date) -> dict[str, Aggregate]:
    """Return one count per partner over exactly this window: the strongest evidence, then the latest message."""
    wanted = (_on(window.start, start), _on(window.end, start))
    found: dict[str, Aggregate] = {}
    listed = [each for each in facts.aggregates if each.element == element and (each.start, each.end) == wanted]
    for each in sorted(listed, key=_aggregate_order):
        found.setdefault(each.partner, each)
    return found


def _aggregate_order(each: Aggregate) -> tuple[int, str, int, int]:
    return (_EVIDENCE_ORDER[each.evidence], each.message_id, each.value, each.population)


def _on(moment: Moment, start: date) -> date:
    return moment.on(start)
