"""A consent that was withdrawn stops what goes out, is told to the partner once, and stops the partner's answers."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from exchange.operations import consenting, exporting, importing
from exchange.operations.workspace import Workspace

NOW = datetime(2026, 11, 3, 10, tzinfo=UTC)


def opened(folder: Path) -> Workspace:
    return Workspace.open(folder, passphrase=lambda _name: "", now=NOW, on=NOW.date(), user="test")


def test_a_withdrawal_is_told_once_and_stops_both_sides(demo: Path) -> None:
    with opened(demo / "praktijk") as practice, opened(demo / "welzijn") as partner:
        cases = practice.store.cases.of_agreement("welzijn")
        answered = {one.case_id for one in practice.store.answers.of_cases(case.case_id for case in cases)}
        known = [one for one in cases if one.case_id in answered]
        case = known[0]
        mine = [one for one in cases if one.patient_id == case.patient_id]  # a client may have been handed over twice
        other = next(one for one in known if one.patient_id != case.patient_id)
        number = practice.store.patient_identity(case.patient_id).epd_number or ""
        for purpose in ("effect", "handover"):
            consenting.record(
                practice,
                epd_number=number,
                partner="kvk:99999995",
                purpose=purpose,
                state="withdrawn",
                day=None,
                evidence="letter",
                given_by="self",
            )
        sent = exporting.export(practice, "welzijn")
        assert [one.messages for one in sent.files] == [2 * len(mine)]
        (taken,) = importing.take_in(partner, [sent.files[0].file])
        assert {finding.rule for finding in taken.findings} == {"importing.withdrawn"}
        assert case.code in {finding.params["code"] for finding in taken.findings}
        again = exporting.export(practice, "welzijn")
        assert again.files == ()
        back = exporting.export(partner, "welzijn")
        assert "gate.consent.refused" in {premise.rule for one in back.refused for premise in one.premises}
        assert partner.store.consents.standing(
            partner.store.cases.get(other.case_id).patient_id, "agb:07999990", "effect", NOW.date()
        )
