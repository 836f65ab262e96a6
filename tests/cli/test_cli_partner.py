"""exchange partner: cards go round, and nothing about a patient before somebody compared the fingerprints."""

from __future__ import annotations

import pytest

PRACTICE, GP = "agb:07999990", "agb:01999991"


@pytest.fixture
def two(run, tmp_path):
    """Return two demo workspaces that never met, and each one's card."""
    made = {}
    for name, party in (("praktijk", PRACTICE), ("huisarts", GP)):
        folder = tmp_path / name
        assert run("init", folder, "--name", f"{name} (verzonnen)", "--id", party, "--no-passphrase").code == 0
        card = tmp_path / f"{name}.json"
        assert run("partner", "card", "--to", card, workspace=folder).code == 0
        made[name] = (folder, card)
    return made


def fingerprint(run, folder):
    return run("partner", "card", "--json", workspace=folder).json["fingerprint"]


def refused(run, snapshot, folder, *words, code, rule):
    before = snapshot(folder)
    said = run("partner", *words, "--json", workspace=folder)
    assert (said.code, said.json["exit"], said.json["error"]["rule"]) == (code, code, rule)
    assert said.json["error"]["hints"]
    dutch = run("partner", *words, "--language", "nl", workspace=folder)
    assert (dutch.code, dutch.out) == (code, "")
    assert "\n  → " in dutch.err
    assert snapshot(folder) == before
    return said.json["error"]


def test_a_card_is_shown_written_and_drawn(run, two, tmp_path):
    folder, card = two["praktijk"]
    said = run("partner", "card", "--qr", tmp_path / "qr.svg", workspace=folder)
    assert said.code == 0
    assert fingerprint(run, folder) in said.out
    assert "<svg" in (tmp_path / "qr.svg").read_text()
    assert PRACTICE in run("partner", "card", workspace=folder).out
    assert card.stat().st_size > 1000


def test_a_partner_is_unverified_until_a_person_compared_the_fingerprints(run, two):
    folder, _ = two["praktijk"]
    added = run("partner", "add", two["huisarts"][1], "--kind", "gp", "--label", "HAGRO", workspace=folder)
    assert added.code == 0
    assert "not yet verified" in added.out
    (one,) = run("partner", "list", "--json", workspace=folder).json["partners"]
    assert (one["party"], one["state"], one["label"], one["kind"]) == (GP, "unverified", "HAGRO", "gp")
    given, ours = fingerprint(run, two["huisarts"][0]), fingerprint(run, folder)
    words = ("--fingerprint", given, "--ours", ours, "--how", "telefoon", "--with", "assistente")
    verified = run("partner", "verify", GP, *words, "--json", workspace=folder)
    assert (verified.code, verified.json["state"], verified.json["verified_by"]) == (0, "verified", "tester")
    listed = run("partner", "list", "--language", "nl", workspace=folder)
    assert "gecontroleerd" in listed.out
    assert given in listed.out


def test_the_same_card_again_changes_nothing(run, two, snapshot):
    folder, _ = two["praktijk"]
    run("partner", "add", two["huisarts"][1], "--kind", "gp", workspace=folder)
    before = snapshot(folder)
    assert run("partner", "add", two["huisarts"][1], "--kind", "gp", workspace=folder).code == 0
    assert snapshot(folder) == before


def test_another_fingerprint_is_refused(run, two, snapshot):
    folder, _ = two["praktijk"]
    run("partner", "add", two["huisarts"][1], "--kind", "gp", workspace=folder)
    for wrong in ("12345 67890 " * 4, "", "geen", fingerprint(run, folder)):
        words = ("verify", GP, "--fingerprint", wrong, "--how", "telefoon")
        refused(run, snapshot, folder, *words, code=12, rule="partners.fingerprint-differs")


def test_how_it_was_compared_must_be_said(run, two, snapshot):
    folder, _ = two["praktijk"]
    run("partner", "add", two["huisarts"][1], "--kind", "gp", workspace=folder)
    words = ("verify", GP, "--fingerprint", fingerprint(run, two["huisarts"][0]), "--how", "  ")
    refused(run, snapshot, folder, *words, code=12, rule="partners.how")


def test_a_party_nobody_added_cannot_be_verified(run, two, snapshot):
    words = ("verify", GP, "--fingerprint", "1" * 40, "--how", "telefoon")
    refused(run, snapshot, two["praktijk"][0], *words, code=14, rule="partners.unknown")


def test_our_own_card_is_no_partner(run, two, snapshot):
    folder, card = two["praktijk"]
    refused(run, snapshot, folder, "add", card, "--kind", "gp", code=12, rule="partners.ourselves")


@pytest.mark.parametrize("place", [60, 300, -40])
def test_a_card_that_was_changed_is_refused(run, two, snapshot, tmp_path, place):
    folder, _ = two["praktijk"]
    data = bytearray(two["huisarts"][1].read_bytes())
    data[place] = data[place] ^ 1
    (tmp_path / "changed.json").write_bytes(data)
    before = snapshot(folder)
    said = run("partner", "add", tmp_path / "changed.json", "--kind", "gp", "--json", workspace=folder)
    assert said.code == 12
    assert said.json["error"]["rule"] != "program.unexpected"
    assert said.json["error"]["hints"]
    assert snapshot(folder) == before


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[1]", b"een kaart", b'{"payload": 1}', b"\xff\xfe" * 9, b"x" * 70_000]
)
def test_a_file_that_is_no_card_is_refused(run, two, snapshot, tmp_path, content):
    folder, _ = two["praktijk"]
    (tmp_path / "none.json").write_bytes(content)
    before = snapshot(folder)
    said = run("partner", "add", tmp_path / "none.json", "--kind", "gp", "--json", workspace=folder)
    assert said.code in {12, 15}
    assert said.json["error"]["hints"]
    assert snapshot(folder) == before


def test_another_card_of_the_same_organisation_is_refused(run, two, snapshot, tmp_path):
    """Somebody who makes keys in a partner's name: neither of the two can be trusted before a call."""
    folder, _ = two["praktijk"]
    run("partner", "add", two["huisarts"][1], "--kind", "gp", workspace=folder)
    run("init", tmp_path / "dief", "--name", "huisarts (verzonnen)", "--id", GP, "--no-passphrase")
    run("partner", "card", "--to", tmp_path / "dief.json", workspace=tmp_path / "dief")
    refused(run, snapshot, folder, "add", tmp_path / "dief.json", "--kind", "gp", code=12, rule="partners.two-cards")


def test_a_demo_card_is_no_partner_of_a_real_workspace(run, two, tmp_path):
    import os

    reading, writing = os.pipe()
    os.write(writing, b"paarse fiets in de regen 7\n" * 2)
    os.close(writing)
    made = run("init", tmp_path / "echt", "--name", "x", "--id", PRACTICE, "--passphrase-fd", reading)
    os.close(reading)
    assert made.code == 0
    reading, writing = os.pipe()
    os.write(writing, b"paarse fiets in de regen 7\n")
    os.close(writing)
    said = run(
        "partner", "add", two["huisarts"][1], "--kind", "gp", "--json", "--passphrase-fd", reading,
        workspace=tmp_path / "echt",
    )  # fmt: skip
    os.close(reading)
    assert said.code == 12
    assert said.json["error"]["hints"]


def test_a_party_without_keys_signs_on_paper(run, two):
    folder, _ = two["praktijk"]
    said = run("partner", "paper", "agb:06999994", "--name", "Ziekenhuis", "--kind", "specialist", workspace=folder)
    assert said.code == 0
    assert "signs on paper" in said.out
    (one,) = run("partner", "list", "--json", workspace=folder).json["partners"]
    assert (one["state"], one["fingerprint"]) == ("paper", "")


def test_a_party_that_is_no_identifier_is_refused(run, two, snapshot):
    before = snapshot(two["praktijk"][0])
    said = run("partner", "paper", "ziekenhuis", "--name", "x", "--kind", "gp", "--json", workspace=two["praktijk"][0])
    assert said.code not in {0, 2}
    assert said.json["error"]["rule"] != "program.unexpected"
    assert snapshot(two["praktijk"][0]) == before


def test_every_step_stands_in_the_trail(run, two):
    folder, _ = two["praktijk"]
    run("partner", "add", two["huisarts"][1], "--kind", "gp", workspace=folder)
    given = fingerprint(run, two["huisarts"][0])
    half = run("partner", "verify", GP, "--fingerprint", given, "--how", "telefoon", workspace=folder)
    assert "one half is recorded" in half.out
    (one,) = run("partner", "list", "--json", workspace=folder).json["partners"]
    assert (one["state"], one["verified_by"], one["verified_how"]) == ("unverified", "tester", "telefoon")
    whole = run("partner", "verify", GP, "--ours", fingerprint(run, folder), "--how", "teruggebeld", workspace=folder)
    assert "was verified by tester" in whole.out
    (one,) = run("partner", "list", "--json", workspace=folder).json["partners"]
    assert (one["state"], one["verified_how"]) == ("verified", "telefoon; teruggebeld")
    entries = run("log", "show", "--json", workspace=folder).json["entries"]
    assert [(one["event"], one["counterparty"]) for one in entries] == [
        ("partner-added", GP), ("card-verified", GP), ("card-verified", GP)
    ]  # fmt: skip
    assert [one["detail"] for one in entries[1:]] == ["theirs: telefoon", "ours: teruggebeld"]


def test_a_partner_that_holds_another_card_of_ours_is_an_alarm_and_no_half_comes_first(run, two):
    folder, _ = two["praktijk"]
    run("partner", "add", two["huisarts"][1], "--kind", "gp", workspace=folder)
    given, ours = fingerprint(run, two["huisarts"][0]), fingerprint(run, folder)
    first = run("partner", "verify", GP, "--ours", ours, "--how", "telefoon", "--json", workspace=folder)
    assert (first.code, first.json["error"]["rule"]) == (12, "partners.theirs-first")
    for wrong in (given, "", "1" * 40):
        words = ("--fingerprint", given, "--ours", wrong, "--how", "telefoon", "--json")
        said = run("partner", "verify", GP, *words, workspace=folder)
        assert (said.code, said.json["error"]["rule"]) == (12, "partners.ours-differs")
        assert said.json["error"]["hints"]
    assert run("partner", "list", "--json", workspace=folder).json["partners"][0]["state"] == "unverified"
    last = run("log", "show", "--json", "--last", "1", workspace=folder).json["entries"][0]
    assert (last["event"], last["outcome"]) == ("own-card-differs", "refused")
    assert run("partner", "verify", GP, "--how", "telefoon", workspace=folder).code == 2
