"""The lists around the issues: fields, projects, statuses and issue types, read whole every time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from connectors import Absence, Page, Reading, Stream, Sweep
from connectors.jira.connection import Connection
from connectors.jira.records import item, list_page


class ListReader:
    """Reads one list over one connection. Of the projects, only the configured ones, wherever they are kept."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def read(self, stream: Stream, reading: Reading, _: Iterable[tuple[str, str]]) -> Iterator[Page]:
        """The whole list."""
        page = list_page(self.records(stream.name))
        reading.pages += 1
        reading.source_count = len(set(page.keys))
        reading.watermark_to = self._connection.now.isoformat()
        yield page

    def census(self, stream: Stream, reading: Reading) -> Iterator[Sweep]:
        """The ids of the list as it is now."""
        keys = [item(record).id for record in self.records(stream.name)]
        reading.source_count = len(set(keys))
        yield Sweep(keys)

    def fetch(self, stream: Stream, keys: Sequence[str], reading: Reading) -> Iterator[Page]:
        """The named records, out of the whole list."""
        wanted = set(keys)
        yield list_page([record for record in self.records(stream.name) if item(record).id in wanted])

    def explain(self, stream: Stream, keys: Sequence[str], reading: Reading) -> Mapping[str, Absence]:
        """A list says nothing of what is not in it."""
        reason = "no longer in the site's list: deleted, or used in no project that is shown"
        if stream.name == "project":
            reason = "no longer among the configured projects"
        return dict.fromkeys(keys, Absence("not_visible", reason))

    def records(self, name: str) -> list[bytes]:
        """The list as it is now."""
        if name == "project":
            return [project.record for project in self._connection.call_roster().projects]
        with self._connection.lend() as client:
            return client.listed(name)
