"""What patients said: the survey's results, and which of their sentences may be quoted.

Nothing is quoted that a person did not approve. No program can tell a name from a word: whoever approves has looked
for names, places and whatever else says who it was, and strikes them out. What a program can see it strikes itself:
a word with a capital that is part of a patient's name here. It refuses a telephone number, an e-mail address, a web
address, and a patient's BSN.
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

_WORD = re.compile(r"[^\W\d_][\w'’-]*")
_STRUCK = "[…]"
_SHORTEST = 3  # letters of a name's part: initials and "de" are words of their own
_TRACEABLE = re.compile(r"\+?\d(?:[\s().\-/]*\d){7,}|\S+@\S+\.\S+|https?://|www\.", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Comment:
    """One sentence out of a survey; `approved` says that it may be quoted."""

    id: str
    text: str
    approved: bool


def comments(workspace: Workspace) -> tuple[Comment, ...]:
    """Return every comment that was loaded: the ones that wait with their id, then the approved ones.

    Names of patients known here are struck out of the waiting ones, as approving would do.
    """
    figures = workspace.store.figures
    pending = figures.comments_waiting()
    names = _names(workspace) if pending else frozenset()
    waiting = [Comment(id_, strike(text, names), approved=False) for id_, text in pending]
    approved = [Comment("", text, approved=True) for one in figures.prem() for text in one.approved_comments]
    return (*waiting, *approved)


def approve(
    workspace: Workspace, comment: str, *, words: tuple[str, ...] = (), keep: tuple[str, ...] = ()
) -> Comment:  # fmt: skip
    """Let a comment be quoted, by its id or the first eight digits or more of it; the trail has who did.

    `words` are struck out beside the names known here, `keep` are words that only look like one of those.
    """
    waiting = dict(workspace.store.figures.comments_waiting())
    found = [id_ for id_ in waiting if id_ == comment or (len(comment) >= 8 and id_.startswith(comment))]
    if len(found) != 1:
        raise StoreError("quoting.unknown", hints=("hint.quoting-list",), id=comment)
    kept = frozenset(word.casefold() for word in keep)
    text = strike(waiting[found[0]], _names(workspace) - kept)
    for word in words:
        shorter = re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", _STRUCK, text, flags=re.IGNORECASE)
        if shorter == text:
            raise StoreError("quoting.no-such-word", hints=("hint.quoting-list",), id=found[0])
        text = shorter
    numbers = detector.check([("comment", text)], known=workspace.store.knows_bsn, allowed=lambda _path: False)
    if numbers or _TRACEABLE.search(text):
        raise StoreError("quoting.traceable", hints=("hint.quoting-another",), id=found[0])
    workspace.store.figures.approve_comment(found[0], text=text, by=workspace.user, at=workspace.now)
    trail.note(workspace, "quotation-approved", object=f"comment:{found[0]}")
    return Comment(found[0], text, approved=True)


def strike(text: str, names: frozenset[str]) -> str:
    """Strike out every word with a capital that is part of one of these names."""

    def seen(word: re.Match[str]) -> str:
        bare = word[0].removesuffix("'s").removesuffix("’s")
        return _STRUCK if bare[0].isupper() and bare.casefold() in names else word[0]

    return _WORD.sub(seen, text)


def _names(workspace: Workspace) -> frozenset[str]:
    """Return the parts of all patients' names, for looking whether a comment holds one; they go nowhere else."""
    found: set[str] = set()
    for patient in workspace.store.dataset().patients:
        name = workspace.store.patient_identity(patient.patient_id).name or ""
        found |= {part.casefold() for part in _WORD.findall(name) if len(part) >= _SHORTEST and part[0].isupper()}
    return frozenset(found)


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
