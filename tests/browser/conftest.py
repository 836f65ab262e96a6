"""A real Chromium, axe-core, and the pages that it looks at: invented facts, agreements and the site."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
_FACTS = REPOSITORY / "tests" / "unit" / "reports" / "conftest.py"
_NOW = datetime(2026, 11, 3, 9, tzinfo=UTC)
_AXE = REPOSITORY / "tests" / "referees" / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture(scope="session")
def invented_facts() -> ModuleType:
    """Return the module that makes the invented facts; it belongs to no package, so it is read by its path."""
    spec = importlib.util.spec_from_file_location("invented_report_facts", _FACTS)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def chromium() -> str:
    """Return the path of a Chromium, or skip by name."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    pytest.skip("chromium is not here")


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Any]:
    """Return one running Chromium for all pages."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not here")
    with api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """Return axe-core, which judges a page by WCAG, or skip by name."""
    if not _AXE.is_file():
        pytest.skip("tests/referees/node_modules/axe-core is not here: npm ci --prefix tests/referees")
    return _AXE.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def documents(invented_facts: ModuleType, town_made: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return a page of every kind by its name: reports in both languages, agreements, the site."""
    from exchange.reports import pages

    folder = tmp_path_factory.mktemp("pages")
    names = ("summary-nl", "summary-en", "plan-nl", "plan-en", "progress-nl")
    made = {name: folder / f"{name}.html" for name in names}
    for language in ("nl", "en"):
        pages.summary(invented_facts.make_summary(), language, made[f"summary-{language}"])
        pages.plan(invented_facts.make_plan(), language, "draft", made[f"plan-{language}"])
    pages.progress(invented_facts.make_plan(), "nl", made["progress-nl"])
    made |= {f"agreement-{name}": _agreement(town_made, name, folder) for name in ("huisartsen", "welzijn")}
    site = folder / "site"
    subprocess.run([sys.executable, str(REPOSITORY / "docs" / "site" / "build.py"), str(site)], check=True)
    made |= {f"site-{name}": site / f"{name}.html" for name in ("index", "snelstart", "security", "quickstart")}
    return made


def _agreement(town: Path, name: str, folder: Path) -> Path:
    """Print an agreement of the town as a page, without changing the town."""
    from exchange.operations import drafting
    from exchange.operations.workspace import Workspace

    copied = folder / f"praktijk-{name}"
    shutil.copytree(town / "praktijk", copied)
    page = folder / f"agreement-{name}.html"
    with Workspace.open(copied, passphrase=lambda _name: "", now=_NOW, on=_NOW.date(), user="tester") as practice:
        drafting.show(practice, name, to=page)
    return page
