"""exchange retention: what is due by each role's terms, its destruction beyond recovery, and the signed record."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

NOW = datetime(2026, 11, 3, 9, tzinfo=UTC)
SOON = datetime(2027, 6, 1, 9, tzinfo=UTC)
LONG_AFTER = datetime(2033, 1, 2, 9, tzinfo=UTC)
GP_A = "agb:01999991"


def pages(folder: Path) -> bytes:
    """Return every page of a store as SQLCipher would decrypt it, free ones and the write-ahead log included."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    from exchange.sealing import keystore

    key = keystore.unlock(folder / "keys", None).store.database

    def opened(page: bytes) -> bytes:
        body, nonce = page[:-80], page[-80:-64]
        decryptor = Cipher(algorithms.AES(key), modes.CBC(nonce)).decryptor()
        return decryptor.update(body) + decryptor.finalize()

    data = (folder / "store.db").read_bytes()
    found = [opened(data[16:4096])] + [opened(data[at : at + 4096]) for at in range(4096, len(data), 4096)]
    log = folder / "store.db-wal"
    if log.is_file():
        frames = log.read_bytes()[32:]
        for at in range(0, len(frames) - 24, 24 + 4096):
            page = frames[at + 24 : at + 24 + 4096]
            found.append(opened(page[16:] if frames[at : at + 4] == b"\0\0\0\1" else page))
    return b"".join(found)


def counts(ran: Any, what: str = "due") -> dict[str, int]:
    found: dict[str, int] = {}
    for one in ran.json[what]:
        found[one["kind"]] = found.get(one["kind"], 0) + one["count"]
    return found


def test_nothing_is_due_within_the_terms_and_identities_go_before_the_course_does(run: Any, mailed: Any) -> None:
    practice = mailed["praktijk"]
    # a proposal that was signed has arrived: its sealed file is of no use any more
    assert set(counts(run("retention", "due", "--json", workspace=practice))) == {"identity", "outbox"}
    early = counts(run("retention", "due", "--json", workspace=practice, at=SOON))
    with mailed.open("praktijk", now=SOON) as workspace:
        data = workspace.store.dataset()
        long_ago = [one for one in data.episodes if one.end is not None and one.end < date(2024, 6, 1)]
        assert 0 < early["care"] <= len(long_ago)
        assert 0 < early["identity"] < len({one.patient_id for one in data.patients})
    assert run("retention", "run", "--yes", "--json", workspace=practice).code == 0
    assert "niets over de termijn" in run("retention", "due", "--language", "nl", workspace=practice).out


def test_a_run_asks_first_and_destroys_nothing_without_a_yes(run: Any, mailed: Any, snapshot: Any) -> None:
    practice = mailed["praktijk"]
    before = snapshot(practice)
    said = run("retention", "run", workspace=practice, at=LONG_AFTER)
    assert said.code == 2
    assert "--yes" in said.err
    assert run("retention", "run", "--json", workspace=practice, at=LONG_AFTER).code == 2
    assert snapshot(practice) == before


def test_what_was_destroyed_is_in_no_page_any_more_and_the_chain_stays_whole(run: Any, treated: Any) -> None:
    practice = treated["praktijk"]
    run("export", "huisartsen", workspace=practice)
    run("retention", "run", "--yes", workspace=practice, at=SOON)
    with treated.open("praktijk") as workspace:
        data = workspace.store.dataset()
        cases = workspace.store.cases.of_agreement("huisartsen")
        canaries = [one.episode_id.encode() for one in data.episodes] + [case.case_id.encode() for case in cases]
        entries, _ = workspace.store.audit.head()
    before = pages(practice)
    assert all(canary in before for canary in canaries)
    due = counts(run("retention", "due", "--json", workspace=practice, at=LONG_AFTER))
    assert due["care"] == len(data.episodes)
    ran = run("retention", "run", "--yes", "--json", workspace=practice, at=LONG_AFTER)
    assert ran.code == 0
    done = counts(ran, "destroyed")
    assert {kind: done[kind] for kind in due} == due
    assert done["patient"] == len(data.patients)
    after = pages(practice)
    assert [canary for canary in canaries if canary in after] == []
    assert run("retention", "due", "--json", workspace=practice, at=LONG_AFTER).json == {"due": []}
    verified = run("log", "verify", "--json", workspace=practice, at=LONG_AFTER)
    assert (verified.code, verified.json["findings"]) == (0, [])
    assert verified.json["entries"] == entries + 1
    assert run("doctor", "--json", workspace=practice).code == 0
    with treated.open("praktijk") as workspace:
        assert workspace.store.dataset().patients == ()
        assert workspace.store.audit.show()[0].erased


def test_the_record_is_signed_printed_and_found_out_when_it_was_changed(run: Any, mailed: Any, tmp_path: Path) -> None:
    practice = mailed["praktijk"]
    assert run("retention", "list", "--json", workspace=practice).json == {"records": []}
    made = run("retention", "run", "--yes", "--json", workspace=practice, at=LONG_AFTER).json
    listed = run("retention", "list", "--to", tmp_path / "gewist.txt", "--language", "nl", workspace=practice)
    assert listed.code == 0
    text = (tmp_path / "gewist.txt").read_text(encoding="utf-8")
    assert "2033-01-02, door tester" in text
    assert "bewaartermijn van de afspraak" in text
    with mailed.open("praktijk") as workspace:
        assert not any(one.epd_number in text for one in workspace.store.dataset().patients if one.epd_number)
    file = practice / "destroyed" / made["record"]
    file.write_bytes(file.read_bytes().replace(b"A", b"B", 1))
    again = run("retention", "list", "--json", workspace=practice)
    assert (again.code, [one["sound"] for one in again.json["records"]]) == (3, [False])


def test_a_partner_keeps_a_case_while_the_course_may_go_on_and_loses_it_after_its_term(run: Any, mailed: Any) -> None:
    gp = mailed["huisarts-a"]
    assert set(counts(run("retention", "due", "--json", workspace=gp))) == {"outbox"}
    with mailed.open("huisarts-a") as workspace:
        cases = [one.case_id for one in workspace.store.cases.received()]
        assert list((gp / "inbox").glob("*.age"))
    half = datetime(2029, 6, 1, 9, tzinfo=UTC)
    some = counts(run("retention", "due", "--json", workspace=gp, at=half)).get("case", 0)
    assert some <= len(cases)
    whole = run("retention", "run", "--yes", "--json", workspace=gp, at=LONG_AFTER)
    assert counts(whole, "destroyed")["case"] == len(cases)
    assert {one["agreement"] for one in whole.json["destroyed"] if one["kind"] == "case"} == {"huisartsen"}
    assert list((gp / "inbox").glob("*.age")) == []
    with mailed.open("huisarts-a") as workspace:
        assert workspace.store.cases.received() == ()
        assert workspace.store.answers.of_cases(cases) == ()
        assert workspace.store.received.of_case(cases[0]) == ()
    assert not any(case.encode() in pages(gp) for case in cases)
    assert run("log", "verify", "--json", workspace=gp).json["findings"] == []


def test_erasing_a_client_waits_until_partners_were_told_and_then_leaves_nothing(run: Any, mailed: Any) -> None:
    practice = mailed["praktijk"]
    with mailed.open("praktijk") as workspace:
        cases = workspace.store.cases.of_agreement("huisartsen")
        shared = {one.patient_id for one in cases if one.partner != GP_A}
        case = next(one for one in cases if one.patient_id not in shared)
        number = workspace.store.patient_identity(case.patient_id).epd_number
        entries, _ = workspace.store.audit.head()
    erase = ("retention", "erase", "--epd", number, "--yes", "--json")
    refused = run(*erase, workspace=practice)
    assert (refused.code, refused.json["error"]["rule"]) == (14, "retaining.not-told")
    consent = ("consent", "record", "--epd", number, "--partner", GP_A, "--purpose", "effect", "--evidence", "letter")
    run(*consent, "--state", "withdrawn", workspace=practice)
    assert run(*erase, workspace=practice).code == 14
    run("export", "huisartsen", workspace=practice)
    done = run(*erase, workspace=practice)
    assert done.code == 0, done.out
    gone = {(one["kind"], one["law"]) for one in done.json["destroyed"]}
    assert gone >= {("care", "request"), ("patient", "request")}
    assert case.episode_id.encode() not in pages(practice)
    with mailed.open("praktijk") as workspace:
        assert case.patient_id not in {one.patient_id for one in workspace.store.dataset().patients}
        standing = workspace.store.consents.all_standing(workspace.on)
        assert {key[0] for key in standing if standing[key].state.value == "withdrawn"} == {case.patient_id}
        assert workspace.store.audit.head()[0] > entries
        assert [one.event.event for one in workspace.store.audit.of_patient(case.patient_id)][-1] == "erasure-asked"
    assert run("log", "verify", "--json", workspace=practice).json["findings"] == []
    assert run("log", "show", "--patient", number, "--json", workspace=practice).code == 14
