"""Two invented organisations with keys and cards, and a way to send a file from one to the other."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from exchange.sealing import addressees, age, opening, sealing, tar
from exchange.sealing.manifest import AgreementRef, AuditHead, Kind, Manifest, Stream
from exchange.sealing.recipients import HybridRecipient
from exchange.signing import jws
from exchange.signing.cards import Card, make_card
from exchange.signing.keys import Keyring

NOW = datetime(2026, 3, 2, 9, 0, 0, tzinfo=UTC)
TEXT = b'{"resourceType":"Bundle","id":"invented"}\n'


@dataclass(frozen=True, slots=True)
class Party:
    """An invented organisation."""

    party: str
    keyring: Keyring
    card: Card


def organisation(party: str, *, demo: bool = False) -> Party:
    """Invent one."""
    keyring = Keyring.generate(demo=demo)
    card = make_card(
        keyring,
        parties=(party,),
        name="Verzonnen praktijk",
        contact="kaart@voorbeeld.invalid",
        valid_from=date(2026, 1, 1),
        valid_until=date(2027, 12, 31),
    )
    return Party(party, keyring, card)


def heading(sender: str, kind: Kind = Kind.DATA, **other: object) -> sealing.Heading:
    """Return a heading in which only what matters to a test differs."""
    usual = sealing.Heading(
        kind=kind,
        stream=Stream(sender, "proef-1", "0" * 31 + "1"),
        sequence=1,
        created=NOW,
        expires=NOW + timedelta(days=30),
        agreement=AgreementRef("proef-1", 1, "ab" * 32),
        audit=AuditHead(3, "cd" * 32),
    )
    return replace(usual, **other)  # type: ignore[arg-type]  # a test names the fields


@dataclass(frozen=True, slots=True)
class Exchange:
    """A practice and two partners, in one folder."""

    practice: Party
    doctor: Party
    other: Party
    folder: Path

    def prepare(
        self, contents: list[sealing.Content] | None = None, to: list[Party] | None = None, **other: object
    ) -> tuple[sealing.Prepared, list[sealing.Content], addressees.Addressees]:
        """Sign a manifest from the practice, to the doctor unless told otherwise."""
        contents = contents or [sealing.Content("bundle.json", "application/fhir+json", 1, data=TEXT)]
        addressed = addressees.to_cards([party.card for party in to or [self.doctor]], on=NOW.date())
        prepared = sealing.prepare(
            contents,
            heading(self.practice.party, **other),  # type: ignore[arg-type]  # a test names the fields
            addressed,
            self.practice.keyring,
            self.practice.card,
        )
        return prepared, contents, addressed

    def send(
        self, contents: list[sealing.Content] | None = None, to: list[Party] | None = None, **other: object
    ) -> Path:
        """Seal a file as a user would."""
        prepared, contents, addressed = self.prepare(contents, to, **other)
        path = self.folder / sealing.random_name()
        sealing.write(prepared.jws, contents, addressed, path)
        return path

    def find_card(self, party: str, digest: str) -> Card | None:
        """Know the practice's card and no other."""
        known = self.practice
        return known.card if (party, digest) == (known.party, known.card.digest) else None

    def open(
        self,
        path: Path,
        party: Party | None = None,
        find_card: opening.FindCard | None = None,
        now: datetime = NOW,
        passphrase: str | None = None,
    ) -> opening.Opened:
        """Open a file as the doctor unless told otherwise."""
        return opening.open_file(
            path,
            (party or self.doctor).keyring,
            find_card or self.find_card,
            now=now,
            into=self.inbox,
            passphrase=passphrase,
        )

    @property
    def inbox(self) -> Path:
        """Return where files are opened into."""
        inbox = self.folder / "inbox"
        inbox.mkdir(exist_ok=True)
        return inbox

    def kept(self) -> list[str]:
        """Return everything under the inbox."""
        return sorted(path.name for path in self.inbox.rglob("*"))

    def encrypt(self, container: bytes, *recipients: Party) -> Path:
        """Encrypt any container at all, as an attacker with the recipients' public keys can."""
        path = self.folder / sealing.random_name()
        with path.open("wb") as file:
            stream = age.encrypt(file, [HybridRecipient(party.card.recipient) for party in recipients])
            stream.write(container)
            stream.finish()
        return path


def container(manifest_jws: bytes, *members: tuple[str, bytes]) -> bytes:
    """Pack any members behind any manifest."""
    sink = io.BytesIO()
    writer = tar.Writer(sink)
    for name, data in (("manifest.jws.json", manifest_jws), *members):
        writer.begin(name, len(data))
        writer.write(data)
        writer.end(len(data))
    writer.finish()
    return sink.getvalue()


def resigned(manifest: Manifest, keyring: Keyring, typ: str = "manifest") -> bytes:
    """Sign a manifest as it is, with any keys and as any kind of object."""
    return jws.sign(manifest.to_bytes(), typ, keyring.signing)


@pytest.fixture(scope="session")
def parties() -> tuple[Party, Party, Party]:
    """Invent three organisations once."""
    return organisation("agb:04000001"), organisation("agb:01000002"), organisation("agb:03000003")


@pytest.fixture
def exchange(parties: tuple[Party, Party, Party], tmp_path: Path) -> Exchange:
    """Put them in an empty folder."""
    return Exchange(*parties, tmp_path)


@pytest.fixture
def pack() -> Callable[..., bytes]:
    """Give `container` to tests."""
    return container


@pytest.fixture
def resign() -> Callable[..., bytes]:
    """Give `resigned` to tests."""
    return resigned


@pytest.fixture
def invent() -> Callable[..., Party]:
    """Give `organisation` to tests."""
    return organisation
