"""Why one treatment counts in an indicator or does not: each criterion, for the practice's own eyes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from exchange.errors import SealingError, StoreError
from exchange.findings import say
from exchange.operations import figuring, measuring, trail
from exchange.operations.workspace import Workspace


def why(
    workspace: Workspace,
    ids: Sequence[str],
    episode: str,
    *,
    start: date | None = None,
    end: date | None = None,
    as_of: int | None = None,
    cut_off: date | None = None,
    language: str = "nl",
) -> tuple[str, ...]:
    """Say of one treatment, by EPD number or koppelcode, which criteria hold: for the practice's own eyes.

    The period, load and day are those of the figure that it is about, as in `figuring.figures`.
    """
    from exchange.indicators import explaining
    from exchange.indicators.wording import step_text
    from exchange.records.instruments import instruments

    found = _episode(workspace, episode)
    begin, until = figuring.period(workspace, start, end or cut_off, as_of=as_of)
    dataset, on = workspace.store.dataset(as_of), cut_off or workspace.on
    lines = []
    for definition in figuring.definitions(ids):
        if definition.count == "aggregates":
            told_nothing = say("figuring.status-no-episodes", {}, language)
            lines.append(f"{definition.title[language]}: {told_nothing}")
            continue
        told = explaining.explain(
            definition, dataset, found, start=begin, end=until, cut_off=on, instruments=instruments()
        )  # fmt: skip
        lines.append(f"{definition.title[language]}: {say(f'figuring.status-{told.status}', {}, language)}")
        for step in told.steps:
            mark = " ◄" if step.decisive else ""
            lines.append(f"  {say(f'figuring.step-{step.outcome}', {}, language)}: {step_text(step, language)}{mark}")
        held = [one.instrument for one in dataset.episodes if one.episode_id == found]
        if measuring.judged_by(workspace, [definition], as_of):
            lines += [f"  {line}" for line in measuring.thresholds(held, language)]
    trail.note(workspace, "explained", detail="indicator")
    return tuple(lines)


def _episode(workspace: Workspace, given: str) -> str:
    from exchange.operations.referring import current_episode
    from exchange.signing.pseudonyms import read_case_code

    given = given.strip()
    try:
        case = workspace.store.cases.by_code(read_case_code(given))
    except SealingError:
        case = None
    if case is not None:
        return case.episode_id
    try:
        return current_episode(workspace, given).episode_id
    except StoreError:
        raise StoreError("operations.unknown-epd", hints=("hint.epd-number",)) from None
