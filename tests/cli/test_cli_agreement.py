"""exchange agreement: from template to signature, with every step refused that somebody did not mean."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

PRACTICE, GP_A, GP_B, HOSPITAL, SOCIAL = (
    "agb:07999990", "agb:01999991", "agb:01999992", "agb:06999994", "kvk:99999995",
)  # fmt: skip
SIGNS = ("--signs", PRACTICE, "eigenaar", "eigenaar", "p@x.invalid", "--signs", GP_A, "huisarts", "lid", "p@x.invalid")


def agreement(run, town, *words, name="praktijk"):
    return run("agreement", *words, workspace=town[name])


@pytest.fixture
def draft(run, town):
    """Return a draft with GP A, made by the command."""
    said = agreement(run, town, "new", "gp", "--partner", GP_A, "--id", "nieuw", *SIGNS, "--json")
    assert said.code == 0
    return Path(said.json["file"])


@pytest.fixture
def refused(run, town, snapshot):
    def tried(*words, name="praktijk", code=11, rule):
        before = snapshot(town[name])
        said = agreement(run, town, *words, "--json", name=name)
        assert (said.code, said.json["exit"], said.json["error"]["rule"]) == (code, code, rule)
        assert said.json["error"]["hints"]
        dutch = agreement(run, town, *words, "--language", "nl", name=name)
        assert (dutch.code, dutch.out) == (code, "")
        assert "\n  → " in dutch.err
        assert snapshot(town[name]) == before
        return said.json["error"]

    return tried


# Drafts -----------------------------------------------------------------------------------------------------------


def test_a_draft_is_written_where_people_can_read_it(run, town, draft):
    assert draft == town["praktijk"] / "agreements" / "nieuw.yaml"
    text = draft.read_text(encoding="utf-8")
    assert GP_A in text
    assert "2028-11-03" in text  # two years from today


def test_a_draft_ends_on_the_day_that_was_asked_for(run, town):
    words = ("new", "gp", "--partner", GP_A, "--id", "kort", "--from", "2027-01-01", "--until", "2027-12-31")
    file = Path(agreement(run, town, *words, *SIGNS, "--json").json["file"])
    assert "until: 2027-12-31" in file.read_text(encoding="utf-8").replace('"', "").replace("'", "")


def test_targets_and_baselines_and_indicators_are_taken_over(run, town):
    words = (
        "new", "gp", "--partner", GP_A, "--id", "doel", "--indicator", "substitution-net", "--indicator", "responders",
        "--target", "substitution-net=0.8", "--baseline", "substitution-net=0.5", *SIGNS,
    )  # fmt: skip
    assert agreement(run, town, *words).code == 0
    text = (town["praktijk"] / "agreements" / "doel.yaml").read_text(encoding="utf-8")
    assert "0.8" in text
    assert "0.5" in text
    assert "onward-advice" not in text


def test_a_number_that_is_none_is_a_usage_error(run, town):
    said = agreement(run, town, "new", "gp", "--partner", GP_A, "--target", "substitution-net=veel", "--json")
    assert (said.code, said.json["error"]["rule"]) == (2, "program.usage")


@pytest.mark.parametrize("kind", ["specialist", "social", "client"])
def test_there_is_a_template_for_every_kind_of_party(run, town, kind):
    party = {"specialist": ("--partner", HOSPITAL), "social": ("--partner", SOCIAL), "client": ()}[kind]
    said = agreement(run, town, "new", kind, *party, "--id", "ander", "--json")
    assert said.code == 0
    shown = agreement(run, town, "show", said.json["file"], "--language", "nl")
    assert shown.code == 0
    assert "in te vullen" in shown.out
    assert "Concept" in shown.out


def test_a_draft_that_stands_there_is_not_overwritten(refused, draft):
    refused("new", "gp", "--partner", GP_A, "--id", "nieuw", rule="agreeing.draft-exists")


def test_a_partner_nobody_added_is_refused(refused):
    refused("new", "gp", "--partner", "agb:01000001", code=14, rule="partners.unknown")


def test_an_agreement_with_nobody_is_refused(refused):
    refused("new", "gp", rule="agreeing.no-partner")


def test_a_draft_is_checked_with_line_numbers(run, town, draft):
    sound = run("agreement", "check", draft)
    assert sound.code in {0, 3}
    draft.write_text(draft.read_text(encoding="utf-8").replace("version: 1", "version: veel"), encoding="utf-8")
    found = run("agreement", "check", draft, "--json")
    assert found.code == 3
    assert any(one["line"] > 0 and one["severity"] == "error" and one["text"] for one in found.json["findings"])
    assert "fout" in run("agreement", "check", draft, "--language", "nl").out


def test_a_draft_with_blanks_is_not_signed(run, town, refused):
    agreement(run, town, "new", "gp", "--partner", GP_A, "--id", "leeg")
    refused("sign", str(town["praktijk"] / "agreements" / "leeg.yaml"), rule="agreements.not-ready")


def test_a_draft_that_cannot_be_read_is_refused_at_signing(run, town, draft, refused):
    draft.write_text("id: [niet dicht", encoding="utf-8")
    refused("sign", str(draft), rule="agreements.yaml-broken")
    said = run("agreement", "check", draft, "--json")
    assert (said.code, said.json["error"]["rule"]) == (11, "agreements.yaml-broken")


def test_two_drafts_are_compared(run, town, draft, tmp_path):
    other = tmp_path / "other.yaml"
    other.write_text(draft.read_text(encoding="utf-8").replace("2028-11-03", "2028-10-03"), encoding="utf-8")
    said = run("agreement", "diff", draft, other)
    assert said.code == 0
    assert "2028-10-03" in said.out
    assert run("agreement", "diff", draft, draft, "--json").json == {"changes": [], "new_signatures": False}


# Shown ------------------------------------------------------------------------------------------------------------


def test_a_signed_agreement_is_shown_from_its_own_content_and_who_signed_it(run, town):
    shown = agreement(run, town, "show", "huisartsen", "--language", "nl")
    assert shown.code == 0
    assert "Huisartsenpraktijk A (verzonnen)" in shown.out
    assert agreement(run, town, "show", "huisartsen", "--json").json["text"].startswith("#")


def test_exactly_what_leaves_and_comes_in_is_shown_in_plain_words(run, town):
    dutch = agreement(run, town, "show", "huisartsen", "--elements", "--language", "nl").out
    assert "Burgerservicenummer" in dutch
    social = agreement(run, town, "show", "welzijn", "--elements", "--language", "nl").out
    assert "Burgerservicenummer" not in social


def test_it_is_printed_to_a_file(run, town, tmp_path):
    said = agreement(run, town, "show", "huisartsen", "--to", tmp_path / "afspraak.md")
    assert said.code == 0
    assert (tmp_path / "afspraak.md").read_text(encoding="utf-8").startswith("#")


def test_an_agreement_that_is_not_here_is_refused(refused):
    refused("show", "nergens", rule="agreeing.unknown")


def test_every_agreement_is_listed_with_its_state_in_words(run, town):
    listed = agreement(run, town, "list", "--language", "nl")
    assert [line.split()[0] for line in listed.out.splitlines()[2:5]] == ["huisartsen", "welzijn", "ziekenhuis"]
    # the moments of 1 July went by, and nobody recorded a review
    assert listed.out.count("2026-07-01") == 6
    assert "exchange agreement review welzijn" in listed.out
    states = {one["agreement_id"]: one["state"] for one in agreement(run, town, "list", "--json").json["agreements"]}
    assert states == {"huisartsen": "active", "welzijn": "active", "ziekenhuis": "active-paper-signed"}


def test_the_evaluation_moments_come_as_a_calendar(run, town, tmp_path):
    said = agreement(run, town, "calendar", "huisartsen", "--to", tmp_path / "momenten.ics")
    assert said.code == 0
    text = (tmp_path / "momenten.ics").read_text(encoding="utf-8")
    assert text.startswith("BEGIN:VCALENDAR")
    assert "20270101" in text


# Signing with keys ------------------------------------------------------------------------------------------------


def propose(run, town, draft):
    said = agreement(run, town, "sign", draft, "--json")
    assert said.code == 0
    (posted,) = said.json["files"]
    return said.json, Path(posted["file"])


def test_an_agreement_goes_round_and_is_in_force_when_both_signed(run, town, draft):
    signed, proposal = propose(run, town, draft)
    assert signed["state"] != "active"
    taken = run("import", proposal, "--json", workspace=town["huisarts-a"])
    assert (taken.code, taken.json["files"][0]["state"]) == (0, "proposal")
    accepted = agreement(run, town, "accept", "nieuw", "--json", name="huisarts-a")
    assert accepted.code == 0
    assert accepted.json["digest"] == signed["digest"]
    (answer,) = accepted.json["files"]
    back = run("import", answer["file"], "--json", workspace=town["praktijk"])
    assert (back.code, back.json["files"][0]["state"]) == (0, "response")
    listed = {one["agreement_id"]: one["state"] for one in agreement(run, town, "list", "--json").json["agreements"]}
    assert listed["nieuw"] == "active"


def test_what_has_to_be_sent_is_said_in_words(run, town, draft):
    said = agreement(run, town, "sign", draft, "--language", "nl")
    assert f"naar {GP_A}" in said.out
    assert ".age" in said.out


def test_a_proposal_that_was_altered_on_its_way_is_refused(run, town, draft, snapshot):
    _, proposal = propose(run, town, draft)
    data = bytearray(proposal.read_bytes())
    data[-40] ^= 1
    proposal.write_bytes(data)
    before = snapshot(town["huisarts-a"])
    said = run("import", proposal, "--json", workspace=town["huisarts-a"])
    assert (said.code, said.json["error"]["rule"]) == (12, "sealing.cannot-open")
    assert snapshot(town["huisarts-a"]) == before


def control(town, name, party, payload: bytes, agreement_id="nieuw"):
    from exchange.operations import posting
    from exchange.sealing.manifest import Kind
    from exchange.sealing.sealing import Content

    with town.open(name) as workspace:
        return posting.post(
            workspace, kind=Kind.CONTROL, party=party, stream=agreement_id,
            contents=(Content(f"{'response' if party == PRACTICE else 'proposal'}.jws.json",
                              "application/jose+json", 1, payload),),
            agreement=None,
        ).file  # fmt: skip


def proposal_of(town, draft, name="praktijk", change=lambda raw: raw):
    """Return a proposal as its JWS, its payload changed before it was signed."""
    from exchange.agreements import signing
    from exchange.indicators.reading import shipped_definitions
    from exchange.operations import drafting

    with town.open(name) as workspace:
        payload = signing.freeze(drafting.read(draft), shipped_definitions(), on=workspace.on)
        return signing.sign(change(payload), workspace.keyring.signing, on=workspace.on)


def refuses_import(run, town, file, name, snapshot):
    before = snapshot(town[name])
    said = run("import", file, "--json", workspace=town[name])
    assert said.code in {11, 12}
    assert said.json["error"]["rule"] != "program.unexpected"
    assert said.json["error"]["hints"]
    assert snapshot(town[name]) == before
    return said.json["error"]["rule"]


def test_a_proposal_in_another_practices_name_is_refused(run, town, draft, snapshot):
    """GP B signs, with its own keys, a text that says it comes from the practice, and sends it to GP A."""
    from exchange.operations import partners

    with town.open("huisarts-a") as a, town.open("huisarts-b") as b:
        for giver, taker in ((a, b), (b, a)):
            file = town.folder / "kaart.json"
            card = partners.own_card(giver, to=file)
            partners.add(taker, file, kind="gp")
            partners.verify(
                taker, giver.settings.party, fingerprint=card.fingerprint, ours=taker.card.fingerprint, how="telefoon"
            )  # fmt: skip
    jws = proposal_of(town, draft, "huisarts-b")
    file = control(town, "huisarts-b", GP_A, jws)
    assert refuses_import(run, town, file, "huisarts-a", snapshot) == "agreeing.proposal-not-for-us"


def test_a_proposal_that_somebody_else_signed_is_refused(run, town, draft, snapshot):
    jws = proposal_of(town, draft, "huisarts-b")
    refuses_import(run, town, control(town, "praktijk", GP_A, jws), "huisarts-a", snapshot)


def test_a_proposal_for_another_party_is_refused(run, town, draft, snapshot):
    jws = proposal_of(town, draft)
    file = control(town, "praktijk", GP_B, jws)
    assert refuses_import(run, town, file, "huisarts-b", snapshot) == "agreeing.proposal-not-for-us"


@pytest.mark.parametrize("payload", [b"{}", b"[]", b'{"payload": "e30", "signatures": []}'])
def test_a_proposal_that_is_no_signature_is_refused(run, town, snapshot, payload):
    refuses_import(run, town, control(town, "praktijk", GP_A, payload), "huisarts-a", snapshot)


def test_an_answer_to_a_text_we_never_proposed_is_refused(run, town, draft, snapshot):
    jws = proposal_of(town, draft, "huisarts-a")
    file = control(town, "huisarts-a", PRACTICE, jws)
    assert refuses_import(run, town, file, "praktijk", snapshot) == "agreeing.response-unknown"


def test_an_answer_signed_with_other_keys_than_the_partners_is_refused(run, town, draft, snapshot):
    propose(run, town, draft)
    with town.open("praktijk") as practice:
        payload = practice.store.agreements.find("nieuw").payload
    from exchange.agreements import signing

    with town.open("huisarts-b") as other:
        jws = signing.sign(payload, other.keyring.signing, on=other.on)
    file = control(town, "huisarts-a", PRACTICE, jws)
    assert refuses_import(run, town, file, "praktijk", snapshot) == "agreeing.not-signed"


def test_a_proposal_made_for_another_card_of_ours_is_not_accepted(run, town, draft, snapshot):
    text = draft.read_text(encoding="utf-8")
    with town.open("huisarts-a") as a, town.open("huisarts-b") as b:
        mine, theirs = (one.card.fingerprint.replace(" ", "") for one in (a, b))
        spaced = a.card.fingerprint, b.card.fingerprint
    changed = text.replace(mine, theirs).replace(*spaced)
    assert changed != text
    draft.write_text(changed, encoding="utf-8")
    _, proposal = propose(run, town, draft)
    assert run("import", proposal, workspace=town["huisarts-a"]).code == 0
    before = snapshot(town["huisarts-a"])
    said = agreement(run, town, "accept", "nieuw", "--json", name="huisarts-a")
    assert (said.code, said.json["error"]["rule"]) == (11, "agreeing.other-card")
    assert said.json["error"]["hints"]
    assert snapshot(town["huisarts-a"]) == before


def test_only_a_partner_accepts(refused):
    refused("accept", "huisartsen", rule="agreeing.not-ours")


def test_a_draft_of_another_practice_is_not_ours_to_sign(run, town, draft, refused):
    text = draft.read_text(encoding="utf-8").replace(PRACTICE, "agb:07000009")
    draft.write_text(text, encoding="utf-8")
    refused("sign", str(draft), rule="agreeing.not-ours")


def test_another_text_under_a_number_that_was_signed_is_refused(run, town, draft, refused):
    propose(run, town, draft)
    draft.write_text(draft.read_text(encoding="utf-8").replace("2028-11-03", "2028-10-03"), encoding="utf-8")
    refused("sign", str(draft), rule="agreeing.version-taken")


# On paper, and to its end -----------------------------------------------------------------------------------------


def paper(run, town, *more, agreement_id="ziekenhuis", party=HOSPITAL):
    return agreement(run, town, "sign", agreement_id, "--paper", party, *more)


def test_a_paper_signature_is_recorded_with_its_scan(run, town):
    said = paper(run, town, "--signatory", "hoofd", "--authority", "volmacht", "--signed-on", "2026-11-01", "--scan",
                 town["scan.txt"], "--json")  # fmt: skip
    assert (said.code, said.json["state"]) == (0, "active-paper-signed")
    entries = run("log", "show", "--json", workspace=town["praktijk"]).json["entries"]
    assert (entries[-1]["event"], entries[-1]["counterparty"]) == ("agreement-signed-on-paper", HOSPITAL)


def test_what_a_paper_signature_rests_on_is_printed_with_it(run, town):
    import hashlib

    words = ("--signatory", "A. Voorbeeld (verzonnen)", "--function", "hoofd", "--authority", "volmacht")
    assert paper(run, town, *words, "--signed-on", "2026-11-01", "--scan", town["scan.txt"]).code == 0
    said = agreement(run, town, "show", "ziekenhuis", "--language", "nl").out
    scan = hashlib.sha256(town["scan.txt"].read_bytes()).hexdigest()
    assert "door A. Voorbeeld (verzonnen), hoofd (volmacht), op 1 november 2026" in said
    assert scan in said
    assert "Stand op 2026-11-03: van kracht, op papier ondertekend." in said


def test_a_figure_says_how_much_of_it_came_on_a_form_nobody_signed(run, demo):
    for words in (("indicators", "substitution-net"), ("agreement", "figures", "ziekenhuis")):
        said = run(*words, "--language", "nl", workspace=demo / "praktijk")
        assert said.code == 0
        assert "antwoorden kwamen op een formulier zonder handtekening" in said.out
    signed = run("agreement", "figures", "welzijn", "--language", "nl", workspace=demo / "praktijk")
    assert "zonder handtekening" not in signed.out


def test_a_paper_signature_of_a_party_that_signs_by_keys_is_refused(refused, town):
    words = ("sign", "huisartsen", "--paper", GP_A, "--scan", str(town["scan.txt"]))
    refused(*words, rule="agreeing.not-on-paper")


def test_a_paper_signature_of_a_stranger_is_refused(refused, town):
    words = ("sign", "ziekenhuis", "--paper", "agb:06000001", "--scan", str(town["scan.txt"]))
    refused(*words, rule="agreeing.not-on-paper")


def test_a_paper_signature_without_a_scan_is_refused(refused):
    refused("sign", "ziekenhuis", "--paper", HOSPITAL, rule="agreements.paper-incomplete")


def test_an_agreement_is_ended_on_a_day(run, town):
    said = agreement(run, town, "end", "huisartsen", "--on", "2027-02-01", "--json")
    assert (said.code, said.json["state"]) == (0, "active")
    (one, *_) = agreement(run, town, "list", "--json").json["agreements"]
    assert one["until"] == "2027-02-01"
    sooner = agreement(run, town, "end", "huisartsen", "--on", "2026-11-03", "--ground", "agreed", "--json")
    assert sooner.json["state"] == "follow-up-tail"


# What is asked ----------------------------------------------------------------------------------------------------


def test_what_is_asked_of_a_partner_is_written_as_a_table_with_who_it_is(run, mailed, tmp_path):
    file = tmp_path / "gevraagd.csv"
    said = agreement(run, mailed, "asked", "huisartsen", "--to", file, name="huisarts-a")
    assert said.code == 0
    lines = file.read_text(encoding="utf-8-sig").splitlines()
    assert lines[0].startswith("Koppelcode;Naam;Geboortedatum;Vraag;Element")
    assert len(lines) > 9
    assert "Proefcliënt" in lines[1]


def test_an_answer_with_a_code_nobody_gave_is_rejected_and_the_rest_loads(run, mailed, tmp_path):
    file = tmp_path / "gevraagd.csv"
    agreement(run, mailed, "asked", "huisartsen", "--to", file, name="huisarts-a")
    head, first, second, *_ = file.read_text(encoding="utf-8-sig").splitlines()
    rows = [line.split(";") for line in (first, second)]
    for row in rows:
        row[7] = "nee"
    rows[1][0] = "AAAAA-AAAAA"
    file.write_text("\n".join([head, *(";".join(row) for row in rows)]), encoding="utf-8")
    said = run("load", file, "--mapping", "partner-answers", "--json", workspace=mailed["huisarts-a"])
    assert (said.code, said.json["rejected"]) == (3, 1)


def test_a_form_for_a_partner_is_sealed_with_a_passphrase_that_is_told_once(run, town, tmp_path):
    file = tmp_path / "formulier.age"
    said = agreement(run, town, "form", "ziekenhuis", "--partner", HOSPITAL, "--to", file, "--language", "nl")
    assert said.code == 0
    assert "Wachtzin, eenmalig: " in said.out
    words = said.out.partition("eenmalig: ")[2].split(". Geef")[0]
    assert file.read_bytes().startswith(b"age-encryption.org/v1")
    for one in town["praktijk"].rglob("*"):
        if one.is_file():
            assert words.encode() not in one.read_bytes()
    entries = run("log", "show", "--json", workspace=town["praktijk"]).json["entries"]
    assert words not in json.dumps(entries)


def test_a_form_for_a_partner_with_keys_is_refused(run, town, tmp_path, refused):
    words = ("form", "huisartsen", "--partner", GP_A, "--to", str(tmp_path / "f.xlsx"))
    refused(*words, rule="agreeing.not-on-paper")
    assert not (tmp_path / "f.xlsx").exists()


def test_a_form_names_codes_and_never_who_it_is(run, town, tmp_path):
    import zipfile

    file = tmp_path / "formulier.xlsx"
    assert agreement(run, town, "form", "ziekenhuis", "--partner", HOSPITAL, "--to", file).code == 0
    with zipfile.ZipFile(file) as book:
        text = b"".join(book.read(name) for name in book.namelist()).decode("utf-8", "replace")
    with town.open("praktijk") as practice:
        people = [practice.store.patient_identity(one.patient_id) for one in practice.store.dataset().patients]
    assert not [one for one in people if one.bsn in text or one.name in text or one.epd_number in text]


def test_no_form_is_made_under_an_agreement_that_is_over(run, town, tmp_path):
    early = datetime(2024, 1, 2, 9, tzinfo=UTC)
    words = ("agreement", "end", "ziekenhuis", "--on", "2024-01-02", "--ground", "agreed", "--json")
    assert run(*words, workspace=town["praktijk"], at=early).json["by_letter"] == [HOSPITAL]
    said = agreement(run, town, "form", "ziekenhuis", "--partner", HOSPITAL, "--to", tmp_path / "f.xlsx", "--json")
    assert (said.code, said.json["error"]["rule"]) == (11, "gate.in-time.refused")
    assert not (tmp_path / "f.xlsx").exists()
