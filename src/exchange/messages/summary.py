"""The human summary of a message, in Dutch, made from what is told and from nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from html import escape
from typing import Any

from exchange.findings import say
from exchange.messages.facts import Message, Reply
from exchange.messages.looking import at, coded, items
from exchange.records.elements import elements
from exchange.records.instruments import instruments

_OPEN = '<div xmlns="http://www.w3.org/1999/xhtml" lang="nl" xml:lang="nl">'


def narrative(message: Message) -> str:
    """Return the summary as XHTML: the kind of message, sender and receiver, then one line for each fact."""
    heading = say(f"messages.event.{message.event}", language="nl")
    parties = say(
        "messages.summary.parties", {"sender": message.sender.name, "receiver": message.receiver.name}, language="nl"
    )
    lines = "".join(f"<li>{escape(line)}</li>" for line in _lines(message))
    listed = f"<ul>{lines}</ul>" if lines else ""
    return f"{_OPEN}<p>{escape(heading)}</p><p>{escape(parties)}</p>{listed}</div>"


def _lines(message: Message) -> Iterator[str]:
    told = message.told
    if told.case_id:
        yield _line("case.id", told.case_id)
    yield from _labelled(("case.code", told.code))
    yield from _patient(message)
    yield from _episode(message)
    yield from _referral(message)
    yield from _labelled(("session.count", told.session_count))
    yield from _rows(message)
    if told.consent is not None:
        state = _word(f"consent.{told.consent.state}")
        yield say("messages.summary.consent", {"state": state, "day": _day(told.consent.day)}, "nl")
    yield from _indicators(message)
    if told.reply is not None:
        yield _replied(message.event, told.reply)


def _replied(event: str, reply: Reply) -> str:
    if event != "acknowledgement":
        return say("messages.summary.answers", {"message": reply.message_id}, "nl")
    return say("messages.summary.accepted" if reply.accepted else "messages.summary.refused", {}, "nl")


def _patient(message: Message) -> Iterator[str]:
    told = message.told.patient
    born = None if told.born is None else _day(date.fromisoformat(told.born)) if len(told.born) == 10 else told.born
    yield from _labelled(
        ("patient.name", told.name),
        ("patient.bsn", told.bsn),
        ("patient.birth-date", born),
        ("patient.sex", told.sex and _word(f"sex.{told.sex}")),
    )


def _episode(message: Message) -> Iterator[str]:
    told = message.told.episode
    weeks = None if told.end_weeks is None else _weeks(told.end_weeks)
    yield from _labelled(
        ("episode.start", told.start and _day(told.start)),
        ("episode.end", told.end and _day(told.end)),
        ("episode.end", weeks),
        ("episode.diagnosis", told.diagnosis),
        ("episode.location", told.location),
        ("episode.access", told.access and _word(f"access.{told.access}")),
        ("episode.end-reason", told.end_reason and _word(f"end-reason.{told.end_reason}")),
        ("episode.onward-advice", told.onward_advice and _word(f"answered.{told.onward_advice}")),
        ("episode.chronic", None if told.chronic is None else _word("answered.yes" if told.chronic else "answered.no")),
        ("episode.therapist", told.therapist),
        ("episode.instrument", told.instrument and _instrument(told.instrument)),
    )


def _referral(message: Message) -> Iterator[str]:
    told = message.told.referral
    yield from _labelled(
        ("referral.referrer", told.referrer),
        ("referral.day", told.day and _day(told.day)),
        ("referral.question", told.question),
        ("referral.counterfactual", told.counterfactual and _word(f"counterfactual.{told.counterfactual}")),
        ("referral.recorded-on", told.recorded_on and _day(told.recorded_on)),
    )


def _rows(message: Message) -> Iterator[str]:
    told = message.told
    for session in told.sessions:
        what = session.type and _word(f"session-type.{session.type}")
        yield _row("messages.summary.session", what, _when(session.day, session.weeks))
    for measured in told.measurements:
        name = measured.instrument and _instrument(measured.instrument)
        value = None if measured.value is None else f"{measured.value.normalize():f}".replace(".", ",")
        yield _row("messages.summary.measurement", name, _when(measured.day, measured.weeks), value)
    for moment in told.evaluations:
        yield _row(
            "messages.summary.evaluation",
            moment.session_number and say("messages.summary.at-session", {"number": moment.session_number}, "nl"),
            moment.day and _day(moment.day),
            moment.effect and _named("evaluation.effect", _word(f"effect.{moment.effect}")),
            moment.decision and _named("evaluation.decision", _word(f"next-step.{moment.decision}")),
            moment.advice_taken_up
            and _named("evaluation.advice-taken-up", _word(f"answered.{moment.advice_taken_up}")),
            moment.told_referrer_on and _named("evaluation.told-referrer-on", _day(moment.told_referrer_on)),
        )
    for answer in told.answers:
        window = {"start": _day(answer.start), "end": _day(answer.end)}
        yield _line(
            answer.element,
            _joined(
                _word(f"answered.{answer.status}"),
                say("messages.summary.window", window, "nl"),
                None if answer.count is None else say("messages.summary.count", {"count": answer.count}, "nl"),
                answer.first_day and say("messages.summary.first-day", {"day": _day(answer.first_day)}, "nl"),
            ),
        )
    for count in told.aggregates:
        window = {"start": _day(count.start), "end": _day(count.end)}
        population = count.population
        of = None if population is None else say("messages.summary.population", {"population": population}, "nl")
        yield _line(count.element, _joined(str(count.value), of, say("messages.summary.window", window, "nl")))


def _indicators(message: Message) -> Iterator[str]:
    for report in message.told.indicators:
        element = "indicator.individual" if report.get("type") == "individual" else "indicator.figure"
        name, _, version = str(report.get("measure")).rpartition("/")[2].partition("|")
        yield _line(
            element,
            _joined(
                say("messages.summary.indicator", {"id": name, "version": version}, "nl"),
                *(_score(group) for group in items(report, "group")),
                _counted(report),
            ),
        )


def _score(group: Mapping[str, Any]) -> str | None:
    value = at(group, "measureScore", "value")
    return None if value is None else say("messages.summary.score", {"score": f"{value}".replace(".", ",")}, "nl")


def _counted(report: Mapping[str, Any]) -> str | None:
    """Say numerator and denominator as the report counts them, exclusions not yet taken off."""
    counts = {
        coded(each.get("code"), "measure-population"): each.get("count")
        for group in items(report, "group")
        for each in items(group, "population")
    }
    numbers = {name: counts.get(name) for name in ("numerator", "denominator")}
    if None in numbers.values():
        return None
    return say("messages.summary.counted", numbers, "nl")


def _instrument(instrument: str) -> str:
    known = instruments().get(instrument)
    return known.label["nl"] if known else instrument


def _labelled(*pairs: tuple[str, object]) -> Iterator[str]:
    return (_line(element, str(value)) for element, value in pairs if value is not None)


def _line(element: str, text: str) -> str:
    return f"{elements()[element].label['nl']}: {text}"


def _named(element: str, text: str) -> str:
    return f"{elements()[element].label['nl'].lower()}: {text}"


def _row(rule: str, *parts: object) -> str:
    told = _joined(*parts)
    return f"{say(rule, {}, 'nl')}: {told}"


def _joined(*parts: object) -> str:
    return ", ".join(str(part) for part in parts if part is not None)


def _word(name: str) -> str:
    return say(f"messages.word.{name}", {}, "nl")


def _when(day: date | None, weeks: int | None) -> str | None:
    if day is not None:
        return _day(day)
    return None if weeks is None else _weeks(weeks)


def _weeks(weeks: int) -> str:
    return say("messages.summary.weeks", {"weeks": weeks}, "nl")


def _day(value: date) -> str:
    return f"{value.day:02d}-{value.month:02d}-{value.year:04d}"
