"""A thousand sealed files in any order, twice over: the same store, and how long one takes.

Run `python tests/benchmarks/many_files.py [FILES]`; it prints wall and processor time, and fails where they differ.
"""

from __future__ import annotations

import random
import shutil
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))


def send(town: Path, count: int) -> list[Path]:
    """Let GP A seal `count` small files for the practice: answers, corrections of them, and receipts."""
    from dataclasses import replace

    from tests.conftest import Forger, Town

    from exchange.operations import posting
    from exchange.records.codes import Answered, Evidence
    from exchange.records.model import Answer
    from exchange.sealing import acknowledgement
    from exchange.sealing.acknowledgement import Acknowledgement
    from exchange.sealing.manifest import AgreementRef, Kind
    from exchange.sealing.sealing import Content

    forger = Forger(Town(town), "huisarts-a")
    with Town(town).open("huisarts-a") as gp:
        cases = sorted(case.case_id for case in gp.store.cases.received())
        stored = gp.store.agreements.find("huisartsen")
    base = Answer(
        "", "", "", "answer.specialist-referral", date(2026, 1, 1), date(2026, 2, 1), Answered.NO, Evidence.SIGNED
    )
    lines = []
    for number in range(count):
        case = cases[number % len(cases)]
        said = (Answered.NO, Answered.YES, Answered.UNKNOWN)[number % 3]
        lines.append(forger.answer(case, answers=(replace(base, case_id=case, status=said),)))
    files = [town / "post" / "from-a.age"]
    with Town(town).open("huisarts-a") as gp:
        ref = AgreementRef(stored.agreement_id, stored.version, stored.digest)
        for number, line in enumerate(lines):
            bare = number % 10 == 9
            data = Acknowledgement().to_bytes() if bare else line + b"\n"
            content = (
                Content(acknowledgement.NAME, acknowledgement.MEDIA_TYPE, 1, data)
                if bare
                else Content("messages.ndjson", "application/fhir+ndjson", 1, data)
            )
            kind = Kind.ACKNOWLEDGEMENT if bare else Kind.DATA
            files.append(
                posting.post(
                    gp, kind=kind, party="agb:07999990", stream="huisartsen", contents=(content,), agreement=ref
                ).file
            )
    return files


def held(workspace: Any) -> dict[str, Any]:
    """Return what a workspace holds, apart from when it was written and by which row."""
    store = workspace.store
    cases = [case for one in store.agreements.list() for case in store.cases.of_agreement(one.agreement_id)]
    return {
        "dataset": store.dataset(),
        "cases": cases,
        "answers": sorted(map(repr, store.answers.of_cases({one.case_id for one in cases}))),
        "totals": store.answers.aggregates(),
        "consents": store.consents.all_standing(workspace.on),
        "journal": sorted(
            (one.party, one.agreement_id, one.epoch_order, one.sequence, one.message_id, one.digest, one.state.value)
            for one in store.journal.incoming()
        ),
        "messages": sorted(
            (one.message_id, one.event, one.content) for case in cases for one in store.received.of_case(case.case_id)
        ),
        "originals": sorted(file.name.partition("-")[0] for file in (workspace.folder / "inbox").glob("*.age")),
    }


def main(count: int) -> None:
    """Seal, take in twice in two orders, compare, print."""
    from tests.conftest import Town, _build_town, _send_mail

    from exchange.operations import importing

    def clock() -> tuple[float, float]:
        return time.perf_counter(), time.process_time()

    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder) / "town"
        _build_town(top)
        _send_mail(Town(top))
        plain = Path(folder) / "plain"
        shutil.copytree(top, plain)
        began = clock()
        files = send(top, count)
        sealed = clock()
        print(f"{count} files sealed: {sealed[0] - began[0]:.1f} s wall, {sealed[1] - began[1]:.1f} s processor")
        shuffled = [*files, *files]
        random.Random(7).shuffle(shuffled)
        outcomes = []
        for name, order in (("in order, once", files), ("shuffled, twice over", shuffled)):
            town = Path(folder) / name
            shutil.copytree(plain, town)
            with Town(town).open("praktijk") as practice:
                began = clock()
                importing.take_in(practice, order)
                done = clock()
                outcomes.append(held(practice))
            wall, spent = done[0] - began[0], done[1] - began[1]
            each = 1000 * spent / len(order)
            print(f"{len(order)} imports {name}: {wall:.1f} s wall, {spent:.1f} s processor ({each:.1f} ms each)")
        same = outcomes[0] == outcomes[1]
        print("the same store" if same else "DIFFERENT STORES")
        sys.exit(0 if same else 1)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
