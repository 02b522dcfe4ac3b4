"""A ServiceNow instance of the sample organisation, which tests and the demo change as its users would."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

from connectors.sample import Organization
from connectors.servicenow.rendering import Row, rows
from connectors.servicenow.simulator import Simulator
from connectors.servicenow.simulator.faults import Fault

_EDITED = ("incident", "problem", "change_request", "cmdb_ci", "task_ci")
_TEXT = {"cmdb_ci": "short_description", "task_ci": "applied"}
_ENDLESS = 1_000_000


class StandIn:
    """The instance, while it is entered."""

    def __init__(self, organization: Organization, moment: datetime, port: int = 0) -> None:
        self.settings: dict[str, object] = {}
        self.secrets = {"username": "evidence", "password": "demo-only"}
        self._organization = organization
        self._moment = moment
        self._changed: dict[tuple[str, str], Row] = {}
        self._removed: dict[tuple[str, str], Row] = {}
        self.simulator = Simulator(self._tables(), now=moment, port=port)

    def __enter__(self) -> Self:
        self.simulator.start()
        self.settings = {"connector": "servicenow", "url": self.simulator.url, "auth": "basic"}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.simulator.stop()

    def advance(self, moment: datetime) -> None:
        """Let time pass: what happened until ``moment`` is there, what was deleted is gone."""
        self._moment = moment
        self.simulator.advance(moment)
        self.simulator.load(self._tables())

    def truth(self) -> dict[str, set[str]]:
        """The sys_ids of the tables that can be changed here."""
        tables = self._tables()
        return {name: {row["sys_id"] for row in tables[name]} for name in _EDITED}

    def edit(self, stream: str, key: str) -> None:
        """Change a field of a row.

        Raises:
            LookupError: there is no such row, or it is in a table that stays as it is.
        """
        # before the end of the next window, which lags behind the clock
        self._put(stream, key, {"sys_updated_on": f"{self._moment - timedelta(seconds=90):%Y-%m-%d %H:%M:%S}"})

    def edit_silently(self, stream: str, key: str) -> None:
        """Change a field as a script does with the automatic fields switched off: only the count of changes moves."""
        self._put(stream, key, {})

    def remove(self, stream: str, key: str) -> None:
        """Delete a row.

        Raises:
            LookupError: as for `edit`.
        """
        self._removed[stream, key] = self._row(stream, key)
        self.simulator.remove(stream, key)

    def restore(self, stream: str, key: str) -> None:
        """Undelete a row: it comes back under its sys_id."""
        self.simulator.put(stream, [self._removed.pop((stream, key))])

    def break_off(self) -> None:
        """Let the instance answer every request with an error."""
        self.simulator.fail(Fault.SERVER_ERROR, times=_ENDLESS)

    def heal(self) -> None:
        """Let it answer again."""
        self.simulator.heal()

    def _put(self, stream: str, key: str, more: Row) -> None:
        row = dict(self._row(stream, key))
        count = int(row["sys_mod_count"]) + 1
        row |= {_TEXT.get(stream, "short_description"): f"changed {count} times", "sys_mod_count": str(count), **more}
        self._changed[stream, key] = row
        self.simulator.put(stream, [row])

    def _row(self, stream: str, key: str) -> Row:
        if stream in _EDITED:
            for row in self._tables()[stream]:
                if row["sys_id"] == key:
                    return row
        raise LookupError(f"{stream} has no {key} that can be changed")

    def _tables(self) -> dict[str, list[Row]]:
        tables = rows(self._organization, self._moment)
        for name in _EDITED:
            tables[name] = [
                self._changed.get((name, row["sys_id"]), row)
                for row in tables[name]
                if (name, row["sys_id"]) not in self._removed
            ]
        return tables


def stand_in(organization: Organization, moment: datetime, port: int = 0) -> StandIn:
    """An instance of the organisation as it stood at ``moment``, on loopback (port 0: any free one)."""
    return StandIn(organization, moment, port)
