"""Streams that lie beside the platform's API: those of Service Management's portals, and of Assets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import msgspec

from connectors import Absence, Page, Reading, Stream, Sweep, content
from connectors.jira.answers import moment
from connectors.jira.assets import Assets, stable
from connectors.jira.connection import Connection
from connectors.jira.desk import Desk
from connectors.jira.records import batches
from connectors.jira.settings import Settings
from connectors.jira.streams import ASSET_OBJECT, ASSETS_STREAMS, DESK_STREAMS
from connectors.jira.walk import Entry

BESIDE: tuple[str, ...] = tuple(stream.name for stream in (*DESK_STREAMS, *ASSETS_STREAMS))

_OBJECTS_AT_ONCE = 50
_LIGHT_PAGE = 500
"""Objects without their attributes in one page: for the sweep of their keys and versions."""


def switched_off(settings: Settings) -> dict[str, str]:
    """The streams that are not read unless they are asked for, with the reason."""
    if settings.read_assets:
        return {}
    reason = "Assets is not switched on: set read_assets = true of this source"
    return {stream.name: reason for stream in ASSETS_STREAMS}


class BesideReader:
    """Reads them. Lists are short and read whole every time.

    Objects are read whole the first time; later the sweep of their keys and times of update tells which to fetch.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._made: tuple[Desk, Assets | None] | None = None

    def read(self, stream: Stream, reading: Reading, parents: Iterable[tuple[str, str]], /) -> Iterator[Page]:
        """All records; of objects none when they were read before: see ``census``."""
        if stream.name == ASSET_OBJECT.name:
            pages = self._assets().objects(is_whole=True) if reading.watermark_from is None else iter(())
        else:
            pages = self._entries(stream)
        for entries in pages:
            reading.pages += 1
            yield _page(stream, entries)
        reading.watermark_to = self._connection.now.isoformat()

    def census(self, stream: Stream, reading: Reading, /) -> Iterator[Sweep]:
        """All keys; those of objects with their times of update, from a second walk without the attributes."""
        entries = [entry for page in self._entries(stream) for entry in page]
        is_stamped = stream.name == ASSET_OBJECT.name
        reading.source_count = len(entries)
        yield Sweep([entry.key for entry in entries], [entry.stamp for entry in entries] if is_stamped else None)

    def fetch(self, stream: Stream, keys: Sequence[str], reading: Reading, /) -> Iterator[Page]:
        """The named records."""
        if stream.name == ASSET_OBJECT.name:
            for batch in batches(keys, _OBJECTS_AT_ONCE):
                reading.pages += 1
                yield _page(stream, self._assets().named(batch))
            return
        wanted = set(keys)
        for entries in self._entries(stream):
            yield _page(stream, [entry for entry in entries if entry.key in wanted])

    def explain(self, stream: Stream, keys: Sequence[str], reading: Reading, /) -> Mapping[str, Absence]:
        """Objects may have gone to a schema that is not read; of anything else that is absent nothing is told."""
        if stream.name == ASSET_OBJECT.name:
            found: dict[str, Absence] = {}
            for batch in batches(keys, _OBJECTS_AT_ONCE):
                found |= self._assets().explain(batch)
            return found
        return dict.fromkeys(keys, Absence("not_visible", "the site's own list of them does not name it any more"))

    def count(self, stream: Stream) -> int:
        """How many there are."""
        return sum(len(entries) for entries in self._entries(stream))

    # ---------------------------------------------------------------- parts

    def _entries(self, stream: Stream) -> Iterator[list[Entry]]:
        """The records page by page; objects without their attributes."""
        if stream in DESK_STREAMS:
            desk, _ = self._parts()
            return desk.request_types() if stream.name == "request_type" else desk.organizations()
        assets = self._assets(_LIGHT_PAGE)
        lists: Mapping[str, Callable[[], Iterator[list[Entry]]]] = {
            "asset_schema": assets.schemas,
            "asset_type": assets.types,
            "asset_attribute": assets.attributes,
        }
        return lists[stream.name]() if stream.name in lists else assets.objects(is_whole=False)

    def _assets(self, page_size: int | None = None) -> Assets:
        desk, assets = self._parts()
        if assets is None:
            assets = self._found(desk)
            self._made = (desk, assets)
        assets.page_size = page_size or self._connection.settings.page_size
        return assets

    def _parts(self) -> tuple[Desk, Assets | None]:
        if self._made is None:
            url = self._connection.settings.url
            self._made = Desk(self._connection.beside(url), url, self._desks()), None
        return self._made

    def _found(self, desk: Desk) -> Assets:
        """Assets of this site. Cloud names its workspace, Data Center has only one."""
        settings = self._connection.settings
        root, workspace = settings.assets_address, None
        if self._connection.is_cloud:
            workspace = desk.workspace()
            root = f"{root}/workspace/{workspace}/v1"
        session = self._connection.beside(settings.assets_address)
        return Assets(session, root, settings.deployment, workspace, settings.asset_schemas, settings.page_size)

    def _desks(self) -> list[str]:
        """The ids of the projects that are service desks."""
        kinds = {
            project.id: msgspec.json.decode(project.record, type=_Kind).projectTypeKey
            for project in self._connection.roster.projects
            if project.state == "live"
        }
        return [id_ for id_, kind in kinds.items() if kind == "service_desk"]


class _Kind(msgspec.Struct):
    projectTypeKey: str | None = None  # noqa: N815 - Jira's name


def _page(stream: Stream, entries: Sequence[Entry]) -> Page:
    records = [entry.record for entry in entries]
    if stream.name == ASSET_OBJECT.name:
        contents = [stable(record) for record in records]
    else:
        contents = [content(record, stream.volatile) for record in records] if stream.volatile else records
    stamps = [entry.stamp for entry in entries] if stream.name == ASSET_OBJECT.name else None
    return Page([entry.key for entry in entries], records, contents, [moment(e.stamp or None) for e in entries], stamps)
