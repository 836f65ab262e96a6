"""Claims, answers, resubmissions and credits over the change of format: each order of files gives the same sessions."""

from __future__ import annotations

import importlib.util
import io
from datetime import UTC, date, datetime
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from exchange.episodes.services import ServiceMap
from exchange.records.codes import SessionType
from exchange.signing.keys import StoreKeys
from exchange.sources import gds801, pm304
from exchange.store.deriving import Rebuilding
from exchange.store.opening import Store

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
SERVICES = ServiceMap({("012", "2000"): SessionType.SESSION, ("074", "2000"): SessionType.SESSION})
SETTINGS = Rebuilding(gap_days=90, services=SERVICES, declarant="07000001")


@pytest.fixture(scope="module")
def builders() -> Any:
    """Borrow the builders of the sources' tests."""
    path = Path(__file__).parents[1] / "sources" / "conftest.py"
    spec = importlib.util.spec_from_file_location("source_builders", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def answered(module: Any, references: dict[str, bool]) -> bytes:
    """Return a PM305 that grants the lines of which this is true."""
    lines = [module.person(width=370)]
    for reference, granted in references.items():
        amount = "00003500" if granted else "00000000"
        lines.append(module.claim(reference, width=370, granted=(320, amount)))
    return bytes(module.whole(*lines, width=370, code="108"))


def files(module: Any) -> dict[str, tuple[str, bytes]]:
    """Return five files: R1 stands, R2 is rejected and claimed anew as N2, R3 is rejected and paid the second time."""
    xml = module.Gds801
    claims = [
        module.claim("R1", day="20241202"),
        module.claim("R2", day="20241209"),
        module.claim("R3", day="20241216"),
        module.claim("R4", day="20241223"),
    ]
    again = xml.debit("N2", day="2024-12-09", start="2024-12-02").replace(
        "</Referentienummer>", "</Referentienummer><GerelateerdReferentienummer>R2</GerelateerdReferentienummer>", 1
    )
    new = (again, xml.debit("N5", day="2025-01-06", start="2024-12-02"), xml.credit("C4", of="R4"))
    message = xml.message(xml.person(*new), total=0).replace(b"<Overzicht>", b"<X>").replace(b"</Overzicht>", b"</X>")
    message = message.replace(b"<TotaalDeclaratiebedragInclBtw>", b"<Y>").replace(
        b"</TotaalDeclaratiebedragInclBtw>", b"</Y>"
    )
    return {
        "claims": ("pm304", module.whole(module.person(), *claims)),
        "rejected": ("pm304", answered(module, {"R1": True, "R2": False, "R3": False, "R4": True})),
        "paid after all": ("pm304", answered(module, {"R3": True})),
        "new": ("gds801", message),
    }


def test_every_order_of_claims_and_answers_counts_each_session_once(tmp_path: Path, builders: Any) -> None:
    found = set()
    given = files(builders)
    for number, order in enumerate(permutations(given)):
        with Store.create(tmp_path / f"{number}.db", StoreKeys(b"s" * 32, b"i" * 32, b"f" * 32)) as store:
            for name in order:
                kind, data = given[name]
                with store.loading(
                    kind=kind, file_name=name, digest="", by="tester", at=NOW, settings=SETTINGS
                ) as batch:
                    for row in (pm304 if kind == "pm304" else gds801).rows(io.BytesIO(data)):
                        batch.add(row)
                assert not batch.rejected
            dataset = store.dataset()
        days = tuple(sorted(one.day for one in dataset.sessions))
        found.add((days, len(dataset.episodes), dataset.episodes[0].start, dataset.episodes[0].source.value))
    assert found == {
        (
            (date(2024, 12, 2), date(2024, 12, 9), date(2024, 12, 16), date(2025, 1, 6)),
            1,
            date(2024, 12, 2),
            "gds801",
        )
    }
