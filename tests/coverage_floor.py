"""Hold the branch coverage of each room against its floor: 95 % where a silent gap hurts most, 85 % elsewhere."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

FLOORS = {"sealing": 95.0, "signing": 95.0, "agreements": 95.0, "indicators": 95.0}
ELSEWHERE = 85.0


def rooms(report: dict[str, dict[str, dict[str, dict[str, int]]]]) -> dict[str, list[int]]:
    """Return per room the covered and all lines and branches."""
    counted: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for name, file in report["files"].items():
        parts = Path(name).parts
        inside = "exchange_cli" if "exchange_cli" in parts else parts[parts.index("exchange") + 1].removesuffix(".py")
        summary = file["summary"]
        counted[inside][0] += summary["covered_lines"] + summary["covered_branches"]
        counted[inside][1] += summary["num_statements"] + summary["num_branches"]
    return counted


def main() -> int:
    """Print each room with its figure, and fail where one is below its floor."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "coverage.json")
        if list(Path().glob(".coverage.*")):
            subprocess.run([sys.executable, "-m", "coverage", "combine", "-q"], check=True)
        subprocess.run([sys.executable, "-m", "coverage", "json", "-q", "-o", str(out)], check=True)
        counted = rooms(json.loads(out.read_text(encoding="utf-8")))
    below = 0
    for room, (covered, all_) in sorted(counted.items()):
        share = 100.0 * covered / all_ if all_ else 100.0
        floor = FLOORS.get(room, ELSEWHERE)
        below += share < floor
        print(f"{room:<14} {share:6.1f} %  floor {floor:.0f} %{'  BELOW' if share < floor else ''}")
    return 1 if below else 0


if __name__ == "__main__":
    sys.exit(main())
