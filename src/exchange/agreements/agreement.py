"""An agreement between a practice and its partners, as frozen values built from a checked mapping."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from exchange.records.codes import PartnerKind

FORMAT = "agreement/1"
Text = Mapping[str, str]  # language -> words


@dataclass(frozen=True, slots=True)
class Signatory:
    """Who signs for a party: function and authority always, the name only where the party wants it in print."""

    function: str
    authority: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Party:
    """One party: `party` is `scheme:value`, `role` practice or partner, `signs` keys or paper.

    `label` groups parties (a HAGRO, a region) without being a party itself; `card` is the fingerprint of the key
    card, forty digits, empty for a party that signs on paper.
    """

    party: str
    name: str
    role: str
    kind: PartnerKind
    signs: str
    signatory: Signatory
    privacy_contact: str
    care_provider: bool = False
    label: str = ""
    address: str = ""
    card: str = ""


@dataclass(frozen=True, slots=True)
class Purpose:
    """A purpose data may be used for; consent is asked per partner and purpose."""

    id: str
    text: Text


@dataclass(frozen=True, slots=True)
class FlowTerms:
    """What the parties agreed on one kind of message in one direction: purpose, legal bases, consent, frequency.

    `article_6` and `article_9` are AVG bases; `secrecy` is, apart from those, the ground for lifting medical secrecy.
    `elements` narrows what the indicators need; empty means all of it.
    """

    event: str
    sender: str
    purpose: str
    article_6: str
    article_9: str
    secrecy: str
    consent_required: bool
    frequency: Text
    elements: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AgreedIndicator:
    """A pinned version of an indicator; the baseline is frozen here before anything is measured."""

    id: str
    version: int
    primary: bool
    baseline: float | None = None
    baseline_from: date | None = None
    baseline_until: date | None = None
    target: float | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """A day on which the parties sit down with the figures."""

    on: date
    about: Text = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Funding:
    """Who pays for one activity; amounts in cents."""

    activity: Text
    payer: str
    rate_cents: int | None = None
    ceiling_cents: int | None = None
    invoice: Text = field(default_factory=dict)
    double_claim_check: bool = False


@dataclass(frozen=True, slots=True)
class OnwardUse:
    """Which aggregates may go to whom, after how many days of preview and objection."""

    to: str
    what: Text
    preview_days: int
    objection_days: int


@dataclass(frozen=True, slots=True)
class PlannedTable:
    """One split of one indicator in which its totals may go outside; together they are the table plan."""

    indicator: str
    by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SuiteException:
    """A weaker way of sealing for one party, until a day (that day excluded), with the reason."""

    party: str
    suite: str
    until: date
    reason: Text


@dataclass(frozen=True, slots=True)
class Term:
    """From when until when (until excluded); `covers_from` is the first day patient-level data may speak of."""

    start: date
    until: date
    covers_from: date
    aggregates_from: date
    renewal: str
    renewal_months: int = 12
    notice_months: int = 2


@dataclass(frozen=True, slots=True)
class Joining:
    """Who may still accede to a framework: which kinds of party, until when (that day excluded, or the whole term).

    `passphrase_until` lets a party that accedes on paper get its forms by passphrase until that day.
    """

    kinds: tuple[PartnerKind, ...]
    until: date | None = None
    passphrase_until: date | None = None


@dataclass(frozen=True, slots=True)
class OwnClause:
    """A clause the parties wrote themselves."""

    id: str
    title: Text
    text: Text


@dataclass(frozen=True, slots=True)
class Agreement:
    """The whole agreement as a draft holds it; `raw` is the checked mapping it was built from."""

    id: str
    version: int
    kind: PartnerKind
    title: Text
    parties: tuple[Party, ...]
    occasion: Text
    purposes: tuple[Purpose, ...]
    flows: tuple[FlowTerms, ...]
    arrangement: str
    informs: str
    rights: str
    indicators: tuple[AgreedIndicator, ...]
    identity: tuple[str, ...]
    evaluations: tuple[Moment, ...]
    session_moments: tuple[int, ...]
    missed: Text
    unanswered: Text
    funding: tuple[Funding, ...]
    onward_use: tuple[OnwardUse, ...]
    retention_months: int
    breach_hours: int
    answer_days: int
    exceptions: tuple[SuiteException, ...]
    term: Term
    place: str
    clauses: tuple[str, ...]
    own_clauses: tuple[OwnClause, ...]
    raw: Mapping[str, Any] = field(repr=False, compare=False)
    accession: Joining | None = None
    table_plan: tuple[PlannedTable, ...] = ()

    @property
    def practice(self) -> Party:
        """Return the practice: the first party with that role."""
        return next(party for party in self.parties if party.role == "practice")

    @property
    def partners(self) -> tuple[Party, ...]:
        """Return every partner, in the order of the text, then those that acceded later."""
        return tuple(party for party in self.parties if party.role == "partner")

    @property
    def primary(self) -> AgreedIndicator | None:
        """Return the primary indicator, the one that is judged."""
        return next((indicator for indicator in self.indicators if indicator.primary), None)

    def party(self, party: str) -> Party | None:
        """Return the party with this `scheme:value`, or nothing."""
        return next((one for one in self.parties if one.party == party), None)

    def plans(self, indicator: str, by: Iterable[str]) -> bool:
        """Say whether an indicator may go outside in this split; the whole figure always may, another only if agreed.

        A table of two characteristics is planned by itself: its margins are tables of their own.
        """
        wanted = frozenset(by)
        return not wanted or any(one.indicator == indicator and wanted == {*one.by} for one in self.table_plan)

    def terms(self, event: str, sender: str) -> FlowTerms | None:
        """Return what was agreed on this kind of message from this role, or nothing."""
        return next((flow for flow in self.flows if flow.event == event and flow.sender == sender), None)


def from_mapping(raw: Mapping[str, Any]) -> Agreement:
    """Build the values from a mapping that keeps schemas/agreement.schema.json; the pair of `Agreement.raw`."""
    return Agreement(
        id=raw["id"],
        version=raw["version"],
        kind=PartnerKind(raw["kind"]),
        title=raw["title"],
        parties=tuple(party_from(one) for one in raw["parties"]),
        occasion=raw["occasion"],
        purposes=tuple(Purpose(one["id"], one["text"]) for one in raw["purposes"]),
        flows=tuple(_flow(one) for one in raw["flows"]),
        arrangement=raw["controllers"]["arrangement"],
        informs=raw["controllers"]["informs"],
        rights=raw["controllers"]["rights"],
        indicators=tuple(_indicator(one) for one in raw["indicators"]),
        identity=tuple(raw.get("identity", ())),
        evaluations=tuple(Moment(date.fromisoformat(one["on"]), one.get("about", {})) for one in raw["evaluations"]),
        session_moments=tuple(raw.get("session-moments", ())),
        missed=raw["consequences"]["missed"],
        unanswered=raw["consequences"]["unanswered"],
        funding=tuple(_funding(one) for one in raw["funding"]),
        onward_use=tuple(
            OnwardUse(one["to"], one["what"], one["preview-days"], one["objection-days"]) for one in raw["onward-use"]
        ),
        retention_months=raw["retention-months"],
        breach_hours=raw["breach-hours"],
        answer_days=raw["answer-days"],
        exceptions=tuple(
            SuiteException(one["party"], one["suite"], date.fromisoformat(one["until"]), one["reason"])
            for one in raw["keys"]["exceptions"]
        ),
        term=_term(raw["term"]),
        place=raw.get("place", ""),
        clauses=tuple(raw["clauses"]),
        own_clauses=tuple(OwnClause(one["id"], one["title"], one["text"]) for one in raw.get("own-clauses", ())),
        raw=raw,
        accession=_joining(raw["accession"]) if "accession" in raw else None,
        table_plan=tuple(PlannedTable(one["indicator"], tuple(one["by"])) for one in raw.get("table-plan", ())),
    )


def party_from(raw: Mapping[str, Any]) -> Party:
    """Build a party from its mapping in the text, or in an accession."""
    signatory = raw["signatory"]
    return Party(
        party=raw["id"],
        name=raw["name"],
        role=raw["role"],
        kind=PartnerKind(raw["kind"]),
        signs=raw["signs"],
        signatory=Signatory(signatory["function"], signatory["authority"], signatory.get("name", "")),
        privacy_contact=raw["privacy-contact"],
        care_provider=raw.get("care-provider", False),
        label=raw.get("label", ""),
        address=raw.get("address", ""),
        card=raw.get("card", ""),
    )


def _flow(raw: Mapping[str, Any]) -> FlowTerms:
    return FlowTerms(
        event=raw["event"],
        sender=raw["from"],
        purpose=raw["purpose"],
        article_6=raw["article-6"],
        article_9=raw["article-9"],
        secrecy=raw["secrecy"],
        consent_required=raw["consent"] == "required",
        frequency=raw["frequency"],
        elements=tuple(raw.get("elements", ())),
    )


def _indicator(raw: Mapping[str, Any]) -> AgreedIndicator:
    return AgreedIndicator(
        id=raw["id"],
        version=raw["version"],
        primary=raw["primary"],
        baseline=raw.get("baseline"),
        baseline_from=_day(raw.get("baseline-from")),
        baseline_until=_day(raw.get("baseline-until")),
        target=raw.get("target"),
    )


def _funding(raw: Mapping[str, Any]) -> Funding:
    return Funding(
        activity=raw["activity"],
        payer=raw["payer"],
        rate_cents=raw.get("rate-cents"),
        ceiling_cents=raw.get("ceiling-cents"),
        invoice=raw.get("invoice", {}),
        double_claim_check=raw.get("double-claim-check", False),
    )


def _term(raw: Mapping[str, Any]) -> Term:
    start = date.fromisoformat(raw["from"])
    return Term(
        start=start,
        until=date.fromisoformat(raw["until"]),
        covers_from=_day(raw.get("covers-from")) or start,
        aggregates_from=_day(raw.get("aggregates-from")) or start,
        renewal=raw["renewal"],
        renewal_months=raw.get("renewal-months", 12),
        notice_months=raw.get("notice-months", 2),
    )


def _joining(raw: Mapping[str, Any]) -> Joining:
    kinds = tuple(PartnerKind(one) for one in raw["kinds"])
    return Joining(kinds, _day(raw.get("until")), _day(raw.get("passphrase-until")))


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
