"""Norms that a practice gives itself, in TOML: nothing without its source, and nothing that can't be right."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any

from exchange.errors import IndicatorError
from exchange.indicators.reliable_change import Norms, Population
from exchange.records.instruments import Instrument, find_instrument

MAX_BYTES = 256 * 1024
_LARGEST = 10**9
_PARTS = ("reliability", "dysfunctional", "functional")
_FIELDS = {
    "reliability": ("value", "citation"),
    "dysfunctional": ("population", "mean", "sd", "citation"),
    "functional": ("population", "mean", "sd", "citation"),
}


def read_norms(data: bytes) -> Mapping[str, Norms]:
    """Read norms by instrument; an IndicatorError names the first place that lacks something or can't be right.

    [qbpds]
    verified = false                # true: somebody here looked the numbers up in the sources
    reliability = {value = 0.90, citation = "..."}
    dysfunctional = {population = "...", mean = 40.0, sd = 15.0, citation = "..."}
    functional = {population = "...", mean = 8.0, sd = 7.0, citation = "..."}
    """
    if len(data) > MAX_BYTES:
        raise IndicatorError("norms.too-large", limit=MAX_BYTES >> 10)
    try:
        content = tomllib.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as problem:
        line = getattr(problem, "lineno", "?")
        raise IndicatorError("norms.not-toml", hints=("hint.norms-example",), line=line) from None
    found: dict[str, Norms] = {}
    for name, given in content.items():
        one = _norms(name, given)
        if one.instrument in found:
            raise _amiss("twice", name)
        found[one.instrument] = one
    return found


def _norms(name: str, given: object) -> Norms:
    instrument = find_instrument(name)
    if instrument is None or not instrument.effect:
        raise IndicatorError("norms.instrument", hints=("hint.instruments-list",), path=name[:40])
    table = _table(given, name, (*_PARTS, "verified"))
    verified = table.get("verified", False)
    if not isinstance(verified, bool):
        raise _amiss("verified", f"{name}.verified")
    parts = {part: _table(table[part], f"{name}.{part}", _FIELDS[part]) for part in _PARTS if part in table}
    for part in _PARTS:
        if part not in parts:
            raise _amiss("lacks", name, word=part)
        for field in _FIELDS[part]:
            if field not in parts[part]:
                raise _amiss("lacks", f"{name}.{part}", word=field)
    reliability = _number(parts["reliability"], "value", f"{name}.reliability")
    if not 0 < reliability < 1:
        raise _amiss("reliability", f"{name}.reliability.value")
    ill, well = (_population(parts[part], f"{name}.{part}", instrument) for part in _PARTS[1:])
    if ill.mean == well.mean or (well.mean > ill.mean) is not (instrument.better == "higher"):
        raise _amiss("direction", name)
    citation = _text(parts["reliability"], "citation", f"{name}.reliability")
    return Norms(instrument.id, ill, well, reliability, citation, verified)


def _population(part: Mapping[str, Any], path: str, instrument: Instrument) -> Population:
    mean, sd = _number(part, "mean", path), _number(part, "sd", path)
    scale = 10**instrument.decimals
    width = (instrument.highest - instrument.lowest) / scale
    if not instrument.lowest / scale <= mean <= instrument.highest / scale or not 0 < sd <= width:
        raise _amiss("range", path)
    return Population(_text(part, "population", path), mean, sd, _text(part, "citation", path))


def _table(given: object, path: str, known: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        raise _amiss("no-table", path)
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise _amiss("word", path, word=unknown[0][:40], known=", ".join(known))
    return given


def _number(part: Mapping[str, Any], field: str, path: str) -> float:
    value = part[field]
    # Far below what a float holds, and far above what any instrument has: also for a whole number of a thousand digits.
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not -_LARGEST < value < _LARGEST:
        raise _amiss("no-number", f"{path}.{field}")
    return float(value)


def _text(part: Mapping[str, Any], field: str, path: str) -> str:
    value = part[field]
    if not isinstance(value, str) or not value.strip() or len(value) > 1000:
        raise _amiss("no-text", f"{path}.{field}")
    return " ".join(value.split())


def _amiss(what: str, path: str, **params: object) -> IndicatorError:
    return IndicatorError(f"norms.{what}", hints=("hint.norms-example",), path=path[:80], **params)
