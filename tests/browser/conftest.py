"""A real Chromium, and the invented facts of the unit tests."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path
from types import ModuleType

import pytest

_FACTS = Path(__file__).resolve().parent.parent / "unit" / "reports" / "conftest.py"


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
