"""Telling: for one partner, which messages the gate lets through, built and looked through for a BSN."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from exchange.findings import Decision, Finding, Premise, Severity
from exchange.operations import standing
from exchange.operations.gathering import Course, Courses, Terms, facts_of
from exchange.operations.workspace import Workspace
from exchange.records import detector
from exchange.records.codes import ConsentState
from exchange.records.model import Case

if TYPE_CHECKING:
    from exchange.agreements.agreement import Party
    from exchange.agreements.facts import CaseFacts as GateFacts
    from exchange.agreements.facts import Question
    from exchange.messages.facts import CaseFacts, Reply
    from exchange.store.releases import ReleasedCell

# Totals without patients: the message that carries them, and the flow of the agreement.
TOTALS = "partner-aggregates"
# Where the agreement lets this recipient have the BSN: in the identifier, and in the summary that says the same.
_BSN_MAY_STAND = frozenset({"Patient.identifier.value", "Composition.section.text.div"})
_EXEMPT = frozenset({"id", "fullUrl", "reference", "system", "url", "lastUpdated", "profile"})


@dataclass(frozen=True, slots=True)
class Asked:
    """One decision of the gate, for a dry run: `party` and `event` and every premise."""

    party: str
    event: str
    allowed: bool
    premises: tuple[Premise, ...]


@dataclass
class Draft:
    """What is to be told under one agreement to one partner: lines of a file, and what to remember of them.

    `cells` are the counts that it publishes, for the ledger of releases.
    """

    party: Party
    lines: list[bytes] = field(default_factory=list)
    opened: list[Case] = field(default_factory=list)
    told: list[tuple[str, str, str]] = field(default_factory=list)
    cases: set[str] = field(default_factory=set)
    decisions: list[Asked] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    released: int = 0
    cells: list[ReleasedCell] = field(default_factory=list)


def question(
    terms: Terms,
    other: Party,
    event: str,
    *,
    elements: frozenset[str],
    case: GateFacts | None,
    period: tuple[date, date] | None,
    inward: bool = False,
) -> Question:
    """Return what the gate is asked about one message between us and another party."""
    from exchange.agreements.facts import Direction, Question

    sender = other if inward else terms.us
    return Question(
        direction=Direction.IN if inward else Direction.OUT,
        event=event,
        us=terms.us.party,
        party=other.party,
        digest=terms.stored.digest,
        purpose=terms.purpose(event, sender.role),
        elements=elements,
        on=terms.workspace.on,
        signed=terms.signed,
        card=card_state(terms.workspace, other.party),
        period=period,
        case=case,
        ended_on=terms.ended_on(other),
        superseded_on=terms.superseded_on(other),
    )


def card_state(workspace: Workspace, party: str) -> Any:
    """Return what is known of a partner's key card, as the gate wants it."""
    from exchange.agreements.facts import CardState

    if party.startswith("local:"):
        return CardState.PAPER  # clients, each of whom signs a copy of their own
    partner = standing.partner(workspace, party)
    return CardState.UNVERIFIED if partner is None else CardState(partner.state)


def drafted(
    terms: Terms,
    other: Party,
    courses: Courses | None,
    told: Mapping[tuple[str, str], str],
    *,
    release: bool,
    progress: Callable[[int, int], None] | None,
) -> Draft:
    draft = Draft(other)
    if courses is None:
        _returns(terms, draft, told, release=release)
        return draft
    mine = [one for one in courses.of_party(other.party) if _in_reach(terms, one)]
    known = {
        case.episode_id: case
        for case in terms.workspace.store.cases.of_agreement(terms.stored.agreement_id)
        if case.partner == other.party
    }
    for done, course in enumerate(mine, 1):
        _course(terms, draft, course, known.get(course.episode.episode_id), told, release=release)
        if progress is not None:
            progress(done, len(mine))
    return draft


def _in_reach(terms: Terms, course: Course) -> bool:
    """Leave out treatments that ended before the first day the agreement covers; the gate judges all others."""
    first = terms.frozen.agreement.term.covers_from
    return course.episode.end is None or course.episode.end >= first


def _course(
    terms: Terms,
    draft: Draft,
    course: Course,
    case: Case | None,
    told: Mapping[tuple[str, str], str],
    *,
    release: bool,
) -> None:
    from exchange.signing.pseudonyms import case_code, case_id

    if case is None:
        new_id = case_id()
        case = Case(
            new_id, case_code(new_id), terms.stored.agreement_id, draft.party.party,
            course.episode.episode_id, course.episode.patient_id, terms.workspace.on,
        )  # fmt: skip
        if not _tell(terms, draft, "case-opening", course, case, told, release=release, opening=True):
            return
        draft.opened.append(case)
    elif _withdrawn(terms, draft, course, case, told):
        return
    elif (case.case_id, "case-opening") not in told and not _tell(
        terms, draft, "case-opening", course, case, told, release=release, opening=True
    ):
        return  # the file that opened it was cancelled
    for event in ("outcome-report", "feedback-to-referrer"):
        due = event != "feedback-to-referrer" or course.stopped_without_effect
        if due and terms.frozen.flow(event, "practice") is not None:
            _tell(terms, draft, event, course, case, told, release=release)


def _withdrawn(
    terms: Terms, draft: Draft, course: Course, case: Case, told: Mapping[tuple[str, str], str]
) -> bool:  # fmt: skip
    """Tell a partner of each consent that was withdrawn after its case was opened; after that nothing else is told."""
    from exchange.agreements import gate
    from exchange.agreements.facts import CaseFacts as GateFacts

    event, found = "consent-withdrawn", False
    arrived = (case.case_id, "case-opening") in told
    for purpose in terms.frozen.agreement.purposes:
        said = terms.consent(course.episode.patient_id, draft.party.party, purpose.id)
        if said is None or said.state is not ConsentState.WITHDRAWN:
            continue
        found = True
        if not arrived:
            continue  # the file that opened the case was cancelled: there is nothing over there
        asked = replace(
            question(
                terms, draft.party, event, elements=frozenset({"case.id"}), period=None,
                case=GateFacts(case.opened_on, belongs=True, consent=said.state),
            ),
            purpose=purpose.id,
        )  # fmt: skip
        decision = gate.decide(asked, terms.frozen)
        keep(draft, event, decision)
        if decision.allowed:
            facts = replace(nobody(terms, draft.party), case_id=case.case_id, consent=said)
            # each purpose is told of once, so each is remembered by itself
            key = f"{event}:{hashlib.sha256(purpose.id.encode()).hexdigest()[:8]}"
            add(terms, draft, event, facts, frozenset({"case.id"}), told, release=False, key=key)
    return found


def _tell(
    terms: Terms,
    draft: Draft,
    event: str,
    course: Course,
    case: Case,
    told: Mapping[tuple[str, str], str],
    *,
    release: bool,
    opening: bool = False,
) -> bool:
    """Ask the gate about one message and draft it; return whether it was let through."""
    from exchange.agreements import gate
    from exchange.agreements.facts import CaseFacts as GateFacts

    allowed = terms.flow_elements(event, "practice")
    purpose = terms.purpose(event, "practice")
    said = terms.consent(course.episode.patient_id, draft.party.party, purpose)
    gate_facts = GateFacts(
        None if opening else case.opened_on, course.belongs_to(draft.party.party), said.state if said else None
    )
    last = course.episode.end or terms.workspace.on
    asked = question(terms, draft.party, event, elements=allowed, case=gate_facts, period=(course.episode.start, last))
    decision = gate.decide(asked, terms.frozen)
    keep(draft, event, decision)
    if not decision.allowed:
        return False
    phase = course.phase if event == "outcome-report" else ""
    facts = facts_of(terms, draft.party, case, course, phase=phase)
    return add(terms, draft, event, facts, allowed, told, release=release)


def _returns(terms: Terms, draft: Draft, told: Mapping[tuple[str, str], str], *, release: bool) -> None:
    """Draft our answers to a practice: per case, and totals without patients."""
    store = terms.workspace.store
    answers = store.answers.own(terms.stored.agreement_id)
    cases = {one.case_id: one for one in store.cases.of_agreement(terms.stored.agreement_id)}
    for case_id in sorted({one.case_id for one in answers}):
        case = cases[case_id]
        if case.partner != draft.party.party:
            continue
        mine = tuple(one for one in answers if one.case_id == case_id)
        _answer_case(terms, draft, case, mine, told, release=release)
    totals = tuple(one for one in store.answers.aggregates() if not one.partner)
    if totals and terms.frozen.flow(TOTALS, "partner") is not None:
        _answer_totals(terms, draft, totals, told, release=release)


def _answer_case(
    terms: Terms, draft: Draft, case: Case, answers: tuple[Any, ...], told: Mapping[tuple[str, str], str], *,
    release: bool,
) -> None:  # fmt: skip
    from exchange.agreements import gate
    from exchange.agreements.facts import CaseFacts as GateFacts

    event = "partner-return"
    said = terms.consent(case.patient_id, draft.party.party, terms.purpose(event, "partner"))
    elements = frozenset({"case.id", *(one.element for one in answers)})
    period = (min(one.start for one in answers), max(one.end for one in answers))
    gate_facts = GateFacts(case.opened_on, belongs=True, consent=said.state if said else None)
    decision = gate.decide(
        question(terms, draft.party, event, elements=elements, case=gate_facts, period=period), terms.frozen
    )
    keep(draft, event, decision)
    if decision.allowed:
        facts = replace(
            nobody(terms, draft.party),
            case_id=case.case_id,
            code=case.code,
            answers=answers,
            reply=_opening_of(terms, case),
        )
        add(terms, draft, event, facts, terms.flow_elements(event, "partner"), told, release=release)


def _opening_of(terms: Terms, case: Case) -> Reply | None:
    """Return the message by which the practice opened the case, for the answers to name; a form has none."""
    from exchange.messages.facts import Reply

    received = terms.workspace.store.received.of_case(case.case_id)
    opened = next((one for one in received if one.event == "case-opening"), None)
    return Reply(opened.message_id, accepted=True) if opened is not None else None


def _answer_totals(
    terms: Terms, draft: Draft, totals: tuple[Any, ...], told: Mapping[tuple[str, str], str], *, release: bool
) -> None:
    from exchange.agreements import gate

    event = TOTALS
    elements = frozenset(
        {one.element for one in totals} | {"aggregate.eligible-patients" for one in totals if one.population}
    )
    period = (min(one.start for one in totals), max(one.end for one in totals))
    decision = gate.decide(
        question(terms, draft.party, event, elements=elements, case=None, period=period), terms.frozen
    )
    keep(draft, event, decision)
    if decision.allowed:
        facts = replace(nobody(terms, draft.party), aggregates=totals)
        add(terms, draft, event, facts, terms.flow_elements(event, "partner"), told, release=release)


def nobody(terms: Terms, other: Party) -> CaseFacts:
    """Return the facts of a message that is about no case yet: agreement, sender and receiver."""
    from exchange.messages.facts import AgreementReference, CaseFacts, Organisation

    stored = terms.stored
    return CaseFacts(
        AgreementReference(stored.agreement_id, stored.version, stored.digest),
        Organisation(terms.us.party, terms.us.name),
        Organisation(other.party, other.name),
    )


def add(
    terms: Terms,
    draft: Draft,
    event: str,
    facts: CaseFacts,
    allowed: frozenset[str],
    told: Mapping[tuple[str, str], str],
    *,
    release: bool,
    key: str = "",
    digest: str = "",
) -> bool:
    """Build one message, unless just this was told before; return False where a BSN stands that may not be there.

    `digest` is of what is told where that is more than what the message says, or less: a date of making changes daily.
    """
    from exchange.messages.building import build
    from exchange.messages.projecting import project
    from exchange.operations import checking
    from exchange.signing.pseudonyms import fhir_id

    about = facts.case_id or draft.party.party
    digest = digest or hashlib.sha256(repr(project(event, facts, allowed)).encode("utf-8")).hexdigest()
    if told.get((about, key or event)) == digest:
        return True
    message_id = fhir_id()
    data = build(event, facts, allowed, message_id=message_id, sent_at=terms.workspace.now, fhir_id=fhir_id)
    # Building asked for all that FHIR says; a score that its counts do not give is refused here.
    checking.require(data)
    may_have_bsn = "patient.bsn" in allowed and draft.party.care_provider
    found = detector.check(
        texts(json.loads(data)),
        known=terms.workspace.store.knows_bsn,
        allowed=lambda path: may_have_bsn and path in _BSN_MAY_STAND,
    )
    if any(one.severity is Severity.ERROR for one in found) or (found and not release):
        draft.findings.extend(found)
        return False
    draft.released += len(found)
    draft.lines.append(data)
    draft.told.append((about, key or event, digest))
    if facts.case_id:
        draft.cases.add(facts.case_id)
    return True


def texts(tree: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield every text of a message with its path, resource type first; ids, references and systems are exempt."""
    if isinstance(tree, dict):
        kind = tree.get("resourceType")
        here = kind if isinstance(kind, str) else path
        for key, value in tree.items():
            if key not in _EXEMPT:
                yield from texts(value, f"{here}.{key}" if here else key)
    elif isinstance(tree, list):
        for value in tree:
            yield from texts(value, path)
    elif isinstance(tree, str):
        yield path, tree


def keep(draft: Draft, event: str, decision: Decision) -> None:
    """Keep a decision of the gate, for a dry run and for what was refused."""
    draft.decisions.append(Asked(draft.party.party, event, decision.allowed, decision.premises))
