"""Agree on, exchange and calculate treatment-effect data of a Dutch exercise-therapy practice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from exchange.operations.workspace import Workspace as Workspace

__all__ = ["Workspace"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:  # late, so that `import exchange` costs nothing
    if name == "Workspace":
        from exchange.operations.workspace import Workspace

        return Workspace
    raise AttributeError(name)
