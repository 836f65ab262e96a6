"""The codes the records use: small closed lists of this project, each value its own word on the wire."""

from __future__ import annotations

from enum import StrEnum


class Sex(StrEnum):
    """FHIR AdministrativeGender."""

    MALE = "male"
    FEMALE = "female"
    OTHER = "other"
    UNKNOWN = "unknown"


class Access(StrEnum):
    """How the patient came: with a referral, or directly (DTO)."""

    REFERRED = "referred"
    DIRECT = "direct"
    UNKNOWN = "unknown"


class EndReason(StrEnum):
    """Why an episode ended."""

    GOALS_REACHED = "goals-reached"
    NO_EFFECT = "no-effect"
    STOPPED_BY_CLIENT = "stopped-by-client"
    REFERRED_ONWARD = "referred-onward"
    MAINTENANCE = "maintenance"
    MOVED = "moved"
    DIED = "died"
    OTHER = "other"
    UNKNOWN = "unknown"


class Answered(StrEnum):
    """A yes, an explicit no, or not known; silence is never one of these, it is the absence of an answer."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Counterfactual(StrEnum):
    """What the referrer would have done if this treatment had not been there."""

    HOSPITAL = "hospital"
    IMAGING = "imaging"
    INTERVENTION = "intervention"
    MEDICATION = "medication"
    GP = "gp"
    NOTHING = "nothing"
    UNKNOWN = "unknown"


class Evidence(StrEnum):
    """How an answer reached us, strongest first."""

    SIGNED = "signed"
    FORM = "form"
    CLIENT = "client"


class SessionType(StrEnum):
    """What a declared or recorded service is; only `session` and `group` count as a treatment session."""

    SESSION = "session"
    GROUP = "group"
    SCREENING = "screening"
    SURCHARGE = "surcharge"
    OTHER = "other"


class Payer(StrEnum):
    """Who pays for a session, as an EPD's column says it; the words of an agreement's clause on funding."""

    ZVW = "zvw"
    SUPPLEMENTARY = "supplementary"
    WMO = "wmo"
    JEUGDWET = "jeugdwet"
    MUNICIPALITY = "municipality"
    PARTY = "party"
    OWN = "own"
    UNKNOWN = "unknown"


class Effect(StrEnum):
    """The effect an evaluation found, by the practice's stated rule."""

    SUFFICIENT = "sufficient"
    INSUFFICIENT = "insufficient"
    NONE = "none"
    UNKNOWN = "unknown"


class NextStep(StrEnum):
    """What an evaluation decided."""

    CONTINUE = "continue"
    ADJUST = "adjust"
    HAND_OVER = "hand-over"
    STOP = "stop"


class ConsentState(StrEnum):
    """What the patient, or who decides for them, said."""

    GIVEN = "given"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class PartnerKind(StrEnum):
    """The kinds of party an agreement can be made with."""

    PRACTICE = "practice"
    GP = "gp"
    SPECIALIST = "specialist"
    SOCIAL = "social"
    OTHER = "other"
    CLIENT = "client"


class SourceKind(StrEnum):
    """Where a record came from; order is precedence: an EPD's record is primary, claims reconcile."""

    EPD = "epd"
    FHIR = "fhir"
    GDS801 = "gds801"
    PM304 = "pm304"
