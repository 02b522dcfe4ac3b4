"""Assets over HTTP, from Cloud and from Data Center. Protects: a walk by offset loses nothing while the list changes,
whatever ``isLast`` and ``total`` claim; a changed object is found by its time of update; a hidden one is not deleted.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from pydantic import SecretStr

from connectors import Connector, Page, Reading, Stream
from connectors.http import Forbidden, Inconsistent, NotAuthenticated, RateLimited
from connectors.jira import STREAMS, Settings, connect
from connectors.jira.assets import stable
from connectors.jira.rendering import site
from connectors.jira.rendering.values import WORKSPACE, Deployment
from connectors.jira.simulator import Request, Simulator
from connectors.jira.simulator.assets import Trap
from connectors.jira.simulator.faults import Fault
from connectors.jira.simulator.site import Document, Site
from connectors.sample import AS_OF, generate

STREAM = {stream.name: stream for stream in STREAMS}
OBJECTS = STREAM["asset_object"]
DEPLOYMENTS: list[Deployment] = ["cloud", "datacenter"]
AQL = {"cloud": "object/aql", "datacenter": "aql/objects"}


def thing(number: int, deployment: Deployment, schema: int = 1, updated: str = "2026-10-01T08:00:00.000Z") -> Document:
    is_cloud = deployment == "cloud"
    ids = {"workspaceId": WORKSPACE, "globalId": f"{WORKSPACE}:{number}", "id": str(number)}
    type_ = {"id": "9", "name": "Server", "objectSchemaId": str(schema) if is_cloud else schema}
    return {
        **(ids if is_cloud else {"id": number}),
        "label": f"srv-{number:05}",
        "objectKey": f"{'ITSM' if schema == 1 else 'HR'}-{number}",
        "objectType": type_,
        "updated": updated,
        "attributes": [{"objectTypeAttributeId": "2", "objectAttributeValues": [{"value": f"srv-{number:05}"}]}],
    }


def register(deployment: Deployment, count: int) -> dict[str, list[Document]]:
    schemas = [{"id": n, "name": name, "objectSchemaKey": name} for n, name in ((1, "ITSM"), (2, "HR"))]
    if deployment == "cloud":
        schemas = [one | {"id": str(one["id"])} for one in schemas]
    objects = [thing(number, deployment) for number in range(1, count + 1)]
    return {"workspace": [{"workspaceId": WORKSPACE}], "schema": schemas, "object": objects}


def plain(deployment: Deployment, count: int) -> Site:
    project = {"id": "10001", "key": "OPS", "projectTypeKey": "service_desk"}
    desk = {"servicedesk": [{"id": "1", "projectId": "10001"}]}
    return Site("https://j.example", "UTC", [project], portal=desk, register=register(deployment, count))


def opened(simulator: Simulator, **settings: object) -> Connector:
    is_cloud = simulator.deployment == "cloud"
    given: dict[str, object] = {
        "connector": "jira",
        "url": simulator.url,
        "deployment": simulator.deployment,
        "projects": ["OPS"],
        "read_assets": True,
        "page_size": 20,
        "patience": {"attempts": 3, "longest_wait_seconds": 2.0},
        **({"assets_url": f"{simulator.url}/jsm/assets"} if is_cloud else {}),
    }
    secrets = {"token": SecretStr("demo-only")} | ({"username": SecretStr("evidence@example.com")} if is_cloud else {})
    made = connect("jira-itsm", Settings.model_validate(given | settings), secrets)
    made.open()
    return made


def read(made: Connector, stream: Stream = OBJECTS, reading: Reading | None = None) -> list[Page]:
    return list(made.read(stream, reading or Reading("full"), []))


def keys(pages: list[Page]) -> list[str]:
    return [key for page in pages for key in page.keys]


def numbers(pages: list[Page]) -> list[int]:
    return [int(key.rpartition(":")[2]) for key in keys(pages)]


@pytest.fixture(params=DEPLOYMENTS)
def served(request: pytest.FixtureRequest) -> Iterator[tuple[Simulator, Site]]:
    """A hundred objects in one schema, none in the other."""
    holder = plain(request.param, 100)
    with Simulator(holder, now=AS_OF, deployment=request.param) as simulator:
        yield simulator, holder


def on_pages(simulator: Simulator, change: Callable[[int], None]) -> None:
    """Change the register ahead of each page of objects; told how many there were before."""
    seen = 0

    def before(request: Request) -> None:
        nonlocal seen
        if request.path.endswith(AQL[simulator.deployment]):
            change(seen)
            seen += 1

    simulator.before = before


# ------------------------------------------------------------- the whole sample


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
def test_every_stream_of_the_sample_is_read_as_it_was_sent(deployment: Deployment) -> None:
    whole = site(generate(scale=0.05), AS_OF, deployment)
    with Simulator(whole, now=AS_OF, deployment=deployment) as simulator:
        made = opened(simulator)
        for name in ("schema", "type", "attribute", "object"):
            stream, reading = STREAM[f"asset_{name}"], Reading("full")
            pages = read(made, stream, reading)
            expected = {
                f"{WORKSPACE}:{one['id']}" if deployment == "cloud" else str(one["id"]): one
                for one in whole.register[name]
            }
            assert len(keys(pages)) == len(expected) > 0
            sent = {key: record for page in pages for key, record in zip(page.keys, page.records, strict=True)}
            assert sent == {key: msgspec.json.encode(one) for key, one in expected.items()}
            (swept,) = made.census(stream, reading)
            assert set(swept.keys) == expected.keys()
            assert reading.source_count == len(expected)
            assert reading.requests > 0
        made.close()


def test_assets_is_read_only_when_it_is_switched_on(served: tuple[Simulator, Site]) -> None:
    made = opened(served[0], read_assets=False)
    names = {"asset_schema", "asset_type", "asset_attribute", "asset_object"}
    assert names == made.skipped().keys()
    assert not names & {stream.name for stream in made.streams()}
    assert "read_assets" in made.skipped()["asset_object"]
    made.close()


# ---------------------------------------------------------- changes meanwhile


@pytest.mark.fault("jira", "J40", "Assets: an object is deleted between two pages", "Nothing is lost: pages overlap.")
@pytest.mark.parametrize("gone", [1, 3, 25])
def test_deletions_between_two_pages_lose_nothing(served: tuple[Simulator, Site], gone: int) -> None:
    simulator, holder = served
    deleted: set[int] = set()

    def shrink(pages: int) -> None:
        if 0 < pages < 4:
            objects = sorted(holder.register["object"], key=lambda one: str(one["objectKey"]))
            deleted.update(int(one["id"]) for one in objects[:gone])
            holder.register["object"] = objects[gone:]

    made = opened(simulator)
    on_pages(simulator, shrink)
    found = numbers(read(made))
    assert len(deleted) >= gone
    assert set(range(1, 101)) - deleted <= set(found)
    assert len(found) == len(set(found))
    made.close()


@pytest.mark.fault(
    "jira", "J41", "Assets: one object is deleted and one added between two pages; the count stays", "Nothing is lost."
)
def test_a_deletion_that_an_addition_hides_from_the_count_loses_nothing(served: tuple[Simulator, Site]) -> None:
    simulator, holder = served
    first = min(holder.register["object"], key=lambda one: str(one["objectKey"]))

    def swap(pages: int) -> None:
        if pages == 1:
            holder.register["object"].remove(first)
            holder.register["object"].append(thing(9999, simulator.deployment))

    made = opened(simulator)
    on_pages(simulator, swap)
    found = set(numbers(read(made)))
    assert found >= set(range(2, 101)) | {9999}
    made.close()


def test_objects_added_in_the_midst_are_read_as_well(served: tuple[Simulator, Site]) -> None:
    simulator, holder = served

    def grow(pages: int) -> None:
        if pages in (2, 3):
            more = range(1000 * pages, 1000 * pages + 30)
            holder.register["object"] += [thing(number, simulator.deployment) for number in more]

    made = opened(simulator)
    on_pages(simulator, grow)
    found = numbers(read(made))
    assert set(found) >= {*range(1, 101), *range(2000, 2030), *range(3000, 3030)}
    assert len(found) == len(set(found))
    made.close()


@pytest.mark.parametrize("cap", [1, 7])
def test_a_page_that_the_site_cuts_is_no_end(served: tuple[Simulator, Site], cap: int) -> None:
    simulator, _ = served
    simulator.page_cap = cap
    made = opened(simulator)
    if cap == 1:
        with pytest.raises(Inconsistent, match=r"1 of \d+ came"):
            read(made)
    else:
        assert sorted(numbers(read(made))) == list(range(1, 101))
    made.close()


# -------------------------------------------------------------------- traps


@pytest.mark.fault(
    "jira", "J42", "Assets: isLast is true for pages of 1000 and more, whatever remains", "Not believed."
)
@pytest.mark.fault("jira", "J43", "Assets: isLast is a text, not true or false", "Not looked at.")
@pytest.mark.fault(
    "jira", "J44", "Assets: total is capped at 1000, or that of the page", "Counted apart, read to the end."
)
@pytest.mark.parametrize("trap", [Trap.IS_LAST_TOO_EARLY, Trap.IS_LAST_AS_TEXT, Trap.TOTAL_CAPPED, Trap.TOTAL_OFF])
@pytest.mark.parametrize("is_counted", [True, False])
def test_claims_about_the_end_are_not_believed(trap: Trap, is_counted: bool) -> None:
    holder = plain("cloud", 2100)
    holder.traps = {trap} if is_counted else {trap, Trap.NO_COUNT}
    with Simulator(holder, now=AS_OF) as simulator:
        made = opened(simulator, page_size=1000)
        assert sorted(numbers(read(made))) == list(range(1, 2101))
        made.close()


@pytest.mark.fault("jira", "J45", "Assets: every page is the first", "The read fails, it does not go round for ever.")
def test_an_offset_that_is_ignored_fails(served: tuple[Simulator, Site]) -> None:
    simulator, holder = served
    holder.traps.add(Trap.OFFSET_IGNORED)
    made = opened(simulator)
    with pytest.raises(Inconsistent, match="the same page came again and again"):
        read(made)
    made.close()


@pytest.mark.fault("jira", "J46", "Assets: 429 without Retry-After", "Asked again after a growing pause.")
def test_a_limit_without_a_time_is_waited_out(served: tuple[Simulator, Site]) -> None:
    simulator, _ = served
    made, reading = opened(simulator, patience={"attempts": 2, "longest_wait_seconds": 5.0}), Reading("full")
    simulator.fail(Fault.RATE_LIMITED, path=AQL[simulator.deployment], after=2)
    assert len(read(made, OBJECTS, reading)) > 1
    assert reading.retries == 1
    simulator.fail(Fault.RATE_LIMITED, path=AQL[simulator.deployment], times=9)
    with pytest.raises(RateLimited):
        read(made)
    simulator.heal()
    made.close()


# ------------------------------------------------------- the nights after that


def test_later_only_the_sweep_is_read_and_tells_what_changed(served: tuple[Simulator, Site]) -> None:
    simulator, holder = served
    made = opened(simulator)
    first = Reading("full")
    stamps = {
        key: stamp
        for page in read(made, OBJECTS, first)
        for key, stamp in zip(page.keys, page.stamps or [], strict=True)
    }
    index = next(n for n, one in enumerate(holder.register["object"]) if str(one["id"]) == "7")
    holder.register["object"][index] = thing(7, simulator.deployment, updated="2026-10-31T08:00:00.000Z")
    later = Reading("incremental", first.watermark_to)
    assert read(made, OBJECTS, later) == []
    (swept,) = made.census(OBJECTS, later)
    assert later.source_count == 100
    changed = [k for k, stamp in zip(swept.keys, swept.stamps or [], strict=True) if stamps[k] != stamp]
    assert [key.rpartition(":")[2] for key in changed] == ["7"]
    (page,) = made.fetch(OBJECTS, changed, later)
    assert page.stamps == ["2026-10-31T08:00:00.000Z"]
    assert "attributes" in msgspec.json.decode(page.records[0])
    made.close()


def test_an_object_that_is_gone_is_not_called_deleted_and_one_in_another_schema_has_moved(
    served: tuple[Simulator, Site],
) -> None:
    simulator, holder = served
    made = opened(simulator, asset_schemas=["ITSM"])
    all_keys = keys(read(made))
    gone, moved = all_keys[0], all_keys[1]
    holder.register["object"] = [
        thing(int(one["id"]), simulator.deployment, schema=2) if str(one["id"]) == moved.rpartition(":")[2] else one
        for one in holder.register["object"]
        if str(one["id"]) != gone.rpartition(":")[2]
    ]
    assert keys(list(made.fetch(OBJECTS, [gone, moved], Reading("full")))) == []
    explained = made.explain(OBJECTS, [gone, moved], Reading("full"))
    assert (explained[gone].kind, explained[moved].kind) == ("not_visible", "moved")
    made.close()


def test_a_schema_that_is_not_shown_fails_loudly(served: tuple[Simulator, Site]) -> None:
    made = opened(served[0], asset_schemas=["ITSM", "CMDB"])
    with pytest.raises(Forbidden, match="CMDB"):
        read(made, STREAM["asset_schema"])
    with pytest.raises(Forbidden, match="CMDB"):
        read(made)
    made.close()


def test_a_site_without_a_workspace_says_what_to_do() -> None:
    holder = plain("cloud", 1)
    holder.register["workspace"] = []
    with Simulator(holder, now=AS_OF) as simulator:
        made = opened(simulator)
        with pytest.raises(Forbidden, match="no workspace") as caught:
            read(made)
        assert "read_assets = false" in caught.value.next_step
        made.close()


def test_assets_is_asked_with_the_log_in_of_the_site_and_knows_no_one_else(served: tuple[Simulator, Site]) -> None:
    simulator, _ = served
    made = opened(simulator)
    simulator.token = base64.b64encode(b"another").decode()
    with pytest.raises(NotAuthenticated):
        read(made)
    simulator.token = "demo-only"
    made.close()


# ------------------------------------------------------------------- contents


def test_what_passes_makes_no_new_version_of_an_object() -> None:
    def told(ticket: str, seen: str, label: str = "db-1") -> bytes:
        other: dict[str, Any] = {"id": "8", "label": label, "objectKey": "ITSM-8", "updated": seen, "timestamp": seen}
        return msgspec.json.encode(
            {
                "id": "7",
                "avatar": {"mediaClientConfig": {"mediaJwtToken": ticket}},
                "objectType": {"id": "2", "name": "Application", "objectCount": len(seen), "updated": seen},
                "attributes": [
                    {"id": "1", "objectTypeAttributeId": "12", "objectAttributeValues": [{"referencedObject": other}]}
                ],
            }
        )

    assert stable(told("a", "yesterday")) == stable(told("b", "today"))
    assert stable(told("a", "today")) != stable(told("a", "today", "db-2"))
