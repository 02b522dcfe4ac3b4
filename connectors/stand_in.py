"""What plays a source on this machine: for the demo, and for the contract suite that every connector passes.

A connector's folder holds ``stand_in.py`` with ``stand_in(organization, moment)``. What that makes serves the fictional
organisation of ``connectors.sample`` as it stood at the moment, over the same interface as the real tool, and can be
changed and broken from outside. It is imported by tests and the demo only.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import TracebackType
from typing import Protocol, Self


class StandIn(Protocol):
    """A source while it is entered. Streams are those of the connector, keys the source's own.

    ``settings`` is the source's table in the configuration file, ``secrets`` the log-in that it takes, by name.
    """

    settings: dict[str, object]
    secrets: dict[str, str]

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None: ...

    def advance(self, moment: datetime) -> None:
        """Let time pass; what was changed from outside stays changed."""
        ...

    def truth(self) -> Mapping[str, set[str]]:
        """The keys that a complete read brings, for streams that the suite may change and for any others."""
        ...

    def edit(self, stream: str, key: str) -> None:
        """Change a record, and its time of update with it. Raises LookupError where this source can't."""
        ...

    def edit_silently(self, stream: str, key: str) -> None:
        """Change a record whose time of update stays. Raises LookupError where no reader could notice."""
        ...

    def remove(self, stream: str, key: str) -> None:
        """Delete a record. Raises LookupError where this source can't."""
        ...

    def restore(self, stream: str, key: str) -> None:
        """Bring a removed record back as it was."""
        ...

    def break_off(self) -> None:
        """Make every read fail until healed."""
        ...

    def heal(self) -> None:
        """Undo `break_off`."""
        ...
