"""The gate: one pure function that every export and import asks, and that answers with all its premises.

Each premise names the clause it rests on. A premise that fails carries the id `<rule>.refused`, and what to do
about it is the catalogue's `hint.<rule>`. A premise that a question does not raise is left out of the decision.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from exchange.agreements import life
from exchange.agreements.agreement import FlowTerms, Party
from exchange.agreements.facts import CardState, Direction, Question, Suite
from exchange.agreements.frozen import Flow, Frozen, base
from exchange.errors import Refused
from exchange.findings import Decision, Premise
from exchange.records.codes import ConsentState, PartnerKind
from exchange.records.elements import elements

# These carry a case number and no content; without them a withdrawal could not be told, nor a receipt given.
ALWAYS = frozenset({"consent-withdrawn", "acknowledgement"})
_BARE = frozenset({"case.id", "case.code"})
# A case is opened by this message, so it need not be open before.
_OPENS = "case-opening"
# Pooled records go to who treats nobody, and have no case: ids that mean nothing elsewhere, and weeks for days.
_POOLED = "pooled-records"
_IN_TAIL = frozenset({"partner-return"}) | ALWAYS
_TREATS = frozenset({PartnerKind.GP, PartnerKind.SPECIALIST, PartnerKind.OTHER, PartnerKind.PRACTICE})


@dataclass(frozen=True, slots=True)
class _Asked:
    """The question beside what the agreement says about it."""

    question: Question
    frozen: Frozen
    us: Party | None
    other: Party | None
    terms: FlowTerms | None
    flow: Flow | None
    about_a_patient: bool

    @property
    def partner(self) -> Party | None:
        """Return the acceding partner of the two."""
        return self.other if self.us is not None and self.us.role == "practice" else self.us


def decide(question: Question, frozen: Frozen) -> Decision:
    """Answer a question under a signed agreement."""
    asked = _asked(question, frozen)
    premises = []
    for rule, clause, look in _PREMISES:
        satisfied = look(asked)
        if satisfied is not None:
            name = rule if satisfied else f"{rule}.refused"
            premises.append(Premise(name, satisfied, clause, _details(rule, asked)))
    return Decision(tuple(premises))


def require(question: Question, frozen: Frozen) -> Decision:
    """Return the decision, or raise Refused with the first clause that refuses and every remedy."""
    decision = decide(question, frozen)
    if decision.allowed:
        return decision
    first = decision.failed[0]
    raise Refused(first.rule, decision=decision, hints=remedies(decision), clause=first.clause, **first.params)


def remedies(decision: Decision) -> tuple[str, ...]:
    """Return the catalogue ids that say what to do, one per premise that refuses."""
    return tuple(f"hint.{premise.rule.removesuffix('.refused')}" for premise in decision.failed)


def too_few(groups: Iterable[tuple[object, ...]], least: int = 5) -> int:
    """Count the records whose combination of characteristics fewer than `least` records share.

    For pseudonymous data outside direct care, on (birth year, sex, diagnosis group, region): nothing goes out
    unless this is 0.
    """
    counts: dict[tuple[object, ...], int] = {}
    for group in groups:
        counts[group] = counts.get(group, 0) + 1
    return sum(count for count in counts.values() if count < least)


def _asked(question: Question, frozen: Frozen) -> _Asked:
    agreement = frozen.agreement
    us, other = agreement.party(question.us), agreement.party(question.party)
    sender = us if question.direction is Direction.OUT else other
    role = sender.role if sender is not None else ""
    listed = elements()
    return _Asked(
        question=question,
        frozen=frozen,
        us=us,
        other=other,
        terms=agreement.terms(question.event, role),
        flow=frozen.flow(question.event, role),
        about_a_patient=any(
            base(element) not in listed or listed[base(element)].sensitivity != "aggregate"
            for element in question.elements
        ),
    )


def _text(asked: _Asked) -> bool:
    return asked.question.digest == asked.frozen.digest


def _party(asked: _Asked) -> bool:
    """One of the two is the practice, the other a partner: partners of one group exchange nothing here."""
    return asked.us is not None and asked.other is not None and asked.us.role != asked.other.role


def _signed(asked: _Asked) -> bool:
    partner = asked.partner
    needed = {asked.frozen.agreement.practice.party}
    # Clients sign their own copy each; that is recorded as their consent, not here.
    if partner is not None and partner.kind is not PartnerKind.CLIENT:
        needed.add(partner.party)
    return partner is not None and needed <= asked.question.signed


def _begun(asked: _Asked) -> bool:
    return asked.frozen.agreement.term.start <= asked.question.on


def _in_time(asked: _Asked) -> bool:
    """In force, or in the tail; after the tail nothing moves."""
    end = life.last_day(asked.frozen.agreement, asked.question.on, asked.question.ended_on)
    return asked.question.on < life.follow_up_until(asked.frozen, end)


def _in_tail(asked: _Asked) -> bool | None:
    """In the tail only returns, corrections, receipts and withdrawals, for cases opened before the end."""
    question = asked.question
    end = life.last_day(asked.frozen.agreement, question.on, question.ended_on)
    if question.on < end:
        return None
    kind_may = question.event in _IN_TAIL or question.correction
    opened_before = question.case is None or (question.case.opened_on is not None and question.case.opened_on < end)
    return kind_may and opened_before


def _version(asked: _Asked) -> bool | None:
    question = asked.question
    if question.superseded_on is None or question.on < question.superseded_on:
        return None
    within = question.on < life.overlap_until(question.superseded_on)
    return within and question.direction is Direction.IN and question.before_switch


def _event(asked: _Asked) -> bool:
    return asked.question.event in ALWAYS or (asked.flow is not None and asked.terms is not None)


def _purpose(asked: _Asked) -> bool | None:
    if asked.question.event in ALWAYS:
        return any(purpose.id == asked.question.purpose for purpose in asked.frozen.agreement.purposes)
    return None if asked.terms is None else asked.terms.purpose == asked.question.purpose


def _elements(asked: _Asked) -> bool:
    return not _outside(asked)


def _outside(asked: _Asked) -> frozenset[str]:
    """Return the elements that this kind of message may not carry."""
    if asked.question.event in ALWAYS:
        return asked.question.elements - _BARE
    flow = asked.flow
    return frozenset(one for one in asked.question.elements if flow is None or not flow.allows(one))


def _bsn(asked: _Asked) -> bool | None:
    """The BSN goes only to a care provider who treats the patient and whom the agreement names for it."""
    if "patient.bsn" not in asked.question.elements:
        return None
    receiver = asked.other if asked.question.direction is Direction.OUT else asked.us
    named = "patient.bsn" in asked.frozen.agreement.identity
    treats = receiver is not None and receiver.care_provider and receiver.kind in _TREATS
    return named and treats


def _period(asked: _Asked) -> bool | None:
    question = asked.question
    if question.period is None:
        return None
    term = asked.frozen.agreement.term
    first = term.covers_from if asked.about_a_patient else term.aggregates_from
    end = life.last_day(asked.frozen.agreement, question.on, question.ended_on)
    begin, until = question.period
    return first <= begin <= until <= life.follow_up_until(asked.frozen, end)


def _case(asked: _Asked) -> bool | None:
    """Everything about a patient belongs to a case that was opened before, save the message that opens it."""
    question = asked.question
    if not asked.about_a_patient or question.event in (_OPENS, _POOLED):
        return None
    return question.case is not None and question.case.opened_on is not None and question.case.opened_on <= question.on


def _belongs(asked: _Asked) -> bool | None:
    if not asked.about_a_patient or asked.question.event == _POOLED:
        return None
    return asked.question.case is not None and asked.question.case.belongs


def _consent(asked: _Asked) -> bool | None:
    """Needed where the agreement says so; a refusal or a withdrawal counts everywhere."""
    if not asked.about_a_patient or asked.question.event in ALWAYS:
        return None
    state = asked.question.case.consent if asked.question.case is not None else None
    if state in (ConsentState.REFUSED, ConsentState.WITHDRAWN):
        return False
    if asked.terms is not None and not asked.terms.consent_required:
        return None if state is None else True
    return state is ConsentState.GIVEN


def _card(asked: _Asked) -> bool:
    question = asked.question
    if question.card is CardState.PAPER:
        return asked.other is not None and asked.other.signs == "paper"
    if question.card is CardState.ROTATED:
        # A thief of keys can cross-sign too: files are received, nothing about a patient is sent.
        return question.direction is Direction.IN or not asked.about_a_patient
    return question.card is CardState.VERIFIED


def _suite(asked: _Asked) -> bool:
    """Hybrid always; a form only from who signed on paper; anything else under a dated exception."""
    question = asked.question
    if question.suite is Suite.HYBRID:
        return question.card is not CardState.PAPER
    if question.suite is Suite.FORM:
        return question.direction is Direction.IN and asked.other is not None and asked.other.signs == "paper"
    # A passphrase file is outbound only: anyone with the passphrase could have made one that comes back.
    if question.suite is Suite.PASSPHRASE and question.direction is Direction.IN:
        return False
    return any(
        exception.party == question.party and exception.suite == question.suite and question.on < exception.until
        for exception in asked.frozen.agreement.exceptions
    )


_PREMISES: tuple[tuple[str, str, Callable[[_Asked], bool | None]], ...] = (
    ("gate.text", "signing", _text),
    ("gate.party", "parties", _party),
    # Before the signatures: those of a card that nobody verified count for nothing, and the card is the cause.
    ("gate.card", "security", _card),
    ("gate.signed", "signing", _signed),
    ("gate.begun", "term", _begun),
    ("gate.in-time", "term", _in_time),
    ("gate.tail", "ending", _in_tail),
    ("gate.version", "changes", _version),
    ("gate.event", "exchange", _event),
    ("gate.purpose", "occasion", _purpose),
    ("gate.elements", "exchange", _elements),
    ("gate.bsn", "identity", _bsn),
    ("gate.period", "term", _period),
    ("gate.case", "identity", _case),
    ("gate.belongs", "parties", _belongs),
    ("gate.consent", "consent", _consent),
    ("gate.suite", "security", _suite),
)


def _details(rule: str, asked: _Asked) -> Mapping[str, object]:
    question, agreement = asked.question, asked.frozen.agreement
    details: dict[str, object] = {"agreement": agreement.id, "party": question.party, "event": question.event}
    if rule == "gate.elements":
        details["elements"] = ", ".join(sorted(_outside(asked)))
    elif rule in ("gate.begun", "gate.in-time", "gate.tail", "gate.period"):
        end = life.last_day(agreement, question.on, question.ended_on)
        details |= {"start": agreement.term.start, "until": end, "tail": life.follow_up_until(asked.frozen, end)}
        details["covers"] = agreement.term.covers_from
    elif rule == "gate.version" and question.superseded_on is not None:
        details["until"] = life.overlap_until(question.superseded_on)
    elif rule in ("gate.card", "gate.suite"):
        details |= {"card": question.card.value, "suite": question.suite.value}
    elif rule in ("gate.purpose", "gate.consent"):
        details["purpose"] = question.purpose
    return details
