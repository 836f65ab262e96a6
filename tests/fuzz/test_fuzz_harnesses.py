"""Every harness holds on its corpus, on what once broke it, and on some damaged inputs: without atheris too."""

from __future__ import annotations

import importlib.util
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, ModuleType

import pytest

_SPEC = importlib.util.spec_from_file_location("fuzz_run", Path(__file__).parent / "run.py")
assert _SPEC is not None
assert _SPEC.loader is not None
run = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(run)

MUTATIONS = 150
SECONDS = 300


@contextmanager
def bounded() -> Iterator[None]:
    """Fail rather than hang, where the system has an alarm."""
    if not hasattr(signal, "SIGALRM"):
        yield
        return

    def stop(_: int, __: FrameType | None) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture(params=run.names())
def harness(request: pytest.FixtureRequest) -> ModuleType:
    found: ModuleType = run.harness(request.param)
    return found


def test_the_corpus_is_taken(harness: ModuleType) -> None:
    assert harness.CORPUS
    with bounded():
        for data in harness.CORPUS:
            harness.one_input(data)


def test_what_once_broke_it_no_longer_does(harness: ModuleType) -> None:
    for path in run.finds(harness.__name__):
        with bounded():
            harness.one_input(path.read_bytes())


def test_damaged_inputs_are_taken_or_refused(harness: ModuleType) -> None:
    with bounded():
        for data in run.mutated(harness.CORPUS, getattr(harness, "MUTATIONS", MUTATIONS), harness.__name__):
            harness.one_input(data)


def test_every_kept_find_belongs_to_a_harness() -> None:
    folders = {path.parent.name for path in (Path(__file__).parent / "finds").glob("*/*")}
    assert folders <= set(run.names())
