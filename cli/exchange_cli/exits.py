"""The exit codes, each for one family of errors; a number is never used again for something else."""

from __future__ import annotations

from exchange import errors

DONE = 0
OTHER = 1
USAGE = 2
FINDINGS = 3

FAMILIES: tuple[tuple[type[errors.ExchangeError], int], ...] = (
    (errors.MessageError, 10),
    (errors.AgreementError, 11),
    (errors.SealingError, 12),
    (errors.IndicatorError, 13),
    (errors.StoreError, 14),
    (errors.SourceError, 15),
    (errors.WorkspaceError, 16),
    (errors.ReportError, 17),
)


def code_for(error: BaseException) -> int:
    """Return the exit code of an error's family; 1 for everything else."""
    return next((code for family, code in FAMILIES if isinstance(error, family)), OTHER)


# What to do where an error itself does not say it, by family; the narrower class first.
_HINTS: tuple[tuple[type[errors.ExchangeError], str], ...] = (
    (errors.MessageError, "hint.ask-sender-again"),
    (errors.AgreementError, "hint.family-agreement"),
    (errors.Locked, "hint.family-locked"),
    (errors.SealingError, "hint.family-sealing"),
    (errors.IndicatorError, "hint.family-indicator"),
    (errors.StoreError, "hint.family-store"),
    (errors.SourceError, "hint.family-source"),
)


def hints_for(error: errors.ExchangeError) -> tuple[str, ...]:
    """Return what to do: what the error itself says, else what goes for its family."""
    return error.hints or tuple(hint for family, hint in _HINTS if isinstance(error, family))[:1]
