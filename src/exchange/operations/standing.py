"""How a partner's cards stand today: which one counts, which may have signed, and why another may not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from exchange.errors import SealingError

if TYPE_CHECKING:
    from exchange.operations.workspace import Workspace
    from exchange.signing.cards import Card, Rotation
    from exchange.store.opening import Store
    from exchange.store.partners import Partner

# What was sealed on the last day of an overlap may travel as long as any file.
UNDERWAY = timedelta(days=90)
_REVOKED = "revoked"


def partner(workspace: Workspace, party: str) -> Partner | None:
    """Return the card of a partner that counts today; a card whose overlap is over counts no more.

    Then the card that followed it does, and to that one nothing about a patient goes before a person accepted it.
    """
    from exchange.store.partners import ROTATED, VERIFIED

    found = workspace.store.partners.find(party)
    if found is None or found.state != VERIFIED or found.card is None:
        return found
    after = rotation(workspace, found)
    if after is None or workspace.on <= after.until:
        return found
    return next(
        (one for one in workspace.store.partners.cards(party) if one.fingerprint == after.card.fingerprint),
        replace(found, state=ROTATED),
    )


def rotation(workspace: Workspace, old: Partner) -> Rotation | None:
    """Return the rotation by which a partner's card was followed, where we were given one."""
    from exchange.signing.cards import read_card, read_rotation

    kept = workspace.store.setting(_name(old.fingerprint))
    return read_rotation(kept.encode("ascii"), read_card(old.card)) if kept and old.card is not None else None


def keep_rotation(workspace: Workspace, old: Partner, jws: bytes) -> None:
    """Keep a rotation that was checked."""
    workspace.store.set_setting(_name(old.fingerprint), jws.decode("ascii"))


def _name(fingerprint: str) -> str:
    return f"rotation:{_digits(fingerprint)}"


def _digits(fingerprint: str) -> str:
    return fingerprint.replace(" ", "")


# Revocations lie beside the keys: a backup of the store that is put back does not undo them ----------------------


def remember_revoked(folder: Path, fingerprint: str, said: bytes) -> None:
    """Keep that a card was revoked, outside the store: the signed statement, or who was told it and how."""
    from exchange.sealing import permissions

    kept = folder / "keys" / _REVOKED
    permissions.make_folder(kept)
    permissions.write(kept / f"{_digits(fingerprint)}.json", said)


def told(*, by: str, on: date, how: str) -> bytes:
    """Return the record of a revocation that came by word of mouth."""
    return json.dumps({"by": by, "on": on.isoformat(), "how": how}, ensure_ascii=False, sort_keys=True).encode("utf-8")


def enforce(folder: Path, store: Store, *, by: str, at: object) -> int:
    """Revoke in the store what was revoked beside it; return how many an older store had forgotten."""
    from exchange.store.partners import REVOKED

    kept = {one.stem for one in (folder / "keys" / _REVOKED).glob("*.json")}
    if not kept:
        return 0
    forgotten = [
        one for one in store.partners.list() if one.state != REVOKED and _digits(one.fingerprint) in kept
    ]  # fmt: skip
    for one in forgotten:
        store.partners.save(replace(one, state=REVOKED), by=by, at=at)  # type: ignore[arg-type]  # a datetime
    return len(forgotten)


# Who may have signed what comes in ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Known:
    partner: Partner
    card: Card


class Finder:
    """Finds the pinned card that a manifest names; `why` says of the last one what was wrong with it."""

    def __init__(self, workspace: Workspace) -> None:
        """Read every card that is known."""
        from exchange.signing.cards import read_card

        self._workspace = workspace
        self._known = [
            _Known(one, read_card(one.card)) for one in workspace.store.partners.list() if one.card is not None
        ]
        self.why: SealingError | None = None

    def __call__(self, party: str, digest: str) -> Card | None:
        """Return the card when its signature counts today; a rotated one counts before a person accepted it."""
        theirs = [one for one in self._known if party in one.card.parties]
        named = next((one for one in theirs if one.card.digest == digest), None)
        if named is None:
            if theirs:
                self.why = SealingError("partners.other-card", hints=("hint.partners-rotate",), party=party)
            return None
        self.why = self._wrong(named, party)
        return None if self.why is not None else named.card

    def _wrong(self, named: _Known, party: str) -> SealingError | None:
        from exchange.store.partners import REVOKED, ROTATED, VERIFIED

        state = named.partner.state
        if state == REVOKED:
            return SealingError("partners.revoked", hints=("hint.partners-anew",), party=party)
        if state not in {VERIFIED, ROTATED}:
            return SealingError("partners.not-verified", hints=("hint.partners-verify",), party=party, state=state)
        after = rotation(self._workspace, named.partner)
        if after is not None and self._workspace.on > after.until + UNDERWAY:
            return SealingError(
                "partners.card-over", hints=("hint.ask-sender-again",), party=party, until=after.until.isoformat()
            )
        return None


def require_accepted(workspace: Workspace, card: Card, party: str) -> None:
    """Refuse to sign or accept terms on the word of a card that only its predecessor vouches for."""
    from exchange.store.partners import VERIFIED

    known = workspace.store.partners.by_fingerprint(card.fingerprint)
    if known is None or known.state != VERIFIED:
        state = "unknown" if known is None else known.state
        raise SealingError("partners.not-verified", hints=("hint.partners-verify",), party=party, state=state)


def resting_on(workspace: Workspace, fingerprint: str) -> Iterator[str]:
    """Yield the agreements whose newest version was signed with a card: with the card revoked they stop."""
    from exchange.operations import agreeing

    newest = {one.agreement_id: one for one in workspace.store.agreements.list()}
    for one in newest.values():
        parties = agreeing.thawed(one).agreement.parties
        if any(party.card and _digits(party.card) == _digits(fingerprint) for party in parties):
            yield one.agreement_id
