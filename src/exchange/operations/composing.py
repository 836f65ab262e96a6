"""Compose the facts that pages are made from: figures, agreements, index, PREM; pages look nothing up themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from exchange import __version__
from exchange.errors import IndicatorError
from exchange.findings import say
from exchange.indicators.disclosure import THRESHOLD
from exchange.operations import (
    addressing,
    agreeing,
    choosing,
    figuring,
    improving,
    indexing,
    minuting,
    omitting,
    positioning,
    practising,
    quoting,
    tabling,
    trending,
    weighing,
)
from exchange.operations.changes import changes
from exchange.operations.choosing import Asked
from exchange.operations.passing import Onward
from exchange.operations.workspace import Workspace
from exchange.records.dcsph import location_label
from exchange.reports import facts as pages

if TYPE_CHECKING:
    from exchange.agreements.frozen import Frozen
    from exchange.indicators.figure import Figure
    from exchange.store.agreements import StoredAgreement

# The letter has these two in its own words; what a practice records under these names is in the summary.
LETTERS_OWN = frozenset({"behandelindex", "index", "transparantie", "transparency"})
_DAY = timedelta(days=1)
_IN_FORCE = frozenset({"active", "active-paper-signed", "under-review", "follow-up-tail"})


@dataclass
class Composer:
    """Everything one document needs, counted once. `audience` is internal or insurer.

    For the insurer a figure that rests on an agreement without a clause for that is not even counted.
    """

    workspace: Workspace
    audience: str
    language: str
    asked: dict[int, Asked] = field(default_factory=dict)  # what each figure answers, by its identity
    over_time: bool = False  # it shows figures over time

    @cached_property
    def period(self) -> tuple[date, date]:
        """Return the whole period of the store, up to today."""
        return choosing.whole_period(self.workspace)

    @property
    def outside(self) -> bool:
        """Say whether somebody outside the practice reads it."""
        return self.audience != "internal"

    @property
    def _readers(self) -> pages.Audience:
        return pages.Audience.OUTSIDE if self.outside else pages.Audience.INTERNAL

    @cached_property
    def onward(self) -> Onward:
        """Return what of partners' answers may go to the insurer."""
        return Onward(self.workspace)

    def _counted(self, wanted: Iterable[Asked]) -> tuple[Figure, ...]:
        found: list[Figure] = []
        for one in wanted:
            if self.outside and not self.onward.passes(one.definition, one.agreement):
                continue
            for figure in choosing.count(self.workspace, one):
                self.asked[id(figure)] = one
                found.append(figure)
        return tuple(found)

    @cached_property
    def figures(self) -> tuple[Figure, ...]:
        """Return the practice's figures, unprotected: `shown` is what readers see."""
        return self._counted(choosing.practice_wide(self.workspace, self.period))

    @cached_property
    def _by_location(self) -> tuple[Figure, ...]:
        """Return sessions per patient over the year of the official index, as a whole and per diagnosis group."""
        if self.told is None or self.told.latest is None:
            return ()
        (definition,) = figuring.definitions((choosing.PER_YEAR,))
        start, end = self.told.latest.period_start, self.told.latest.period_end + _DAY
        splits: tuple[tuple[str, ...], ...] = ((), ("location",))
        return self._counted(Asked(definition, start, end, group_by=split) for split in splits)

    @cached_property
    def stored(self) -> tuple[StoredAgreement, ...]:
        """Return the newest version of every agreement in which we are the practice."""
        newest = {one.agreement_id: one for one in self.workspace.store.agreements.list()}
        return tuple(newest.values())

    @cached_property
    def _agreed(self) -> tuple[tuple[StoredAgreement, Frozen, tuple[Figure, ...]], ...]:
        found = []
        for stored in self.stored:
            frozen = agreeing.thawed(stored)
            wanted = choosing.agreed(self.workspace, stored, frozen, self.period)
            found.append((stored, frozen, self._counted(wanted)))
        return tuple(found)

    @cached_property
    def shown(self) -> Mapping[int, Figure]:
        """Return every figure as its readers may see it, by the identity of the one it stands for.

        All figures of a document pass disclosure control together, so that one never gives another away.
        """
        return self.beside.shown if self.outside else {id(one): one for one in self._everything}

    @cached_property
    def beside(self) -> omitting.Beside:
        """Return what outsiders see beside what they have, and what was left out for that."""
        return omitting.beside(self.workspace, self._everything, self.asked, self.audience)

    @cached_property
    def _everything(self) -> tuple[Figure, ...]:
        agreed = (figure for _, _, some in self._agreed for figure in some)
        return (*self.figures, *agreed, *self._by_location)

    @property
    def published(self) -> Iterator[tuple[Asked, Figure, Figure]]:
        """Yield what was asked, what was counted and what its readers see of it."""
        yield from self._single
        for one in self._trends.values() if self.over_time else ():
            yield from one.cells

    @property
    def _single(self) -> Iterator[tuple[Asked, Figure, Figure]]:
        for one in self._everything:
            yield self.asked[id(one)], one, self.shown[id(one)]

    @cached_property
    def _trends(self) -> Mapping[tuple[str, str], trending.Traced]:
        plans = tabling.Plans(self.workspace, self.onward)
        refuses = self.beside.ledger.refuses if self.outside else lambda _cells: False
        return trending.trends(
            self.workspace, self._single, outside=self.outside, released=refuses, planned=plans.allow
        )

    def _over_time(self, agreement: str) -> dict[str, pages.Trend]:
        """Return the trends of the figures of one agreement, or of the practice, by indicator."""
        if not self.over_time:
            return {}
        return {name: one.trend for (under, name), one in self._trends.items() if under == agreement}

    def show(self, found: Iterable[Figure]) -> tuple[Figure, ...]:
        """Return figures as their readers may see them."""
        return tuple(self.shown[id(one)] for one in found)

    # The pieces of a page -------------------------------------------------------------------------------------

    @cached_property
    def organisation(self) -> pages.Organisation:
        """Return the practice as it signs."""
        settings = self.workspace.settings
        return pages.Organisation(settings.name, settings.party, (settings.contact,) if settings.contact else ())

    @cached_property
    def definitions(self) -> dict[str, pages.DefinitionText]:
        """Return the words of every indicator that is shown."""
        from exchange.reports.describing import describe

        return {one.id: describe(one) for one in figuring.definitions()}

    @cached_property
    def agreements(self) -> tuple[pages.AgreementFacts, ...]:
        """Return every agreement with its loop and figures."""
        return tuple(self._agreement(*one) for one in self._agreed)

    def _agreement(
        self, stored: StoredAgreement, frozen: Frozen, found: tuple[Figure, ...]
    ) -> pages.AgreementFacts:  # fmt: skip
        agreement, store = frozen.agreement, self.workspace.store
        cases = store.cases.of_agreement(stored.agreement_id)
        answered = {one.case_id for one in store.answers.of_cases(case.case_id for case in cases)}
        stands = weighing.standing(cases, answered)
        loop = pages.Loop(stands.cases, stands.cases, stands.answered, stands.unanswered)
        primary = agreement.primary
        return pages.AgreementFacts(
            id=stored.agreement_id,
            version=stored.version,
            title=agreement.title[self.language],
            partners=tuple(one.name for one in agreement.partners),
            kind=agreement.kind.value,
            state=agreeing.state(self.workspace, stored),
            start=agreement.term.start,
            end=agreement.term.until,
            terms=tuple(purpose.text[self.language] for purpose in agreement.purposes),
            funding="; ".join(
                f"{_lower(one.activity[self.language])}: {self._say(f'agreements.payer.{one.payer}')}"
                for one in agreement.funding
                if one.payer != "zvw"
            ),
            primary=primary.id if primary is not None else None,
            moments=minuting.held(self.workspace, agreement, self.language),
            loop=self._safe(loop, stored.agreement_id, few=0 < stands.fewest < THRESHOLD),
            figures=self.show(found),
            revision=agreement.missed[self.language],
            trends=self._over_time(stored.agreement_id),
        )

    def _safe(self, loop: pages.Loop, agreement: str, *, few: bool) -> pages.Loop:
        """Leave out counts of few patients, and all of an agreement without a clause, where outsiders read."""
        return pages.Loop() if self.outside and (few or not self.onward.allows(agreement)) else loop

    @cached_property
    def sessions(self) -> pages.SessionsFacts | None:
        """Return the sessions per patient of the last calendar year, in Nivel's classes."""
        raw = next(one for one in self.figures if one.indicator == choosing.PER_YEAR)
        (figure,) = self.show([raw])
        if figure.value is None:
            return None
        return pages.SessionsFacts(
            classes=tuple(figure.parts.get(name) for name in raw.parts),
            patients=figure.patients,
            mean=figure.value,
            sd=figure.details.get("sd"),
            median=figure.details.get("median"),
            start=figure.start,
            end=figure.end,
        )

    @cached_property
    def told(self) -> indexing.Told | None:
        """Return what is known of the official index, where any was loaded."""
        try:
            return indexing.index(self.workspace)
        except IndicatorError:
            return None

    @cached_property
    def index(self) -> pages.IndexFacts | None:
        """Return the index as the pages draw it."""
        drawn = positioning.shown(self.told)
        # where the plan ends up is made of every group, also of one that is left out
        hidden = self.outside and any(id(one) in self.beside.near for one in self._by_location)
        return replace(drawn, reached_by_plan=None) if drawn is not None and hidden else drawn

    @cached_property
    def groups(self) -> tuple[pages.GroupPlan, ...]:
        """Return the plan per diagnosis group; outsiders see only groups that disclosure control lets through."""
        told = self.told
        if told is None:
            return ()
        shown = {one.group.get("location", "") for one in self.show(self._by_location) if one.masked is None}
        return tuple(
            pages.GroupPlan(
                location_label(one.group),
                one.patients,
                one.mean,
                indexing.goal_of(one),
                one.rule,
                tuple(finding.rule.rpartition(".")[2] for finding in one.warnings),
            )
            for one in told.plans
            if one.group in shown
        )

    @cached_property
    def changes(self) -> tuple[pages.ChangeFacts, ...]:
        """Return the responder classes over every instrument together, as the definition counts them."""
        (raw,) = (one for one in self.figures if one.indicator == "responders")
        (figure,) = self.show([raw])
        named = {one.instrument for one in self.workspace.store.dataset().episodes}
        return changes(figure, named, self.language)

    def _say(self, rule: str, **params: object) -> str:
        return say(rule, params, self.language)

    @cached_property
    def improvements(self) -> tuple[pages.ImprovementPoint, ...]:
        """Return the improvement points."""
        titles = {name: text.title[self.language] for name, text in self.definitions.items()}
        agreed = (one for _, _, some in self._agreed for one in some)
        measured = {one.indicator: self.shown[id(one)] for one in (*agreed, *self.figures)}
        return improving.shown(self.workspace, titles, measured, self.language)

    @cached_property
    def left_out(self) -> tuple[str, ...]:
        """Say which figures are not in it, and for want of which agreement's clause."""
        if not self.outside:
            return ()
        self.shown  # noqa: B018 - what is left out is known once everything was asked for
        return tuple(
            self._say(
                "composing.left-out",
                title=self.definitions[name].title[self.language] if name in self.definitions else name,
                agreements=", ".join(self.onward.title(one) for one in sorted(behind)),
            )
            for name, behind in sorted(self.onward.left_out.items())
        )

    def _further(self) -> tuple[pages.ImprovementPoint, ...]:
        """Return the points beside the first two of the letter, which the letter words itself."""
        points = self.workspace.store.figures.improvements()
        both = zip(points, self.improvements, strict=True)
        return tuple(shown for point, shown in both if point.point_id not in LETTERS_OWN)

    # The documents --------------------------------------------------------------------------------------------

    def summary(self) -> pages.SummaryFacts:
        """Return all of the indicator summary."""
        start, end = self.period
        self.over_time = True
        return pages.SummaryFacts(
            organisation=self.organisation,
            on=self.workspace.on,
            start=start,
            end=end,
            agreements=self.agreements,
            figures=self.show(self.figures),
            definitions=self.definitions,
            charts=pages.Charts(self.index, self.sessions, self.changes),
            improvement_points=self.improvements,
            warnings=self.left_out,
            next_steps=tuple(
                f"{one.title}: {one.do}" if one.do else one.title for one in self.improvements if one.state == "open"
            ),
            audience=self._readers,
            load=self.workspace.store.last_load(),
            program=__version__,
            trends=self._over_time(""),
        )

    def plan(self, answers: Mapping[str, str]) -> pages.PlanFacts:
        """Return all of the improvement plan; `answers` are what only the practice knows."""
        start, end = self.period
        by_id = {one.indicator: shown for one, shown in zip(self.figures, self.show(self.figures), strict=True)}

        def some(*names: str) -> tuple[Figure, ...]:
            return tuple(by_id[name] for name in names if name in by_id)

        return pages.PlanFacts(
            organisation=replace(
                self.organisation, signatory=answers.get("signatory", ""), place=answers.get("place", "")
            ),
            on=self.workspace.on,
            start=start,
            end=end,
            insurer=addressing.insurer(self.workspace, answers),
            index=self.index,
            groups=self.groups,
            sessions=self.sessions,
            partners=self._partners(),
            prem=quoting.survey(self.workspace, self.language),
            outcome=some("measured", "responders"),
            changes=self.changes,
            durable=some("durable-discharge-12", "durable-discharge-6"),
            substitution=some("substitution-net", "onward-advice"),
            process=some("evaluation-moments"),
            definitions=self.definitions,
            agreements=self.agreements,
            improvement_points=self._further(),
            good_practices=practising.shown(self.workspace),
            warnings=self.left_out,
            answers=answers,
            audience=self._readers,
            load=self.workspace.store.last_load(),
            program=__version__,
        )

    def progress(self, answers: Mapping[str, str]) -> pages.PlanFacts:
        """Return what was planned and what came of it: every improvement point, those of the letter itself too."""
        return replace(self.plan(answers), improvement_points=self.improvements)

    def _partners(self) -> tuple[pages.Partner, ...]:
        agreed = {
            party.party
            for stored, frozen, _ in self._agreed
            if agreeing.state(self.workspace, stored) in _IN_FORCE
            for party in frozen.agreement.partners
        }
        return addressing.partners(self.workspace, agreed)


def _lower(text: str) -> str:
    """Begin a text in the middle of a sentence."""
    return text[:1].lower() + text[1:]
