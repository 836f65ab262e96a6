"""Reviews of an agreement: calculate at the agreed moment, write minutes to fill in, record what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from exchange.errors import AgreementError
from exchange.findings import Finding, Severity, say
from exchange.operations import agreeing, files, improving, minuting, omitting, releasing, trail, weighing
from exchange.operations.gathering import Terms, terms_of
from exchange.operations.minuting import INTERNAL, moments_of, reviews_of
from exchange.operations.weighing import EVERYONE, Weighed
from exchange.operations.workspace import Workspace

if TYPE_CHECKING:
    from exchange.store.reviews import Review

CONTINUE, IMPROVE, REVISE, END = OUTCOMES = ("continue", "improve", "revise", "end")
# The clause has the figures sent round ten working days before the moment.
AHEAD = timedelta(days=28)
# Time to read and sign before a new version begins.
_TO_SIGN = timedelta(days=30)
_OVER = frozenset({"active", "active-paper-signed", "under-review", "follow-up-tail"})


@dataclass(frozen=True, slots=True)
class Prepared:
    """A review that stands ready: for which moment, up to which day was counted, the minutes, and what to know."""

    agreement_id: str
    version: int
    moment: date
    number: int
    of: int
    cut_off: date
    verdict: str
    figures: dict[str, object]
    files: tuple[Path, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """A review that was recorded, with the draft of the next version and the improvement points it opened."""

    agreement_id: str
    version: int
    moment: date
    held_on: date
    outcome: str
    draft: Path | None = None
    points: tuple[str, ...] = ()


def prepare(
    workspace: Workspace,
    agreement: str,
    *,
    to: Sequence[Path] = (),
    moment: date | None = None,
    reader: str = INTERNAL,
    language: str = "nl",
) -> Prepared:
    """Calculate an agreement at an agreed moment, write its minutes, and mark it under review.

    Without `moment` it is the last one that has come, or that comes within four weeks. `reader` is internal, `all` for
    one edition for all parties, or a party. AgreementError where nothing can be known yet, and where the review was
    held already.
    """
    terms = _terms(workspace, agreement)
    chosen = _chosen(terms, moment)
    _require_reader(terms, reader)
    cut_off = min(chosen, workspace.on)
    weighed = weighing.weigh(terms, cut_off)
    _require_knowable(weighed, chosen)
    written = tuple(to) or (_place(workspace, agreement, chosen, reader),)
    outside = weighing.beside_released(terms, cut_off, reader, weighed) if reader != INTERNAL else ((), (), ())
    _, cells, near = outside

    def write() -> None:
        for file in written:
            minuting.write(terms, chosen, cut_off, weighed, reader, language, file)

    releasing.written(workspace, f"review {agreement}", cells, write, written)
    review = _kept(terms, chosen, cut_off, weighed)
    with workspace.store.together(by=workspace.user, at=workspace.now):
        workspace.store.reviews.save(review, by=workspace.user, at=workspace.now)
    trail.note(
        workspace, "agreement-review-opened", object=f"agreement:{terms.stored.digest}", ground=agreement,
        detail=chosen.isoformat(),
    )  # fmt: skip
    moments = moments_of(terms.frozen.agreement)
    primary = next((one for one in weighed if one.agreed.primary), None)
    judged = primary.figure.verdict if primary is not None and primary.figure is not None else None
    return Prepared(
        agreement, terms.stored.version, chosen, moments.index(chosen) + 1, len(moments), cut_off,
        judged.value if judged is not None else "", dict(review.figures), written,
        (*_findings(terms, chosen, weighed), *omitting.findings(near, language)),
    )  # fmt: skip


def hold(
    workspace: Workspace,
    agreement: str,
    *,
    outcome: str,
    held_on: date,
    moment: date | None = None,
    decided: str = "",
    present: str = "",
    points: Sequence[str] = (),
    begins: date | None = None,
    language: str = "nl",
) -> Held:
    """Record that a review was held and what came of it; a revision opens the draft of the next version.

    `points` are improvement points to open, linked to the review and filled with what it calculated.
    """
    terms = _terms(workspace, agreement)
    review = _open_review(terms, moment)
    if not review.opened_on <= held_on <= workspace.on:
        raise AgreementError(
            "reviewing.held-day", hints=("hint.reviewing-held",), first=review.opened_on.isoformat(),
            last=workspace.on.isoformat(),
        )  # fmt: skip
    draft = _draft(terms, review, held_on, begins) if outcome == REVISE else None
    opened = tuple(_point(terms, review, name, language) for name in points)
    done = replace(
        review, held_on=held_on, outcome=outcome, decided=decided.strip(), present=present.strip(),
        points=tuple(dict.fromkeys((*review.points, *opened))), recorded_by=workspace.user,
        next_version=review.version + 1 if draft is not None else None,
    )  # fmt: skip
    workspace.store.reviews.save(done, by=workspace.user, at=workspace.now)
    trail.note(
        workspace, "agreement-review-held", object=f"agreement:{terms.stored.digest}", ground=agreement,
        detail=f"{review.moment.isoformat()}: {outcome}",
    )  # fmt: skip
    return Held(agreement, review.version, review.moment, held_on, outcome, draft, opened)


def listed(workspace: Workspace, agreement: str) -> tuple[Review, ...]:
    """Return every review of an agreement, by moment."""
    agreeing.find(workspace, agreement)
    return workspace.store.reviews.of(agreement)


# Which moment ------------------------------------------------------------------------------------------------------


def _terms(workspace: Workspace, agreement: str) -> Terms:
    terms = terms_of(workspace, agreement)
    if terms.us.role != "practice":
        raise AgreementError("reviewing.practice-only", hints=("hint.reviewing-practice",), id=agreement)
    state = agreeing.state(workspace, terms.stored)
    if state not in _OVER:
        raise AgreementError("reviewing.not-in-force", hints=("hint.agreement-list",), id=agreement)
    return terms


def _chosen(terms: Terms, moment: date | None) -> date:
    """Return the moment this review is for: one of the agreed ones that was not held yet."""
    moments, on = moments_of(terms.frozen.agreement), terms.workspace.on
    shown = ", ".join(one.isoformat() for one in moments)
    if moment is None:
        come = [one for one in moments if one <= on + AHEAD]
        if not come:
            raise AgreementError(
                "reviewing.too-early", hints=("hint.reviewing-moment",), moments=shown, id=terms.stored.agreement_id
            )
        moment = come[-1]
    elif moment not in moments:
        raise AgreementError("reviewing.no-moment", hints=("hint.reviewing-moment",), moments=shown)
    held = {one.moment: one for one in reviews_of(terms) if one.held_on is not None}
    if moment in held:
        raise AgreementError(
            "reviewing.held-already", hints=("hint.reviewing-moment",), moment=moment.isoformat(), moments=shown,
            held=str(held[moment].held_on),
        )  # fmt: skip
    return moment


def _open_review(terms: Terms, moment: date | None) -> Review:
    found = [
        one
        for one in terms.workspace.store.reviews.of(terms.stored.agreement_id, terms.stored.version)
        if one.held_on is None and moment in (None, one.moment)
    ]
    if not found:
        raise AgreementError("reviewing.not-open", hints=("hint.reviewing-open",), id=terms.stored.agreement_id)
    return found[-1]


def _require_knowable(weighed: Sequence[Weighed], moment: date) -> None:
    if weighed and all(one.figure is None for one in weighed):
        first = min(one.knowable for one in weighed)
        raise AgreementError(
            "reviewing.nothing-knowable", hints=("hint.reviewing-later",), first=first.isoformat(),
            moment=moment.isoformat(),
        )  # fmt: skip


def _require_reader(terms: Terms, reader: str) -> None:
    if reader not in {INTERNAL, EVERYONE} and terms.frozen.agreement.party(reader) not in terms.others:
        raise AgreementError("reviewing.no-reader", hints=("hint.reviewing-reader",), party=reader)


def _findings(terms: Terms, moment: date, weighed: Sequence[Weighed]) -> list[Finding]:
    """Return what has to be known with these minutes: what can't be known yet, what is early, what was skipped."""
    said: list[Finding] = []
    if moment > terms.workspace.on:
        said.append(_warning("reviewing.early", moment=moment.isoformat(), on=terms.workspace.on.isoformat()))
    for one in weighed:
        if one.figure is None:
            rule = "reviewing.primary-not-knowable" if one.agreed.primary else "reviewing.not-knowable"
            said.append(_warning(rule, indicator=one.definition.id, first=one.knowable.isoformat()))
    recorded = {one.moment for one in reviews_of(terms)}
    skipped = [one for one in moments_of(terms.frozen.agreement) if one < moment and one not in recorded]
    if skipped:
        said.append(_warning("reviewing.skipped", moments=", ".join(one.isoformat() for one in skipped)))
    return said


def _warning(rule: str, **params: object) -> Finding:
    return Finding(rule, severity=Severity.WARNING, params=params)


# The minutes -------------------------------------------------------------------------------------------------------


def _place(workspace: Workspace, agreement: str, moment: date, reader: str) -> Path:
    name = agreement if reader == INTERNAL else f"{agreement}-{reader.replace(':', '-')}"
    return workspace.folder / "reports" / f"{say('reviewing.file', {}, 'nl')}-{name}-{moment:%Y-%m-%d}.docx"


def _kept(terms: Terms, moment: date, cut_off: date, weighed: Sequence[Weighed]) -> Review:
    """Return the review as it is opened; calculated once more it keeps the points that were opened from it."""
    from exchange.store.reviews import Review

    workspace, stored = terms.workspace, terms.stored
    before = next((one for one in workspace.store.reviews.of(stored.agreement_id, stored.version)
                   if one.moment == moment), None)  # fmt: skip
    return Review(
        stored.agreement_id, stored.version, moment, before.opened_on if before is not None else workspace.on, cut_off,
        weighing.kept(weighed), points=before.points if before is not None else (), recorded_by=workspace.user,
    )  # fmt: skip


# What comes of it --------------------------------------------------------------------------------------------------


def _draft(terms: Terms, review: Review, held_on: date, begins: date | None) -> Path:
    """Write the next version's draft: the same text, one number higher, with what was measured as its baseline."""
    from exchange.agreements import drafting

    agreement, workspace = terms.frozen.agreement, terms.workspace
    start = begins or _first_of_month(held_on + _TO_SIGN)
    if start <= held_on:
        raise AgreementError("reviewing.begins-early", hints=("hint.reviewing-begins",), on=held_on.isoformat())
    term = agreement.term
    months = max(1, (term.until.year - term.start.year) * 12 + term.until.month - term.start.month)
    raw = drafting.next_version(agreement, on=start, months=months, measured=review.figures)
    file = workspace.folder / "agreements" / f"{agreement.id}-{raw['version']}.yaml"
    if file.exists():
        raise AgreementError("agreeing.draft-exists", hints=("hint.reviewing-draft",), file=str(file))
    head = say("reviewing.draft-head", {"moment": review.moment.isoformat(), "version": agreement.version}, "nl")
    files.write(file, (f"# {head}\n" + drafting.write(raw)).encode("utf-8"))
    return file


def _first_of_month(day: date) -> date:
    """Return the day itself where it is the first of a month, else the first of the next."""
    if day.day == 1:
        return day
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


def _point(terms: Terms, review: Review, name: str, language: str) -> str:
    """Open an improvement point from a review, or link one that is there; what it says already stays."""
    from exchange.agreements import signing
    from exchange.agreements.clauses import number

    workspace, agreement = terms.workspace, terms.frozen.agreement
    before = next((one for one in improving.listed(workspace) if one.point_id == name), None)
    primary = agreement.primary
    known = signing.definitions_of(terms.frozen)
    later = [one for one in moments_of(agreement) if one > review.moment]
    texts: dict[str, str | None] = {}
    if primary is not None and primary.id in known:
        definition = known[primary.id]
        value = review.figures.get(primary.id, {}).get("value")
        shown = "–" if value is None else number(round(float(value), 3), definition.kind, language)
        said = {"value": shown, "moment": review.moment.isoformat(), "id": agreement.id}
        texts = {
            "title": definition.title[language],
            "indicator": primary.id,
            "baseline": say("reviewing.point-baseline", said, language),
            "goal": number(primary.target, definition.kind, language) if primary.target is not None else None,
        }
    if before is not None:
        texts = {key: text for key, text in texts.items() if not getattr(before, key)}
    check_on = tuple(later[:1]) if before is None or not before.check_on else ()
    return improving.record(workspace, name, check_on=check_on, **texts).point_id
