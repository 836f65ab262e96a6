"""Thresholds in words: an unverified one says so, wherever it is written."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from exchange.findings import say
from exchange.records.instruments import Instrument


def points(instrument: Instrument, scaled: int, language: str) -> str:
    """Write a score or threshold in the instrument's own points, without needless decimals, with its unit."""
    value = Decimal(scaled).scaleb(-instrument.decimals)
    text = f"{value.normalize():f}".replace(".", "," if language == "nl" else ".")
    return f"{text} {instrument.unit}".rstrip()


def mic_text(instrument: Instrument, language: str) -> str:
    """Write the minimal important change; empty where there is none."""
    if instrument.mic is not None:
        return points(instrument, instrument.mic, language)
    return "" if instrument.mic_percent is None else f"{instrument.mic_percent}%"


def mdc_text(instrument: Instrument, language: str) -> str:
    """Write the measurement error with its confidence, where the source says it; empty where there is none.

    One of another confidence than 95 % is followed by what it comes to at 95 %, by which change is judged.
    """
    if instrument.mdc is None or instrument.mdc95 is None:
        return ""
    confidence = "" if instrument.mdc_confidence is None else f" ({instrument.mdc_confidence}%)"
    text = points(instrument, instrument.mdc, language) + confidence
    converted = instrument.mdc_confidence not in (None, 95)
    return f"{text}, {points(instrument, instrument.mdc95, language)} (95%)" if converted else text


def threshold_text(instrument: Instrument, language: str) -> str:
    """Say from where on a change on an instrument matters, who found that, and whether that was verified."""
    name = instrument.label[language]
    if not instrument.effect:
        return say("records.prognostic", {"instrument": name}, language)
    mic = mic_text(instrument, language)
    if not mic:
        return say("records.no-threshold", {"instrument": name}, language)
    params = {"instrument": name, "mic": mic, "error": mdc_text(instrument, language), "source": instrument.source}
    said = say("records.threshold-and-error" if params["error"] else "records.threshold", params, language)
    return f"{said} {say('records.unverified', {}, language)}" if instrument.unverified else said


def all_thresholds(instruments: Iterable[Instrument], language: str) -> str:
    """Say every threshold by which change is judged, the unverified ones apart: for a clause or a page."""
    judged = sorted((one for one in instruments if one.effect and mic_text(one, language)), key=lambda one: one.id)
    kinds = {"verified": False, "unverified": True}
    return " ".join(
        say(
            f"records.thresholds-{kind}",
            {"thresholds": "; ".join(_short(one, language) for one in judged if one.unverified is marked)},
            language,
        )
        for kind, marked in kinds.items()
        if any(one.unverified is marked for one in judged)
    )


def _short(instrument: Instrument, language: str) -> str:
    error = mdc_text(instrument, language)
    return f"{instrument.aliases[0]} {mic_text(instrument, language)}" + (f" / {error}" if error else "")
