"""exchange inspect: what a sealed file shows to anybody, and to us; nothing is stored."""

from __future__ import annotations

PRACTICE = "agb:07999990"


def test_anybody_sees_only_how_large_it_is_and_how_it_was_sealed(run, mailed, tmp_path):
    said = run("inspect", mailed["post"] / "from-a.age", "--json", cwd=tmp_path)
    assert said.code == 0
    assert set(said.json) == {"file", "size", "kinds", "armored", "payload"}
    assert "mlkem768x25519" in said.json["kinds"]


def test_whom_it_is_for_sees_sender_agreement_and_contents_and_nothing_is_stored(run, mailed, snapshot):
    before = snapshot(mailed["praktijk"])
    seen = run("inspect", mailed["post"] / "from-a.age", "--json", workspace=mailed["praktijk"]).json
    assert (seen["opened"], seen["sender"], seen["agreement"]) == (True, "agb:01999991", "huisartsen")
    assert seen["contents"] == "messages.ndjson (9), acknowledgement.json (1)"
    assert seen["known"] is False
    assert snapshot(mailed["praktijk"]) == before


def test_it_says_when_a_file_was_taken_in_before(run, mailed):
    run("import", mailed["post"] / "from-a.age", workspace=mailed["praktijk"])
    assert run("inspect", mailed["post"] / "from-a.age", "--json", workspace=mailed["praktijk"]).json["known"] is True


def test_a_file_for_somebody_else_stays_closed(run, mailed):
    seen = run("inspect", mailed["post"] / "to-b.age", "--json", workspace=mailed["huisarts-a"]).json
    assert seen["opened"] is False
    assert "sender" not in seen


def test_the_words_are_in_the_readers_language(run, mailed):
    dutch = run("inspect", mailed["post"] / "from-a.age", "--language", "nl", workspace=mailed["praktijk"])
    english = run("inspect", mailed["post"] / "from-a.age", workspace=mailed["praktijk"])
    assert dutch.out.splitlines()[0].startswith("bestand ")
    assert english.out.splitlines()[0].startswith("file ")
    assert "afzender" in dutch.out
    assert {"True", "False"}.isdisjoint(dutch.out.split())
    assert dutch.out.splitlines()[-1].split()[-1] == "nee"
    assert english.out.splitlines()[-1].split()[-1] == "no"


def test_no_name_or_number_of_a_client_is_shown(run, mailed):
    with mailed.open("praktijk") as practice:
        people = [practice.store.patient_identity(one.patient_id) for one in practice.store.dataset().patients]
    said = run("inspect", mailed["post"] / "to-b.age", "--json", workspace=mailed["huisarts-b"])
    assert said.json["opened"] is True
    assert not [one for one in people if one.bsn in said.out or one.name in said.out or one.epd_number in said.out]


def test_what_is_no_sealed_file_is_said_to_be_so(run, mailed, tmp_path):
    file = tmp_path / "letter.age"
    file.write_bytes(b"Beste collega")
    said = run("inspect", file, "--json", workspace=mailed["praktijk"])
    assert (said.code, said.json["error"]["rule"]) == (12, "sealing.cannot-open")
    assert said.json["error"]["hints"]


def test_a_file_that_is_not_there_is_a_usage_error(run, mailed, tmp_path):
    assert run("inspect", tmp_path / "none.age", workspace=mailed["praktijk"]).code == 2
