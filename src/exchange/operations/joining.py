"""A second laptop of one organisation: the invitation that it joins with, and newer keys for one that joined."""

from __future__ import annotations

import json
import secrets
import shutil
from base64 import b64decode, b64encode
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from exchange.errors import SealingError, WorkspaceError
from exchange.operations import configuration, trail
from exchange.operations.backups import (
    FIRST,
    INVITATION,
    REGISTER,
    Kept,
    add,
    add_file,
    as_json,
    everything,
    heading_of,
    normal,
    packing,
    register,
    require_place,
    unpack,
)
from exchange.operations.workspace import Workspace

_PARTNERS, _AGREEMENTS = "partners.json", "agreements.json"
_OF_ONE_LAPTOP = frozenset({"high-water.json", REGISTER})


def invite(workspace: Workspace, to: Path, *, passphrase: str, work_factor: int | None = None) -> Kept:
    """Write what a second laptop of the same organisation needs: keys, cards, partners, agreements; no patients."""
    require_place(workspace, to)
    trail.note(workspace, "invitation-made", object=f"file:{to.name}")
    on_server = "://" in workspace.settings.store
    with packing(to, passphrase, work_factor) as packed:
        files = 0
        add(packed.tar, FIRST, heading_of(workspace, INVITATION))
        for name, path in everything(workspace):
            if name == configuration.FILE or (name.startswith("keys/") and Path(name).name not in _OF_ONE_LAPTOP):
                add_file(packed.tar, name, path)
                files += 1
        if not on_server:
            add(packed.tar, _PARTNERS, as_json([_plain_partner(one) for one in workspace.store.partners.list()]))
            add(packed.tar, _AGREEMENTS, as_json([_plain_agreement(one) for one in workspace.store.agreements.list()]))
        packed.before_publishing = lambda digest: register(workspace, to, digest)
    return Kept(to, files, to.stat().st_size, packed.digest, store=False)


def renew(workspace: Workspace, file: Path, *, passphrase: str | None, opens: str) -> int:
    """Take newer keys from an invitation, after the other laptop rotated or revoked; return the serial of our card.

    `opens` is the passphrase of the file, `passphrase` that of this workspace, which the keys are locked with again.
    """
    part = workspace.folder / "keys" / f".{secrets.token_hex(4)}.part"
    part.mkdir(mode=0o700)
    try:
        heading = unpack(file, part, opens)
        if heading["kind"] != INVITATION or heading["party"] != workspace.settings.party:
            raise WorkspaceError("joining.not-ours", hints=("hint.joining-newer",), file=file.name)
        serial = _renewed(workspace, part / "keys", passphrase, opens)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    trail.note(workspace, "keys-renewed", detail=f"serial {serial}")
    return serial


def _renewed(workspace: Workspace, keys: Path, passphrase: str | None, opens: str) -> int:
    """Write the newer cards, then the keystore, then our card: the order in which keys are always turned."""
    from exchange.sealing import keystore, permissions
    from exchange.signing.cards import read_card

    ours, own = workspace.keyring, workspace.folder / "keys"
    theirs = keystore.unlock(keys, None if workspace.settings.demo else opens)
    card = read_card((keys / "card.jws").read_bytes())
    before = keys / "cards" / f"{workspace.card.serial:04d}.card.jws"
    follows = card.serial > workspace.card.serial and before.is_file()
    if not (follows and read_card(before.read_bytes()).digest == workspace.card.digest and theirs.store == ours.store):
        raise SealingError("joining.not-newer", hints=("hint.joining-newer",), serial=card.serial)
    keystore.unlock(own, passphrase)  # the keys are locked again with what opened them
    for name in ("cards", "revoked"):
        for one in sorted((keys / name).glob("*")):
            permissions.make_folder(own / name)
            permissions.write(own / name / one.name, one.read_bytes())
    keystore.save(own, replace(theirs, backups=ours.backups), passphrase)
    permissions.write(own / "card.jws", card.jws)
    del workspace.card
    workspace.__dict__["keyring"] = replace(theirs, backups=ours.backups)
    return card.serial


def opens_with(file: Path, passphrase: str) -> bool:
    """Tell whether a passphrase opens a file, so that no other has to be asked."""
    from exchange.sealing import age
    from exchange.sealing.failures import AgeFailure
    from exchange.sealing.recipients import PASSPHRASE, PassphraseIdentity

    try:
        with file.open("rb") as source:
            age.decrypt(source, [PassphraseIdentity(normal(passphrase))], kinds=frozenset({PASSPHRASE}))
    except (AgeFailure, OSError):
        return False
    return True


def become_instance(part: Path, passphrase: str, *, now: datetime) -> None:
    """Give a joining laptop an instance of its own and, without a shared server, a store of its own."""
    from exchange.records.codes import PartnerKind
    from exchange.sealing import keystore
    from exchange.store.agreements import StoredAgreement
    from exchange.store.opening import Store
    from exchange.store.partners import Partner

    settings = replace(configuration.read(part), instance=secrets.token_hex(16))
    configuration.write(part, settings)
    if "://" in settings.store:
        return
    keyring = keystore.unlock(part / "keys", None if settings.demo else passphrase)
    with Store.create(part / settings.store, keyring.store, instance=settings.instance, at=now) as store:
        for one in json.loads((part / _PARTNERS).read_bytes()):
            card = None if one["card"] is None else b64decode(one["card"])
            checked = None if one["verified_on"] is None else date.fromisoformat(one["verified_on"])
            given = {**one, "card": card, "verified_on": checked, "kind": PartnerKind(one["kind"])}
            store.partners.save(Partner(**given), by="invitation", at=now)
        for one in json.loads((part / _AGREEMENTS).read_bytes()):
            days = {name: one[name] and date.fromisoformat(one[name]) for name in ("ended_on", "superseded_on")}
            given = {**one, **days, "payload": b64decode(one["payload"]), "signatures": tuple(one["signatures"])}
            store.agreements.save(StoredAgreement(**given), by="invitation", at=now)
    (part / _PARTNERS).unlink()
    (part / _AGREEMENTS).unlink()


def _plain_partner(one: Any) -> dict[str, Any]:
    names = type(one).__slots__
    values = {name: getattr(one, name) for name in names}
    card = None if one.card is None else b64encode(one.card).decode("ascii")
    checked = None if one.verified_on is None else one.verified_on.isoformat()
    return {**values, "card": card, "verified_on": checked, "kind": one.kind.value}


def _plain_agreement(one: Any) -> dict[str, Any]:
    values = {name: getattr(one, name) for name in type(one).__slots__}
    days = {name: values[name] and values[name].isoformat() for name in ("ended_on", "superseded_on")}
    signatures = [dict(signature) for signature in one.signatures]
    return {**values, **days, "payload": b64encode(one.payload).decode("ascii"), "signatures": signatures}
