"""A workspace: a folder with settings, store, keys, agreements, outbox, inbox, quarantine and reports."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from exchange.errors import WorkspaceError
from exchange.findings import disk
from exchange.operations import configuration
from exchange.operations.configuration import Settings
from exchange.records.identifiers import Party

if TYPE_CHECKING:
    from exchange.indicators.figure import Figure
    from exchange.operations.exporting import Exported
    from exchange.operations.importing import Imported
    from exchange.operations.loading import Loaded
    from exchange.operations.summarising import Written
    from exchange.signing.cards import Card
    from exchange.signing.keys import Keyring
    from exchange.store.opening import Store

FOLDERS = ("keys", "agreements", "outbox", "inbox", "quarantine", "reports")
_CARD = "card.jws"
LONGEST = 200  # of a name or contact on a key card
_CARD_YEARS = 5
# A part that another process, perhaps on another machine, may still be writing is left alone.
_STALE = timedelta(hours=1)

Passphrase = Callable[[str], str]


class Workspace:
    """An open workspace: its settings, and its store and keys as soon as something asks for them.

    `now` is this moment (UTC) and `on` today's date in Europe/Amsterdam; nothing in the library looks at a clock.
    `user` is the person the audit trail names. Use it in a `with` block, or call `close`.
    """

    def __init__(
        self, folder: Path, settings: Settings, *, passphrase: Passphrase, now: datetime, on: date, user: str
    ) -> None:
        """Keep what `open` and `create` found."""
        self.folder = folder
        self.settings = settings
        self.now = now
        self.on = on
        self.user = user
        self._passphrase = passphrase

    # Making and finding -----------------------------------------------------------------------------------------

    @classmethod
    def create(
        cls,
        folder: Path,
        *,
        party: str,
        name: str,
        contact: str = "",
        also: tuple[str, ...] = (),
        passphrase: str | None,
        now: datetime,
        on: date,
        user: str,
        store: str = "store.db",
        insurer: str = "",
    ) -> Workspace:
        """Make a workspace in a new or empty folder: settings, keys, card and store, or nothing of it.

        Without a passphrase it is a demo workspace, whose keys lie open and which exchanges with its like only.
        """
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise WorkspaceError("workspace.not-empty", hints=("hint.empty-folder",), folder=str(folder))
        settings = Settings(
            party=str(Party.parse(party)),
            name=name.strip(),
            contact=contact.strip(),
            also=tuple(str(Party.parse(text)) for text in also),
            instance=secrets.token_hex(16),
            demo=passphrase is None,
            store=store,
            insurer=insurer,
        )
        if not settings.name:
            raise WorkspaceError("workspace.no-name", hints=("hint.name",))
        if any(len(text) > LONGEST or not text.isprintable() for text in (settings.name, settings.contact)):
            raise WorkspaceError("workspace.name-unfit", hints=("hint.name-unfit",), most=LONGEST)
        if "://" in store and urlsplit(store).password:
            raise WorkspaceError("workspace.store-password", hints=("hint.store-password",))
        made = not folder.exists()
        with disk.writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            try:
                cls._fill(folder, settings, passphrase, now=now, on=on)
            except BaseException:
                for inner in folder.iterdir():
                    shutil.rmtree(inner) if inner.is_dir() else inner.unlink()
                if made:
                    folder.rmdir()
                raise
        return cls.open(folder, passphrase=lambda _name: passphrase or "", now=now, on=on, user=user)

    @staticmethod
    def _fill(folder: Path, settings: Settings, passphrase: str | None, *, now: datetime, on: date) -> None:
        from exchange.sealing import keystore
        from exchange.signing.cards import make_card
        from exchange.signing.keys import Keyring
        from exchange.store.opening import Store

        for inner in FOLDERS:
            (folder / inner).mkdir(mode=0o700)
        keyring = Keyring.generate(demo=passphrase is None)
        card = make_card(
            keyring,
            parties=(settings.party, *settings.also),
            name=settings.name,
            contact=settings.contact,
            valid_from=on,
            valid_until=on + timedelta(days=365 * _CARD_YEARS),
        )
        keystore.create(folder / "keys", keyring, passphrase)
        (folder / "keys" / _CARD).write_bytes(card.jws)
        target = settings.store if "://" in settings.store else folder / settings.store
        Store.create(target, keyring.store, instance=settings.instance, at=now).close()
        configuration.write(folder, settings)  # last: a folder without settings is no workspace

    @staticmethod
    def find(given: Path | None, *, start: Path) -> Path:
        """Return the workspace that was named, or the nearest one from `start` upwards."""
        if given is not None:
            return given
        for folder in (start, *start.parents):
            if (folder / configuration.FILE).is_file():
                return folder
        raise WorkspaceError("workspace.none", hints=("hint.init",), folder=str(start))

    @classmethod
    def open(cls, folder: Path, *, passphrase: Passphrase, now: datetime, on: date, user: str) -> Workspace:
        """Open a workspace; nothing is unlocked before something needs it."""
        return cls(folder, configuration.read(folder), passphrase=passphrase, now=now, on=on, user=user)

    def at(self, *, now: datetime, on: date) -> Workspace:
        """Return the same workspace at another moment, sharing what is open: for work that spans days, and tests."""
        self.now, self.on = now, on
        return self

    # What it holds ------------------------------------------------------------------------------------------------

    @cached_property
    def keyring(self) -> Keyring:
        """Return the keys; this is where a passphrase is asked."""
        from exchange.operations import rotating
        from exchange.sealing import keystore

        unlocked = keystore.unlock(
            self.folder / "keys", None if self.settings.demo else self._passphrase(self.settings.name)
        )
        rotating.settle(self, unlocked)
        return unlocked

    def unlock(self, passphrase: str | None) -> None:
        """Unlock the keys with this passphrase, without asking for it; a demo workspace has none."""
        from exchange.operations import rotating
        from exchange.sealing import keystore

        self.__dict__["keyring"] = keystore.unlock(self.folder / "keys", passphrase)
        rotating.settle(self, self.keyring)

    @cached_property
    def card(self) -> Card:
        """Return our own key card."""
        from exchange.signing.cards import read_card

        try:
            return read_card((self.folder / "keys" / _CARD).read_bytes())
        except FileNotFoundError:
            raise WorkspaceError("workspace.no-card", hints=("hint.restore",), folder=str(self.folder)) from None

    @cached_property
    def store(self) -> Store:
        """Return the open store; what was revoked beside it is revoked in it, though a backup was put back."""
        from exchange.operations import standing
        from exchange.store.opening import Store

        self._sweep()
        opened = Store.open(self._target, self.keyring.store, instance=self.settings.instance)
        standing.enforce(self.folder, opened, by=self.user, at=self.now)
        return opened

    @property
    def _target(self) -> Path | str:
        """Return where the store is: a file of this folder, or a server."""
        return self.settings.store if "://" in self.settings.store else self.folder / self.settings.store

    def upgrade(self) -> str:
        """Bring the store to the version of this program, whole or not at all, and return the version it had."""
        from exchange.operations import trail
        from exchange.store.opening import VERSION, Store

        before = Store.upgrade(self._target, self.keyring.store)
        if before != VERSION:
            trail.note(self, "store-upgraded", detail=f"{before}-{VERSION}")
        return before

    def _sweep(self) -> None:
        """Remove what a crash left half written: whoever opens the store begins with that."""
        from exchange.sealing import parts

        for inner in ("inbox", "outbox", "quarantine", "keys", "reports"):
            parts.sweep(self.folder / inner, before=self.now - _STALE)

    @property
    def parties(self) -> frozenset[str]:
        """Return every identifier of our organisation."""
        return frozenset((self.settings.party, *self.settings.also))

    def close(self) -> None:
        """Close the store, where it was opened."""
        if "store" in self.__dict__:
            self.store.close()
            del self.__dict__["store"]

    def __enter__(self) -> Workspace:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def change(self, **changes: Any) -> None:
        """Change settings and write them."""
        self.settings = replace(self.settings, **changes)
        configuration.write(self.folder, self.settings)

    # The same operations as on the command line ---------------------------------------------------------------------

    def load(self, *files: Path, **options: Any) -> tuple[Loaded, ...]:
        """Load the practice's own files; options as `operations.loading.load`."""
        from exchange.operations import loading

        return loading.load(self, files, **options)

    def export(self, agreement: str, **options: Any) -> Exported:
        """Seal what an agreement lets out; options as `operations.exporting.export`."""
        from exchange.operations import exporting

        return exporting.export(self, agreement, **options)

    def take_in(self, *files: Path, **options: Any) -> tuple[Imported, ...]:
        """Take in what partners sealed; options as `operations.importing.take_in`."""
        from exchange.operations import importing

        return importing.take_in(self, files, **options)

    def figures(self, *ids: str, **options: Any) -> tuple[Figure, ...]:
        """Calculate indicators; options as `operations.figuring.figures`."""
        from exchange.operations import figuring

        return figuring.figures(self, ids, **options)

    def summary(self, *to: Path, **options: Any) -> Written:
        """Write the indicator summary; options as `operations.summarising.summary`."""
        from exchange.operations import summarising

        return summarising.summary(self, to, **options)

    def plan(self, *to: Path, **options: Any) -> Written:
        """Write the improvement plan; options as `operations.summarising.plan`."""
        from exchange.operations import summarising

        return summarising.plan(self, to, **options)
