"""The life of an agreement from the command line: every state in both languages, what it lets pass, and bad input."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

PRACTICE, GP_A, GP_B, HOSPITAL = "agb:07999990", "agb:01999991", "agb:01999992", "agb:06999994"
NOW = datetime(2026, 11, 3, 9, tzinfo=UTC)
SIGNS = ("--signs", PRACTICE, "eigenaar", "eigenaar", "p@x.invalid", "--signs", GP_A, "huisarts", "lid", "p@x.invalid")
TERM = ("--from", "2026-12-01", "--until", "2027-12-01")
Run = Callable[..., Any]
WORDS = {
    "draft": ("concept", "draft"),
    "proposed": ("voorgesteld", "proposed"),
    "signed-by-one": ("door één partij ondertekend", "signed by one party"),
    "signed": ("ondertekend, nog niet ingegaan", "signed, not yet begun"),
    "active": ("van kracht", "in force"),
    "active-paper-signed": ("van kracht, op papier ondertekend", "in force, signed on paper"),
    "under-review": ("in evaluatie", "under review"),
    "revised": ("vervangen door een nieuwe versie", "replaced by a newer version"),
    "follow-up-tail": ("beëindigd, nazorgtermijn", "ended, in follow-up"),
    "ended": ("beëindigd", "ended"),
    "expired": ("verlopen", "expired"),
}


def on(day: str) -> datetime:
    return datetime.fromisoformat(f"{day}T09:00:00+00:00")


def state(run: Run, folder: Path, name: str = "nieuw", *, at: datetime = NOW, version: int | None = None) -> str:
    """Return an agreement's state, after seeing that the list says it in Dutch and in English."""
    words = ("agreement", "list", "--versions")
    listed = run(*words, "--json", workspace=folder, at=at).json["agreements"]
    found = [one for one in listed if one["agreement_id"] == name and version in (None, one["version"])][-1]
    for language, word in zip(("nl", "en"), WORDS[found["state"]], strict=True):
        lines = run(*words, "--language", language, workspace=folder, at=at).out.splitlines()
        assert any(line.startswith(f"{name} ") and word in line for line in lines)
    if version is None and found["state"] != "draft":
        shown = run("agreement", "show", name, "--language", "nl", workspace=folder, at=at)
        assert shown.out.splitlines()[-1].endswith(f": {WORDS[found['state']][0]}.")
    return str(found["state"])


def new(run: Run, town: Any, *more: str, name: str = "nieuw") -> Path:
    said = run("agreement", "new", "gp", "--partner", GP_A, "--id", name, *SIGNS, *more, "--json",
               workspace=town["praktijk"])  # fmt: skip
    assert said.code == 0
    return Path(said.json["file"])


def proposed(run: Run, town: Any, draft: Path, *, at: datetime = NOW) -> Path:
    said = run("agreement", "sign", draft, "--json", workspace=town["praktijk"], at=at)
    assert said.code == 0, said.err
    (one,) = said.json["files"]
    return Path(one["file"])


def goes_round(run: Run, town: Any, draft: Path, *, at: datetime = NOW, name: str = "nieuw") -> None:
    assert run("import", proposed(run, town, draft, at=at), workspace=town["huisarts-a"], at=at).code == 0
    said = run("agreement", "accept", name, "--json", workspace=town["huisarts-a"], at=at)
    assert run("import", said.json["files"][0]["file"], workspace=town["praktijk"], at=at).code == 0


# States -----------------------------------------------------------------------------------------------------------


def test_an_agreement_goes_through_its_whole_life(run: Run, town: Any) -> None:
    practice, gp = town["praktijk"], town["huisarts-a"]
    draft = new(run, town, *TERM)
    assert state(run, practice) == "draft"
    proposal = proposed(run, town, draft)
    assert state(run, practice) == "signed-by-one"
    assert run("import", proposal, workspace=gp).code == 0
    assert state(run, gp) == "proposed"
    said = run("agreement", "accept", "nieuw", "--json", workspace=gp)
    assert run("import", said.json["files"][0]["file"], workspace=practice).code == 0
    for folder in (practice, gp):
        assert state(run, folder) == "signed"
        assert state(run, folder, at=on("2026-12-01")) == "active"
        assert state(run, folder, at=on("2027-11-30")) == "active"
        assert state(run, folder, at=on("2027-12-01")) == "follow-up-tail"
        assert state(run, folder, at=on("2029-12-01")) == "expired"


def test_an_agreement_ended_before_its_term_is_ended_and_not_expired(run: Run, town: Any) -> None:
    words = ("agreement", "end", "huisartsen", "--on", "2026-11-03", "--ground", "agreed", "--json")
    tail = run(*words, workspace=town["praktijk"]).json["tail_until"]
    assert state(run, town["praktijk"], "huisartsen") == "follow-up-tail"
    last = on(tail) - timedelta(days=1)
    assert state(run, town["praktijk"], "huisartsen", at=last) == "follow-up-tail"
    assert state(run, town["praktijk"], "huisartsen", at=on(tail)) == "ended"


def test_on_paper_it_is_in_force_and_says_so(run: Run, town: Any) -> None:
    assert state(run, town["praktijk"], "ziekenhuis") == "active-paper-signed"


def test_a_review_marks_it_until_it_is_held(run: Run, mailed: Any) -> None:
    """A review can be opened from the command line, and the list says so."""
    said = run("agreement", "review", "huisartsen", "--json", workspace=mailed["praktijk"])
    assert said.code in {0, 3}, said.err
    assert state(run, mailed["praktijk"], "huisartsen") == "under-review"


def second(run: Run, town: Any, draft: Path, start: str = "2026-11-03") -> Path:
    text = draft.read_text(encoding="utf-8").replace("\nversion: 1\n", "\nversion: 2\n")
    file = draft.with_name("nieuw-2.yaml")
    file.write_text(text.replace('from: "2026-10-01"', f'from: "{start}"').replace("2026-10-01", start))
    return file


def test_a_new_version_replaces_the_old_one_on_its_first_day(run: Run, town: Any) -> None:
    draft = new(run, town, "--from", "2026-10-01", "--until", "2027-12-01")
    goes_round(run, town, draft)
    goes_round(run, town, second(run, town, draft, "2026-12-15"))
    for folder in (town["praktijk"], town["huisarts-a"]):
        assert (state(run, folder, version=1), state(run, folder, version=2)) == ("active", "signed")
        there = on("2026-12-15")
        assert (state(run, folder, version=1, at=there), state(run, folder, version=2, at=there)) == (
            "revised", "active",
        )  # fmt: skip
    # What follows the first version's end is the second: neither side is ever without, or under two.
    day = on("2026-12-14")
    assert [state(run, town["praktijk"], version=one, at=day) for one in (1, 2)] == ["active", "signed"]


def test_the_old_version_is_taken_in_for_thirty_days_where_it_was_made_before(run: Run, mailed: Any) -> None:
    """GP A answered under version 1; the practice switches to version 2 before it takes that in."""
    from exchange.operations import agreeing, importing

    answer = mailed["post"] / "from-a.age"
    copies = []
    for day in ("2026-12-02", "2026-12-03"):
        there = mailed.folder.parent / f"copy-{day}"
        shutil.copytree(mailed.folder, there)
        copies.append((type(mailed)(there), on(day)))
    for town, at in copies:
        with town.open("praktijk") as practice, town.open("huisarts-a") as a, town.open("huisarts-b") as b:
            draft = practice.folder / "agreements" / "huisartsen.yaml"
            draft.write_text(draft.read_text(encoding="utf-8").replace("\nversion: 1\n", "\nversion: 2\n"))
            for posted in agreeing.sign(practice, draft).files:
                partner = a if posted.party == GP_A else b
                importing.take_in(partner, [posted.file])
                importing.take_in(practice, [one.file for one in agreeing.accept(partner, "huisartsen").files])
        said = run("import", answer, "--json", workspace=town["praktijk"], at=at)
        if at == on("2026-12-02"):
            assert said.code in {0, 3}, said.err
        else:
            assert (said.code, said.json["error"]["rule"]) == (11, "gate.version.refused")


# A state binds at signing, export and import ----------------------------------------------------------------------


@pytest.fixture
def refused(run: Run, snapshot: Any) -> Callable[..., Any]:
    def tried(folder: Path, *words: object, rule: str, code: int = 11, at: datetime = NOW, article: str = "") -> Any:
        before = snapshot(folder)
        said = run(*words, "--json", workspace=folder, at=at)
        assert said.code == code, said.out
        assert said.json["error"]["rule"] == rule
        assert said.json["error"]["hints"]
        dutch = run(*words, "--language", "nl", workspace=folder, at=at)
        assert "\n  → " in dutch.err
        assert article in dutch.err
        assert snapshot(folder) == before
        return said.json["error"]

    return tried


def test_what_one_side_signed_lets_nothing_out(run: Run, town: Any, refused: Any) -> None:
    proposed(run, town, new(run, town))
    refused(town["praktijk"], "export", "nieuw", rule="gate.signed.refused", article="Ondertekening")


def test_before_its_first_day_nothing_moves(run: Run, town: Any, refused: Any) -> None:
    goes_round(run, town, new(run, town, *TERM))
    refused(town["praktijk"], "export", "nieuw", rule="gate.begun.refused", article="Looptijd")


def test_what_is_over_is_not_signed_not_exported_and_not_imported(run: Run, mailed: Any, refused: Any) -> None:
    late = on("2030-06-01")
    draft = new(run, mailed)
    proposal = proposed(run, mailed, draft)
    assert run("import", proposal, workspace=mailed["huisarts-a"]).code == 0
    refused(mailed["huisarts-a"], "agreement", "accept", "nieuw", rule="agreeing.proposal-wrong", at=late)
    refused(mailed["praktijk"], "agreement", "sign", draft, rule="agreements.not-ready", at=late)
    refused(mailed["praktijk"], "export", "huisartsen", rule="gate.in-time.refused", at=late, article="Looptijd")
    ends = ("agreement", "end", "huisartsen", "--on", "2024-01-02", "--ground", "agreed")
    assert run(*ends, workspace=mailed["praktijk"], at=on("2024-01-02")).code == 0
    answer = mailed["post"] / "from-a.age"
    refused(mailed["praktijk"], "import", answer, rule="gate.in-time.refused", article="Looptijd")


def test_what_was_ended_is_signed_by_nobody(run: Run, town: Any, refused: Any) -> None:
    proposal = proposed(run, town, new(run, town))
    assert run("import", proposal, workspace=town["huisarts-a"]).code == 0
    said = run("agreement", "accept", "nieuw", "--json", workspace=town["huisarts-a"])
    ends = ("agreement", "end", "nieuw", "--on", "2026-11-03", "--ground", "agreed")
    assert run(*ends, workspace=town["praktijk"]).code == 0
    answer = said.json["files"][0]["file"]
    refused(town["praktijk"], "import", answer, rule="agreeing.ended", article="Na het einde")
    draft = town["praktijk"] / "agreements" / "nieuw.yaml"
    refused(town["praktijk"], "agreement", "sign", draft, rule="agreeing.ended", article="Na het einde")


def test_signed_once_more_a_draft_keeps_what_partners_signed(run: Run, town: Any) -> None:
    draft = new(run, town)
    goes_round(run, town, draft)
    again = run("agreement", "sign", draft, "--json", workspace=town["praktijk"])
    assert (again.code, again.json["state"], again.json["files"]) == (0, "active", [])


# Bad input --------------------------------------------------------------------------------------------------------


def control(town: Any, name: str, party: str, payload: bytes, stem: str) -> Path:
    from exchange.operations import posting
    from exchange.sealing.manifest import Kind
    from exchange.sealing.sealing import Content

    content = Content(f"{stem}.jws.json", "application/jose+json", 1, payload)
    with town.open(name) as workspace:
        return posting.post(
            workspace, kind=Kind.CONTROL, party=party, stream="nieuw", contents=(content,), agreement=None
        ).file


def signature_of(town: Any, name: str, party: str) -> bytes:
    """Return a party's signature over the agreement `nieuw`, as somebody keeps it."""
    from exchange.operations import agreeing

    with town.open(name) as workspace:
        stored = agreeing.find(workspace, "nieuw")
        return next(one.jws for one in agreeing.signatures(stored) if one.party == party)


def one_word(jws: bytes) -> bytes:
    """Change one word of the text and leave the signatures as they are."""
    from exchange.signing.keys import base64url, from_base64url

    whole = json.loads(jws)
    text = from_base64url(whole["payload"])
    changed = text.replace(b'"breach-hours":24', b'"breach-hours":96')
    assert changed != text
    return json.dumps({**whole, "payload": base64url(changed)}).encode()


def one_less(jws: bytes) -> bytes:
    whole = json.loads(jws)
    return json.dumps({**whole, "signatures": whole["signatures"][:1]}).encode()


@pytest.mark.parametrize("change", [one_word, one_less])
def test_a_text_that_was_tampered_with_or_lacks_a_signature_is_refused(
    run: Run, town: Any, refused: Any, change: Callable[[bytes], bytes]
) -> None:
    proposed(run, town, new(run, town))
    proposal = control(town, "praktijk", GP_A, change(signature_of(town, "praktijk", PRACTICE)), "proposal")
    refused(town["huisarts-a"], "import", proposal, rule="agreeing.text-changed", article="Ondertekening")


def test_an_answer_that_lacks_a_signature_is_refused(run: Run, town: Any, refused: Any) -> None:
    assert run("import", proposed(run, town, new(run, town)), workspace=town["huisarts-a"]).code == 0
    assert run("agreement", "accept", "nieuw", workspace=town["huisarts-a"]).code == 0
    answer = control(town, "huisarts-a", PRACTICE, one_less(signature_of(town, "huisarts-a", GP_A)), "response")
    refused(town["praktijk"], "import", answer, rule="agreeing.text-changed", article="Ondertekening")


def test_a_signature_by_a_revoked_key_counts_no_more(run: Run, town: Any, refused: Any) -> None:
    assert run("import", proposed(run, town, new(run, town)), workspace=town["huisarts-a"]).code == 0
    said = run("agreement", "accept", "nieuw", "--json", workspace=town["huisarts-a"])
    assert run("partner", "revoke", GP_A, "--how", "gebeld", workspace=town["praktijk"]).code == 0
    refused(town["praktijk"], "import", said.json["files"][0]["file"], rule="partners.revoked", code=12)
    # What it signed before holds no more either: for A nothing moves, for B it goes on.
    dry = run("export", "huisartsen", "--dry-run", "--json", workspace=town["praktijk"]).json["decisions"]
    assert not any(one["allowed"] for one in dry if one["party"] == GP_A)
    assert any(one["allowed"] for one in dry if one["party"] == GP_B)
    rules = {premise["rule"] for one in dry if one["party"] == GP_A for premise in one["premises"]}
    assert {"gate.card.refused", "gate.signed.refused"} <= rules


def test_two_versions_in_force_at_once_are_refused(run: Run, town: Any, refused: Any) -> None:
    """No command makes them; a store that was put together from two halves could."""
    draft = new(run, town, "--from", "2026-10-01", "--until", "2027-12-01", "--covers-from", "2024-01-01")
    goes_round(run, town, draft)
    goes_round(run, town, second(run, town, draft))
    with town.open("praktijk") as practice:
        first = practice.store.agreements.find("nieuw", 1)
        practice.store.agreements.save(replace(first, superseded_on=None), by="tester", at=NOW)
    refused(town["praktijk"], "export", "nieuw", rule="agreements.two-active", article="Wijzigen")
    assert run("agreement", "sign", draft.with_name("nieuw-2.yaml"), workspace=town["praktijk"]).code == 0
    assert state(run, town["praktijk"], version=1) == "revised"
    assert run("export", "nieuw", workspace=town["praktijk"]).code in {0, 3}


def test_an_older_text_is_not_taken_in_after_a_newer_one(run: Run, town: Any, refused: Any) -> None:
    draft = new(run, town, "--from", "2026-10-01", "--until", "2027-12-01")
    goes_round(run, town, draft)
    goes_round(run, town, second(run, town, draft))
    other = draft.read_text(encoding="utf-8").replace("2027-12-01", "2027-11-01")
    with town.open("praktijk") as practice:
        from exchange.agreements import signing
        from exchange.indicators.reading import shipped_definitions
        from exchange.operations import drafting

        draft.write_text(other, encoding="utf-8")
        payload = signing.freeze(drafting.read(draft), shipped_definitions(), on=practice.on)
        jws = signing.sign(payload, practice.keyring.signing, on=practice.on)
    proposal = control(town, "praktijk", GP_A, jws, "proposal")
    refused(town["huisarts-a"], "import", proposal, rule="agreeing.version-taken", article="Wijzigen")
    refused(town["praktijk"], "agreement", "sign", draft, rule="agreeing.version-taken", article="Wijzigen")


def test_an_agreement_in_the_past_is_found_with_its_line_and_not_signed(run: Run, town: Any, refused: Any) -> None:
    draft = new(run, town, "--from", "2020-01-01", "--until", "2021-01-01")
    said = run("agreement", "check", draft, "--json", workspace=town["praktijk"])
    (past,) = (one for one in said.json["findings"] if one["rule"] == "agreements.past")
    assert past["line"] > 1
    assert "until" in draft.read_text(encoding="utf-8").splitlines()[past["line"] - 1]
    refused(town["praktijk"], "agreement", "sign", draft, rule="agreements.not-ready")


@pytest.mark.parametrize(
    ("rule", "text", "line"),
    [
        ("agreements.yaml-alias", "format: agreement/1\nid: &naam nieuw\n", 2),
        ("agreements.yaml-alias", "format: agreement/1\nid: *naam\n", 2),
        ("agreements.yaml-alias", "a: &a [x]\nb: &b [*a, *a]\nc: [*b, *b]\n", 1),
        ("agreements.yaml-too-big", "parties:\n" + "- x\n" * 100_000, 19_999),
        ("agreements.yaml-too-big", "parties:\n" + "- x\n" * 1_000_000, 1),
        ("agreements.yaml-too-big", "a: " + "[" * 40 + "]" * 40, 1),
    ],
)
@pytest.mark.parametrize("words", [("check",), ("sign",), ("show",)])
def test_yaml_that_is_more_than_plain_is_refused_with_its_line(
    refused: Any, town: Any, tmp_path: Path, rule: str, text: str, line: int, words: tuple[str]
) -> None:
    file = tmp_path / "raar.yaml"
    file.write_text(text, encoding="utf-8")
    error = refused(town["praktijk"], "agreement", *words, file, rule=rule)
    assert f"line {line}" in error["text"]


def test_a_form_with_a_formula_or_of_another_agreement_is_refused(
    run: Run, town: Any, refused: Any, tmp_path: Path
) -> None:
    import openpyxl

    practice = town["praktijk"]
    with town.open("praktijk") as workspace:
        from exchange.operations import agreeing

        file = town.draft(workspace, "specialist", "poli", HOSPITAL, passphrase_until=datetime(2027, 6, 1).date())  # noqa: DTZ001 - a day
        agreeing.sign(workspace, file)
        agreeing.sign_paper(
            workspace, "poli", party=HOSPITAL, signatory="hoofd", authority="volmacht", signed_on=workspace.on,
            scan=town["scan.txt"],
        )  # fmt: skip
    forms = {name: tmp_path / f"{name}.xlsx" for name in ("ziekenhuis", "poli")}
    for name, file in forms.items():
        assert run("agreement", "form", name, "--partner", HOSPITAL, "--to", file, workspace=practice).code == 0
    words = ("--agreement", "ziekenhuis", "--partner", HOSPITAL, "--how", "gebracht")
    refused(practice, "import", forms["poli"], *words, rule="agreements.form-other", article="Ondertekening")
    book = openpyxl.load_workbook(forms["ziekenhuis"])
    book.worksheets[0]["F12"] = '=HYPERLINK("https://x.invalid","nee")'
    book.save(tmp_path / "formule.xlsx")
    said = run("import", tmp_path / "formule.xlsx", *words, "--json", workspace=practice)
    assert said.code in {11, 15}
    assert said.json["error"]["hints"]
    assert "formul" in said.json["error"]["text"].lower()
