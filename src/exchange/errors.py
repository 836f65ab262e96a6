"""Every error that stops an operation.

    ExchangeError                 says what is wrong and where; its hints say what to do
    ├── MessageError              a FHIR message is not what it must be
    ├── AgreementError            an agreement is missing, unsigned, expired, not valid
    │   └── Refused               the gate said no; carries the Decision's premises
    ├── SealingError              a sealed file, a key, a card or a signature
    │   ├── CannotOpen            "cannot be opened"
    │   ├── WasChanged            "was changed"
    │   ├── NotForUs              "not for us"
    │   └── Locked                the keystore was not unlocked (wrong passphrase, loose permissions)
    ├── IndicatorError            a definition or a calculation
    ├── StoreError                the store is missing, locked, damaged or of another version
    ├── SourceError               a practice's or partner's file can't be read at all
    ├── ReportError               a page can't be made: a required blank is open, or it would be too long
    └── WorkspaceError            this folder is no workspace, or not as it should be

An error is an id of the wording catalogue and its parameters; the text a person reads, in Dutch or English,
comes from `schemas/wording`. Parameters never hold a value out of a patient's record.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

_speak: Callable[[str, Mapping[str, object]], str] | None = None


def speak_with(say: Callable[[str, Mapping[str, object]], str]) -> None:
    """Let `str(error)` use the wording catalogue, which stands a floor higher."""
    global _speak  # noqa: PLW0603 - the one hook from this floor to the wording; set once on import
    _speak = say


class ExchangeError(Exception):
    """An operation stopped: `rule` is its id in the wording catalogue, `params` fill the sentence."""

    def __init__(self, rule: str, /, *, hints: tuple[str, ...] = (), **params: object) -> None:
        """Name the rule; `hints` are further catalogue ids that say what to do."""
        super().__init__(rule)
        self.rule = rule
        self.params: dict[str, object] = params
        self.hints = hints

    def __str__(self) -> str:
        if _speak is not None:
            return _speak(self.rule, self.params)
        return self.rule + "".join(f" {name}={value}" for name, value in sorted(self.params.items()))


class MessageError(ExchangeError):
    """A FHIR message is not what it must be."""


class AgreementError(ExchangeError):
    """An agreement is missing, unsigned, expired or not valid."""


class Refused(AgreementError):  # noqa: N818 - named for what happened
    """The gate said no. `decision` (a `findings.Decision`) holds every premise."""

    def __init__(self, rule: str, /, *, decision: object = None, hints: tuple[str, ...] = (), **params: object) -> None:
        """Keep the decision beside the sentence."""
        super().__init__(rule, hints=hints, **params)
        self.decision = decision


class SealingError(ExchangeError):
    """A sealed file, a key, a card or a signature."""


class CannotOpen(SealingError):  # noqa: N818 - named for what happened
    """The file can't be opened: not ours, not whole or not a sealed file; no detail that helps an attacker."""

    def __init__(self, **params: object) -> None:
        """Say only which file."""
        super().__init__("sealing.cannot-open", hints=("hint.ask-sender-again",), **params)


class WasChanged(SealingError):  # noqa: N818 - named for what happened
    """What was opened is not what was signed."""

    def __init__(self, **params: object) -> None:
        """Say only which file."""
        super().__init__("sealing.was-changed", hints=("hint.ask-sender-again",), **params)


class NotForUs(SealingError):  # noqa: N818 - named for what happened
    """The signed list of recipients does not name us."""

    def __init__(self, **params: object) -> None:
        """Say only which file."""
        super().__init__("sealing.not-for-us", hints=("hint.ask-sender-recipient",), **params)


class Locked(SealingError):  # noqa: N818 - named for what happened
    """The keystore was not unlocked."""


class IndicatorError(ExchangeError):
    """A definition or a calculation."""


class StoreError(ExchangeError):
    """The store is missing, locked, damaged or of another version."""


class SourceError(ExchangeError):
    """A practice's or partner's file can't be read at all."""


class ReportError(ExchangeError):
    """A page can't be made: a required blank is open, a template or the word processor's reference is not usable."""


class WorkspaceError(ExchangeError):
    """This folder is no workspace, or not as it should be."""
