"""From one line's cells to one row, for each kind of row a table can hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

from exchange.records.codes import (
    Access,
    Answered,
    Counterfactual,
    Effect,
    EndReason,
    NextStep,
    Payer,
    SessionType,
    Sex,
)
from exchange.records.elements import elements
from exchange.sources import fields
from exchange.sources.cells import Cells
from exchange.sources.fields import Bad
from exchange.sources.mapping import ITEMS, plain
from exchange.sources.questionnaires import settled
from exchange.sources.rows import (
    AggregateRow,
    AnswerRow,
    EpisodeRow,
    EvaluationRow,
    IndexRow,
    MeasurementRow,
    PatientKey,
    PatientRow,
    PremRow,
    ReferralRow,
    Row,
    SessionRow,
)

# What is typed in the place of a referrer where there was none.
_NOBODY = {
    **dict.fromkeys(("dto", "dtf", "directe toegang", "direct", "zelf", "zelfverwijzer", "geen", "geen verwijzer",
                     "zonder verwijzing", "eigen initiatief"), Access.DIRECT),
    **dict.fromkeys(("onbekend", "nvt", "n.v.t.", "-", "?"), Access.UNKNOWN),
}  # fmt: skip


def _patient(cells: Cells) -> PatientRow:
    return PatientRow(
        cells.line,
        cells.patient(),
        cells.birth_day("birth_date"),
        cells.code("sex", Sex, Sex.UNKNOWN),
        cells.text("name", 200),
    )


def _episode(cells: Cells) -> EpisodeRow:
    patient, start, end = cells.patient(), cells.needed_day("start"), cells.day("end")
    if end is not None and end < start:
        raise Bad("end", "sources.end-before-start")
    diagnosis = fields.diagnosis(cells.text("diagnosis", 200))
    instrument = cells.instrument()
    access = cells.code("access", Access, Access.UNKNOWN)
    referrer = plain(cells.text("referrer"))
    if access is Access.UNKNOWN and referrer:
        access = _NOBODY.get(referrer, Access.REFERRED)
    return EpisodeRow(
        line=cells.line,
        kind=cells.mapping.source,
        system=cells.mapping.system,
        key=cells.key("key") or _fallback_key(patient, start.isoformat(), diagnosis),
        patient=patient,
        start=start,
        end=end,
        diagnosis=diagnosis,
        access=access,
        end_reason=cells.code("end_reason", EndReason, EndReason.UNKNOWN),
        onward_advice=cells.code("onward_advice", Answered, Answered.UNKNOWN),
        chronic=cells.flag("chronic"),
        instrument=instrument.id if instrument else "",
        declarant=cells.agb("declarant"),
        therapist=cells.agb("therapist"),
    )


def _fallback_key(patient: PatientKey, start: str, diagnosis: str) -> str:
    """Name an episode that its EPD does not number; the store keeps only a keyed digest of this."""
    return "|".join((patient.epd_number or patient.bsn, start, diagnosis[:2]))


def _session(cells: Cells) -> SessionRow | None:
    # Agendas list appointments that were cancelled or missed too.
    if cells.flag("happened") is False:
        return None
    return SessionRow(
        line=cells.line,
        kind=cells.mapping.source,
        system=cells.mapping.system,
        episode_key=cells.key("episode_key"),
        patient=cells.patient(),
        day=cells.needed_day("day"),
        type=cells.code("type", SessionType, SessionType.SESSION),
        therapist=cells.agb("therapist"),
        self_paid=bool(cells.flag("self_paid")),
        payer=_payer(cells),
    )


def _payer(cells: Cells) -> str:
    """Return who pays by the column's word; a word we don't know, such as an insurer's name, costs no session."""
    try:
        found: Payer | None = cells.code("payer", Payer, Payer.UNKNOWN) if cells.text("payer", 100) else None
    except Bad:
        found = Payer.UNKNOWN
    return found.value if found is not None else ""


def _measurement(cells: Cells) -> MeasurementRow | None:
    instrument = cells.instrument()
    if instrument is None:
        return None
    items = [] if cells.raw.keys().isdisjoint(ITEMS) else [cells.text(name, 20) for name in ITEMS]
    given = cells.text("score", 100) if any(items) else cells.needed("score")
    total = instrument.score_from_text(given) if given else None
    if given and total is None:
        raise Bad("score", "sources.score")
    score, from_items = settled(instrument, total, items)
    return MeasurementRow(
        line=cells.line,
        system=cells.mapping.system,
        episode_key=cells.key("episode_key"),
        patient=cells.patient(),
        instrument=instrument.id,
        day=cells.needed_day("day"),
        score=score,
        from_items=from_items,
    )


def _referral(cells: Cells) -> ReferralRow | None:
    if plain(cells.text("referrer")) in _NOBODY and not any(map(cells.text, ("question", "counterfactual", "day"))):
        return None
    referrer = cells.agb("referrer")
    return ReferralRow(
        line=cells.line,
        system=cells.mapping.system,
        episode_key=cells.key("episode_key"),
        patient=cells.patient(),
        referrer=f"agb:{referrer}" if referrer else "",
        day=cells.day("day"),
        question=cells.text("question"),
        counterfactual=cells.code("counterfactual", Counterfactual, Counterfactual.UNKNOWN),
        answered_by=cells.text("answered_by", 200),
        recorded_on=cells.day("recorded_on"),
    )


def _evaluation(cells: Cells) -> EvaluationRow:
    instrument = cells.instrument()
    effect = cells.code("effect", Effect, Effect.UNKNOWN)
    if instrument is not None and not instrument.effect and effect is not Effect.UNKNOWN:
        raise Bad("effect", "sources.prognostic")
    return EvaluationRow(
        line=cells.line,
        system=cells.mapping.system,
        episode_key=cells.key("episode_key"),
        patient=cells.patient(),
        session_number=cells.whole("session_number", lowest=1),
        day=cells.needed_day("day"),
        instrument=instrument.id if instrument else "",
        effect=effect,
        advice_taken_up=cells.code("advice_taken_up", Answered, Answered.UNKNOWN),
        relatives_involved=cells.code("relatives_involved", Answered, Answered.UNKNOWN),
        partner_involved=cells.text("partner_involved", 32),
        decision=cells.code("decision", NextStep, NextStep.CONTINUE),
        told_referrer_on=cells.day("told_referrer_on"),
    )


@cache
def _element_names() -> Mapping[str, str]:
    """Lead every name of an answer's or aggregate's element to its id: the id, its last part, and its labels."""
    names: dict[str, str] = {}
    for element in elements().values():
        prefix, _, rest = element.id.partition(".")
        if prefix in {"answer", "aggregate"}:
            for name in (element.id, rest, *element.label.values()):
                names.setdefault(plain(name), element.id)
    return names


def _element(cells: Cells) -> str:
    given = cells.needed("element")
    meant = cells.spec.values.get("element", {}).get(plain(given), given)
    found = _element_names().get(plain(meant))
    if found is None:
        raise Bad("element", "sources.element-unknown")
    return found


def _answer(cells: Cells) -> AnswerRow:
    start, end = cells.window()
    cells.needed("status")
    return AnswerRow(
        line=cells.line,
        case_code=cells.needed("case_code", 40).upper(),
        element=_element(cells),
        start=start,
        end=end,
        status=cells.code("status", Answered, Answered.UNKNOWN),
        count=cells.optional_whole("count"),
        first_day=cells.day("first_day"),
    )


def _aggregate(cells: Cells) -> AggregateRow:
    start, end = cells.window()
    return AggregateRow(cells.line, _element(cells), start, end, cells.whole("value"), cells.whole("population"))


def _index(cells: Cells) -> IndexRow:
    value = cells.number("value")
    if value is None:
        raise Bad("value", "sources.blank")
    lower, upper = cells.number("lower"), cells.number("upper")
    if not (lower if lower is not None else value) <= value <= (upper if upper is not None else value):
        raise Bad("value", "sources.outside-its-bounds")
    return IndexRow(
        line=cells.line,
        year=fields.whole(cells.needed("year"), "year", lowest=2000, highest=2100),
        version=cells.text("version", 16),
        insurer=cells.text("insurer", 64),
        value=value,
        lower=lower,
        upper=upper,
        period_start=cells.needed_day("period_start"),
        period_end=cells.needed_day("period_end"),
        source=cells.text("source", 200),
        patients=cells.optional_whole("patients"),
    )


def _prem(cells: Cells) -> PremRow:
    comments = (part.strip() for part in cells.text("comments", 100_000).replace("|", "\n").splitlines())
    return PremRow(
        line=cells.line,
        bureau=cells.needed("bureau"),
        period_start=cells.needed_day("period_start"),
        period_end=cells.needed_day("period_end"),
        respondents=cells.whole("respondents"),
        mean=cells.number("mean"),
        nps=cells.number("nps"),
        source=cells.text("source", 200),
        comments=tuple(comment for comment in comments if comment),
    )


MAKERS: Mapping[str, Callable[[Cells], Row | None]] = {
    "patients": _patient,
    "episodes": _episode,
    "sessions": _session,
    "measurements": _measurement,
    "referrals": _referral,
    "evaluations": _evaluation,
    "answers": _answer,
    "aggregates": _aggregate,
    "index": _index,
    "prem": _prem,
}
