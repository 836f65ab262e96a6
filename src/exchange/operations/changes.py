"""Change on the instruments as the pages show it: each class, and from where on a change matters by whose research."""

from __future__ import annotations

from collections.abc import Collection

from exchange.indicators.classes import CLASSES, WITHIN_ERROR
from exchange.indicators.figure import Figure
from exchange.records.instruments import Instrument, instruments
from exchange.records.thresholds import threshold_text
from exchange.reports.facts import ChangeFacts


def changes(figure: Figure, named: Collection[str], language: str) -> tuple[ChangeFacts, ...]:
    """Return the classes of the responders figure as its readers may see it; limits only where one instrument is used.

    `named` are the instruments that episodes name; a class that may not be shown is None.
    """
    classes = {name: figure.parts.get(name) for name in CLASSES}
    if figure.masked is not None or not any(classes.values()):
        return ()
    # A prognostic list is never reported as effect, whatever an episode names.
    used = [known for name, known in sorted(instruments().items()) if name in named and known.effect]
    alone = used[0] if len(used) == 1 else None
    mic, mdc = (_points(alone, alone.mic), _points(alone, alone.mdc95)) if alone is not None else (None, None)
    threshold = max(mic, mdc or mic) if mic is not None else None
    if threshold is not None and threshold == mic:
        del classes[WITHIN_ERROR]  # without a larger measurement error nobody can be in it
    return (
        ChangeFacts(
            instrument=", ".join(one.label[language] for one in used),
            classes=classes,
            threshold=threshold,
            mic=mic,
            mdc=mdc,
            higher_is_better=alone is not None and alone.better == "higher",
            measured=figure.answered,
            all_closed=figure.due,
            source="; ".join(threshold_text(one, language) for one in used),
            verified=not any(one.unverified for one in used),
        ),
    )


def _points(known: Instrument, scaled: int | None) -> float | None:
    """Return a threshold in the instrument's own points."""
    return None if scaled is None else scaled / 10**known.decimals
