"""The classes of change of rule 6, in whole numbers of the instrument's own scale."""

from __future__ import annotations

IMPROVED = "improved"
WITHIN_ERROR = "within-error"
UNCHANGED = "unchanged"
DETERIORATED = "deteriorated"
CANNOT_IMPROVE = "cannot-improve"
CLASSES = (IMPROVED, WITHIN_ERROR, UNCHANGED, DETERIORATED, CANNOT_IMPROVE)


def change_class(start: int, end: int, mic: int, mdc: int, best: int, better: str) -> str:
    """Return the class of one episode's change; every number is an integer of the instrument's scaled unit.

    `better` is "lower" or "higher", `best` the best possible score, `mdc` the MDC95. Only `improved` is a responder. A
    start closer to the best score than the MIC can't improve and stands in its own row, whatever its end.
    """
    gain = end - start if better == "higher" else start - end
    room = best - start if better == "higher" else start - best
    real = max(mic, mdc)
    if room < mic:
        return CANNOT_IMPROVE
    if gain >= real:
        return IMPROVED
    if gain >= mic:
        return WITHIN_ERROR
    return DETERIORATED if gain <= -real else UNCHANGED
