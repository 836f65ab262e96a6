"""Why an age file does not open, for this room and its tests only; outward there are three answers."""

from __future__ import annotations


class AgeFailure(Exception):  # noqa: N818 - named for what happened
    """An age file that does not open."""


class ArmorFailure(AgeFailure):
    """The ASCII armor is not strict PEM."""


class HeaderFailure(AgeFailure):
    """The header breaks the grammar or a limit, or a stanza for us is malformed."""


class NoMatch(AgeFailure):
    """No key of ours opens any stanza."""


class MacFailure(AgeFailure):
    """The header was changed."""


class PayloadFailure(AgeFailure):
    """The payload was changed, cut off or lengthened."""
