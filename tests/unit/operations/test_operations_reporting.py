"""A partner is told the agreement's figures: as outsiders may see them, once per moment, and again only after ten."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from exchange.operations import (
    agreeing,
    consenting,
    drafting,
    exporting,
    hearing,
    importing,
    loading,
    partners,
    reporting,
    sharing,
    weighing,
)
from exchange.operations.gathering import terms_of
from exchange.operations.inventing import drawing, tables
from exchange.operations.workspace import Workspace
from exchange.records.codes import Answered

BEGIN = datetime(2023, 12, 15, 9, tzinfo=UTC)
NOW = datetime(2026, 11, 2, 10, tzinfo=UTC)
GP = drawing.GPS[0]
INDICATORS = ("onward-advice", "durable-discharge-12")
FLOW = """  - event: indicator-report
    from: practice
    purpose: effect
    article-6: 6-1-a
    article-9: 9-2-a
    secrecy: explicit-consent
    consent: required
    elements: [indicator.figure, indicator.individual]
    frequency:
      nl: na elk evaluatiemoment.
      en: after each evaluation moment.
"""


def courses() -> tuple[drawing.Course, ...]:
    """Return invented treatments that one GP referred; of every third it was advised to refer onward.

    Of three or four nothing was recorded.
    """
    drawn = drawing.draw(clients=120, courses=130)
    return tuple(
        replace(one, referrer=GP, onward=_advice(number) if one.end else one.onward) for number, one in enumerate(drawn)
    )


def _advice(number: int) -> Answered:
    if number % 40 == 1:
        return Answered.UNKNOWN
    return Answered.YES if number % 3 == 0 else Answered.NO


def corrected(count: int, drawn: tuple[drawing.Course, ...] | None = None) -> tuple[drawing.Course, ...]:
    """Return the same, where the advice of so many patients with one treatment turns out to be otherwise."""
    drawn = courses() if drawn is None else drawn
    often = [one.client.number for one in drawn]
    once = [
        one.key
        for one in drawn
        if one.onward is Answered.YES and often.count(one.client.number) == 1 and one.end and one.end < date(2026, 6, 1)
    ]
    assert len(once) > count
    chosen = once[:count]
    return tuple(replace(one, onward=Answered.NO) if one.key in chosen else one for one in drawn)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a practice and a GP who agreed on figures; cases were opened and no figure was told yet."""
    top = tmp_path_factory.mktemp("reporting")
    _build(top, {"huisarts": GP}, courses(), FLOW)
    with _open(top, "huisarts") as gp, _open(top, "praktijk") as practice:
        # The cases are open now; of figures there was nothing to tell yet.
        assert practice.store.releases.all() == ()
        assert gp.store.received.of_event("indicator-report") == ()
    return top


def _build(
    top: Path,
    gps: dict[str, str],
    drawn: tuple[drawing.Course, ...],
    flow: str,
    indicators: tuple[str, ...] = INDICATORS,
) -> None:
    """Make a practice that agreed on figures with some GPs, has its records, and exported once."""
    others = {name: _make(top, name, party) for name, party in gps.items()}
    with _make(top, "praktijk", drawing.PRACTICE) as practice:
        for gp in others.values():
            for giver, taker, kind in ((gp, practice, "gp"), (practice, gp, "practice")):
                file = top / f"{giver.folder.name}.json"
                card = partners.own_card(giver, to=file)
                partners.add(taker, file, kind=kind)
                partners.verify(
                    taker, card.parties[0], fingerprint=card.fingerprint, ours=taker.card.fingerprint, how="vergeleken"
                )
        signs = drafting.Signing("praktijkhouder", "eigenaar", "privacy@voorbeeld.invalid")
        parties = tuple(gps.values())
        draft = drafting.new(
            practice, "gp", parties=parties, agreement_id="huisarts", start=date(2024, 1, 1), until=date(2027, 12, 31),
            covers_from=drawing.FIRST_DAY, signing=dict.fromkeys((drawing.PRACTICE, *parties), signs),
            indicators=indicators, targets={indicators[0]: 0.5}, place="Voorbeeldstad (verzonnen)",
        )  # fmt: skip
        text = draft.read_text(encoding="utf-8")
        place = text.rindex("\n\n", 0, text.index("\ncontrollers:")) + 1
        draft.write_text(text[:place] + flow + text[place:], encoding="utf-8")
        for posted, gp in zip(agreeing.sign(practice, draft).files, others.values(), strict=True):
            importing.take_in(gp, [posted.file])
            importing.take_in(practice, [one.file for one in agreeing.accept(gp, "huisarts").files])
        practice.at(now=NOW, on=NOW.date())
        _load(practice, top, drawn)
        consents = top / "toestemming.csv"
        consents.write_bytes(tables.consents(drawn, dict.fromkeys(parties, ("effect",))).decode("cp1252").encode())
        consenting.load(practice, consents)
        sent = exporting.export(practice, "huisarts").files
    for one, gp in zip(sent, others.values(), strict=True):
        gp.at(now=NOW, on=NOW.date())
        importing.take_in(gp, [one.file])
        gp.close()


def _open(top: Path, name: str, days: int = 0) -> Any:
    now = NOW + timedelta(days=days)
    return Workspace.open(top / name, passphrase=lambda _name: "", now=now, on=now.date(), user="tester")


def _make(top: Path, name: str, party: str) -> Workspace:
    return Workspace.create(
        top / name, party=party, name=drawing.NAMES[party], contact="privacy@voorbeeld.invalid", passphrase=None,
        now=BEGIN, on=BEGIN.date(), user="town",
    )  # fmt: skip


def _load(practice: Workspace, top: Path, drawn: tuple[drawing.Course, ...]) -> None:
    file = top / "trajecten.csv"
    file.write_bytes(tables.episodes(drawn))
    loading.load(practice, [file])


@pytest.fixture
def world(made: Path, tmp_path: Path) -> Path:
    """Return a copy of the practice and the GP, to change."""
    shutil.copytree(made, tmp_path / "world")
    return tmp_path / "world"


@pytest.fixture
def opened(world: Path) -> Callable[..., Any]:
    """Return how to open one of both, so many days later."""

    def opening(name: str, days: int = 0) -> Any:
        return _open(world, name, days)

    return opening


def mailed(opened: Any, days: int = 0) -> Any:
    """Export, have the GP take it in, and return what was exported."""
    with opened("praktijk", days) as practice:
        done = exporting.export(practice, "huisarts")
    with opened("huisarts", days) as gp:
        importing.take_in(gp, [one.file for one in done.files])
    return done


def reports(opened: Any) -> Iterator[dict[str, Any]]:
    """Yield the reports that the GP holds."""
    with opened("huisarts") as gp:
        kept = gp.store.received.of_event("indicator-report")
    for one in kept:
        for entry in json.loads(one.content)["entry"]:
            if entry["resource"]["resourceType"] == "MeasureReport":
                yield entry["resource"]


def heard(opened: Any) -> dict[str, Any]:
    """Return the figures as the GP sees them, by indicator."""
    with opened("huisarts") as gp:
        assert not sharing.is_ours(gp, "huisarts")
        return {one.indicator: one for one in hearing.figures(gp, "huisarts")}


def test_the_partner_is_told_once_what_outsiders_may_see_and_can_read_it(opened: Any) -> None:
    first = mailed(opened)
    assert not first.findings
    seen = heard(opened)
    assert set(seen) == set(INDICATORS)
    advice = seen["onward-advice"]
    # As of the last agreed day, so that it stands still until the next.
    assert advice.end == advice.cut_off == date(2026, 7, 1)
    with opened("praktijk") as practice:
        (ours,) = [
            one.figure
            for one in weighing.weigh(terms_of(practice, "huisarts"), date(2026, 7, 1))
            if one.definition.id == "onward-advice"
        ]
        cells = practice.store.releases.all()
    names = ("numerator", "denominator", "value", "unit", "scope")
    assert [getattr(advice, name) for name in names] == [getattr(ours, name) for name in names]
    assert 0 < ours.unknown < 10
    assert advice.unknown is None
    assert "unknown" in advice.withheld
    assert {one.document for one in cells} == {"export huisarts 2026-11-02"}
    published = {(json.loads(one.cell)["indicator"], json.loads(one.cell)["part"]): one.units for one in cells}
    assert published["onward-advice", "numerator"] == ours.numerator
    # The same again is nothing new: neither the same day nor after more days have passed.
    for days in (0, 3):
        again = mailed(opened, days)
        assert not [one for one in again.files if one.messages]
        assert not again.findings
    with opened("praktijk") as practice:
        assert practice.store.releases.all() == cells


def test_what_is_withheld_is_absent_and_says_masked(opened: Any) -> None:
    mailed(opened)
    whole = [one for one in reports(opened) if one["type"] == "summary"]
    masked = [
        each for one in whole for group in one["group"] for each in group["population"] if "count" not in each
    ]  # fmt: skip
    assert masked  # few are unknown here, and how few is not told
    for each in masked:
        (extension,) = each["_count"]["extension"]
        assert extension["valueCode"] == "masked"
    assert all("stratifier" not in group for one in whole for group in one["group"])


def test_the_outcome_of_one_patient_goes_to_who_referred_and_where_consent_stands(opened: Any) -> None:
    mailed(opened)
    with opened("praktijk") as practice:
        cases = {one.case_id: one for one in practice.store.cases.of_agreement("huisarts")}
        refused = {
            case.case_id
            for case in cases.values()
            if (said := practice.store.consents.all_standing(practice.on).get((case.patient_id, GP, "effect"))) is None
            or said.state.value != "given"
        }
    with opened("huisarts") as gp:
        told = {one.case_id for one in gp.store.received.of_event("indicator-report")} - {""}
        assert hearing.individuals(gp, "huisarts") == len(told)
    assert refused
    assert told
    assert told <= set(cases) - refused
    alone = [one for one in reports(opened) if one["type"] == "individual"]
    counts = [each["count"] for one in alone for group in one["group"] for each in group["population"]]
    assert set(counts) <= {0, 1, 2, 3}  # a patient may have been treated more than once


@pytest.mark.parametrize(("patients", "sent"), [(3, False), (9, False), (12, True)])
def test_a_correction_goes_once_ten_patients_changed(opened: Any, world: Path, patients: int, sent: bool) -> None:
    mailed(opened)
    before = heard(opened)["onward-advice"]
    with opened("praktijk", 1) as practice:
        cells = practice.store.releases.all()
        _load(practice, world, corrected(patients))
    done = mailed(opened, 1)
    after = heard(opened)["onward-advice"]
    rules = {one.rule for one in done.findings}
    if sent:
        assert after.numerator == before.numerator + patients
        assert after.denominator == before.denominator
        assert not rules
    else:
        assert after == before
        assert rules == {"reporting.too-near"}
        with opened("praktijk", 1) as practice:
            assert practice.store.releases.all() == cells
    # What changed too little then goes along with what changes later.
    with opened("praktijk", 2) as practice:
        _load(practice, world, corrected(14))
    mailed(opened, 2)
    total = heard(opened)["onward-advice"].numerator
    assert total == (after.numerator if sent else before.numerator + 14)


def few_weeks_before(moment: date) -> date:
    """Return a day before a moment, such that a few patients ended their first treatment between both."""
    for days in range(1, 90):
        first = moment - timedelta(days=days)
        ended = {one.client.number for one in courses() if one.end and one.end < first}
        added = {one.client.number for one in courses() if one.end and first <= one.end < moment} - ended
        if 0 < len(added) < 10:
            return first
    raise AssertionError("in no such stretch of days a few patients ended")


def test_what_the_insurer_was_told_holds_the_partners_figures_back_too(opened: Any, world: Path) -> None:
    from exchange.operations import showing

    end = few_weeks_before(date(2026, 7, 1))
    with opened("praktijk") as practice:
        shown = showing.outside(
            practice, ("onward-advice",), to=world / "figures.json", start=drawing.FIRST_DAY, end=end, cut_off=end
        )
        assert shown.figures[0].masked is None
        near = practice.store.releases.all()
    done = mailed(opened)
    (held,) = [one for one in done.findings if one.rule == "reporting.too-near"]
    assert held.params["document"] == "indicators figures.json 2026-11-02"
    assert "onward-advice" not in heard(opened)
    with opened("praktijk") as practice:
        kept = [one for one in practice.store.releases.all() if json.loads(one.cell)["indicator"] == "onward-advice"]
    assert kept == list(near)


def test_a_dry_run_shows_the_decisions_and_publishes_nothing(opened: Any) -> None:
    with opened("praktijk") as practice:
        shown = exporting.export(practice, "huisarts", dry_run=True)
        assert "indicator-report" in {one.event for one in shown.decisions if one.allowed}
        assert practice.store.releases.all() == ()


def test_a_release_by_somebody_else_meanwhile_stops_the_export(opened: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from exchange.errors import StoreError
    from exchange.store.releases import ReleasedCell

    with opened("praktijk") as practice:
        real, before = reporting.Reports.add, practice.store.journal.outgoing()

        def late(self: Any, terms: Any, draft: Any, *, release: bool) -> None:
            real(self, terms, draft, release=release)
            named = json.dumps({"indicator": "measured", "part": "answered"})
            practice.store.releases.save("elsewhere", [ReleasedCell(named, 1, frozenset({"0" * 16}))], at=NOW)

        monkeypatch.setattr(reporting.Reports, "add", late)
        with pytest.raises(StoreError) as raised:
            exporting.export(practice, "huisarts")
        assert raised.value.rule == "exporting.meanwhile"
        assert practice.store.journal.outgoing() == before
        assert [one.document for one in practice.store.releases.all()] == ["elsewhere"]


def test_minutes_for_one_of_several_parties_stand_in_the_ledger_and_are_held_to_it(tmp_path: Path) -> None:
    from exchange.operations import reviewing

    drawn = tuple(
        replace(one, referrer=drawing.GPS[number % 2], onward=Answered.YES if number % 3 == 0 else Answered.NO)
        if one.end
        else replace(one, referrer=drawing.GPS[number % 2])
        for number, one in enumerate(courses())
    )
    _build(tmp_path, {"huisarts-a": drawing.GPS[0], "huisarts-b": drawing.GPS[1]}, drawn, "")
    said = {}
    for days, changed in ((0, 0), (1, 3)):
        with _open(tmp_path, "praktijk", days) as practice:
            if changed:
                _load(practice, tmp_path, corrected(changed, drawn))
            to = tmp_path / f"minutes-{days}.md"
            prepared = reviewing.prepare(practice, "huisarts", to=[to], reader=GP, moment=date(2026, 7, 1))
            left = [one.params for one in prepared.findings if one.rule == "releasing.left-out"]
            assert [one["document"] for one in left] == ["review huisarts 2026-11-02"] * len(left)
            assert bool(left) == bool(changed)
            assert ("niet getoond: te dicht bij wat eerder" in to.read_text(encoding="utf-8")) == bool(changed)
            cells = practice.store.releases.all()
            documents = {one.document for one in cells}
            terms = terms_of(practice, "huisarts")
            whole = weighing.weigh(terms, date(2026, 7, 1))
            shown, _, _ = weighing.beside_released(terms, date(2026, 7, 1), GP, whole)
            said[days] = {one.definition.id: one.figure for one in shown}
        assert documents == {"review huisarts 2026-11-02"}
    assert said[0]["onward-advice"].masked is None
    assert said[1]["onward-advice"].masked == weighing.TOO_NEAR
    assert said[1]["onward-advice"].numerator is None
    # To its own eyes the practice shows everything, and enters nothing.
    with _open(tmp_path, "praktijk", 2) as practice:
        before = practice.store.releases.all()
        reviewing.prepare(practice, "huisarts", to=[tmp_path / "own.md"], moment=date(2026, 7, 1))
        assert practice.store.releases.all() == before


def test_minutes_say_a_bound_only_to_who_learns_no_more_and_never_beside_what_completes_it(tmp_path: Path) -> None:
    from exchange.operations.releasing import Ledger
    from exchange.store.releases import ReleasedCell

    # Three patients without advice, all of them of the first general practice.
    drawn = tuple(
        replace(one, referrer=drawing.GPS[number % 2], onward=Answered.NO if number in (4, 8, 10) else Answered.YES)
        for number, one in enumerate(courses())
    )
    _build(tmp_path, {"huisarts-a": drawing.GPS[0], "huisarts-b": drawing.GPS[1]}, drawn, "")
    moment = date(2026, 7, 1)
    with _open(tmp_path, "praktijk") as practice:
        terms = terms_of(practice, "huisarts")
        weighed = weighing.weigh(terms, moment)
        (whole,) = (one for one in weighed if one.definition.id == "onward-advice")

        def shown(reader: str) -> Any:
            found, cells, near = weighing.beside_released(terms, moment, reader, weighed)
            assert near == ()
            (figure,) = (one.figure for one in found if one.definition.id == "onward-advice")
            assert figure.masked == "disclosure.too-few"
            entered = [one for one in cells if "onward-advice" in one.cell]
            assert len(entered) == ("bound-of" in figure.details)  # what is not said is not entered
            return figure.details

        assert shown(drawing.GPS[1])["bound-under"] == 10
        assert shown(drawing.GPS[0]) == shown(weighing.EVERYONE) == {}

        # Of an earlier whole with twelve others so few had advice that all of those are under the agreement.
        own = Ledger(practice).members(weighing._asked(terms, whole.definition, whole.figure), whole.figure)["answered"]
        others = frozenset(f"{one:016x}" for one in range(12))
        sizes = {"answered": whole.figure.denominator + 12, "numerator": 21}
        sizes["complement"] = sizes["answered"] - sizes["numerator"]
        people = {"answered": own | others, "numerator": others | frozenset(sorted(own)[:9]), "complement": own}
        practice.store.releases.save(
            "summary 2026-05-01",
            [
                ReleasedCell(
                    json.dumps({"agreement": "", "indicator": "onward-advice", "part": part}),
                    len(some), some, units=sizes[part],
                )
                for part, some in people.items()
            ],
            at=NOW,
        )  # fmt: skip
        assert shown(drawing.GPS[1]) == {}


def test_an_outcome_report_names_the_goals_instrument_where_an_indicator_is_judged_by_it(
    world: Path, tmp_path: Path
) -> None:
    def goals(folder: Path) -> list[Any]:
        with _open(folder, "huisarts") as gp:
            kept = gp.store.received.of_event("outcome-report")
        assert kept
        found = [entry["resource"] for one in kept for entry in json.loads(one.content)["entry"]]
        return [one["target"][0]["measure"]["coding"][0]["code"] for one in found if one["resourceType"] == "Goal"]

    _build(tmp_path / "judged", {"huisarts": GP}, courses(), "", ("responders", "onward-advice"))

    assert set(goals(tmp_path / "judged")) == {"nprs"}
    assert goals(world) == []  # there nothing is judged by an instrument
