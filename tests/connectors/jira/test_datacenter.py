"""Data Center pages by offset and counts: windows of time that are one page each lose nothing while issues move.

The scripted search caps its pages, reads JQL's times in the account's zone, and loses or moves an issue between any two
requests. (Paging by offset lost 24 of 5,000 issues in the same situation.)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from connectors import Connector, Page, Reading
from connectors.http import Inconsistent
from connectors.jira import STREAMS

STREAM = {stream.name: stream for stream in STREAMS}
TOKEN = {"token": SecretStr("s3cret")}
NOW = "2026-11-01T03:30:00.000+0100"


def read(connector: Connector, name: str, reading: Reading | None = None, *parents: str) -> list[Page]:
    asked = [("issue", key) for key in parents]
    return list(connector.read(STREAM[name], reading or Reading("full"), asked))


def keys(pages: list[Page]) -> list[str]:
    return [key for page in pages for key in page.keys]


class DataCenter:
    """A search that pages by offset, caps the page, and may lose or move an issue between any two requests."""

    def __init__(self, created: Mapping[int, datetime], cap: int) -> None:
        self.times = dict(created)
        self.cap = cap
        self.between: Callable[[], None] = lambda: None
        self.validated: set[str | None] = set()

    def __call__(self, query: dict[str, str], _: object) -> dict[str, object]:
        self.validated.add(query.get("validateQuery"))
        found = [n for n in sorted(self.times, key=lambda n: (self.times[n], n)) if self._matches(n, query["jql"])]
        start, limit = int(query["startAt"]), min(int(query["maxResults"]), self.cap)
        page = [self._shown(n) for n in found[start : start + limit]]
        self.between()
        return {"issues": page, "total": len(found), "startAt": start, "maxResults": limit}

    def _shown(self, number: int) -> dict[str, object]:
        # the account's zone is an hour ahead of UTC: times are shown, and JQL's are read, in it
        time = (self.times[number] + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S.000+0100")
        return {"id": str(number), "fields": {"created": time, "updated": time, "project": {"id": "10000"}}}

    def _matches(self, number: int, jql: str) -> bool:
        ids = re.search(r"\bid in \(([\d,]+)\)", jql)
        if ids and str(number) not in ids[1].split(","):
            return False
        for operator, text in re.findall(r'(?:created|updated) (>=|<) "([^"]+)"', jql):
            time = datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=UTC) - timedelta(hours=1)
            if (self.times[number] < time) == (operator == ">="):
                return False
        return True


def beginnings(count: int) -> dict[int, datetime]:
    """An import of eight in one minute, then one every seven hours."""
    start = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
    return {n: start + (timedelta(seconds=n) if n < 8 else timedelta(hours=7 * n)) for n in range(count)}


def test_windows_of_one_page_lose_nothing_at_any_cap(site: Any) -> None:
    search = site.routes["2/search"] = DataCenter(beginnings(100), cap=5)
    connector, reading = site.opened(TOKEN, deployment="datacenter", page_size=50), Reading("full")
    assert sorted(set(keys(read(connector, "issue", reading))), key=int) == [str(n) for n in range(100)]
    assert search.validated == {None}
    swept = [key for sweep in connector.census(STREAM["issue"], reading) for key in sweep.keys]
    assert sorted(swept, key=int) == [str(n) for n in range(100)]
    assert reading.source_count == 100


def test_an_issue_that_is_deleted_meanwhile_shifts_no_other_out(site: Any) -> None:
    search = site.routes["2/search"] = DataCenter(beginnings(100), cap=10)
    gone: list[int] = []

    def lose_one() -> None:
        if len(gone) < 20 and len(search.times) > 60:
            gone.append(min(n for n in search.times if n >= 8))
            del search.times[gone[-1]]

    search.between = lose_one
    found = set(keys(read(site.opened(TOKEN, deployment="datacenter"), "issue")))
    assert {str(n) for n in range(100) if n not in gone} <= found


def test_an_issue_that_is_updated_meanwhile_is_met_again(site: Any) -> None:
    search = site.routes["2/search"] = DataCenter(beginnings(100), cap=10)
    connector, moved = site.opened(TOKEN, deployment="datacenter"), iter(range(8, 40))

    def touch_one() -> None:
        if (number := next(moved, None)) is not None:
            search.times[number] = datetime(2026, 11, 1, 2, 31, tzinfo=UTC)

    first = Reading("full")
    read(connector, "issue", first)
    assert first.watermark_to
    mark = first.watermark_to.replace("2026-11-01", "2026-01-02")
    search.between = touch_one
    assert {str(n) for n in range(20, 100)} <= set(keys(read(connector, "issue", Reading("incremental", mark))))


def test_named_issues_are_searched_without_failing_on_those_gone(site: Any) -> None:
    search = site.routes["2/search"] = DataCenter(beginnings(10), cap=1000)
    site.routes["2/issue/3"] = lambda *_: {"id": "3", "key": "OPS-3", "fields": {"project": {"id": "10000"}}}
    connector = site.opened(TOKEN, deployment="datacenter")
    assert keys(list(connector.fetch(STREAM["issue"], ["3", "77"], Reading("full")))) == ["3"]
    assert search.validated == {"false"}


def inline(total: int, *histories: int) -> dict[str, object]:
    found = [{"id": str(number), "created": NOW, "items": []} for number in histories]
    changelog = {"histories": found, "total": total, "maxResults": 100, "startAt": 0}
    return {"issues": [{"id": "1", "changelog": changelog}], "total": 1}


def test_histories_inside_the_issue_are_taken_when_they_are_complete(site: Any) -> None:
    connector = site.opened(TOKEN, deployment="datacenter")
    site.routes["2/search"] = lambda *_: inline(2, 11, 12)
    assert keys(read(connector, "changelog", None, "1", "2")) == ["1/11", "1/12"]
    (query, _) = site.of("2/search")[0]
    assert (query["jql"], query["expand"], query["validateQuery"]) == ("id in (1,2)", "changelog", "false")
    site.routes["2/search"] = lambda *_: inline(3, 11, 12)
    with pytest.raises(Inconsistent, match="cut"):
        read(connector, "changelog", None, "1")


def test_projects_of_data_center_come_in_one_list(site: Any) -> None:
    connector = site.opened(TOKEN, deployment="datacenter", projects=["HR"])
    assert keys(read(connector, "project")) == ["10001"]


def test_what_moves_without_an_update_is_read_every_time_at_a_service_desk(site: Any) -> None:
    custom = {"type": "sd-approvals", "custom": "com.atlassian.servicedesk.approvals-plugin:sd-approvals"}
    site.routes["2/field"] = lambda *_: [{"id": "customfield_7", "name": "Approvals", "custom": True, "schema": custom}]
    site.routes["2/search"] = DataCenter(beginnings(3), cap=1000)
    connector, first = site.opened(TOKEN, deployment="datacenter"), Reading("full")
    read(connector, "issue", first)
    site.asked.clear()
    read(connector, "issue", Reading("incremental", first.watermark_to))
    jql = site.of("2/search")[0][0]["jql"]
    assert jql == (
        'project in (10000) AND (updated >= "2026-10-31 00:30" OR statusCategory != Done'
        ' OR resolved >= "2026-09-01 00:30") ORDER BY updated ASC'
    )


def test_what_was_reached_is_known_when_the_order_is_that_of_updates(site: Any) -> None:
    """A full read goes by creation: what it reached says nothing of updates."""
    site.routes["2/search"] = DataCenter(beginnings(60), cap=10)
    connector, first = site.opened(TOKEN, deployment="datacenter"), Reading("full")
    read(connector, "issue", first)
    assert first.reached is None
    assert first.watermark_to
    later = Reading("incremental", first.watermark_to.replace("2026-11-01", "2026-01-05"))
    read(connector, "issue", later)
    newest = max(beginnings(60).values())
    assert later.reached is not None
    assert later.reached.startswith(newest.isoformat())


def test_fewer_issues_than_the_site_counts_are_no_census(site: Any) -> None:
    search = DataCenter(beginnings(20), cap=1000)

    def short(query: dict[str, str], body: object) -> dict[str, object]:
        answer = search(query, body)
        return answer | ({"total": 21} if query["maxResults"] == "0" else {})

    site.routes["2/search"] = short
    connector = site.opened(TOKEN, deployment="datacenter")
    with pytest.raises(Inconsistent, match="counts 21 issues and shows 20"):
        list(connector.census(STREAM["issue"], Reading("full")))
