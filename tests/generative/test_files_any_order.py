"""Sealed files in any order and any number of times leave the same store: by real files between real workspaces."""

from __future__ import annotations

import importlib.util
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

FILES = 24


@pytest.fixture(scope="module")
def many() -> ModuleType:
    """Return the benchmark's module: it seals the pile and says what a store holds."""
    file = Path(__file__).resolve().parents[1] / "benchmarks" / "many_files.py"
    spec = importlib.util.spec_from_file_location("many_files", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def posted(many: ModuleType, mailed_made: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Path]]:
    """Return the town before, and a small pile of files from its first GP: answers, corrections and receipts."""
    town = tmp_path_factory.mktemp("pile") / "town"
    shutil.copytree(mailed_made, town)
    return mailed_made, many.send(town, FILES)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_any_order_and_any_number_of_times_gives_the_same_store(
    many: ModuleType, posted: tuple[Path, list[Path]], town_at: Callable[[Path], Any], tmp_path: Path, seed: int
) -> None:
    from exchange.operations import importing

    made, files = posted
    outcomes = []
    draw = random.Random(seed)
    shuffled = [*files, *draw.choices(files, k=len(files))]
    draw.shuffle(shuffled)
    for name, order in (("in-order", files), ("shuffled", shuffled)):
        shutil.copytree(made, tmp_path / name)
        with town_at(tmp_path / name / "praktijk") as practice:
            importing.take_in(practice, order)
            assert practice.store.journal.gaps() == ()
            outcomes.append(many.held(practice))
            importing.take_in(practice, [order[-1]])
            assert many.held(practice) == outcomes[-1]
    assert outcomes[0] == outcomes[1]
    assert len(outcomes[0]["journal"]) >= FILES
