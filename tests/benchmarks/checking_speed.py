"""Checking a message beside `fhir.resources` parsing it, and a file of 100,000 resources beside both other ways.

A message of 25 entries is checked with everything on: limits, duplicate names, structure, formats and codes, profiles,
invariants, references, the closed loop, reading, scores. The floor is what no check can do without: a parse that
refuses duplicate names, and one pass over what was parsed. Medians of five interleaved runs; processor time too, for
the machine may be busy.

    python tests/benchmarks/checking_speed.py [RESOURCES]
"""

from __future__ import annotations

import gc
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "messages"
RUNS, ROUNDS, ENTRIES = 5, 20, 25


def message() -> bytes:
    """Return the golden outcome report with sessions added or taken off until it has 25 entries."""
    tree = json.loads((GOLDEN / "outcome-report.json").read_bytes())
    task = next(each["resource"] for each in tree["entry"] if each["resource"]["resourceType"] == "Task")
    session = next(each for each in tree["entry"] if each["resource"]["resourceType"] == "Encounter")
    provenance = next(each["resource"] for each in tree["entry"] if each["resource"]["resourceType"] == "Provenance")
    output = next(one for one in task["output"] if one["valueReference"]["reference"] == session["fullUrl"])
    for number in range(ENTRIES - len(tree["entry"])):
        identity = f"00000000-0000-4000-8000-{number:012x}"
        url = {"reference": f"urn:uuid:{identity}"}
        tree["entry"].insert(-2, {"fullUrl": url["reference"], "resource": {**session["resource"], "id": identity}})
        task["output"].append({**output, "valueReference": url})
        provenance["target"].append(url)
    assert len(tree["entry"]) == ENTRIES
    return json.dumps(tree, ensure_ascii=False, separators=(",", ":")).encode()


def per_call(ways: Mapping[str, tuple[Callable[[], object], int]]) -> dict[str, float]:
    """Return microseconds of processor time per call, every way taking its turn in each of twenty rounds.

    So whatever else the machine does meanwhile slows all of them alike.
    """
    took = dict.fromkeys(ways, 0.0)
    for _ in range(ROUNDS):
        for name, (work, times) in ways.items():
            # What another way left behind, in the processor's memory or to be collected, is not this one's.
            work()
            gc.collect()
            started = time.process_time()
            for _ in range(times):
                work()
            took[name] += time.process_time() - started
    return {name: seconds / ROUNDS / ways[name][1] * 1e6 for name, seconds in took.items()}


def bare_walk(tree: Any) -> int:
    """Touch everything once, the cheapest way there is in Python."""
    count, todo = 0, [tree]
    while todo:
        node = todo.pop()
        count += 1
        if type(node) is dict:
            todo.extend(node.values())
        elif type(node) is list:
            todo.extend(node)
    return count


def one_message() -> None:
    """Print medians and ratios for the message."""
    import jiter
    from fhir.resources.R4B.bundle import Bundle

    from exchange.messages import certifying, checking, parsing, reading, schema
    from exchange.operations.checking import findings

    data = message()
    tree = parsing.parse(data)
    assert findings(data) == ()
    Bundle.model_validate_json(data)

    def official() -> None:
        json.loads(data)
        for entry in tree["entry"]:
            next(iter(schema.check_resource(entry["resource"]["resourceType"], entry["resource"], "")), None)

    ways: dict[str, tuple[Callable[[], object], int]] = {
        "fhir.resources.R4B parses it": (lambda: Bundle.model_validate_json(data), 1),
        "exchange check, everything on": (lambda: findings(data), 20),
        "  a parse that refuses duplicate names": (
            lambda: jiter.from_json(data, allow_inf_nan=False, catch_duplicate_keys=True),
            20,
        ),
        "  all else, on a tree that lies ready": (lambda: certifying.certified(tree), 20),
        "  (reading all it says, as import does)": (lambda: reading.message_of(tree), 20),
        "  (each rule asked one by one instead)": (lambda: checking.check_rules_one_by_one(tree), 1),
        "the schema of the definitions alone": (official, 20),
        "a bare walk": (lambda: bare_walk(tree), 20),
    }
    measured: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(RUNS):
        for name, each in per_call(ways).items():
            measured[name].append(each)
    median = {name: statistics.median(each) for name, each in measured.items()}
    base, ours = median["fhir.resources.R4B parses it"], median["exchange check, everything on"]
    print(f"a message of {ENTRIES} entries, {len(data)} bytes; microseconds of processor time, median of {RUNS} runs")
    for name, each in median.items():
        print(f"{name:<46}{each:>9.0f}{base / each:>8.1f} x")
    floor = median["  a parse that refuses duplicate names"] + median["the schema of the definitions alone"]
    print(f"faster than fhir.resources: {base / ours:.1f} x; {ours / floor:.1f} times the floor of parse and schema")


WAYS = {
    "exchange check FILE.ndjson": "from exchange.operations.checking import check\ncheck(Path(sys.argv[1]))",
    "the schema of the definitions": (
        "import json\nfrom exchange.messages.schema import check_resource\n"
        "for line in open(sys.argv[1], 'rb'):\n"
        "    found = json.loads(line)\n"
        "    next(iter(check_resource(found['resourceType'], found, '')), None)"
    ),
    "fhir.resources.R4B": (
        "import json\nfrom fhir.resources.R4B import get_fhir_model_class\n"
        "for line in open(sys.argv[1], 'rb'):\n"
        "    found = json.loads(line)\n"
        "    get_fhir_model_class(found['resourceType']).model_validate(found)"
    ),
}
MEASURED = """
import sys, time
from pathlib import Path
started = time.process_time()
{way}
took = time.process_time() - started
try:
    import resource
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 * (1024 if sys.platform == 'darwin' else 1))
except ImportError:
    peak = 0
print(took, peak)
"""


def many_resources(count: int) -> None:
    """Print resources a second and peak memory for a file of resources of every type in our messages."""
    resources = [
        json.dumps(entry["resource"], ensure_ascii=False, separators=(",", ":"))
        for file in sorted(GOLDEN.glob("*.json"))
        for entry in json.loads(file.read_bytes())["entry"]
    ]
    print(f"\nNDJSON: resources a second of processor time, and peak memory of the process in MiB, median of {RUNS}")
    with tempfile.TemporaryDirectory() as folder:
        sizes = {"a tenth": count // 10, "whole": count}
        for size in sizes.values():
            file = Path(folder) / f"{size}.ndjson"
            with file.open("w", encoding="utf-8") as stream:
                stream.writelines(f"{resources[number % len(resources)]}\n" for number in range(size))
        measured: dict[tuple[str, str], list[tuple[float, int]]] = {}
        for run in range(RUNS):
            for name, way in WAYS.items():
                for said, size in sizes.items():
                    # The other ways take minutes for the whole file, and are as fast on a tenth of it.
                    if said == "whole" and (name != "exchange check FILE.ndjson" or run > 0):
                        continue
                    file = Path(folder) / f"{size}.ndjson"
                    ran = subprocess.run(
                        [sys.executable, "-c", MEASURED.format(way=way), file],
                        capture_output=True,
                        check=True,
                        text=True,
                    )
                    took, peak = ran.stdout.split()
                    measured.setdefault((name, said), []).append((size / float(took), int(peak)))
    for (name, said), each in measured.items():
        rate = statistics.median(speed for speed, _ in each)
        print(f"{name:<32}{sizes[said]:>9} resources{rate:>9.0f} /s{max(peak for _, peak in each):>6} MiB")


if __name__ == "__main__":
    one_message()
    many_resources(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
