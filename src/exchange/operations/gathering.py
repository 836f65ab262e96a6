"""Gather what the gate and a message need to know of each case: facts out of the store, decisions nowhere."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING

from exchange.operations import agreeing
from exchange.operations.workspace import Workspace
from exchange.records.codes import ConsentState, Effect, EndReason, NextStep, SessionType
from exchange.records.model import Case, Consent, Dataset, Episode, Evaluation, Measurement, Referral, Session

if TYPE_CHECKING:
    from exchange.agreements.agreement import Party
    from exchange.agreements.frozen import Frozen
    from exchange.messages.facts import CaseFacts
    from exchange.store.agreements import StoredAgreement

# By the plan: with insufficient or no effect the treatment stops and the referrer hears of it.
WITHOUT_EFFECT = frozenset({Effect.NONE, Effect.INSUFFICIENT})
_COUNTS = frozenset({SessionType.SESSION, SessionType.GROUP})


@dataclass(frozen=True, slots=True)
class Course:
    """One episode with all that hangs on it."""

    episode: Episode
    sessions: tuple[Session, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    evaluations: tuple[Evaluation, ...] = ()
    referral: Referral | None = None

    @property
    def first_day(self) -> Session | None:
        """Return the first session."""
        return min(self.sessions, key=lambda session: session.day, default=None)

    @property
    def phase(self) -> str:
        """Return the phase of an outcome report: `start`, `interim` or `end`."""
        if self.episode.end is not None:
            return "end"
        return "interim" if self.evaluations else "start"

    @property
    def stopped_without_effect(self) -> bool:
        """Tell whether the treatment was stopped because it had no effect, by its end or by its last evaluation.

        The EPD may not have the end yet, or not the reason; goals that were reached go before an earlier evaluation.
        """
        if self.episode.end_reason is EndReason.NO_EFFECT:
            return True
        last = max(self.evaluations, key=lambda one: (one.day, one.session_number), default=None)
        stopped = last is not None and last.decision is NextStep.STOP and last.effect in WITHOUT_EFFECT
        return stopped and self.episode.end_reason is not EndReason.GOALS_REACHED

    def belongs_to(self, party: str) -> bool:
        """Tell whether a party referred the patient or was brought in at an evaluation."""
        brought_in = any(one.partner_involved == party for one in self.evaluations)
        return brought_in or (self.referral is not None and self.referral.referrer == party)


@dataclass
class Terms:
    """One agreement in force for us, and what is asked of the gate under it."""

    workspace: Workspace
    stored: StoredAgreement
    frozen: Frozen
    us: Party
    signed: frozenset[str] = field(default_factory=frozenset)
    # Asked for each message, and it takes verifying signatures to know.
    _switches: dict[str, date | None] = field(init=False, default_factory=dict)

    @property
    def others(self) -> tuple[Party, ...]:
        """Return the parties on the other side of the table, clients left out: they are no sender or receiver."""
        agreement = self.frozen.agreement
        sides = agreement.partners if self.us.role == "practice" else (agreement.practice,)
        return tuple(party for party in sides if party.kind != "client")

    def ended_on(self, other: Party) -> date | None:
        """Return since when the agreement is ended between us and another party."""
        return agreeing.ended_on(self.stored, self._partner(other))

    def superseded_on(self, other: Party) -> date | None:
        """Return since when a later version holds between us and another party."""
        party = self._partner(other)
        if party not in self._switches:
            self._switches[party] = agreeing.superseded_on(self.workspace, self.stored, party)
        return self._switches[party]

    def _partner(self, other: Party) -> str:
        return other.party if self.us.role == "practice" else self.us.party

    def toward(self, other: Party) -> Terms:
        """Return the version that holds between us and another party, who may not have signed the newest one."""
        workspace = self.workspace
        if self._partner(other) in self.signed:
            return self
        for version in reversed(workspace.store.agreements.versions(self.stored.agreement_id)):
            signed = agreeing.signed_by(workspace, version)
            if version.version < self.stored.version and {self._partner(other), self.us.party} <= signed:
                return replace(self, stored=version, frozen=agreeing.thawed(version), signed=signed)
        return self

    def flow_elements(self, event: str, sender: str) -> frozenset[str]:
        """Return the elements that a kind of message from one role may carry; none where it was not agreed."""
        flow = self.frozen.flow(event, sender)
        return frozenset(flow.elements) if flow is not None else frozenset()

    def purpose(self, event: str, sender: str) -> str:
        """Return the purpose that was agreed for a kind of message from one role."""
        terms = self.frozen.agreement.terms(event, sender)
        return terms.purpose if terms is not None else ""

    def consent(self, patient_id: str, party: str, purpose: str) -> Consent | None:
        """Return a patient's last word on a partner and purpose as of today."""
        return self._consents.get((patient_id, party, purpose))

    @cached_property
    def _consents(self) -> Mapping[tuple[str, str, str], Consent]:
        return self.workspace.store.consents.all_standing(self.workspace.on)


class Courses:
    """Every course of treatment in the store, by episode."""

    def __init__(self, dataset: Dataset) -> None:
        """Index the dataset once."""
        self._dataset = dataset

    @cached_property
    def by_episode(self) -> Mapping[str, Course]:
        """Return the courses by episode id."""
        sessions: dict[str, list[Session]] = defaultdict(list)
        measurements: dict[str, list[Measurement]] = defaultdict(list)
        evaluations: dict[str, list[Evaluation]] = defaultdict(list)
        referrals: dict[str, Referral] = {}
        for session in self._dataset.sessions:
            if session.type in _COUNTS:
                sessions[session.episode_id].append(session)
        for measurement in self._dataset.measurements:
            measurements[measurement.episode_id].append(measurement)
        for evaluation in self._dataset.evaluations:
            evaluations[evaluation.episode_id].append(evaluation)
        for referral in self._dataset.referrals:
            referrals[referral.episode_id] = referral
        return {
            one.episode_id: Course(
                one,
                tuple(sessions[one.episode_id]),
                tuple(measurements[one.episode_id]),
                tuple(evaluations[one.episode_id]),
                referrals.get(one.episode_id),
            )
            for one in self._dataset.episodes
        }

    def of_party(self, party: str) -> Iterable[Course]:
        """Return the courses that a party referred to or was brought into, by start and id; never another's."""
        found = (one for one in self.by_episode.values() if one.belongs_to(party) and not one.episode.foreign)
        return sorted(found, key=lambda one: (one.episode.start, one.episode.episode_id))


def terms_of(workspace: Workspace, agreement: str) -> Terms:
    """Return an agreement with our own place in it: the newest version in force, else the newest there is.

    AgreementError where we are no party.
    """
    from exchange.agreements import life
    from exchange.errors import AgreementError

    stored = agreeing.find(workspace, agreement)
    in_force = {one.value for one in life.IN_FORCE}
    for version in reversed(workspace.store.agreements.versions(agreement)):
        if agreeing.state(workspace, version) in in_force:
            stored = version
            break
    _require_one_in_force(workspace, agreement)
    frozen = agreeing.thawed(stored)
    us = next((party for party in frozen.agreement.parties if party.party in workspace.parties), None)
    if us is None:
        raise AgreementError("agreeing.no-party", hints=("hint.agreement-list",), id=agreement)
    return Terms(workspace, stored, frozen, us, agreeing.signed_by(workspace, stored))


def _require_one_in_force(workspace: Workspace, agreement: str) -> None:
    """Refuse where two versions hold on one day: nobody could say under which of them something moves."""
    from exchange.agreements import life
    from exchange.errors import AgreementError

    versions = workspace.store.agreements.versions(agreement)
    if len(versions) < 2:
        return
    known = [
        (agreeing.thawed(one), agreeing.signed_by(workspace, one), agreeing.ended_on(one), one.superseded_on)
        for one in versions
    ]
    for finding in life.conflicting(known, workspace.on):
        raise AgreementError(finding.rule, hints=("hint.agreements.two-active",), clause="changes", **finding.params)


def facts_of(terms: Terms, other: Party, case: Case, course: Course, *, phase: str = "") -> CaseFacts:
    """Return all that is known of a case; what may be told of it is for the agreement to say."""
    from exchange.messages.facts import AgreementReference, CaseFacts, Organisation

    stored = terms.stored
    return CaseFacts(
        agreement=AgreementReference(stored.agreement_id, stored.version, stored.digest),
        sender=Organisation(terms.us.party, terms.us.name),
        receiver=Organisation(other.party, other.name),
        case_id=case.case_id,
        code=case.code,
        phase=phase,
        patient=terms.workspace.store.patient_identity(course.episode.patient_id),
        episode=course.episode,
        referral=course.referral,
        session_count=len(course.sessions),
        sessions=course.sessions,
        measurements=course.measurements,
        evaluations=course.evaluations,
        consent=_consent_to_send(terms, other, course.episode.patient_id),
    )  # fmt: skip


def _consent_to_send(terms: Terms, other: Party, patient_id: str) -> Consent | None:
    """Return the consent a message carries: that for the partner's returns, else that for opening the case.

    One that was given goes before one that was not.
    """
    purposes = (terms.purpose("partner-return", "partner"), terms.purpose("case-opening", "practice"))
    said = [one for one in (terms.consent(patient_id, other.party, purpose) for purpose in purposes) if one is not None]
    return next((one for one in said if one.state is ConsentState.GIVEN), said[0] if said else None)
