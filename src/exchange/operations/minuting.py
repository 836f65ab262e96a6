"""The minutes of a review for one reader: what was calculated, how the exchange stands, what was decided before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from exchange import __version__
from exchange.findings import disk, say
from exchange.indicators.disclosure import THRESHOLD, TOO_NEAR
from exchange.operations import improving, surveying, weighing
from exchange.operations.gathering import Terms
from exchange.operations.weighing import EVERYONE, Weighed

if TYPE_CHECKING:
    from exchange.agreements.agreement import Agreement
    from exchange.agreements.agreement import Moment as AgreedMoment
    from exchange.operations.workspace import Workspace
    from exchange.reports import facts as pages
    from exchange.reports.minutes import Earlier, Line, MinutesFacts, Side
    from exchange.store.reviews import Review

INTERNAL = "internal"


def moments_of(agreement: Agreement) -> list[date]:
    """Return the agreed moments, in order."""
    return [one.on for one in agreement.evaluations]


def reviews_of(terms: Terms) -> tuple[Review, ...]:
    """Return every review of an agreement, whichever version of it."""
    return terms.workspace.store.reviews.of(terms.stored.agreement_id)


def held(workspace: Workspace, agreement: Agreement, language: str) -> tuple[pages.Moment, ...]:
    """Return the agreed moments, and of each whether and when it was held with what outcome.

    What was decided stays in the minutes: that is the parties' own text.
    """
    from exchange.reports import facts as pages

    reviews = {one.moment: one for one in workspace.store.reviews.of(agreement.id) if one.held_on is not None}

    def moment(agreed: AgreedMoment) -> pages.Moment:
        review = reviews.get(agreed.on)
        return pages.Moment(
            agreed.on,
            agreed.about.get(language, ""),
            passed=agreed.on < workspace.on,
            held_on=review.held_on if review else None,
            result=say(f"reviewing.outcome-{review.outcome}", {}, language) if review else "",
        )

    return tuple(moment(one) for one in agreement.evaluations)


def write(
    terms: Terms, moment: date, cut_off: date, weighed: Sequence[Weighed], reader: str, language: str, to: Path
) -> None:
    """Write the minutes as one reader may see them; the format is the file's ending."""
    from exchange.reports import minutes

    facts = _facts(terms, moment, cut_off, weighed, reader, language)
    letterhead = terms.workspace.folder / "letterhead.docx"
    with disk.writing(to):
        to.parent.mkdir(parents=True, exist_ok=True)
    minutes.write(facts, language, to, reference=letterhead if letterhead.is_file() else None)


def _facts(
    terms: Terms, moment: date, cut_off: date, weighed: Sequence[Weighed], reader: str, language: str
) -> MinutesFacts:  # fmt: skip
    from exchange.reports.describing import describe
    from exchange.reports.minutes import MinutesFacts

    workspace, agreement = terms.workspace, terms.frozen.agreement
    moments = moments_of(agreement)
    shown = weighed if reader == INTERNAL else weighing.beside_released(terms, cut_off, reader, weighed)[0]
    party = agreement.party(reader)
    names = {one.definition.id for one in weighed}
    titles = {one.definition.id: one.definition.title[language] for one in weighed}
    others = {
        point for one in workspace.store.reviews.list() if one.agreement_id != agreement.id for point in one.points
    }
    points = zip(improving.listed(workspace), improving.shown(workspace, titles, {}, language), strict=True)
    later = [one for one in moments if one > moment]
    return MinutesFacts(
        agreement=terms.stored.agreement_id,
        version=terms.stored.version,
        digest=terms.stored.digest,
        title=agreement.title[language],
        reader=party.name if party is not None else reader,
        moment=moment,
        number=moments.index(moment) + 1,
        of=len(moments),
        cut_off=cut_off,
        on=workspace.on,
        sides=_sides(terms, cut_off, reader),
        together=_together(terms) if reader == EVERYONE else None,
        lines=_lines(shown, weighed),
        missed=agreement.missed[language],
        unanswered=agreement.unanswered[language],
        answer_days=agreement.answer_days,
        about=agreement.evaluations[moments.index(moment)].about.get(language, ""),
        earlier=_earlier(terms, moment),
        points=tuple(each for point, each in points if point.indicator in names and point.point_id not in others)
        if reader == INTERNAL
        else (),
        next_moment=min(later, default=None),
        double_claims=_double_claims(terms) if reader == INTERNAL else None,
        definitions={one.definition.id: describe(one.definition) for one in weighed},
        load=workspace.store.last_load(),
        program=__version__,
    )


def _lines(shown: Sequence[Weighed], weighed: Sequence[Weighed] = ()) -> tuple[Line, ...]:
    """Return the lines of a table; `weighed` are the same figures before anything was withheld, for the verdict."""
    from exchange.reports.minutes import Line

    near = {one.definition.id for one in shown if one.figure is not None and one.figure.masked == TOO_NEAR}
    # Beside what was given out before, that the verdict turned would tell of the few by whom a figure differs.
    verdicts = {
        one.definition.id: one.figure.verdict
        for one in weighed
        if one.figure is not None and one.definition.id not in near
    }
    return tuple(
        Line(one.definition.id, one.agreed.primary, one.knowable, one.figure, verdicts.get(one.definition.id))
        for one in shown
    )


def _sides(terms: Terms, cut_off: date, reader: str) -> tuple[Side, ...]:
    """Return the practice and every party; each one's own figures and counts only for who may know them."""
    from exchange.reports.minutes import Side

    agreement = terms.frozen.agreement
    counts = {one.party: one for one in weighing.answers(terms)}
    found = [Side(agreement.practice.name, agreement.practice.signatory.function)]
    for party in agreement.partners:
        known = counts[party.party]
        own = reader in {INTERNAL, party.party} or len(counts) == 1
        apart = own and len(counts) > 1
        lines = _lines(weighing.weigh_parts(terms, cut_off, frozenset({party.party}))) if apart else ()
        found.append(
            Side(
                party.name, party.signatory.function, known.cases if own else None, known.answered if own else None,
                lines,
            )
        )  # fmt: skip
    return tuple(found)


def _together(terms: Terms) -> Side | None:
    """Return the counts of all parties together, where none of them tells of a few."""
    from exchange.reports.minutes import Side

    counts = weighing.answers(terms)
    # Each party knows its own, and takes them from the sum. By patients: ten cases can be of nine.
    if len(counts) < 2 or any(0 < one.fewest < THRESHOLD for one in counts):
        return None
    return Side("", cases=sum(one.cases for one in counts), answered=sum(one.answered for one in counts))


def _earlier(terms: Terms, moment: date) -> Earlier | None:
    from exchange.reports.minutes import Earlier

    held = [one for one in reviews_of(terms) if one.moment < moment and one.held_on is not None]
    if not held:
        return None
    last = held[-1]
    primary = terms.frozen.agreement.primary
    said = last.figures.get(primary.id, {}) if primary is not None else {}
    return Earlier(
        last.moment, last.held_on or last.moment, last.outcome, last.decided, str(said.get("verdict", ""))
    )  # fmt: skip


def _double_claims(terms: Terms) -> int | None:
    """Return how many sessions were paid by one and claimed with another, where the agreement asks for that check."""
    if not any(one.double_claim_check for one in terms.frozen.agreement.funding):
        return None
    return surveying.count_of(terms.workspace, "claimed-twice")
