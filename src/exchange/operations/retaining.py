"""Retaining: what is past its term here, by whose word, and a signed record of what was destroyed.

Terms follow from the agreements (`retention-months`, and never before the follow-up is over); the practice's care file
is kept elsewhere and by law, and is no part of this.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exchange.errors import ExchangeError, StoreError, WasChanged
from exchange.operations import agreeing, files, partners, posting, trail
from exchange.operations.workspace import Workspace

if TYPE_CHECKING:
    from exchange.agreements.frozen import Frozen
    from exchange.records.model import Case
    from exchange.store.agreements import StoredAgreement
    from exchange.store.retention import Terms

FORMAT = "outcome-exchange-destruction/1"
FOLDER = "destroyed"
LOG_MONTHS = 60
# Of what lies in quarantine: as long as a sealed file may be taken in at all.
QUARANTINE = timedelta(days=90)
_TYP = "destruction"
_MOST = 1024 * 1024
_OVER = frozenset({"ended", "expired"})
_REPORTS = ("case-opening", "outcome-report", "feedback-to-referrer")


@dataclass(frozen=True, slots=True)
class Item:
    """So much of one kind of data, under one agreement or none, and the rule by which it goes (`law`)."""

    kind: str
    agreement: str
    law: str
    count: int


@dataclass(frozen=True, slots=True)
class Record:
    """A signed record of what was destroyed; `sound` tells whether our own keys signed it as it stands."""

    file: str
    on: date | None
    by: str
    ground: str
    items: tuple[Item, ...]
    sound: bool = True


@dataclass
class _Plan:
    """What is to go: for the store, of files, and said per kind, agreement and law."""

    episodes: dict[str, str] = field(default_factory=dict)  # -> agreement whose term was the last to end
    cases: dict[str, str] = field(default_factory=dict)
    needed: Collection[str] | None = None
    log_before: date | None = None
    files: dict[str, list[tuple[Path, str]]] = field(default_factory=dict)

    def terms(self) -> Terms:
        """Return the part that is the store's."""
        from exchange.store.retention import Terms

        return Terms(
            log_before=self.log_before, needed=self.needed, episodes=tuple(self.episodes), cases=tuple(self.cases)
        )


@dataclass(frozen=True, slots=True)
class _Agreed:
    """An agreement as retention sees it: how long, and until when it still follows cases."""

    stored: StoredAgreement
    frozen: Frozen
    over: bool

    def gone_on(self, end: date) -> date:
        """Return the day from which a course that ended then is past its term."""
        from exchange.agreements import life
        from exchange.indicators.moments import add_months

        kept = add_months(end, self.frozen.agreement.retention_months)
        return max(kept, life.follow_up_until(self.frozen, end))


def due(workspace: Workspace) -> tuple[Item, ...]:
    """Return what is past its term, by kind, agreement and law; nothing is changed."""
    plan = _plan(workspace)
    counts = {one.kind.value: one.count for one in workspace.store.retention.due(plan.terms())}
    return _items(plan, counts)


def run(workspace: Workspace) -> Record | None:
    """Destroy what is past its term, beyond recovery, and sign what that was; None where nothing was due."""
    plan = _plan(workspace)
    if not _items(plan, {one.kind.value: one.count for one in workspace.store.retention.due(plan.terms())}):
        return None
    return _destroy(workspace, plan, "")


def erase(workspace: Workspace, epd_number: str) -> Record:
    """Destroy all that is here of one client who asked for that (GDPR 17, Civil Code 7:455), whatever the terms.

    StoreError while a partner that has a case of this client was not told that consent is withdrawn.
    """
    from exchange.records.codes import ConsentState
    from exchange.sources.rows import PatientKey

    patient = workspace.store.patient_named(PatientKey(epd_number=epd_number))
    if patient is None:
        raise StoreError("operations.unknown-epd", hints=("hint.epd-number",))
    episodes = [one.episode_id for one in workspace.store.episodes_of_patient(patient)]
    cases = [case for episode in episodes for case in workspace.store.cases.of_episode(episode)]
    told = {case for case, event in workspace.store.sent.digests() if event.startswith("consent-withdrawn")}
    withdrawn = {
        partner
        for (who, partner, _), said in workspace.store.consents.all_standing(workspace.on).items()
        if who == patient and said.state is ConsentState.WITHDRAWN
    }
    for case in cases:
        paper = _on_paper(workspace, case.partner)
        if case.partner not in withdrawn or (case.case_id not in told and not paper):
            raise StoreError("retaining.not-told", hints=("hint.retaining-withdraw",), party=case.partner)
    plan = _Plan(episodes=dict.fromkeys(episodes, ""), files={"original": _naming(workspace, cases)})
    trail.note(workspace, "erasure-asked", subject=patient)
    return _destroy(workspace, plan, "request")


def destroy_case(workspace: Workspace, case: Case) -> Record:
    """Destroy what a partner told us of a case, after its client withdrew consent."""
    plan = _Plan(
        cases={case.case_id: case.agreement_id},
        files={"original": _naming(workspace, [case]), "quarantine": _quarantined(workspace, [case])},
    )
    return _destroy(workspace, plan, "withdrawal")


def records(workspace: Workspace) -> tuple[Record, ...]:
    """Return every signed record of what was destroyed here, oldest first."""
    folder = workspace.folder / FOLDER
    return tuple(_record(workspace, file) for file in sorted(folder.glob("*.jws.json")))


# What is due ---------------------------------------------------------------------------------------------------------


def _plan(workspace: Workspace) -> _Plan:
    from exchange.indicators.moments import add_months

    agreed = _agreed(workspace)
    plan = _Plan(log_before=add_months(workspace.on, -LOG_MONTHS))
    practice = {name: one for name, one in agreed.items() if one.frozen.agreement.practice.party in workspace.parties}
    if practice:
        _plan_courses(workspace, practice, plan)
    _plan_cases(workspace, {name: one for name, one in agreed.items() if name not in practice}, plan)
    _plan_files(workspace, agreed, plan)
    return plan


def _agreed(workspace: Workspace) -> Mapping[str, _Agreed]:
    """Return every agreement that was ever in force, its newest version."""
    found = {}
    for stored in workspace.store.agreements.list():
        state = agreeing.state(workspace, stored)
        if state not in {"draft", "proposed", "signed-by-one"}:
            found[stored.agreement_id] = _Agreed(stored, agreeing.thawed(stored), state in _OVER)
    return found


def _plan_courses(workspace: Workspace, agreed: Mapping[str, _Agreed], plan: _Plan) -> None:
    """The practice's own copy: a course goes when the last agreement that needs it lets it; identities go sooner."""
    data = workspace.store.dataset()
    last: dict[str, date] = {}
    for session in data.sessions:
        last[session.episode_id] = max(session.day, last.get(session.episode_id, session.day))
    shared: dict[str, set[str]] = {}
    for name in agreed:
        for case in workspace.store.cases.of_agreement(name):
            shared.setdefault(case.episode_id, set()).add(name)
    needed: set[str] = set()
    for episode in data.episodes:
        end = episode.end or last.get(episode.episode_id, episode.start)
        names = shared.get(episode.episode_id) or set(agreed)
        ends, name = max((agreed[name].gone_on(end), name) for name in names)
        if ends <= workspace.on:
            plan.episodes[episode.episode_id] = name if episode.episode_id in shared else ""
        elif episode.end is None or _followed(agreed.values(), end) > workspace.on:
            needed.add(episode.patient_id)
    plan.needed = needed


def _followed(agreed: Iterable[_Agreed], end: date) -> date:
    """Return until when somebody must be able to recognise a client: the longest follow-up of what is not over."""
    from exchange.agreements import life

    return max((life.follow_up_until(one.frozen, end) for one in agreed if not one.over), default=end)


def _plan_cases(workspace: Workspace, agreed: Mapping[str, _Agreed], plan: _Plan) -> None:
    """A partner's copy: a case goes at the term after the course that it was told of.

    While nobody told that the course ended and the agreement lasts, it may still be going on.
    """
    from exchange.messages import reading

    since = {event: workspace.store.received.since(event) for event in _REPORTS}
    for name, one in agreed.items():
        for case in workspace.store.cases.of_agreement(name):
            ends, heard = [], case.opened_on
            for message in workspace.store.received.of_case(case.case_id):
                if message.event.startswith(("withdrawal-answer", "consent-withdrawn")):
                    continue
                came = since.get(message.event, {}).get((message.message_id, case.case_id))
                heard = max(heard, came.date()) if came is not None else heard
                told = reading.read(message.content).told
                if told.episode.end is not None:
                    ends.append(told.episode.end)
            if (ends or one.over) and one.gone_on(max(ends, default=heard)) <= workspace.on:
                plan.cases[case.case_id] = name


def _plan_files(workspace: Workspace, agreed: Mapping[str, _Agreed], plan: _Plan) -> None:
    from exchange.indicators.moments import add_months

    arrived = {entry.digest[:32]: entry for entry in workspace.store.journal.incoming() if entry.digest}
    originals = []
    for file in sorted((workspace.folder / "inbox").glob("*.age")):
        entry = arrived.get(file.name.partition("-")[0])
        one = agreed.get(entry.agreement_id) if entry is not None else None
        if entry and one and add_months(entry.at.date(), one.frozen.agreement.retention_months) <= workspace.on:
            originals.append((file, entry.agreement_id))
    outbox = []
    for entry in workspace.store.journal.outgoing():
        file = workspace.folder / "outbox" / f"{entry.message_id}.age"
        finished = entry.state.value in {"done", "refused"}
        spent = entry.acknowledged_at is not None or workspace.now - entry.at > posting.VALID
        if finished and spent and file.is_file():
            outbox.append((file, entry.agreement_id))
    old = workspace.now.timestamp() - QUARANTINE.total_seconds()
    lying = [
        (file, "") for file in sorted((workspace.folder / "quarantine").glob("*.age")) if file.stat().st_mtime < old
    ]
    plan.files = {"original": originals, "outbox": outbox, "quarantine": lying}


def _on_paper(workspace: Workspace, party: str) -> bool:
    partner = workspace.store.partners.find(party)
    return partner is not None and partner.card is None


def _naming(workspace: Workspace, cases: Collection[Case]) -> list[tuple[Path, str]]:
    """Return the originals in which these cases are named, each with its agreement."""
    wanted = {case.case_id: case.agreement_id for case in cases}
    return _looked_through(workspace, sorted((workspace.folder / "inbox").glob("*.age")), wanted)


def _quarantined(workspace: Workspace, cases: Collection[Case]) -> list[tuple[Path, str]]:
    wanted = {case.case_id: case.agreement_id for case in cases}
    return _looked_through(workspace, sorted((workspace.folder / "quarantine").glob("*.age")), wanted)


def _looked_through(workspace: Workspace, kept: Iterable[Path], wanted: Mapping[str, str]) -> list[tuple[Path, str]]:
    from exchange.sealing import originals, parts

    found: list[tuple[Path, str]] = []
    if not wanted:
        return found
    with parts.folder(workspace.folder / "inbox") as into:
        for file in kept:
            plain = into / "plain"
            try:
                originals.fetch(file, plain, workspace.keyring.storage)
            except ExchangeError:
                continue  # of an earlier storage key, or damaged: the doctor says so
            with plain.open("rb") as lines:
                named = {agreement for line in lines for case, agreement in wanted.items() if case.encode() in line}
            found += [(file, min(named))] if named else []
            plain.unlink()
    return found


def _items(plan: _Plan, counts: Mapping[str, int]) -> tuple[Item, ...]:
    """Say per kind, agreement and law how much it is."""
    found: list[Item] = []
    for kind, law, named in (("care", "term", plan.episodes), ("case", "term", plan.cases)):
        found += [Item(kind, name, law, number) for name, number in sorted(Counter(named.values()).items())]
    laws = {"identity": "need", "patient": "need", "log": "log"}
    found += [Item(kind, "", law, counts[kind]) for kind, law in laws.items() if counts.get(kind)]
    rules = {"original": "term", "outbox": "delivered", "quarantine": "unknown"}
    for kind, lying in plan.files.items():
        by = Counter(name for _, name in lying)
        found += [Item(kind, name, rules[kind], number) for name, number in sorted(by.items())]
    return tuple(found)


# Destroying ----------------------------------------------------------------------------------------------------------


def _destroy(workspace: Workspace, plan: _Plan, ground: str) -> Record:
    """Destroy in the store first, then the files, and sign what it was; the record stands outside the store."""
    from exchange.signing import jws
    from exchange.signing.canonical import canonical

    named = [case for name in set(plan.cases.values()) for case in workspace.store.cases.of_agreement(name)]
    gone = [case for case in named if case.case_id in plan.cases]
    listed = {file for file, _ in plan.files.get("original", [])}
    plan.files.setdefault("original", []).extend(one for one in _naming(workspace, gone) if one[0] not in listed)
    done = {one.kind.value: one.count for one in workspace.store.retention.run(plan.terms())}
    for lying in plan.files.values():
        for file, _ in lying:
            file.unlink(missing_ok=True)
    items = _items(plan, done)
    if ground:
        items = tuple(Item(one.kind, one.agreement, ground, one.count) for one in items)
    count, link = workspace.store.audit.head()
    said = {
        "format": FORMAT,
        "organisation": workspace.settings.party,
        "at": workspace.now.replace(microsecond=0).isoformat(),
        "on": workspace.on.isoformat(),
        "by": workspace.user,
        "ground": ground,
        "items": [{"kind": one.kind, "agreement": one.agreement, "law": one.law, "count": one.count} for one in items],
        "audit": {"count": count, "hash": link},
    }
    signed = jws.sign(canonical(said), _TYP, workspace.keyring.signing)
    folder = workspace.folder / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    file = folder / f"{workspace.now:%Y%m%dT%H%M%SZ}-{jws.digest(signed)[:8]}.jws.json"
    files.write(file, signed)
    what = ", ".join(f"{one.kind} {one.count}" for one in items)
    trail.note(workspace, "destroyed", object=f"destruction:{jws.digest(signed)}", ground=ground, detail=what)
    return Record(file.name, workspace.on, workspace.user, ground, items)


def _record(workspace: Workspace, file: Path) -> Record:
    from exchange.signing import jws

    data = files.read(file, most=_MOST)
    said: dict[str, Any] = {}
    sound = False
    for card in partners.cards_of(workspace).get(workspace.settings.party, []):
        try:
            said, sound = json.loads(jws.verify(data, _TYP, card)), True
            break
        except WasChanged:
            continue
    if not sound:
        return Record(file.name, None, "", "", (), sound=False)
    items = tuple(Item(one["kind"], one["agreement"], one["law"], one["count"]) for one in said["items"])
    return Record(file.name, date.fromisoformat(said["on"]), said["by"], said["ground"], items)
