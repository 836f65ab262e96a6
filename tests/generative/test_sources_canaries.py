"""A value planted in any field of any format shows in no finding, no exception, no log and no rejects file."""

from __future__ import annotations

import io
import json
import logging
import traceback
import zipfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from exchange.errors import SourceError
from exchange.findings import say
from exchange.operations.inventing import claiming, tables
from exchange.operations.inventing.drawing import draw
from exchange.sources.mapping import read_mapping
from exchange.sources.reading import read
from exchange.sources.rows import Rejected
from exchange.sources.suggesting import suggest

COURSES = draw(seed=7, clients=3, courses=4)
FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
# A word, a number that passes the eleven test, and what a parser chokes on; all hold a part that stands nowhere else.
CANARIES = st.sampled_from(
    ["Kanarie7319", "Kanarie\x00", "Kanarie;x", '"Kanarie', "<Kanarie>", "&Kanarie;", "é-Kanarie"]
)
NUMBERS = st.sampled_from(["731973190", "7319731973197319", "-7319731973", "1e7319731973", "73197319-73-19"])

PM304 = claiming.pm304(COURSES, date(2022, 1, 1), date(2026, 1, 1))
GDS801 = claiming.gds801(COURSES[:1], date(2022, 1, 1), date(2026, 1, 1))
TABLES = tuple(one[:1500] for one in (tables.episodes(COURSES), tables.measurements(COURSES), tables.prem()))
FHIR = json.loads(
    """[{"resourceType": "Patient", "id": "p1", "birthDate": "1970-01-01", "gender": "female",
      "identifier": [{"system": "x/bsn", "value": "999990019"}], "name": [{"text": "Iemand"}]},
     {"resourceType": "EpisodeOfCare", "id": "e1", "status": "finished", "patient": {"reference": "Patient/p1"},
      "period": {"start": "2024-01-08", "end": "2024-03-08"}},
     {"resourceType": "Encounter", "id": "n1", "status": "finished", "subject": {"reference": "Patient/p1"},
      "episodeOfCare": [{"reference": "EpisodeOfCare/e1"}], "period": {"start": "2024-01-08"}},
     {"resourceType": "Observation", "id": "v1", "status": "final", "subject": {"reference": "Patient/p1"},
      "code": {"coding": [{"system": "http://loinc.org", "code": "72514-3"}]}, "effectiveDateTime": "2024-01-08",
      "valueQuantity": {"value": 7}},
     {"resourceType": "ServiceRequest", "id": "s1", "status": "active", "subject": {"reference": "Patient/p1"},
      "authoredOn": "2024-01-02", "reasonCode": [{"text": "rug"}],
      "code": {"coding": [{"system": "http://snomed.info/sct", "code": "229065009"}]}}]"""
)


def shown(path: Path, data: bytes, caplog: pytest.LogCaptureFixture, *, by_suggestion: bool = False) -> str:
    """Read a file to its end; return all that anybody is shown of it, the whole chain of exceptions included."""
    path.write_bytes(data)
    told: list[str] = []
    caplog.clear()
    try:
        mapping = read_mapping(suggest(path), "own.toml") if by_suggestion else None
        told.extend(
            f"{row.line} {row.field} {row.rule} {say(row.rule, {'field': row.field}, 'nl')}"
            for row in read(path, mapping=mapping, on=date(2026, 1, 1)).rows()
            if isinstance(row, Rejected)
        )
    except SourceError as error:
        told += [
            f"{error!r} {error.params} {say(error.rule, error.params, 'nl')} {say(error.rule, error.params, 'en')}"
        ]
        told += traceback.format_exception(error)
    return "\n".join([*told, *caplog.messages])


def holds(text: str, canary: str) -> bool:
    return "kanarie" in text.casefold() or ("7319" in canary and "73197319" in text)


def over(data: bytes, start: int, value: bytes, length: int) -> bytes:
    return data[:start] + value + data[start + length :]


@FEW
@given(st.data(), CANARIES | NUMBERS, st.booleans())
def test_in_claims_of_fixed_width(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, data: st.DataObject, canary: str, shifted: bool
) -> None:
    caplog.set_level(logging.DEBUG)
    value = canary.encode("cp850", "replace")
    place = data.draw(st.integers(5, len(PM304) - len(value)))
    assert not holds(shown(tmp_path / "f", over(PM304, place, value, 0 if shifted else len(value)), caplog), canary)


@FEW
@given(st.data(), CANARIES | NUMBERS)
def test_in_claims_in_xml(tmp_path: Path, caplog: pytest.LogCaptureFixture, data: st.DataObject, canary: str) -> None:
    caplog.set_level(logging.DEBUG)
    ends = [place for place in range(200, len(GDS801)) if GDS801[place : place + 1] in b"<>"]
    place = data.draw(st.sampled_from(ends))
    made = over(GDS801, place + data.draw(st.integers(0, 1)), canary.encode(), 0)
    assert not holds(shown(tmp_path / "f", made, caplog), canary)


@FEW
@given(st.sampled_from(TABLES), st.data(), CANARIES | NUMBERS, st.booleans())
def test_in_tables(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, table: bytes, data: st.DataObject, canary: str, proposed: bool
) -> None:
    caplog.set_level(logging.DEBUG)
    lines = table.split(b"\r\n")
    number = data.draw(st.integers(1, len(lines) - 1))
    cells = lines[number].split(b";")
    cells[data.draw(st.integers(0, len(cells) - 1))] = canary.encode("cp1252", "replace")
    lines[number] = b";".join(cells)
    assert not holds(shown(tmp_path / "f", b"\r\n".join(lines), caplog, by_suggestion=proposed), canary)


def leaves(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path and path[-1] != "resourceType":
        yield path
    pairs = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for step, inner in pairs:
        yield from leaves(inner, (*path, step))


@FEW
@given(st.data(), CANARIES | NUMBERS, st.sampled_from(["value", "key", "object", "raw"]), st.booleans())
def test_in_records(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, data: st.DataObject, canary: str, how: str, lines: bool
) -> None:
    caplog.set_level(logging.DEBUG)
    made = json.loads(json.dumps(FHIR))
    *above, last = data.draw(st.sampled_from(list(leaves(made, ()))))
    node = made
    for step in above:
        node = node[step]
    if isinstance(node, list) and node is made:
        node = made[last]
        last = "id"
    node[last] = {"value": canary, "key": {canary: 1}, "object": {"reference": canary, "coding": [{"code": canary}]},
                  "raw": canary}[how]  # fmt: skip
    texts = [json.dumps(one) for one in made]
    entries = ",".join(f'{{"resource": {one}}}' for one in texts)
    text = "\n".join(texts) if lines else '{"resourceType": "Bundle", "entry": [' + entries + "]}"
    if how == "raw":
        # Unquoted, and as a key that occurs twice.
        quoted = json.dumps(canary)
        text = text.replace(quoted, data.draw(st.sampled_from([canary, f"{{{quoted}: 1, {quoted}: 2}}"])), 1)
    assert not holds(shown(tmp_path / "f", text.encode("utf-8", "replace"), caplog), canary)


def test_in_a_workbook(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for value in ('t="n"><v>Kanarie</v>', 't="d"><v>Kanarie</v>', 't="s"><v>Kanarie</v>', 't="Kanarie"><v>1</v>',
                  's="Kanarie"><v>1</v>', 't="n"><f>Kanarie()</f><v>1</v>', 't="e"><v>#Kanarie</v>'):  # fmt: skip
        book, stream, made = Workbook(), io.BytesIO(), io.BytesIO()
        book.active.append(["Patiëntnummer", "Trajectnummer", "Begindatum"])
        book.save(stream)
        with zipfile.ZipFile(stream) as old, zipfile.ZipFile(made, "w") as new:
            for name in old.namelist():
                row = f'<row r="2"><c r="A2" {value}</c><c r="C2" {value}</c></row></sheetData>'
                new.writestr(name, old.read(name).replace(b"</sheetData>", row.encode()))
        assert not holds(shown(tmp_path / "f", made.getvalue(), caplog), "Kanarie")


def test_the_canary_would_be_seen(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def leaking(*_: object, **__: object) -> Any:
        raise SourceError("sources.sheet-missing", sheet="Kanarie")

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(shown.__globals__, "read", leaking)
        assert holds(shown(tmp_path / "f", b"x", caplog), "Kanarie")
