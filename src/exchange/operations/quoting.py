"""What patients said: the survey's results, and which of their sentences may be quoted.

Nothing is quoted that a person did not approve. No program can tell a name from a word: whoever approves has looked
for names, places and whatever else says who it was. What a program can see it refuses: a telephone number, an e-mail
address, a web address, and a patient's BSN.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

from exchange.errors import StoreError
from exchange.findings import say
from exchange.operations import trail
from exchange.operations.workspace import Workspace
from exchange.records import detector
from exchange.reports import facts as pages

_TRACEABLE = re.compile(r"\+?\d(?:[\s().\-/]*\d){7,}|\S+@\S+\.\S+|https?://|www\.", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Comment:
    """One sentence out of a survey; `approved` says that it may be quoted."""

    id: str
    text: str
    approved: bool


def comments(workspace: Workspace) -> tuple[Comment, ...]:
    """Return every comment that was loaded: the ones that wait with their id, then the approved ones."""
    figures = workspace.store.figures
    waiting = [Comment(id_, text, approved=False) for id_, text in figures.comments_waiting()]
    approved = [Comment("", text, approved=True) for one in figures.prem() for text in one.approved_comments]
    return (*waiting, *approved)


def approve(workspace: Workspace, comment: str) -> Comment:
    """Let a comment be quoted, by its id or the first eight digits or more of it; the trail has who did."""
    waiting = dict(workspace.store.figures.comments_waiting())
    found = [id_ for id_ in waiting if id_ == comment or (len(comment) >= 8 and id_.startswith(comment))]
    if len(found) != 1:
        raise StoreError("quoting.unknown", hints=("hint.quoting-list",), id=comment)
    text = waiting[found[0]]
    numbers = detector.check([("comment", text)], known=workspace.store.knows_bsn, allowed=lambda _path: False)
    if numbers or _TRACEABLE.search(text):
        raise StoreError("quoting.traceable", hints=("hint.quoting-another",), id=found[0])
    workspace.store.figures.approve_comment(found[0], by=workspace.user, at=workspace.now)
    trail.note(workspace, "quotation-approved", object=f"comment:{found[0]}")
    return Comment(found[0], text, approved=True)


def survey(workspace: Workspace, language: str) -> pages.Prem | None:
    """Return the last survey as pages show it, with its approved quotations."""
    found = workspace.store.figures.prem()
    if not found:
        return None
    last = max(found, key=lambda one: one.period_end)
    return pages.Prem(
        source=say("composing.prem-source", {"source": last.source, "bureau": last.bureau}, language),
        start=last.period_start,
        end=last.period_end + timedelta(days=1),
        respondents=last.respondents,
        grade=last.mean,
        nps=last.nps,
        quotations=last.approved_comments,
    )
