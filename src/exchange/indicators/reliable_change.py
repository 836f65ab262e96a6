"""Jacobson and Truax's classes of change: a table of its own, never mixed with the responders of rule 6.

Jacobson & Truax 1991, Journal of Consulting and Clinical Psychology 59:12-19, doi 10.1037/0022-006X.59.1.12. Change is
reliable beyond 1.96 times the error of a difference, and clinically significant where it crosses the point c between
the means of people with and without the complaint. The second needs norms, which are shown with their source or not
used; with a published measurement error alone nobody can be called recovered.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from exchange.errors import IndicatorError
from exchange.indicators.cohort import DUE, Question, cases
from exchange.indicators.deciding import score_pair
from exchange.indicators.definition import Definition, Scores
from exchange.indicators.facts import facts_of
from exchange.indicators.figure import Interval
from exchange.indicators.quantiles import normal_quantile
from exchange.indicators.statistics import cluster_sums, clustered_wilson
from exchange.records.instruments import VERIFIED, Instrument
from exchange.records.model import Dataset

RECOVERED = "recovered"
IMPROVED = "improved"
UNCHANGED = "unchanged"
DETERIORATED = "deteriorated"
RELIABLE_CLASSES = (RECOVERED, IMPROVED, UNCHANGED, DETERIORATED)
METHOD = "jacobson-truax"
# The two-sided 5 % of the paper.
_RELIABLE = 1.96


@dataclass(frozen=True, slots=True)
class Population:
    """Whom a mean and standard deviation are of, in the instrument's own points, and where they were published."""

    name: str
    mean: float
    sd: float
    citation: str


@dataclass(frozen=True, slots=True)
class Norms:
    """People with and without the complaint, and the reliability; unverified norms are marked wherever they show."""

    instrument: str
    dysfunctional: Population
    functional: Population
    reliability: float
    reliability_citation: str
    verified: bool = False

    @property
    def error(self) -> float:
        """Return the standard error of a difference between two scores of one person."""
        return math.sqrt(2) * self.dysfunctional.sd * math.sqrt(1 - self.reliability)

    @property
    def cut_off(self) -> float:
        """Return the paper's point c: as likely in both distributions, weighted by their spread."""
        ill, well = self.dysfunctional, self.functional
        return (ill.sd * well.mean + well.sd * ill.mean) / (ill.sd + well.sd)

    @property
    def higher_is_better(self) -> bool:
        """Say in which direction people without the complaint score."""
        return self.functional.mean > self.dysfunctional.mean


@dataclass(frozen=True, slots=True)
class MeasurementError:
    """The smallest change that is reliable by a published error alone, and its confidence where the source says it."""

    least: float
    confidence: int | None


@dataclass(frozen=True, slots=True)
class Table:
    """The classes on one instrument, over the episodes that ended; without norms there is no class `recovered`.

    `episodes` are all that are due, `measured` those with both scores; `improved` is the interval of the share that
    improved reliably, recovered or not, among those measured, and `bounds` that share over all episodes.
    """

    instrument: str
    counts: Mapping[str, int]
    episodes: int
    measured: int
    patients: int
    improved: Interval | None
    bounds: tuple[float, float] | None
    norms: Norms | None
    error: MeasurementError | None
    verified: bool
    method: str = METHOD

    @property
    def basis(self) -> str:
        """Say by what change is judged: norms, error, or none."""
        return "norms" if self.norms is not None else "error" if self.error is not None else "none"

    @property
    def share(self) -> float | None:
        """Return the share that improved reliably among those measured; nothing where nobody was judged."""
        if not self.counts or not self.measured:
            return None
        return (self.counts.get(RECOVERED, 0) + self.counts[IMPROVED]) / self.measured


def reliable_change(start: float, end: float, norms: Norms) -> str:
    """Return the class of one person's change."""
    direction = 1 if norms.higher_is_better else -1
    index = direction * (end - start) / norms.error
    if index < -_RELIABLE:
        return DETERIORATED
    if index <= _RELIABLE:
        return UNCHANGED
    crossed = direction * (start - norms.cut_off) < 0 <= direction * (end - norms.cut_off)
    return RECOVERED if crossed else IMPROVED


def measurement_error(instrument: Instrument) -> MeasurementError | None:
    """Return an instrument's published error in its own points, at 95 %; nothing where it has none.

    One of another confidence is converted (it is a normal quantile times the same error); one whose source names none
    is taken for 95 % and says so.
    """
    if instrument.mdc is None:
        return None
    least = instrument.mdc / 10**instrument.decimals
    if instrument.mdc_confidence not in (None, 95):
        least *= normal_quantile(0.975) / normal_quantile(0.5 + instrument.mdc_confidence / 200)
    return MeasurementError(least, instrument.mdc_confidence)


def change_beyond(start: float, end: float, error: MeasurementError, *, higher_is_better: bool) -> str:
    """Return the class of one person's change where only the measurement error is known."""
    gain = (end - start) * (1 if higher_is_better else -1)
    # Both are decimals of a point: what falls short by rounding alone is not short.
    if abs(gain) < error.least - 1e-9:
        return UNCHANGED
    return IMPROVED if gain > 0 else DETERIORATED


def scores_of(definition: Definition) -> Scores:
    """Return a definition's condition on improvement; IndicatorError where it has none."""
    for each in definition.outcome:
        if isinstance(each, Scores) and each.wanted == "improved":
            return each
    raise IndicatorError("reliable-change.no-scores", hints=("hint.reliable-change-responders",), id=definition.id)


def tables(question: Question, dataset: Dataset, norms: Mapping[str, Norms]) -> tuple[Table, ...]:
    """Return a table per instrument of the episodes that a definition counts; those without one stand last."""
    criterion, facts = scores_of(question.definition), facts_of(dataset)
    episodes = {each.episode_id: each for each in facts.episodes}
    closed: Counter[str] = Counter()
    pairs: dict[str, list[tuple[str, int, int]]] = defaultdict(list)
    for one in cases(question, facts):
        if one.status not in DUE:
            continue
        episode = episodes[one.episode_id]
        name = criterion.named(episode.instrument)
        known = question.instruments.get(name)
        if known is not None and not known.effect:
            continue
        closed[name] += 1
        found = score_pair(criterion, episode, facts)
        if found is not None:
            pairs[name].append((one.patient_id, found[0].score, found[1].score))
    return tuple(
        _table(name, question.instruments.get(name), closed[name], pairs[name], norms.get(name))
        for name in sorted(closed, key=lambda name: (name == "", name))
    )


def _table(
    name: str, instrument: Instrument | None, closed: int, pairs: list[tuple[str, int, int]], norms: Norms | None
) -> Table:
    error = measurement_error(instrument) if instrument is not None and norms is None else None
    patients = len({patient for patient, _, _ in pairs})
    if instrument is None or (norms is None and error is None):
        return Table(name, {}, closed, len(pairs), patients, None, None, None, None, verified=True)
    scale = 10**instrument.decimals
    found: Counter[str] = Counter()
    better: Counter[str] = Counter()
    units: Counter[str] = Counter()
    for patient, first, last in pairs:
        start, end = first / scale, last / scale
        if norms is not None:
            named = reliable_change(start, end, norms)
        else:
            assert error is not None  # noqa: S101 - one of the two is there, as said above
            named = change_beyond(start, end, error, higher_is_better=instrument.better == "higher")
        found[named] += 1
        units[patient] += 1
        better[patient] += named in (RECOVERED, IMPROVED)
    improved = sum(better.values())
    sums = cluster_sums((better[patient], count) for patient, count in units.items())
    return Table(
        name,
        {each: found[each] for each in RELIABLE_CLASSES if each != RECOVERED or norms is not None},
        closed,
        len(pairs),
        patients,
        clustered_wilson(**asdict(sums)),
        (improved / closed, (improved + closed - len(pairs)) / closed),
        norms,
        error,
        verified=norms.verified if norms is not None else instrument.status == VERIFIED,
    )
