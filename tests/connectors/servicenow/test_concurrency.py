"""Several sessions at once: nothing twice, nothing missing, everything in order, one ledger, one pace, one token."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest

from connectors import Reading
from connectors.http import NotAuthenticated, RateLimited, ServerFailed
from connectors.servicenow import sweep
from connectors.servicenow.simulator import Request
from connectors.servicenow.simulator.faults import Fault
from tests.connectors.servicenow.instances import (
    BY_NAME,
    COMPANY,
    NOW,
    Crowded,
    companies,
    key,
    keys,
    opened,
    row,
)

FOUR = {"concurrency": 4}


@pytest.fixture
def simulator() -> Iterator[Crowded]:
    whole = [dict.fromkeys(COMPANY.columns, "") | each for each in companies(600)]
    with Crowded({"core_company": whole}, now=NOW) as running:
        yield running


def is_page(path: str, query: str) -> bool:
    return path.endswith("core_company") and "ORDERBYsys_updated_on" in query


@pytest.mark.fault(
    "servicenow",
    "F17",
    "202 without content when two requests of one session (cookie) overlap",
    "Every reader has a session of its own: it does not happen.",
)
def test_parts_of_a_window_are_read_at_once_and_arrive_in_order(simulator: Crowded) -> None:
    simulator.meets = lambda path, query: is_page(path, query) and "<=2026-11-01 02:29:00" not in query
    reading = Reading("full")
    with opened(simulator, **FOUR) as connector:
        found = keys(connector.read(COMPANY, reading, []))
    assert simulator.met, "two parts were under way at once"
    assert simulator.most <= 5
    assert found == [key(n) for n in range(600)]
    assert (reading.source_count, reading.hidden, reading.retries) == (600, 0, 0)
    logged = [r for r in simulator.log if r.path.endswith("core_company")]
    assert reading.requests == len(logged), "every request of every session is in the ledger"


def test_one_reader_asks_for_no_borders(simulator: Crowded) -> None:
    with opened(simulator, concurrency=1) as connector:
        assert keys(connector.read(COMPANY, Reading("full"), [])) == [key(n) for n in range(600)]
    assert simulator.most == 1
    assert all(request.params["sysparm_offset"] == "0" for request in simulator.log)


def test_a_short_window_is_left_to_one_reader(simulator: Crowded) -> None:
    with opened(simulator, page_size=200, **FOUR) as connector:
        assert len(keys(connector.read(COMPANY, Reading("full"), []))) == 600
    assert all(request.params["sysparm_offset"] == "0" for request in simulator.log)


@pytest.mark.parametrize("hidden", [range(3, 600, 4), range(200, 260), range(40), range(600)], ids=str)
def test_hidden_rows_hide_no_others_from_many_readers(simulator: Crowded, hidden: range) -> None:
    for number in hidden:
        simulator.hide("core_company", key(number))
    with opened(simulator, **FOUR) as connector:
        found = keys(connector.read(COMPANY, Reading("full"), []))
    assert found == [key(n) for n in range(600) if n not in hidden]


def test_writes_while_parts_are_read_lose_nothing_and_bring_nothing_twice(simulator: Crowded) -> None:
    turn = iter(range(599, 0, -3))

    def write(request: Request) -> None:
        number = next(turn, None) if is_page(request.path, request.params["sysparm_query"]) else None
        if number is not None:
            simulator.put("core_company", [row(number, NOW, NOW - timedelta(days=30)), row(9000 + number, NOW)])

    simulator.before = write
    reading = Reading("full")
    with opened(simulator, **FOUR) as connector:
        first = keys(connector.read(COMPANY, reading, []))
    simulator.before = None
    simulator.advance(NOW + timedelta(days=1))
    with opened(simulator, **FOUR) as connector:
        second = keys(connector.read(COMPANY, Reading("incremental", reading.watermark_to), []))
        everything = keys(connector.census(COMPANY, Reading("full")))
    assert len(first) == len(set(first))
    assert set(first) | set(second) == set(everything)


def test_thousands_in_one_second_stay_in_one_part(simulator: Crowded) -> None:
    simulator.put("core_company", [row(n, NOW - timedelta(days=20)) for n in range(100, 400)])
    with opened(simulator, page_size=10, **FOUR) as connector:
        found = keys(connector.read(COMPANY, Reading("full"), []))
    assert len(found) == 600
    assert set(found) == {key(n) for n in range(600)}


@pytest.mark.fault(
    "servicenow",
    "F15",
    "429 with Retry-After: 3600 to one of several readers",
    "No reader asks again; the run ends incomplete and the next carries on behind what was read.",
)
def test_a_quota_ends_all_readers_and_the_next_run_carries_on(simulator: Crowded) -> None:
    simulator.fail(Fault.RATE_LIMITED, after=25, times=10_000, retry_after="3600")
    reading = Reading("full")
    first: list[str] = []
    with opened(simulator, patience={"attempts": 2}, **FOUR) as connector:
        with pytest.raises(RateLimited):
            first.extend(key for page in connector.read(COMPANY, reading, []) for key in page.keys)
        asked = len(simulator.log)
        with pytest.raises(RateLimited):
            list(connector.fetch(COMPANY, [key(1)], Reading("full")))
        assert len(simulator.log) == asked, "the wait holds for every session"
    assert 0 < len(first) < 600
    assert reading.reached is not None
    assert reading.watermark_to is None
    simulator.heal()
    with opened(simulator, overlap_seconds=0, **FOUR) as connector:
        second = keys(connector.read(COMPANY, Reading("incremental", reading.reached), []))
    assert set(first) | set(second) == {key(n) for n in range(600)}
    assert len(second) <= 600 - len(first) + 1, "no more than the last second anew"


def test_what_was_reached_never_lies_before_where_the_window_began(simulator: Crowded) -> None:
    begun = f"{NOW - timedelta(days=29):%Y-%m-%d %H:%M:%S}"
    reading = Reading("incremental", begun)
    with opened(simulator, overlap_seconds=86_400) as connector:
        next(iter(connector.read(COMPANY, reading, [])))
        pages = connector.read(COMPANY, reading, [])
        next(pages), next(pages)
    assert reading.reached == begun


def test_a_second_that_is_read_in_part_is_read_again(simulator: Crowded) -> None:
    """Fifty rows share a second, and the instance fails between them."""
    second = NOW - timedelta(days=30) + 300 * timedelta(minutes=7)
    shared = {key(n) for n in range(300, 350)}
    simulator.put("core_company", [row(n, second) for n in range(300, 350)])
    reading, first = Reading("full"), list[str]()
    with opened(simulator, page_size=10, concurrency=1) as connector, pytest.raises(ServerFailed):
        for page in connector.read(COMPANY, reading, []):
            first += page.keys
            if len(shared.intersection(first)) > 20:
                simulator.fail(Fault.SERVER_ERROR)
    assert shared - set(first), "it failed within the second"
    with opened(simulator, overlap_seconds=0) as connector:
        rest = keys(connector.read(COMPANY, Reading("incremental", reading.reached), []))
    assert set(first) | set(rest) == {key(n) for n in range(600)}


def test_closing_in_the_midst_ends_every_reader(simulator: Crowded) -> None:
    with opened(simulator, **FOUR) as connector:
        pages = connector.read(COMPANY, Reading("full"), [])
        for _ in range(4):
            next(pages)
        pages.close()  # type: ignore[attr-defined]
        assert not [thread for thread in threading.enumerate() if thread.name.startswith("read")]
        assert connector.client.count("core_company", "") == 600, "the sessions are still good"


def test_a_sweep_in_ranges_is_whole_and_in_order(simulator: Crowded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "PAGE", 20)
    simulator.meets = lambda path, query: "sys_id<=" in query
    for number in range(0, 600, 7):
        simulator.hide("core_company", key(number))
    reading = Reading("full")
    with opened(simulator, **FOUR) as connector:
        found = keys(connector.census(COMPANY, reading))
    assert simulator.met
    assert found == sorted(key(n) for n in range(600) if n % 7)
    assert reading.requests == sum(request.path.endswith("core_company") for request in simulator.log)


def test_batches_of_named_records_and_of_histories(simulator: Crowded) -> None:
    documents = [key(n) for n in range(350)]
    simulator.put(
        "sys_audit",
        [
            row(10_000 + n, NOW, tablename="incident", fieldname="state", documentkey=documents[n % 350])
            for n in range(1400)
        ],
    )
    simulator.meets = lambda path, query: "documentkeyIN" in query
    reading = Reading("full")
    with opened(simulator, page_size=100, **FOUR) as connector:
        found = keys(connector.read(BY_NAME["sys_audit"], reading, [("incident", each) for each in documents]))
        fetched = keys(connector.fetch(COMPANY, documents, Reading("full")))
    assert simulator.met
    assert sorted(found) == sorted(key(10_000 + n) for n in range(1400))
    assert reading.source_count == 1400
    assert sorted(fetched) == sorted(documents)


def test_a_record_that_breaks_its_page_is_one_gap_for_many_readers(simulator: Crowded) -> None:
    simulator.poison("core_company", key(333), "name")
    reading = Reading("full")
    with opened(simulator, **FOUR) as connector:
        found = keys(connector.read(COMPANY, reading, []))
    assert found == [key(n) for n in range(600) if n != 333]
    assert [gap.key for gap in reading.gaps] == [key(333)]


@pytest.mark.fault(
    "servicenow",
    "F18",
    "401 in mid-run: the access token has expired while several sessions use it",
    "One session fetches a new token, by the refresh token where there is one; all carry on with it.",
)
@pytest.mark.parametrize("auth", ["oauth_password", "oauth_client_credentials"])
def test_one_new_token_serves_all_sessions(simulator: Crowded, auth: str) -> None:
    guard, left = threading.Lock(), [40, 20]

    def expire(request: Request) -> None:
        with guard:
            if left and len(simulator.log) >= left[-1] and request.path.endswith("core_company"):
                simulator.expire_tokens()
                left.pop()

    simulator.before = expire
    with opened(simulator, auth=auth, **FOUR) as connector:
        assert keys(connector.read(COMPANY, Reading("full"), [])) == [key(n) for n in range(600)]
    assert [request.path for request in simulator.log].count("/oauth_token.do") == 3


def test_a_refresh_token_that_is_refused_falls_back_to_the_password(simulator: Crowded) -> None:
    with opened(simulator, auth="oauth_password") as connector:
        simulator.expire_tokens()
        connector.client.count("core_company", "")
        simulator.expire_tokens()
        simulator.accounts.refresh_tokens.clear()
        assert connector.client.count("core_company", "") == 600
    assert [request.path for request in simulator.log].count("/oauth_token.do") == 4, "password, refresh, both"


def test_a_log_in_that_ends_is_asked_for_once(simulator: Crowded) -> None:
    with opened(simulator, auth="oauth_client_credentials", **FOUR) as connector:
        simulator.accounts.client_secret = "another"
        simulator.expire_tokens()
        for _ in range(3):
            with pytest.raises(NotAuthenticated, match="OAuth client"):
                connector.client.count("core_company", "")
    assert [request.path for request in simulator.log].count("/oauth_token.do") == 2, "more would lock the account"
