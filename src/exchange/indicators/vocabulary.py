"""The words a definition may use, what each means to an engine, and which data elements each needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from exchange.records.codes import Access, Answered, Counterfactual, EndReason, Sex

KINDS = (
    "proportion",
    "completeness",
    "category-share",
    "rate-ratio",
    "mean",
    "mean-change",
    "ratio",
    "standardised-ratio",
)
COUNTS = ("episodes", "patients", "moments", "returns", "aggregates")
IMPROVEMENTS = ("higher", "lower", "descriptive")
SUPPLIERS = ("practice", "gp", "specialist", "social", "client")
LEVELS = ("patient", "aggregate")
ANCHORS = ("start", "end", "handover", "period-start")
CHARACTERISTICS = ("age-band", "sex", "socio-economic", "diagnosis-group", "chronic")
GROUPS = ("location", "diagnosis", "therapist", "access", "sex", "chronic", "month", "year")
PARTNER_GROUP = ("partner",)
NEW_EPISODE = "new-episode"
REFERRAL = "specialist-referral"
SESSIONS = "sessions"
SESSIONS_TO_PARTNER = "sessions-to-partner"
SESSION_TYPES = ("session", "group")


@dataclass(frozen=True, slots=True)
class Attribute:
    """An element that a condition may ask for: where it lives, its closed list, and the value that means unknown."""

    record: str
    attribute: str
    codes: type[StrEnum]
    unknown: str = "unknown"


ATTRIBUTES: Mapping[str, Attribute] = {
    "episode.end-reason": Attribute("episode", "end_reason", EndReason),
    "episode.onward-advice": Attribute("episode", "onward_advice", Answered),
    "episode.access": Attribute("episode", "access", Access),
    "patient.sex": Attribute("patient", "sex", Sex),
    "referral.counterfactual": Attribute("referral", "counterfactual", Counterfactual),
    "evaluation.advice-taken-up": Attribute("evaluation", "advice_taken_up", Answered),
}

# The words that say something in a definition of this form, besides those that every definition has; in any other
# form they would say nothing, and whoever wrote them would think they did.
EVERYWHERE = frozenset(
    {"id", "version", "kind", "count", "improvement", "title", "rationale", "limits"}
    | {"sources", "supplier", "aggregate-form", "example"}
)
_CASES = ("period", "where", "exclude")
_WORDS = {
    ("rate-ratio", "episodes"): (*_CASES, "before", "after", "events"),
    ("rate-ratio", "aggregates"): ("before", "after", "events", "population"),
    ("mean", "patients"): ("period", "measure"),
    ("mean-change", "episodes"): (*_CASES, "before", "after", "instrument"),
    ("ratio", "episodes"): (*_CASES, "measure", "agreed"),
    ("standardised-ratio", "episodes"): (*_CASES, "measure", "unit", "reference"),
    ("proportion", "moments"): ("period", "moments"),
    ("proportion", "returns"): ("period", "returns"),
}


def words_of(kind: str, count: str) -> frozenset[str]:
    """Return the words of a definition of this kind over this unit."""
    return EVERYWHERE | {*_WORDS.get((kind, count), (*_CASES, "outcome"))}


# What a partner or client can be asked for a case; each is the element `answer.<event>`.
EVENTS = (
    "specialist-referral",
    "specialist-visit",
    "imaging",
    "injection",
    "surgery",
    "admission",
    "gp-contact",
    "analgesic",
    "fall",
    "programme-referral",
    "programme-start",
    "programme-active",
    "municipal-support",
    "work-days-lost",
)
# What goes on for a while rather than happening on a day: that it began earlier does not mean that it was over.
LASTING = ("analgesic", "programme-active", "municipal-support")
LEFT_LIST = "answer.left-list"
ENDS_OBSERVATION = ("died", "moved")


def answer_element(event: str) -> str:
    """Return the data element by which a partner answers for an event."""
    return f"answer.{event}"


# Which elements a word brings along besides the elements it names.
BRINGS: Mapping[str, tuple[str, ...]] = {
    "period: start": ("episode.start",),
    "period: end": ("episode.end",),
    "period: handover": ("evaluation.day", "evaluation.decision"),
    "period: session": ("session.count",),
    "period: moment": ("session.count",),
    # That an answer came, and when, is in the store; the case it is about is in every message.
    "period: due": (),
    "anchor: start": ("episode.start",),
    "anchor: end": ("episode.end",),
    "anchor: handover": ("evaluation.day", "evaluation.decision"),
    "recorded-by": ("referral.recorded-on",),
    "last evaluation": ("evaluation.day",),
    "leave-out: starting-referral": ("referral.day",),
    "event: new-episode": ("episode.start",),
    "same: location": ("episode.location",),
    "scores: both": ("measurement.instrument", "measurement.day"),
    "scores: improved": ("measurement.instrument", "measurement.score", "measurement.day"),
    # Which of the instruments that were taken is the one: the episode says it, fixed at the start.
    "instrument: primary": ("episode.instrument",),
    "instrument": ("measurement.instrument", "measurement.score", "measurement.day"),
    "moments": (
        "session.count",
        "evaluation.session-number",
        "evaluation.effect",
        "evaluation.decision",
        "evaluation.told-referrer-on",
    ),
    "measure: sessions": ("session.count",),
    "measure: sessions-to-partner": ("evaluation.session-number",),
    "by: location": ("episode.location",),
    "reference: age-band": ("patient.birth-date", "episode.start"),
    "reference: sex": ("patient.sex",),
    "reference: diagnosis-group": ("episode.location",),
    "reference: chronic": ("episode.chronic",),
}
