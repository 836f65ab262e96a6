"""The demo: practice, GP group, hospital, social partner and clients, all invented, through the whole of the house."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from exchange.errors import WorkspaceError
from exchange.findings import disk
from exchange.operations import (
    agreeing,
    asking,
    consenting,
    drafting,
    exporting,
    figuring,
    files,
    forms,
    importing,
    improving,
    loading,
    partners,
    summarising,
)
from exchange.operations.composing import Composer
from exchange.operations.drafting import Signing
from exchange.operations.inventing import claiming, drawing, tables
from exchange.operations.posting import Posted
from exchange.operations.workspace import Workspace

BEGIN = datetime(2023, 12, 15, 9, tzinfo=UTC)
NOW = datetime(2026, 11, 2, 10, tzinfo=UTC)
PURPOSES: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(drawing.GPS, ("effect",)),
    drawing.HOSPITAL: ("effect",),
    drawing.SOCIAL: ("handover", "effect"),
}
_PRIVACY = "privacy@voorbeeld.invalid"
_SIGNS = {
    drawing.PRACTICE: Signing("praktijkhouder", "eigenaar van de praktijk", _PRIVACY),
    **dict.fromkeys(drawing.GPS, Signing("praktijkhouder", "lid van de maatschap", _PRIVACY)),
    drawing.HOSPITAL: Signing("hoofd van de afdeling", "volmacht van de raad van bestuur", _PRIVACY),
    drawing.SOCIAL: Signing("directeur", "statutair bevoegd", _PRIVACY),
}
_COMMON: Mapping[str, Any] = {
    "start": date(2024, 1, 1),
    "until": date(2027, 12, 31),
    "covers_from": drawing.FIRST_DAY,
    "signing": _SIGNS,
    "place": "Voorbeeldstad (verzonnen)",
}
SIX = (
    "substitution-net",
    "onward-advice",
    "durable-discharge-12",
    "responders",
    "sessions-per-patient",
    "evaluation-moments",
)
Say = Callable[..., None]


@dataclass(frozen=True, slots=True)
class Played:
    """Where the results are, and the six figures that matter, each as one sentence."""

    folder: Path
    files: tuple[Path, ...]
    figures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Cast:
    """Everyone's workspace; `truth` is what happened to each invented client, by name and date of birth."""

    top: Path
    practice: Workspace
    gps: tuple[Workspace, ...]
    social: Workspace
    courses: tuple[drawing.Course, ...]

    @property
    def everyone(self) -> tuple[Workspace, ...]:
        return (self.practice, *self.gps, self.social)

    def of(self, party: str) -> Workspace:
        """Return the workspace of a party."""
        return next(one for one in self.everyone if one.settings.party == party)

    def at(self, moment: datetime) -> None:
        """Set everyone's clock."""
        for one in self.everyone:
            one.at(now=moment, on=moment.date())

    @property
    def truth(self) -> dict[tuple[str, str], list[drawing.Course]]:
        """Return the courses by the client's name and date of birth."""
        found: dict[tuple[str, str], list[drawing.Course]] = {}
        for course in self.courses:
            found.setdefault((course.client.name, f"{course.client.born:%d-%m-%Y}"), []).append(course)
        return found


def play(top: Path, *, say: Say, language: str = "nl") -> Played:
    """Play it all into a new folder; an existing folder is refused."""
    if top.exists() and any(top.iterdir()):
        raise WorkspaceError("workspace.not-empty", hints=("hint.empty-folder",), folder=str(top))
    with disk.writing(top):
        top.mkdir(parents=True, exist_ok=True)
    cast = _workspaces(top)
    try:
        say("demo.workspaces", count=len(cast.everyone), folder=str(top))
        _cards(cast)
        say("demo.cards")
        _agreements(cast, say)
        cast.at(NOW)
        _load(cast, say)
        _exchange(cast, say)
        _form(cast, say)
        return _write(cast, say, language)
    finally:
        for one in cast.everyone:
            one.close()


def _workspaces(top: Path) -> _Cast:
    def make(name: str, party: str) -> Workspace:
        return Workspace.create(
            top / name,
            party=party,
            name=drawing.NAMES[party],
            contact=_PRIVACY,
            passphrase=None,
            now=BEGIN,
            on=BEGIN.date(),
            user="demo",
            insurer="VGZ" if party == drawing.PRACTICE else "",
        )

    gps = tuple(make(f"huisarts-{letter}", party) for letter, party in zip("abc", drawing.GPS, strict=True))
    return _Cast(
        top, make("praktijk", drawing.PRACTICE), gps, make("welzijn", drawing.SOCIAL), drawing.draw()
    )  # fmt: skip


def _cards(cast: _Cast) -> None:
    """Give cards both ways and compare the fingerprints, as two people on the phone would."""
    folder = cast.top / "kaarten"
    for other in (*cast.gps, cast.social):
        kind, label = ("gp", "HAGRO Voorbeeld (verzonnen)") if other in cast.gps else ("social", "")
        for giver, taker, as_kind, as_label in (
            (other, cast.practice, kind, label),
            (cast.practice, other, "practice", ""),
        ):
            card = partners.own_card(giver, to=folder / f"{giver.folder.name}.json")
            partners.add(taker, folder / f"{giver.folder.name}.json", kind=as_kind, label=as_label)
            partners.verify(
                taker,
                giver.settings.party,
                fingerprint=card.fingerprint,
                ours=taker.card.fingerprint,
                how="demo: telefonisch vergeleken",
            )
    partners.add_paper(cast.practice, drawing.HOSPITAL, name=drawing.NAMES[drawing.HOSPITAL], kind="specialist")


# Agreements -------------------------------------------------------------------------------------------------------


def _agreements(cast: _Cast, say: Say) -> None:
    practice = cast.practice
    gp = drafting.new(
        practice, "gp", parties=drawing.GPS, agreement_id="huisartsen", targets={"substitution-net": 0.75}, **_COMMON
    )
    social = drafting.new(practice, "social", parties=(drawing.SOCIAL,), agreement_id="welzijn", **_COMMON)
    hospital = drafting.new(
        practice,
        "specialist",
        parties=(drawing.HOSPITAL,),
        agreement_id="ziekenhuis",
        indicators=("substitution-net", "onward-advice"),
        passphrase_until=date(2027, 12, 31),
        **_COMMON,
    )
    for draft in (gp, social):
        for proposal in agreeing.sign(practice, draft).files:
            partner = _carry(cast, proposal)
            for answer in agreeing.accept(partner, draft.stem).files:
                _carry(cast, answer)
    agreeing.sign(practice, hospital)
    scan = cast.top / "bestanden" / "handtekening-ziekenhuis.txt"
    files.write(scan, b"Verzonnen: hier hoort de scan van de getekende bladzijden.\n")
    agreeing.sign_paper(
        practice,
        "ziekenhuis",
        party=drawing.HOSPITAL,
        signatory="hoofd van de afdeling",
        authority="volmacht van de raad van bestuur",
        signed_on=practice.on,
        scan=scan,
    )
    for name in ("huisartsen", "welzijn", "ziekenhuis"):
        drafting.show(practice, name, to=practice.folder / "reports" / f"afspraak-{name}.docx")
    say("demo.agreements")


def _carry(cast: _Cast, posted: Posted) -> Workspace:
    """Bring a sealed file to whom it is for, as mail would, and let them take it in."""
    receiver = cast.of(posted.party)
    importing.take_in(receiver, [posted.file])
    return receiver


# Data -------------------------------------------------------------------------------------------------------------


def _load(cast: _Cast, say: Say) -> None:
    courses, folder = cast.courses, cast.top / "bestanden"
    change = date(2025, 1, 1)
    made: Mapping[str, bytes] = {
        "trajecten.csv": tables.episodes(courses),
        "metingen.csv": tables.measurements(courses),
        "evaluaties.csv": tables.evaluations(courses),
        "declaraties-2023-2024.txt": claiming.pm304(courses, drawing.FIRST_DAY, change),
        "declaraties-2025-2026.xml": claiming.gds801(courses, change, drawing.TODAY),
        "behandelindex.csv": tables.index_figures(),
        "prem.csv": tables.prem(),
    }
    for name, data in made.items():
        files.write(folder / name, data)
    results = loading.load(cast.practice, [folder / name for name in made])
    total = loading.total(results)
    say(
        "demo.loaded",
        patients=total.patients,
        episodes=total.episodes,
        sessions=total.sessions,
        rejected=total.rejected,
    )
    consent = folder / "toestemming.csv"
    files.write(consent, tables.consents(courses, PURPOSES).decode("cp1252").encode("utf-8"))
    say("demo.consents", count=consenting.load(cast.practice, consent))


def _exchange(cast: _Cast, say: Say) -> None:
    """Open cases and report outcomes to partners; let each partner answer sealed; take the answers in."""
    for agreement in ("huisartsen", "welzijn"):
        sent = exporting.export(cast.practice, agreement)
        withheld = sum(one.count for one in sent.refused)
        cases = sum(one.cases for one in sent.files)
        messages = sum(one.messages for one in sent.files)
        say("demo.sent", agreement=agreement, cases=cases, messages=messages, withheld=withheld)
        for one in sent.files:
            partner = cast.of(one.party)
            importing.take_in(partner, [one.file])
            _answer(cast, partner, agreement)
            back = exporting.export(partner, agreement)
            taken = importing.take_in(cast.practice, [file.file for file in back.files])
            say("demo.answered", name=partner.settings.name, answers=sum(file.answers for file in taken))


def _answer(cast: _Cast, partner: Workspace, agreement: str) -> None:
    asked = partner.folder / "reports" / "gevraagd.csv"
    forms.ask(partner, agreement, to=asked)
    filled = partner.folder / "reports" / "antwoorden.csv"
    files.write(filled, tables.answer(asked, cast.truth))
    loading.load(partner, [filled], mapping="partner-answers")
    if partner in cast.gps:
        totals = partner.folder / "reports" / "totalen.csv"
        files.write(totals, tables.totals(cast.gps.index(partner)))
        loading.load(partner, [totals], mapping="partner-aggregates")


def _form(cast: _Cast, say: Say) -> None:
    """Send the hospital its form and read it back, filled in by hand and not signed by keys."""
    practice, folder = cast.practice, cast.top / "bestanden"
    blank = folder / "formulier-ziekenhuis.xlsx"
    forms.make(practice, "ziekenhuis", partner=drawing.HOSPITAL, to=blank)
    filled = folder / "formulier-ziekenhuis-ingevuld.xlsx"
    cases = {one.code: one for one in practice.store.cases.of_agreement("ziekenhuis")}
    by_number: dict[str, list[drawing.Course]] = {}
    for course in cast.courses:
        by_number.setdefault(course.client.epd_number, []).append(course)
    known: dict[str, Sequence[drawing.Course]] = {
        code: by_number.get(practice.store.patient_identity(case.patient_id).epd_number or "", ())
        for code, case in cases.items()
    }
    files.write(filled, tables.fill_form(blank, known))
    taken = forms.take_in(
        practice, filled, agreement="ziekenhuis", partner=drawing.HOSPITAL, how="demo: gebracht door de afdeling"
    )
    say("demo.form", answers=taken.answers, open=taken.open)


# Pages ------------------------------------------------------------------------------------------------------------


def _write(cast: _Cast, say: Say, language: str) -> Played:
    from exchange.reports import figures_text
    from exchange.reports.describing import describe
    from exchange.reports.numbers import period

    practice = cast.practice
    for point, texts in tables.improvements().items():
        improving.record(practice, point, check_on=(date(2027, 1, 15), date(2027, 4, 15)), **texts)
    for question, answer in tables.plan_answers().items():
        asking.answer(practice.folder, question, answer)
    reports = practice.folder / "reports"
    pages = [reports / f"overzicht.{suffix}" for suffix in ("html", "docx", "pdf", "xlsx", "json")]
    summarising.summary(practice, pages)
    letters = [reports / f"verbeterplan.{suffix}" for suffix in ("docx", "pdf")]
    summarising.plan(practice, letters)
    say("demo.pages")
    composed = Composer(practice, "insurer", language)
    found = {one.indicator: one for one in composed.show(composed.figures)}
    definitions = {one.id: describe(one) for one in figuring.definitions(SIX)}
    sentences = tuple(
        f"{figures_text.sentence(found[name], definitions, language)} [{period(one.start, one.end, language)}]"
        for name, one in ((name, found[name]) for name in SIX)
    )
    agreements = tuple(reports / f"afspraak-{name}.docx" for name in ("huisartsen", "welzijn", "ziekenhuis"))
    return Played(cast.top, (*pages, *letters, *agreements), sentences)
