"""A file is known by its content, digested, and refused when it changes while it is read."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from exchange.errors import SourceError
from exchange.sources.mapping import read_mapping, shipped_mappings
from exchange.sources.reading import detect, read
from exchange.sources.suggesting import suggest


def test_the_kind_is_found_out_by_content(tmp_path: Path, pm304: Any, gds801: Any) -> None:
    for content, kind in [
        (pm304.whole(pm304.person(), pm304.claim()), "pm304"),
        (pm304.whole(pm304.person(width=370), width=370, code="108"), "pm304"),
        (gds801.message(), "gds801"),
        (b'\xef\xbb\xbf {"resourceType": "Bundle"}', "fhir"),
        (b"BSN;Begindatum\n", "table"),
        ("BSN;Begindatum\n".encode("utf-16"), "table"),
        (b"PK\x03\x04", "table"),
    ]:
        path = tmp_path / "file"
        path.write_bytes(content)
        assert detect(path) == kind


def test_a_test_message_says_so(tmp_path: Path, pm304: Any, gds801: Any) -> None:
    real = (pm304.whole(pm304.person()), gds801.message())
    tests = (real[0].replace(b"0302P", b"0302T"), real[1].replace(b">P<", b">T<"))
    path = tmp_path / "file"
    for content, test in [*((one, False) for one in real), *((one, True) for one in tests)]:
        path.write_bytes(content)
        assert read(path).test is test


def test_a_reading_carries_the_digest_and_can_be_read_again(tmp_path: Path, pm304: Any, gds801: Any) -> None:
    path = tmp_path / "claims.txt"
    path.write_bytes(pm304.whole(pm304.person(), pm304.claim()))
    reading = read(path)
    assert reading.digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert list(reading.rows()) == list(reading.rows())
    path.write_bytes(gds801.message(gds801.person(gds801.debit())))
    assert len(list(read(path, kind="gds801").rows())) == 2


def test_a_file_that_changed_since_is_refused(tmp_path: Path, pm304: Any) -> None:
    path = tmp_path / "claims.txt"
    path.write_bytes(pm304.whole(pm304.person(), pm304.claim()))
    reading = read(path)
    path.write_bytes(pm304.whole(pm304.person(), pm304.claim("R2")))
    with pytest.raises(SourceError) as error:
        list(reading.rows())
    assert error.value.rule == "sources.changed-while-reading"


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path, pm304: Any) -> None:
    path = tmp_path / "claims.txt"
    path.write_bytes(pm304.whole(pm304.person(), pm304.claim()))
    rows = read(path).rows()
    next(rows)
    with path.open("ab") as file:
        file.write(b"\r\n")
    with pytest.raises(SourceError) as error:
        list(rows)
    assert error.value.rule == "sources.changed-while-reading"


def test_what_is_not_there_or_of_no_kind_is_refused(tmp_path: Path) -> None:
    for path, kind, rule in [
        (tmp_path / "none", None, "sources.cannot-open"),
        (tmp_path, None, "sources.is-a-folder"),
        (Path(__file__), "novel", "sources.unknown-kind"),
    ]:
        with pytest.raises(SourceError) as error:
            read(path, kind=kind)
        assert error.value.rule == rule


def test_a_suggestion_is_a_mapping_that_reads_the_file(tmp_path: Path) -> None:
    path = tmp_path / "Export dossiers.csv"
    path.write_text(
        'Patientnr.;BSN;Behandelepisode;Startdatum;Einde behandeling;Diagnosecode;Kleur "ogen"\n'
        "P1;999990019;T1;08-01-2024;15-03-2024;3427;blauw\n",
        encoding="windows-1252",
    )
    text = suggest(path)
    mapping = read_mapping(text, "suggested")
    assert mapping.id == "export-dossiers"
    assert [spec.kind for spec in mapping.rows] == ["patients", "episodes"]
    assert "Kleur" in text
    assert "blauw" not in text
    patient, episode = read(path, mapping=mapping).rows()
    assert (patient.patient.bsn, episode.key, episode.system) == ("999990019", "T1", "epd")  # type: ignore[union-attr]


def test_nothing_is_suggested_for_a_table_of_something_else(tmp_path: Path) -> None:
    path = tmp_path / "shoes.csv"
    path.write_text("schoenmaat,hak\n42,nee\n", encoding="utf-8")
    with pytest.raises(SourceError) as error:
        suggest(path)
    assert error.value.rule == "sources.nothing-to-suggest"


def test_every_shipped_mapping_reads_a_table_with_all_its_columns(tmp_path: Path) -> None:
    for name, mapping in shipped_mappings().items():
        columns = {names[0]: None for spec in mapping.rows for names in spec.columns.values()}
        path = tmp_path / f"{name}.csv"
        path.write_text(";".join(columns) + "\n", encoding="utf-8")
        assert list(read(path, mapping=name).rows()) == []
        chosen = read(path).mapping
        assert chosen is not None
        assert chosen.id == name


def test_a_change_within_one_tick_of_the_clock_is_noticed_by_its_content(tmp_path: Path, pm304: Any) -> None:
    path = tmp_path / "claims.txt"
    path.write_bytes(pm304.whole(pm304.person(), pm304.claim("R1"), pm304.claim("R2")))
    times = path.stat()
    rows = read(path).rows()
    next(rows)
    path.write_bytes(path.read_bytes().replace(b"R1", b"R3"))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    with pytest.raises(SourceError) as error:
        list(rows)
    assert error.value.rule == "sources.changed-while-reading"


def test_what_a_change_broke_is_called_a_change(tmp_path: Path, pm304: Any) -> None:
    path = tmp_path / "claims.txt"
    many = [pm304.claim(f"R{number}") for number in range(200)]
    path.write_bytes(pm304.whole(pm304.person(), *many))
    rows = read(path).rows()
    next(rows)
    os.truncate(path, 30_000)
    with pytest.raises(SourceError) as error:
        list(rows)
    assert error.value.rule == "sources.changed-while-reading"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no special files on this system")
def test_what_is_no_plain_file_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for name, to in (("to-folder", "folder"), ("to-nothing", "nothing"), ("loop", "loop"), ("to-device", "/dev/zero")):
        (tmp_path / name).symlink_to(to)
    os.mkfifo(tmp_path / "pipe")
    rules = {
        "folder": "sources.is-a-folder",
        "to-folder": "sources.is-a-folder",
        "to-nothing": "sources.cannot-open",
        "loop": "sources.cannot-open",
        "to-device": "sources.not-a-plain-file",
        "pipe": "sources.not-a-plain-file",
        "nul\0byte": "sources.cannot-open",
        "x" * 5000: "sources.cannot-open",
    }
    for name, rule in rules.items():
        with pytest.raises(SourceError) as error:
            read(tmp_path / name)
        assert error.value.rule == rule


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a link needs a right on this system")
def test_a_link_to_a_plain_file_is_that_file(tmp_path: Path, pm304: Any) -> None:
    (tmp_path / "claims.txt").write_bytes(pm304.whole(pm304.person(), pm304.claim()))
    (tmp_path / "link").symlink_to("claims.txt")
    assert len(list(read(tmp_path / "link").rows())) == 2
