"""exchange agreement accede and end: who joins a framework later, who leaves, and what is refused of either."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

PRACTICE, GP_A, GP_B, GP_C, HOSPITAL = (
    "agb:07999990", "agb:01999991", "agb:01999992", "agb:01999993", "agb:06999994",
)  # fmt: skip
SIGNER = ("--function", "praktijkhouder", "--authority", "handelsregister")
TODAY, NOW = date(2026, 11, 3), datetime(2026, 11, 3, 9, tzinfo=UTC)
Run = Callable[..., Any]


def file_of(said: Any, party: str) -> Path:
    assert said.code == 0, said.err or said.out
    (found,) = (Path(one["file"]) for one in said.json["files"] if one["party"] == party)
    return found


def open_draft(practice: Any, name: str, *parties: str, **more: Any) -> Path:
    from exchange.operations import drafting
    from exchange.operations.inventing import drawing

    signs = drafting.Signing("praktijkhouder", "eigenaar", "privacy@voorbeeld.invalid")
    return drafting.new(
        practice, "gp", parties=parties, agreement_id=name, start=date(2024, 1, 1), until=date(2027, 12, 31),
        covers_from=drawing.FIRST_DAY, signing=dict.fromkeys((drawing.PRACTICE, *parties), signs),
        place="Voorbeeldstad (verzonnen)", open_to_others=True, **more,
    )  # fmt: skip


@pytest.fixture(scope="session")
def hagro_made(town_made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the town with a third GP and an open framework `hagro` that A and B signed; C holds the offer."""
    from exchange.operations import acceding, agreeing, importing, partners
    from exchange.operations.inventing import drawing
    from exchange.operations.workspace import Workspace

    top = tmp_path_factory.mktemp("hagro") / "hagro"
    shutil.copytree(town_made, top, ignore=shutil.ignore_patterns("made"))

    def at(name: str) -> Workspace:
        return Workspace.open(top / name, passphrase=lambda _name: "", now=NOW, on=TODAY, user="tester")

    Workspace.create(
        top / "huisarts-c", party=GP_C, also=("kvk:99999993",), name=drawing.NAMES[GP_C],
        contact="privacy@voorbeeld.invalid", passphrase=None, now=NOW, on=TODAY, user="tester",
    ).close()  # fmt: skip
    with at("praktijk") as practice, at("huisarts-a") as a, at("huisarts-b") as b, at("huisarts-c") as c:
        for giver, taker, kind in ((c, practice, "gp"), (practice, c, "practice")):
            file = top / "kaarten" / f"{giver.folder.name}.json"
            card = partners.own_card(giver, to=file)
            partners.add(taker, file, kind=kind, label="HAGRO Noord" if kind == "gp" else "")
            partners.verify(
                taker, card.parties[0], fingerprint=card.fingerprint, ours=taker.card.fingerprint, how="telefonisch"
            )
        draft = open_draft(practice, "hagro", GP_A, GP_B, open_until=date(2027, 6, 1))
        for posted in agreeing.sign(practice, draft).files:
            partner = a if posted.party == GP_A else b
            importing.take_in(partner, [posted.file])
            importing.take_in(practice, [one.file for one in agreeing.accept(partner, "hagro").files])
        (offered,) = acceding.offer(practice, "hagro", GP_C).files
        importing.take_in(c, [offered.file])
    return top


@pytest.fixture
def hagro(hagro_made: Path, town: Any, tmp_path: Path) -> Any:
    """Return a copy of that town, to change."""
    shutil.copytree(hagro_made, tmp_path / "hagro")
    return type(town)(tmp_path / "hagro")


@pytest.fixture
def joined(run: Run, hagro: Any) -> Any:
    """Return the town after C acceded and the practice accepted."""
    asked = run("agreement", "accede", "hagro", *SIGNER, "--label", "HAGRO Noord", "--json",
                workspace=hagro["huisarts-c"])  # fmt: skip
    assert run("import", file_of(asked, PRACTICE), workspace=hagro["praktijk"]).code == 0
    accepted = run("agreement", "accede", "hagro", "--accept", GP_C, "--json", workspace=hagro["praktijk"])
    assert run("import", file_of(accepted, GP_C), workspace=hagro["huisarts-c"]).code == 0
    return hagro


def members(run: Run, folder: Path, at: datetime = NOW) -> dict[str, Any]:
    said = run("agreement", "list", "--parties", "--json", workspace=folder, at=at)
    return {one["party"]: one for one in said.json["parties"] if one["agreement_id"] == "hagro"}


def state(run: Run, folder: Path, at: datetime = NOW) -> str:
    said = run("agreement", "list", "--json", workspace=folder, at=at).json["agreements"]
    return next(str(one["state"]) for one in said if one["agreement_id"] == "hagro")


# Joining ----------------------------------------------------------------------------------------------------------


def test_who_joins_without_naming_a_group_stands_in_the_practices_own(run: Run, hagro: Any) -> None:
    asked = run("agreement", "accede", "hagro", *SIGNER, "--json", workspace=hagro["huisarts-c"])
    assert run("import", file_of(asked, PRACTICE), workspace=hagro["praktijk"]).code == 0
    assert run("agreement", "accede", "hagro", "--accept", GP_C, workspace=hagro["praktijk"]).code == 0
    assert members(run, hagro["praktijk"])[GP_C]["label"] == "HAGRO Noord"


def test_a_member_joins_and_nobody_signs_anew(run: Run, hagro: Any) -> None:
    c, practice = hagro["huisarts-c"], hagro["praktijk"]
    assert state(run, c) == "proposed"
    asked = run("agreement", "accede", "hagro", *SIGNER, "--label", "HAGRO Noord", "--json", workspace=c)
    assert state(run, c) == "signed-by-one"
    taken = run("import", file_of(asked, PRACTICE), "--json", workspace=practice)
    assert (taken.code, taken.json["files"][0]["state"]) == (0, "accession")
    waiting = members(run, practice)[GP_C]
    assert (waiting["waiting"], waiting["state"], waiting["label"]) == (True, "signed-by-one", "HAGRO Noord")
    accepted = run("agreement", "accede", "hagro", "--accept", GP_C, "--json", workspace=practice)
    assert accepted.json["digest"] == asked.json["digest"]
    back = run("import", file_of(accepted, GP_C), "--json", workspace=c)
    assert (back.code, back.json["files"][0]["state"]) == (0, "acceptance")
    assert state(run, c) == "active"
    everyone = members(run, practice)
    assert {party: one["state"] for party, one in everyone.items()} == dict.fromkeys((GP_A, GP_B, GP_C), "active")
    assert [party for party, one in everyone.items() if one["acceded"]] == [GP_C]
    assert list(members(run, c)) == [GP_C]  # who else signed is between them and the practice


def test_who_acceded_is_in_the_text_that_a_next_version_is_compared_with(run: Run, joined: Any, tmp_path: Path) -> None:
    """The next version names everyone, so nobody is new in it; who is left out of it is told."""
    from exchange.operations import agreeing

    with joined.open("praktijk") as practice:
        raw = dict(agreeing.thawed(agreeing.find(practice, "hagro")).agreement.raw)
    draft = tmp_path / "hagro-2.yaml"

    def compared(parties: list[Any]) -> list[str]:
        draft.write_text(json.dumps({**raw, "version": 2, "parties": parties}), encoding="utf-8")
        said = run("agreement", "diff", "hagro", draft, "--json", workspace=joined["praktijk"])
        again = run("agreement", "diff", "hagro@1", draft, "--json", workspace=joined["praktijk"])
        assert again.json["changes"] == said.json["changes"]
        return [f"{one['kind']} {one['path']}" for one in said.json["changes"]]

    assert compared(raw["parties"]) == []
    assert compared([one for one in raw["parties"] if one["id"] != GP_C]) == [f"removed parties.{GP_C}"]


def test_what_waits_is_said_in_words(run: Run, hagro: Any) -> None:
    asked = run("agreement", "accede", "hagro", *SIGNER, "--json", workspace=hagro["huisarts-c"])
    run("import", file_of(asked, PRACTICE), workspace=hagro["praktijk"])
    said = run("agreement", "list", "--parties", "--language", "nl", workspace=hagro["praktijk"])
    assert f"accede hagro --accept {GP_C}" in said.out
    assert "door één partij ondertekend" in said.out


@pytest.mark.parametrize(
    ("language", "title"), [("nl", "Bijlage 4. Toegetreden partijen"), ("en", "Annex 4. Parties that acceded")]
)
@pytest.mark.parametrize("name", ["praktijk", "huisarts-c"])
def test_the_print_lists_who_acceded_with_numbers_and_signatory(
    run: Run, joined: Any, name: str, language: str, title: str
) -> None:
    said = run("agreement", "show", "hagro", "--language", language, workspace=joined[name])
    _, _, annex = said.out.partition(title)
    for words in (GP_C, "kvk:99999993", "praktijkhouder (handelsregister)", "privacy@voorbeeld.invalid", "HAGRO Noord"):
        assert words in annex


def test_an_accession_asked_twice_is_sent_again_and_counts_once(run: Run, hagro: Any) -> None:
    first = run("agreement", "accede", "hagro", *SIGNER, "--json", workspace=hagro["huisarts-c"])
    again = run("agreement", "accede", "hagro", *SIGNER, "--json", workspace=hagro["huisarts-c"])
    for said in (first, again):
        assert run("import", file_of(said, PRACTICE), workspace=hagro["praktijk"]).code == 0
    assert list(members(run, hagro["praktijk"])) == [GP_A, GP_B, GP_C]


def test_a_party_accedes_on_paper_and_gets_its_forms(run: Run, hagro: Any, tmp_path: Path) -> None:
    practice = hagro["praktijk"]
    words = ("--signatory", "de directeur", "--function", "directeur", "--authority", "statuten", "--privacy-contact",
             "fg@ziekenhuis.invalid", "--signed-on", "2026-11-01", "--scan", hagro["scan.txt"])  # fmt: skip
    with hagro.open("praktijk") as workspace:
        from exchange.operations import agreeing, importing, partners

        partners.add_paper(workspace, "agb:01000009", name="Huisarts Negen (verzonnen)", kind="gp", label="HAGRO Noord")
        draft = open_draft(workspace, "papier", GP_A, open_until=date(2027, 6, 1), passphrase_until=date(2027, 6, 1))
        (posted,) = agreeing.sign(workspace, draft).files
        with hagro.open("huisarts-a") as a:
            importing.take_in(a, [posted.file])
            importing.take_in(workspace, [one.file for one in agreeing.accept(a, "papier").files])
    said = run("agreement", "accede", "papier", "--paper", "agb:01000009", *words, "--json", workspace=practice)
    assert (said.code, said.json["files"], said.json["state"]) == (0, [], "active-paper-signed")
    shown = run("agreement", "show", "papier", "--language", "nl", workspace=practice).out
    assert "Op papier getekend door de directeur, directeur (statuten), op 1 november 2026" in shown
    assert "Controlesom van de scan" in shown
    form = tmp_path / "form.xlsx"
    made = run("agreement", "form", "papier", "--partner", "agb:01000009", "--to", form, "--json", workspace=practice)
    assert (made.code, form.exists()) == (0, True)
    with hagro.open("praktijk") as workspace:
        from exchange.agreements.agreement import from_mapping

        agreement = agreeing.thawed(agreeing.find(workspace, "papier")).agreement
    assert [(one.party, one.suite) for one in agreement.exceptions] == [("agb:01000009", "passphrase")]
    # The next version is drafted from the text with who acceded in it: it lets their forms through too.
    assert from_mapping(json.loads(json.dumps(agreement.raw))) == agreement


# What can't join --------------------------------------------------------------------------------------------------


@pytest.fixture
def refused(run: Run, snapshot: Any) -> Callable[..., Any]:
    def tried(folder: Path, *words: object, rule: str, code: int = 11, at: datetime = NOW) -> Any:
        before = snapshot(folder)
        said = run(*words, "--json", workspace=folder, at=at)
        assert (said.code, said.json["error"]["rule"]) == (code, rule)
        assert said.json["error"]["hints"]
        dutch = run(*words, "--language", "nl", workspace=folder, at=at)
        assert "\n  → " in dutch.err
        assert snapshot(folder) == before
        return dutch.err

    return tried


def sent(hagro: Any, change: Callable[[Any], Any], *, name: str = "huisarts-c", typ: str = "accession") -> Path:
    """Return an accession of C as the practice gets it, changed before somebody signed and sent it."""
    from exchange.agreements import acceding
    from exchange.operations import agreeing, posting
    from exchange.sealing.manifest import Kind
    from exchange.sealing.sealing import Content

    with hagro.open("huisarts-c") as c:
        stored = agreeing.find(c, "hagro")
        record = accession(c, stored)
    with hagro.open(name) as sender:
        jws = acceding.sign(change(record), sender.keyring.signing)
        content = Content(f"{typ}.jws.json", "application/jose+json", 1, jws)
        return posting.post(
            sender, kind=Kind.CONTROL, party=PRACTICE, stream="hagro", contents=(content,), agreement=None
        ).file


def accession(c: Any, stored: Any) -> Any:
    from exchange.agreements.acceding import Accession
    from exchange.agreements.agreement import Party, Signatory
    from exchange.records.codes import PartnerKind

    party = Party(
        GP_C, c.settings.name, "partner", PartnerKind.GP, "keys", Signatory("huisarts", "eigenaar"), "fg@c.invalid",
        care_provider=True, card=c.card.fingerprint.replace(" ", ""),
    )  # fmt: skip
    return Accession(stored.agreement_id, stored.version, stored.digest, party, (GP_C, "kvk:99999993"), TODAY)


def party(**changes: Any) -> Callable[[Any], Any]:
    return lambda one: replace(one, party=replace(one.party, **changes))


def test_what_is_changed_in_no_way_comes_in(run: Run, hagro: Any) -> None:
    assert run("import", sent(hagro, lambda one: one), workspace=hagro["praktijk"]).code == 0


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("acceding.unknown", lambda one: replace(one, agreement="elders", digest="0" * 64)),
        ("acceding.text", lambda one: replace(one, digest="0" * 64)),
        ("acceding.text", lambda one: replace(one, version=2)),
        ("acceding.name", party(party=GP_B)),
        ("acceding.name", party(name="Huisartsenpraktijk A (verzonnen)")),
        ("acceding.name", party(card="0" * 40)),
        ("acceding.name", party(card="", signs="paper")),
        ("acceding.name", lambda one: replace(one, identifiers=(GP_C, "kvk:11111111"))),
        ("acceding.broken", party(care_provider=False)),
        ("acceding.broken", party(role="practice")),
        ("acceding.broken", party(privacy_contact="")),
        ("acceding.broken", party(label="x" * 65)),
    ],
)
def test_an_accession_that_is_not_sound_is_refused_with_clause_and_remedy(
    hagro: Any, refused: Any, rule: str, change: Any
) -> None:
    file = sent(hagro, change)
    said = refused(hagro["praktijk"], "import", file, rule=rule)
    assert "artikel" in said or rule == "acceding.unknown"


def test_a_kind_of_party_that_is_not_admitted_is_refused(hagro: Any, refused: Any) -> None:
    from exchange.records.codes import PartnerKind

    file = sent(hagro, party(kind=PartnerKind.SPECIALIST))
    refused(hagro["praktijk"], "import", file, rule="acceding.kind")
    refused(hagro["huisarts-c"], "agreement", "accede", "hagro", *SIGNER, "--kind", "other", rule="acceding.kind")
    refused(hagro["praktijk"], "agreement", "accede", "hagro", "--offer", HOSPITAL, rule="acceding.kind")


def test_a_party_we_know_as_another_kind_is_refused(run: Run, hagro: Any, refused: Any) -> None:
    from exchange.records.codes import PartnerKind

    with hagro.open("praktijk") as practice:
        known = practice.store.partners.find(GP_C)
        practice.store.partners.save(replace(known, kind=PartnerKind.OTHER), by="tester", at=NOW)
    refused(hagro["praktijk"], "import", sent(hagro, lambda one: one), rule="acceding.other-kind")


def test_an_accession_signed_by_another_is_refused(hagro: Any, refused: Any) -> None:
    file = sent(hagro, lambda one: one, name="huisarts-b")
    refused(hagro["praktijk"], "import", file, rule="acceding.name")


def test_a_party_of_the_text_and_one_that_acceded_do_not_join_again(run: Run, joined: Any, refused: Any) -> None:
    practice, c = joined["praktijk"], joined["huisarts-c"]
    refused(practice, "agreement", "accede", "hagro", "--offer", GP_A, rule="acceding.twice")
    refused(joined["huisarts-a"], "agreement", "accede", "hagro", *SIGNER, rule="acceding.twice")
    refused(c, "agreement", "accede", "hagro", *SIGNER, rule="acceding.twice")
    refused(practice, "import", sent(joined, party(label="HAGRO Zuid")), rule="acceding.twice")


def test_a_second_accession_while_one_waits_is_refused(run: Run, hagro: Any, refused: Any) -> None:
    assert run("import", sent(hagro, lambda one: one), workspace=hagro["praktijk"]).code == 0
    refused(hagro["praktijk"], "import", sent(hagro, party(label="HAGRO Zuid")), rule="acceding.twice")


def test_nobody_joins_what_is_not_open_over_or_closed(run: Run, hagro: Any, refused: Any) -> None:
    practice, c = hagro["praktijk"], hagro["huisarts-c"]
    refused(practice, "agreement", "accede", "huisartsen", "--offer", GP_C, rule="acceding.not-open")
    late = datetime(2027, 6, 1, 9, tzinfo=UTC)
    refused(c, "agreement", "accede", "hagro", *SIGNER, rule="acceding.closed", at=late)
    over = datetime(2028, 1, 1, 9, tzinfo=UTC)
    refused(c, "agreement", "accede", "hagro", *SIGNER, rule="acceding.over", at=over)
    asked = sent(hagro, lambda one: one)
    assert run("agreement", "end", "hagro", "--on", "2026-11-03", "--ground", "agreed", workspace=practice).code == 0
    said = refused(practice, "import", asked, rule="acceding.over")
    assert "Looptijd" in said


def test_an_accession_to_a_version_that_was_replaced_is_refused(run: Run, hagro: Any, refused: Any) -> None:
    from exchange.operations import agreeing, importing

    asked = sent(hagro, lambda one: one)
    with hagro.open("praktijk") as practice, hagro.open("huisarts-a") as a:
        draft = practice.folder / "agreements" / "hagro.yaml"
        text = draft.read_text(encoding="utf-8").replace("\nversion: 1\n", "\nversion: 2\n")
        draft.write_text(text, encoding="utf-8")
        for posted in agreeing.sign(practice, draft).files:
            if posted.party == GP_A:
                importing.take_in(a, [posted.file])
                importing.take_in(practice, [one.file for one in agreeing.accept(a, "hagro").files])
    refused(hagro["praktijk"], "import", asked, rule="acceding.replaced")
    # B did not sign the new version: between it and the practice the first one holds on.
    versions = {party: (one["version"], one["state"]) for party, one in members(run, hagro["praktijk"]).items()}
    assert versions == {GP_A: (2, "active"), GP_B: (1, "active")}


@pytest.mark.parametrize(
    "words", [("--offer", GP_C), ("--accept", GP_C), ("--paper", HOSPITAL, "--scan", "pyproject.toml")]
)
def test_only_the_practice_offers_and_accepts(joined: Any, refused: Any, words: tuple[str, ...]) -> None:
    refused(joined["huisarts-a"], "agreement", "accede", "hagro", *words, rule="acceding.practice-only")


def test_what_did_not_come_in_is_not_accepted_and_who_signs_must_be_said(run: Run, hagro: Any, refused: Any) -> None:
    refused(hagro["praktijk"], "agreement", "accede", "hagro", "--accept", GP_C, rule="acceding.none-waiting")
    refused(hagro["huisarts-c"], "agreement", "accede", "hagro", rule="acceding.signatory")
    refused(hagro["huisarts-c"], "agreement", "accept", "hagro", rule="agreeing.not-ours")
    settings = hagro["huisarts-c"] / "exchange.toml"
    settings.write_text(settings.read_text(encoding="utf-8").replace("privacy@voorbeeld.invalid", ""), encoding="utf-8")
    words = ("agreement", "accede", "hagro", "--function", "owner", "--authority", "partner")
    refused(hagro["huisarts-c"], *words, rule="acceding.signatory")
    both = run("agreement", "accede", "hagro", "--offer", GP_C, "--accept", GP_C, workspace=hagro["praktijk"])
    assert both.code == 2


def test_on_paper_all_of_it_is_recorded_or_nothing(hagro: Any, refused: Any) -> None:
    with hagro.open("praktijk") as practice:
        from exchange.operations import partners

        partners.add_paper(practice, "agb:01000009", name="Huisarts Negen (verzonnen)", kind="gp")
    words = ("agreement", "accede", "hagro", "--paper")
    refused(hagro["praktijk"], *words, "agb:01000009", "--signatory", "x", rule="acceding.paper-incomplete")
    refused(hagro["praktijk"], *words, GP_C, rule="agreeing.not-on-paper")


def test_an_acceptance_we_did_not_ask_for_or_of_another_accession_is_refused(hagro: Any, refused: Any) -> None:
    from exchange.agreements import acceding
    from exchange.operations import agreeing, posting
    from exchange.sealing.manifest import Kind
    from exchange.sealing.sealing import Content

    with hagro.open("huisarts-c") as c:
        jws = acceding.sign(accession(c, agreeing.find(c, "hagro")), c.keyring.signing)
    with hagro.open("praktijk") as practice:
        said = acceding.accept(jws, practice.keyring.signing, on=TODAY, by="tester")
        content = Content("acceptance.jws.json", "application/jose+json", 1, said)
        file = posting.post(
            practice, kind=Kind.CONTROL, party=GP_C, stream="hagro", contents=(content,), agreement=None
        ).file
    refused(hagro["huisarts-c"], "import", file, rule="acceding.acceptance-unknown")


# Ending, told to the other side -----------------------------------------------------------------------------------


def ends(run: Run, folder: Path, *words: str, at: datetime = NOW) -> Any:
    return run("agreement", "end", "hagro", *words, "--json", workspace=folder, at=at)


def test_the_practice_ends_it_and_each_partner_knows(run: Run, joined: Any) -> None:
    ended = ends(run, joined["praktijk"], "--on", "2027-02-01")
    assert ended.json["tail_until"] > "2027-05-02"
    for name, id_ in (("huisarts-a", GP_A), ("huisarts-c", GP_C)):
        taken = run("import", file_of(ended, id_), "--json", workspace=joined[name])
        assert (taken.code, taken.json["files"][0]["state"]) == (0, "termination")
        assert members(run, joined[name])[id_]["until"] == "2027-02-01"
        assert state(run, joined[name]) == "active"
        assert state(run, joined[name], at=datetime(2027, 2, 1, 9, tzinfo=UTC)) == "follow-up-tail"
    long_after = datetime(2029, 1, 1, 9, tzinfo=UTC)
    assert (state(run, joined["praktijk"], at=long_after), state(run, joined["huisarts-a"], at=long_after)) == (
        "ended", "ended",
    )  # fmt: skip


def test_one_member_leaves_and_the_others_go_on(run: Run, joined: Any) -> None:
    left = ends(run, joined["huisarts-c"], "--on", "2027-01-03")
    assert left.json["party"] == GP_C
    taken = run("import", file_of(left, PRACTICE), "--json", workspace=joined["praktijk"])
    assert (taken.code, taken.json["files"][0]["state"]) == (0, "termination")
    after = datetime(2027, 1, 3, 9, tzinfo=UTC)
    states = {party: one["state"] for party, one in members(run, joined["praktijk"], at=after).items()}
    assert states == {GP_A: "active", GP_B: "active", GP_C: "follow-up-tail"}
    assert state(run, joined["praktijk"], at=after) == "active"
    assert state(run, joined["huisarts-c"], at=after) == "follow-up-tail"


@pytest.mark.parametrize(
    ("language", "gone", "heading", "ground"),
    [
        ("nl", "Deelname geëindigd: vanaf 3 januari 2027", "# Beëindiging", "een wettelijke grond is vervallen"),
        ("en", "No longer a member: from 3 January 2027", "# Ending", "a legal ground has lapsed"),
    ],
)
def test_the_print_says_for_whom_it_ended_and_why(
    run: Run, joined: Any, language: str, gone: str, heading: str, ground: str
) -> None:
    def printed(name: str) -> str:
        return str(run("agreement", "show", "hagro", "--language", language, workspace=joined[name]).out)

    assert heading not in printed("praktijk")
    left = ends(run, joined["huisarts-c"], "--on", "2027-01-03", "--ground", "basis-lapsed")
    run("import", file_of(left, PRACTICE), workspace=joined["praktijk"])
    for name in ("praktijk", "huisarts-c"):
        said = printed(name)
        assert said.count(gone) == 1
        (line,) = (one for one in said.partition(heading)[2].splitlines() if one.startswith("- ") and ground in one)
        assert line.count("Huisartsenpraktijk C (verzonnen)") == 2
    assert heading not in printed("huisarts-a")
    whole = ends(run, joined["praktijk"], "--on", "2027-06-01")
    run("import", file_of(whole, GP_A), workspace=joined["huisarts-a"])
    assert heading in printed("huisarts-a")
    assert printed("praktijk").partition(heading)[2].count("2027") == 2


def test_the_practice_ends_it_for_one_member(run: Run, joined: Any) -> None:
    ended = ends(run, joined["praktijk"], "--on", "2026-11-03", "--party", GP_C, "--ground", "breach")
    assert [one["party"] for one in ended.json["files"]] == [GP_C]
    assert run("import", file_of(ended, GP_C), workspace=joined["huisarts-c"]).code == 0
    assert state(run, joined["huisarts-c"]) == "follow-up-tail"
    assert members(run, joined["praktijk"])[GP_A]["state"] == "active"


def test_a_partner_on_paper_is_told_by_letter(run: Run, town: Any) -> None:
    said = run("agreement", "end", "ziekenhuis", "--on", "2027-02-01", "--language", "nl", workspace=town["praktijk"])
    assert f"Laat {HOSPITAL} het einde per brief weten" in said.out


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("ending.backdated", ("--on", "2026-11-02", "--ground", "agreed")),
        ("ending.notice", ("--on", "2026-12-01")),
        ("ending.over-then", ("--on", "2027-12-31")),
        ("ending.who", ("--on", "2027-02-01", "--party", "agb:01000009")),
    ],
)
def test_an_end_the_clause_does_not_allow_is_refused(joined: Any, refused: Any, rule: str, words: Any) -> None:
    said = refused(joined["praktijk"], "agreement", "end", "hagro", *words, rule=rule)
    assert "artikel" in said


def test_what_was_ended_can_only_end_sooner(run: Run, joined: Any, refused: Any) -> None:
    assert ends(run, joined["praktijk"], "--on", "2027-02-01").code == 0
    words = ("agreement", "end", "hagro", "--on", "2027-03-01")
    refused(joined["praktijk"], *words, rule="ending.over-then")
    assert ends(run, joined["praktijk"], "--on", "2027-01-15").code == 0


def told(hagro: Any, name: str, *, to: str = PRACTICE, by: str | None = None, **changes: Any) -> Path:
    """Return an end that somebody tells with their own keys, changed before it was signed."""
    from exchange.agreements import terminating
    from exchange.operations import agreeing, posting
    from exchange.sealing.manifest import Kind
    from exchange.sealing.sealing import Content

    with hagro.open("praktijk") as practice:
        stored = agreeing.find(practice, "hagro")
    with hagro.open(name) as sender:
        us = by or sender.settings.party
        said = terminating.Termination(
            "hagro", stored.version, stored.digest, us, us, TODAY, TODAY, terminating.AGREED
        )  # fmt: skip
        jws = terminating.sign(replace(said, **changes), sender.keyring.signing)
        content = Content("termination.jws.json", "application/jose+json", 1, jws)
        return posting.post(
            sender, kind=Kind.CONTROL, party=to, stream="hagro", contents=(content,), agreement=None
        ).file


@pytest.mark.parametrize(
    ("rule", "name", "changes"),
    [
        ("ending.no-party", "huisarts-c", {}),  # it was offered the text and never joined
        ("ending.no-party", "huisarts-a", {"by": GP_B, "party": GP_B}),
        ("ending.for-another", "huisarts-a", {"party": GP_B}),
        ("ending.for-another", "huisarts-a", {"party": ""}),
        ("ending.backdated", "huisarts-a", {"on": date(2026, 11, 2)}),
        ("ending.backdated", "huisarts-a", {"on": date(2026, 10, 1), "told_on": date(2026, 10, 1)}),
        ("ending.notice", "huisarts-a", {"on": date(2026, 12, 1), "ground": "notice"}),
        ("ending.over-then", "huisarts-a", {"on": date(2028, 1, 1)}),
        ("ending.unknown", "huisarts-a", {"digest": "0" * 64}),
    ],
)
def test_an_end_that_comes_from_who_may_not_or_for_a_day_that_may_not_be_is_refused(
    hagro: Any, refused: Any, rule: str, name: str, changes: dict[str, Any]
) -> None:
    file = told(hagro, name, **changes)
    refused(hagro["praktijk"], "import", file, rule=rule)


def test_an_end_of_a_strange_ground_was_changed(hagro: Any, refused: Any) -> None:
    file = told(hagro, "huisarts-a", ground="bored")
    refused(hagro["praktijk"], "import", file, rule="sealing.was-changed", code=12)


# The gate, per acceding party -------------------------------------------------------------------------------------


def everything_in(hagro: Any, name: str, files: Iterator[Path] | list[Path], into: Path) -> str:
    """Return the text of every file that this party's keys open, at the practice's export."""
    from exchange.operations import importing

    texts = []
    with hagro.open(name) as workspace:
        for number, file in enumerate(files):
            target = into / f"{name}-{number}"
            target.mkdir(parents=True)
            try:
                read = importing.opened(workspace, file, target)
            except Exception as error:
                assert type(error).__name__ in {"CannotOpen", "NotForUs"}  # noqa: PT017 - a file for another
                continue
            texts += [path.read_text(encoding="utf-8") for path in read.contents.values()]
    return "\n".join(texts)


def identities(hagro: Any) -> dict[str, set[str]]:
    """Return who referred whom: each GP with all that tells its patients from others, as the practice knows it."""
    found: dict[str, set[str]] = {GP_A: set(), GP_B: set(), GP_C: set()}
    with hagro.open("praktijk") as practice:
        data = practice.store.dataset()
        episodes = {one.episode_id: one.patient_id for one in data.episodes}
        for referral in data.referrals:
            if referral.referrer in found:
                who = practice.store.patient_identity(episodes[referral.episode_id])
                found[referral.referrer].add(who.bsn or who.name or "")
    return found


def test_of_three_gps_none_sees_anothers_patients(run: Run, joined: Any, tmp_path: Path) -> None:
    names = {GP_A: "huisarts-a", GP_B: "huisarts-b", GP_C: "huisarts-c"}
    exported = run("export", "hagro", "--json", workspace=joined["praktijk"])
    assert exported.code in {0, 3}
    by_party = {one["party"]: one for one in exported.json["files"]}
    assert set(by_party) == set(names)
    files = [Path(one["file"]) for one in by_party.values()]
    whose = identities(joined)
    alone = {one: whose[one] - set().union(*(whose[other] for other in whose if other != one)) for one in whose}
    assert all(alone.values())
    for id_, name in names.items():
        text = everything_in(joined, name, files, tmp_path / "open")
        seen = {one: {word for word in words if word and word in text} for one, words in alone.items()}
        assert seen[id_]
        assert [one for one, words in seen.items() if words] == [id_]
        assert run("import", by_party[id_]["file"], workspace=joined[name]).code == 0
    with joined.open("praktijk") as practice:
        opened = practice.store.cases.of_agreement("hagro")
    counted = {one: sum(case.partner == one for case in opened) for one in names}
    shown = members(run, joined["praktijk"])
    assert {one: shown[one]["cases"] for one in names} == counted
    for id_, name in names.items():
        assert members(run, joined[name])[id_]["cases"] == counted[id_]


def test_consent_for_one_member_lets_nothing_to_another(run: Run, joined: Any) -> None:
    """Every client of C refuses consent for C: nothing goes to C, and to A and B what went before."""
    dry = ("export", "hagro", "--dry-run", "--json")
    before = run(*dry, workspace=joined["praktijk"]).json["decisions"]
    with joined.open("praktijk") as practice:
        data = practice.store.dataset()
        mine = {one.episode_id for one in data.referrals if one.referrer == GP_C}
        clients = sorted({one.patient_id for one in data.episodes if one.episode_id in mine})
        numbers = [practice.store.patient_identity(one).epd_number for one in clients]
    for number in numbers:
        for purpose in ("treatment", "effect"):
            words = ("consent", "record", "--epd", number, "--partner", GP_C, "--purpose", purpose,
                     "--state", "refused", "--evidence", "brief", "--by", "self")  # fmt: skip
            said = run(*words, workspace=joined["praktijk"])
            assert said.code == 0, said.err
    after = run(*dry, workspace=joined["praktijk"]).json["decisions"]
    assert any(one["allowed"] for one in before if one["party"] == GP_C)
    assert not any(one["allowed"] for one in after if one["party"] == GP_C)
    for other in (GP_A, GP_B):
        allowed = [sum(one["allowed"] for one in some if one["party"] == other) for some in (before, after)]
        assert allowed[0] == allowed[1] > 0


def test_of_a_member_that_left_nothing_goes_out_or_comes_in_while_others_go_on(
    run: Run, joined: Any, refused: Any, forger: Any
) -> None:
    exported = run("export", "hagro", "--json", workspace=joined["praktijk"])
    assert run("import", file_of(exported, GP_C), workspace=joined["huisarts-c"]).code == 0
    left = ends(run, joined["huisarts-c"], "--on", "2026-11-04", "--ground", "agreed")
    assert run("import", file_of(left, PRACTICE), workspace=joined["praktijk"]).code == 0
    after = datetime(2026, 11, 5, 9, tzinfo=UTC)
    dry = run("export", "hagro", "--dry-run", "--json", workspace=joined["praktijk"], at=after).json["decisions"]
    opening = {(one["party"], one["allowed"]) for one in dry if one["event"] in {"case-opening", "outcome-report"}}
    assert (GP_C, True) not in opening
    assert (GP_A, True) in opening
    # In the tail C may answer on the cases it had; when that is over, nothing comes in or goes out.
    gp = forger(joined, "huisarts-c", "hagro")
    with joined.open("huisarts-c") as c:
        case = next(one for one in c.store.cases.of_agreement("hagro"))
    answer = gp.seal(gp.answer(case.case_id))
    assert run("import", answer, workspace=joined["praktijk"], at=after).code in {0, 3}
    tail = datetime.combine(date.fromisoformat(left.json["tail_until"]), NOW.timetz())
    c = joined["huisarts-c"]
    said = refused(c, "export", "hagro", rule="gate.in-time.refused", at=tail)
    assert "nalooptijd" in said
    late = gp.seal(gp.answer(case.case_id), now=tail)
    came = run("import", late, "--json", workspace=joined["praktijk"], at=tail)
    assert (came.code, came.json["error"]["rule"]) == (11, "gate.in-time.refused")


def test_a_file_that_ends_no_agreement_is_json_as_any(run: Run, joined: Any) -> None:
    ended = ends(run, joined["praktijk"], "--on", "2027-02-01")
    assert json.loads(ended.out)["ground"] == "notice"


# Figures, per party and pooled per group --------------------------------------------------------------------------


def by(run: Run, folder: Path, what: str) -> dict[tuple[str, str], Any]:
    said = run("agreement", "figures", "hagro", "--by", what, "--json", workspace=folder)
    assert said.code == 0
    return {(one["group"][what], one["indicator"]): one for one in said.json["figures"]}


def test_figures_are_of_one_partner_or_of_its_group_and_add_up(run: Run, joined: Any) -> None:
    from exchange.operations import membership, sharing

    assert run("export", "hagro", workspace=joined["praktijk"]).code in {0, 3}
    shown, counted = by(run, joined["praktijk"], "party"), {}
    with joined.open("praktijk") as practice:
        for one in membership.members(practice):
            if one.agreement_id == "hagro":
                cases = sharing.of_partners(practice.store.dataset(), "hagro", frozenset({one.party})).cases
                assert {case.partner for case in cases} == {one.party}
                counted[one.party] = len({case.episode_id for case in cases})
    assert {party for party, _ in shown} == {GP_A, GP_B, GP_C}
    eligible = {party: shown[party, "onward-advice"]["eligible"] for party in counted}
    assert all(eligible[party] <= counted[party] for party in counted)
    assert sum(eligible.values()) > 0
    # Only C carries a label here: its group is its own figures, and nobody else's.
    pooled = by(run, joined["praktijk"], "label")
    assert {label for label, _ in pooled} == {"HAGRO Noord"}
    for (_, name), one in pooled.items():
        alone = shown[GP_C, name]
        assert (one["eligible"], one["numerator"]) == (alone["eligible"], alone["numerator"])


def test_answers_of_one_member_do_not_touch_anothers_figures(run: Run, joined: Any, forger: Any) -> None:
    exported = run("export", "hagro", "--json", workspace=joined["praktijk"])
    assert run("import", file_of(exported, GP_C), workspace=joined["huisarts-c"]).code == 0
    before = by(run, joined["praktijk"], "party")
    gp = forger(joined, "huisarts-c", "hagro")
    with joined.open("huisarts-c") as c:
        lines = [gp.answer(case.case_id) for case in c.store.cases.of_agreement("hagro")]
    assert run("import", gp.seal(*lines), workspace=joined["praktijk"]).code == 0
    after = by(run, joined["praktijk"], "party")
    for key, one in before.items():
        if key[0] != GP_C:
            assert after[key]["answered"] == one["answered"]
            assert after[key]["value"] == one["value"]


def test_only_the_practice_sees_figures_per_partner(run: Run, joined: Any) -> None:
    """A partner sees what the practice told it, which is nothing yet, and never a figure of another partner."""
    from exchange.errors import AgreementError
    from exchange.operations import sharing

    said = run("agreement", "figures", "hagro", "--json", workspace=joined["huisarts-a"])

    assert (said.code, said.json["figures"]) == (0, [])
    for by in ("party", "label"):
        split = run("agreement", "figures", "hagro", "--by", by, "--language", "nl", workspace=joined["huisarts-a"])
        assert (split.code, split.out) == (2, "")
        assert "--by kan alleen de praktijk vragen" in split.err
    with joined.open("huisarts-a") as a, pytest.raises(AgreementError) as refused:
        sharing.figures(a, "hagro")
    assert refused.value.rule == "sharing.practice-only"
