"""exchange quality: a session at the expense of one payer that was claimed with another."""

from __future__ import annotations

from datetime import timedelta

import pytest


@pytest.fixture
def claimed(treated):
    """Return the EPD number of a patient and a day on which a session of theirs was claimed."""
    with treated.open("praktijk") as practice:
        sessions = sorted(practice.store.dataset().sessions, key=lambda one: (one.day, one.patient_id, one.session_id))
        known = ((practice.store.patient_identity(one.patient_id).epd_number, one) for one in sessions)
        number, session = next((number, one) for number, one in known if number)
        return number, session.day


def load(run, treated, number, day, column, word):
    file = treated["praktijk"].parent / f"zittingen-{word}.csv"
    head = f"Patiëntnummer;Behandeldatum;Soort zitting;{column}"
    file.write_text(f"{head}\n{number};{day:%d-%m-%Y};zitting;{word}\n", encoding="utf-8")
    said = run("load", file, "--mapping", "epd-sessions", "--json", workspace=treated["praktijk"])
    assert said.code in {0, 3}
    assert (said.json["sessions"], said.json["rejected"]) == (1, 0)


def doubts(run, treated):
    return run("quality", "--json", workspace=treated["praktijk"]).json["doubts"]["claimed-twice"]


@pytest.mark.parametrize(
    ("column", "word", "found"),
    [
        ("Betaler", "Wmo", 1),
        ("Betaler", "Jeugdwet", 1),
        ("Financiering", "Gemeente", 1),
        ("Betaler", "eigen rekening", 1),
        ("Particulier", "ja", 1),
        ("Betaler", "Zvw", 0),
        ("Betaler", "aanvullende verzekering", 0),
        ("Betaler", "Onbekende Verzekeraar", 0),
        ("Betaler", "", 0),
    ],
)
def test_what_another_pays_for_and_was_claimed_is_found(run, treated, claimed, column, word, found):
    assert doubts(run, treated) == 0
    load(run, treated, *claimed, column, word)
    assert doubts(run, treated) == found


def test_the_practice_sees_whose_and_when_and_at_whose_expense(run, treated, claimed):
    number, day = claimed
    load(run, treated, number, day, "Betaler", "Wmo")
    said = run("quality", "--show", "claimed-twice", "--language", "nl", workspace=treated["praktijk"])
    assert said.code == 3
    assert "toch gedeclareerd" in said.out
    (line,) = (one for one in said.out.splitlines() if number in one)
    assert day.isoformat() in line
    assert "wmo" in line


def test_a_session_that_was_not_claimed_is_not_paid_twice(run, treated, claimed):
    number, day = claimed
    load(run, treated, number, day - timedelta(days=3650), "Betaler", "Wmo")
    assert doubts(run, treated) == 0


LINE = """<v:Prestatie><v:DebetPrestatie><v:Aantal>1</v:Aantal><v:Begindatum>{day}</v:Begindatum>
<v:Prestatiecode>2000</v:Prestatiecode><v:PrestatieCodelijstCode>074</v:PrestatieCodelijstCode>
<v:Referentienummer>{day}-{entitlement}</v:Referentienummer><v:DeclaratieBedragInclBtw>35.00</v:DeclaratieBedragInclBtw>
<v:AanvullendPrestatieKenmerk><v:ApkCodelijstCode>004</v:ApkCodelijstCode><v:ApkCode>{entitlement}</v:ApkCode>
</v:AanvullendPrestatieKenmerk><v:Zorgtraject><v:ZorgtrajectStartdatum>2026-01-05</v:ZorgtrajectStartdatum>
</v:Zorgtraject></v:DebetPrestatie></v:Prestatie>"""
CREDIT = """<v:Prestatie><v:CreditPrestatie><v:Begindatum>{day}</v:Begindatum>
<v:PrestatieCodelijstCode>074</v:PrestatieCodelijstCode><v:Referentienummer>C-{day}</v:Referentienummer>
<v:GerelateerdReferentienummer>{day}-{entitlement}</v:GerelateerdReferentienummer></v:CreditPrestatie></v:Prestatie>"""


def claims(file, *lines):
    whole = "".join(form.format(day=day, entitlement=entitlement) for form, day, entitlement in lines)
    file.write_text(
        '<?xml version="1.0"?><v:Bericht xmlns:v="http://ei.vektis.nl/declaratiebericht573"><v:Header><v:Declarant>'
        "<v:Zorgaanbiedercode>07000001</v:Zorgaanbiedercode></v:Declarant></v:Header><v:Verzekerde>"
        "<v:BSN>999990019</v:BSN><v:Geboortedatum>1970-01-01</v:Geboortedatum>"
        f"<v:PatientIdentificatienummer>P1</v:PatientIdentificatienummer>{whole}</v:Verzekerde></v:Bericht>",
        encoding="utf-8",
    )
    return file


@pytest.fixture
def practice(run, tmp_path):
    run("init", tmp_path / "ws", "--name", "Praktijk (verzonnen)", "--id", "agb:07000001", "--no-passphrase")
    return tmp_path / "ws"


def test_a_session_claimed_on_the_basic_and_on_the_supplementary_insurance_is_found(run, practice, tmp_path):
    both = [(LINE, "2026-01-05", "001"), (LINE, "2026-01-05", "009"), (LINE, "2026-01-12", "009")]
    run("load", claims(tmp_path / "a.xml", *both), workspace=practice)
    said = run("quality", "--show", "claimed-twice", "--json", workspace=practice).json
    assert said["doubts"]["claimed-twice"] == 1
    assert [(one["day"], one["code"]) for one in said["shown"]] == [("2026-01-05", "supplementary")]
    run("load", claims(tmp_path / "b.xml", (CREDIT, "2026-01-05", "009")), workspace=practice)
    assert run("quality", "--json", workspace=practice).json["doubts"]["claimed-twice"] == 0


def test_a_session_of_the_epd_on_the_supplementary_insurance_that_was_claimed_on_the_basic_one_is_found(
    run, practice, tmp_path
):
    run(
        "load", claims(tmp_path / "a.xml", (LINE, "2026-01-05", "001"), (LINE, "2026-01-12", "009")), workspace=practice
    )
    epd = tmp_path / "zittingen.csv"
    epd.write_text(
        "BSN;Patiëntnummer;Behandeldatum;Soort zitting;Betaler\n999990019;P1;05-01-2026;zitting;AV\n"
        "999990019;P1;12-01-2026;zitting;aanvullend\n",
        encoding="utf-8",
    )
    run("load", epd, "--mapping", "epd-sessions", workspace=practice)
    said = run("quality", "--show", "claimed-twice", "--json", workspace=practice).json
    assert [(one["day"], one["code"]) for one in said["shown"]] == [("2026-01-05", "supplementary")]


def test_what_an_entitlement_code_means_can_be_said_in_the_settings(run, practice, tmp_path):
    both = [(LINE, "2026-01-05", "001"), (LINE, "2026-01-05", "777")]
    run("load", claims(tmp_path / "a.xml", *both), workspace=practice)
    assert run("quality", "--json", workspace=practice).json["doubts"]["claimed-twice"] == 0
    settings = practice / "exchange.toml"
    text = settings.read_text(encoding="utf-8")
    assert "services = {}" in text
    settings.write_text(text.replace("services = {}", 'services = {entitlements = {"777" = "supplementary"}}'), "utf-8")
    assert run("quality", "--json", workspace=practice).json["doubts"]["claimed-twice"] == 1
