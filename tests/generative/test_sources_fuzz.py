"""No input makes a reader fail with anything but SourceError, and none repeats what it read."""

from __future__ import annotations

import io
import json
import string
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exchange.errors import SourceError
from exchange.findings import say
from exchange.sources import fhir_records, gds801, pm304, tables
from exchange.sources.mapping import read_mapping, shipped_mappings
from exchange.sources.reading import read
from exchange.sources.rows import Rejected, Row
from exchange.sources.suggesting import suggest

CANARY = "Kanarie-7319"
FEW = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

Reader = Callable[[BinaryIO], Iterator[Row | Rejected]]


def consumed(reader: Reader, data: bytes) -> str:
    """Read everything; return all that a person would be shown of what went wrong."""
    shown = []
    try:
        shown.extend(
            f"{row.line} {row.field} {say(row.rule, {}, 'nl')} {say(row.rule, {}, 'en')}"
            for row in reader(io.BytesIO(data))
            if isinstance(row, Rejected)
        )
    except SourceError as error:
        shown.append(f"{error} {error.rule} {error.params} {error.hints} {say(error.rule, error.params, 'nl')}")
    return "\n".join(shown)


def by_table(data: BinaryIO) -> Iterator[Row | Rejected]:
    mapping = shipped_mappings()["epd-episodes"]
    return tables.rows(tables.find_header(tables.open_csv(data, mapping), mapping), mapping)


@pytest.mark.parametrize("reader", [pm304.rows, gds801.rows, fhir_records.rows, by_table])
@FEW
@given(data=st.binary(max_size=400))
def test_any_bytes_are_refused_in_order(reader: Reader, data: bytes) -> None:
    consumed(reader, data)


OPENING = "01107030200P".ljust(46) + "07000001" + "0" * 8
PERSON = "02000000000001999990019709500000000000000000000000000" + "197001012"
CLAIM = "".join(
    (
        "04000000000001999990019",
        "7095".ljust(35),
        "20240108012002000000100050000342700".ljust(69),
        "07000002".ljust(55),
        "00003500DR1",
    )
)
FIELD = st.text(alphabet=string.digits + " DCX" + string.ascii_letters + "é\x1a\x00", max_size=25)


@FEW
@given(
    st.lists(st.tuples(st.sampled_from(["02", "04", "98", "99", "03", "xx"]), st.integers(2, 300), FIELD), max_size=6),
    st.sampled_from(["\r\n", "\n"]),
)
def test_any_field_of_a_claims_record_may_hold_anything(changes: list[tuple[str, int, str]], end: str) -> None:
    lines = [OPENING.ljust(310), PERSON.ljust(310), CLAIM.ljust(310)]
    for kind, place, value in changes:
        base = {"02": PERSON, "04": CLAIM}.get(kind, kind).ljust(310)
        lines.append((base[:place] + value + base[place + len(value) :])[: 310 + place % 3])
    consumed(pm304.rows, end.join([*lines, "99".ljust(310)]).encode("latin-1"))


NAMES = st.sampled_from(
    [
        "Header",
        "Declarant",
        "Zorgaanbiedercode",
        "Verzekerde",
        "BSN",
        "DebetPrestatie",
        "CreditPrestatie",
        "Zorgtraject",
        "Begindatum",
        "Referentienummer",
        "Aantal",
        "Diagnose",
        "Verwijzing",
        "Bedrag",
        "Onbekend",
    ]
)
TREES: Any = st.recursive(
    st.tuples(NAMES, st.sampled_from(["", "07000001", "999990019", "2025-01-08", "1", "x", "é" * 50])),
    lambda children: st.tuples(NAMES, st.lists(children, max_size=5)),
    max_leaves=25,
)


def xml(tree: Any) -> str:
    name, content = tree
    inner = content if isinstance(content, str) else "".join(xml(child) for child in content)
    return f"<{name}>{inner}</{name}>"


@FEW
@given(st.lists(TREES, max_size=6), st.sampled_from(["573", "574"]))
def test_any_tree_of_known_elements_is_read_or_refused(forest: list[Any], number: str) -> None:
    body = "".join(xml(tree) for tree in forest)
    consumed(gds801.rows, f'<Bericht xmlns="http://ei.vektis.nl/declaratiebericht{number}">{body}</Bericht>'.encode())


KEYS = st.sampled_from(
    [
        "id",
        "subject",
        "patient",
        "reference",
        "period",
        "start",
        "end",
        "code",
        "coding",
        "system",
        "name",
        "given",
        "category",
        "identifier",
        "value",
        "item",
        "answer",
        "valueQuantity",
        "status",
        "episodeOfCare",
        "birthDate",
    ]
)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["Patient/p1", "2024-01-08", "9999-12-31T23:59:59Z", "finished", "229065009", "p1", "72514-3"]),
    st.text(max_size=10),
)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=5)),
    max_leaves=20,
)
TYPES = st.sampled_from(
    [
        "Patient",
        "EpisodeOfCare",
        "CarePlan",
        "Encounter",
        "Procedure",
        "Observation",
        "ServiceRequest",
        "Condition",
        "QuestionnaireResponse",
        "Practitioner",
        "Bundle",
    ]
)
PLAUSIBLE = {
    "id": "p1",
    "status": "finished",
    "patient": {"reference": "Patient/p1"},
    "subject": {"reference": "Patient/p1"},
    "period": {"start": "2024-01-08"},
    "code": {"coding": [{"system": "http://loinc.org", "code": "72514-3"}, {"code": "229065009"}]},
    "questionnaire": "x/nprs",
    "authored": "2024-01-08",
    "effectiveDateTime": "2024-01-09",
}


@FEW
@given(st.lists(st.tuples(TYPES, st.dictionaries(KEYS, JSON, max_size=5), st.booleans()), max_size=6), st.booleans())
def test_any_resource_may_hold_anything(resources: list[tuple[str, dict[str, Any], bool]], lines: bool) -> None:
    made = [{**(PLAUSIBLE if full else {}), **body, "resourceType": kind} for kind, body, full in resources]
    if lines:
        data = "\n".join(json.dumps(one) for one in made)
    else:
        data = json.dumps({"resourceType": "Bundle", "entry": [{"resource": one} for one in made]})
    consumed(fhir_records.rows, data.encode())


HEADER = "BSN;Geboortedatum;Geslacht;Begindatum;Einddatum;DCSPH;Verwijzer AGB;Meetinstrument;Startscore;Reden einde"
CELL = st.one_of(
    st.sampled_from(["999990019", "08-01-2024", "2024-01-08", "NPRS", "7,5", "V", "3427", "ja", '"', '"a;b"', "1e999"]),
    st.text(max_size=12),
)


@FEW
@given(st.lists(st.lists(CELL, max_size=13).map(";".join), max_size=5), st.sampled_from(["utf-8", "utf-16", "cp1252"]))
def test_any_cell_may_hold_anything(lines: list[str], encoding: str) -> None:
    consumed(by_table, "\n".join([HEADER, *lines]).encode(encoding, "replace"))


@FEW
@given(text=st.text(max_size=200))
def test_any_mapping_is_read_or_refused(text: str) -> None:
    with pytest.raises(SourceError):
        read_mapping(text, "own.toml")


@FEW
@given(data=st.binary(min_size=1, max_size=300))
def test_any_file_is_read_or_refused_by_its_content(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    for attempt in (lambda: list(read(path).rows()), lambda: suggest(path)):
        try:
            attempt()
        except SourceError:
            continue


@pytest.mark.parametrize("place", range(0, 300, 7))
def test_no_value_of_a_claim_is_ever_repeated(place: int) -> None:
    for base in (PERSON.ljust(310), CLAIM.ljust(310)):
        spoilt = base[: 2 + place] + CANARY + base[2 + place + len(CANARY) :]
        data = "\n".join([OPENING.ljust(310), PERSON.ljust(310), spoilt, CANARY.ljust(310), "99".ljust(310)])
        assert CANARY not in consumed(pm304.rows, data.encode())


def test_no_value_of_a_table_a_message_or_a_record_is_ever_repeated() -> None:
    cells = ["999990019", "01-01-1970", "V", "08-01-2024", "", "", "", "NPRS", "7", ""]
    for place in range(len(cells)):
        line = ";".join([*cells[:place], CANARY, *cells[place + 1 :]])
        assert CANARY not in consumed(by_table, f"{HEADER}\n{line}\n".encode())
    texts = {"Referentienummer": "R1", "Begindatum": "2025-01-08", "Aantal": "1", "DeclaratieBedragInclBtw": "1"}
    for name in (*texts, "Prestatiecode", "ZorgtrajectStartdatum", "BSN", "Geboortedatum", "Zorgaanbiedercode"):
        line = "".join(f"<{one}>{CANARY if one == name else text}</{one}>" for one, text in texts.items())
        extra = "".join(f"<{one}><{name}>{CANARY * 9}</{name}></{one}>" for one in ("Zorgtraject", "Verwijzing"))
        bsn = CANARY if name == "BSN" else "999990019"
        body = f"<Verzekerde><DebetPrestatie>{line}{extra}</DebetPrestatie><BSN>{bsn}</BSN></Verzekerde>"
        head = "<Declarant><Zorgaanbiedercode>07000001</Zorgaanbiedercode></Declarant>"
        for end in ("</B>", f"<{CANARY}</B>"):
            data = f'<B xmlns="http://ei.vektis.nl/declaratiebericht573">{head}{body}{end}'
            shown = consumed(gds801.rows, data.encode())
            assert shown
            assert CANARY not in shown
    for key in PLAUSIBLE:
        for kind in ("EpisodeOfCare", "CarePlan", "Observation", "ServiceRequest", "QuestionnaireResponse"):
            person = {"resourceType": "Patient", "id": "p1"}
            whole = {"resourceType": kind, **PLAUSIBLE}
            spoilt = {**whole, key: {"start": CANARY, "reference": CANARY, CANARY: CANARY}}
            entries = [{"resource": one} for one in (person, {**whole, "resourceType": "EpisodeOfCare"}, spoilt)]
            data = json.dumps({"resourceType": "Bundle", "entry": entries})
            assert CANARY not in consumed(fhir_records.rows, data.encode())
