"""The simulator keeps the habits of a real instance that make readers lose rows.

Over real sockets: row ACLs after the limit, counts that include hidden rows, dropped conditions, an order that nobody
promised, encoded queries, and four ways to log in.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import pysnow
import pytest
import requests

from connectors.servicenow.rendering.values import sys_id
from connectors.servicenow.simulator import Simulator

NOW = datetime(2026, 11, 1, 2, 30, tzinfo=UTC)
BASIC = ("evidence", "demo-only")


def row(n: int, **values: str) -> dict[str, str]:
    """Incident number ``n``, updated ``n`` minutes after midnight."""
    return {
        "sys_id": f"{n:032x}",
        "number": f"INC{n:07}",
        "state": "1",
        "priority": str(1 + n % 4),
        "caller_id": "",
        "short_description": f"Ticket {n}",
        "sys_updated_on": f"2026-10-31 {n // 60:02}:{n % 60:02}:00",
        **values,
    }


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator({"incident": [row(n) for n in range(10)], "problem": []}, now=NOW) as simulator:
        yield simulator


def get(simulator: Simulator, table: str = "incident", /, **parameters: str | int) -> requests.Response:
    """A page, with ``query=...`` for ``sysparm_query`` and so on."""
    params = {f"sysparm_{name}": str(value) for name, value in parameters.items()}
    return requests.get(f"{simulator.url}/api/now/table/{table}", params=params, auth=BASIC, timeout=5)


def numbers(simulator: Simulator, query: str, **parameters: str | int) -> list[int]:
    """The incidents that a query finds, by what is left of their number."""
    response = get(simulator, query=query, fields="number", **parameters)
    assert response.status_code == 200, response.text
    return [int(found["number"][3:]) for found in response.json()["result"]]


# ------------------------------------------------------------------ what is shown and what is counted


def test_a_short_page_is_not_the_last_when_a_row_acl_hides_rows(simulator: Simulator) -> None:
    for n in (1, 2):
        simulator.hide("incident", f"{n:032x}")
    response = get(simulator, query="ORDERBYsys_id", limit=4, fields="number")
    assert [found["number"] for found in response.json()["result"]] == ["INC0000000", "INC0000003"]
    assert response.headers["X-Total-Count"] == "10"
    assert 'rel="next"' in response.headers["Link"]


def test_a_page_can_be_empty_in_the_middle(simulator: Simulator) -> None:
    for n in (4, 5):  # the whole page
        simulator.hide("incident", f"{n:032x}")
    assert numbers(simulator, "ORDERBYsys_id", limit=2, offset=4) == []
    assert numbers(simulator, "ORDERBYsys_id", limit=2, offset=6) == [6, 7]
    simulator.show("incident", f"{4:032x}")
    assert numbers(simulator, "ORDERBYsys_id", limit=2, offset=4) == [4]


def test_the_aggregate_counts_hidden_rows(simulator: Simulator) -> None:
    simulator.hide("incident", f"{1:032x}")
    url = f"{simulator.url}/api/now/stats/incident"
    params = {"sysparm_count": "true", "sysparm_query": "numberININC0000001,INC0000002"}
    answer = requests.get(url, params=params, auth=BASIC, timeout=5)
    assert answer.json() == {"result": {"stats": {"count": "2"}}}


def test_only_known_and_readable_fields_come_back(simulator: Simulator) -> None:
    simulator.withhold("incident", "priority")
    response = get(simulator, query="ORDERBYnumber", fields="number,priority,no_such_field", limit=1)
    assert response.json() == {"result": [{"number": "INC0000000"}]}
    assert "priority" not in get(simulator, limit=1).json()["result"][0]


def test_without_an_order_no_two_requests_agree(simulator: Simulator) -> None:
    pages = [numbers(simulator, "", limit=5, offset=offset) for offset in (0, 5)]
    assert pages[0] != numbers(simulator, "", limit=5)
    assert len({n for page in pages for n in page}) < 10
    assert sorted(numbers(simulator, "")) == list(range(10))


def test_the_page_cap_is_the_default_and_the_most() -> None:
    with Simulator({"incident": [row(n) for n in range(10)]}, now=NOW, page_cap=3) as simulator:
        for parameters in ({}, {"limit": 50}):
            response = get(simulator, query="ORDERBYnumber", **parameters)
            assert len(response.json()["result"]) == 3
            assert response.headers["X-Total-Count"] == "10"


def test_links_lead_through_all_pages(simulator: Simulator) -> None:
    seen: list[str] = []
    response = get(simulator, query="ORDERBYnumber", fields="number", limit=4)
    while True:
        seen += [found["number"] for found in response.json()["result"]]
        if "next" not in response.links:
            break
        response = requests.get(response.links["next"]["url"], auth=BASIC, timeout=5)
    assert seen == [f"INC{n:07}" for n in range(10)]
    assert "Link" not in get(simulator, limit=4, suppress_pagination_header="true").headers
    assert "Link" not in get(simulator, limit=10).headers


def test_the_count_can_be_left_out(simulator: Simulator) -> None:
    assert "X-Total-Count" not in get(simulator, no_count="true").headers


def test_references_come_with_a_link_unless_told_otherwise(simulator: Simulator) -> None:
    caller = sys_id("account", "evidence")
    simulator.put("incident", [row(3, caller_id=caller)])
    query = "number=INC0000003"
    linked = get(simulator, query=query, fields="caller_id,state").json()["result"][0]
    assert linked == {
        "caller_id": {"link": f"{simulator.url}/api/now/table/sys_user/{caller}", "value": caller},
        "state": "1",
    }
    plain = get(simulator, query=query, fields="caller_id", exclude_reference_link="true").json()["result"][0]
    assert plain == {"caller_id": caller}
    assert get(simulator, query="number=INC0000004", fields="caller_id").json()["result"] == [{"caller_id": ""}]


def test_labels_come_from_sys_choice_and_the_referenced_row(simulator: Simulator) -> None:
    caller = sys_id("account", "evidence")
    choice = {"sys_id": "c" * 32, "name": "task", "element": "state", "value": "1", "label": "New"}
    simulator.put("sys_choice", [choice])
    simulator.put("incident", [row(3, caller_id=caller)])
    asked = {"query": "number=INC0000003", "fields": "caller_id,state", "exclude_reference_link": "true"}
    labels = get(simulator, display_value="true", **asked).json()["result"][0]
    assert labels == {"caller_id": "Evidence Integration", "state": "New"}
    both = get(simulator, display_value="all", **asked).json()["result"][0]
    assert both["state"] == {"display_value": "New", "value": "1"}


# ------------------------------------------------------------------ encoded queries


def test_an_alternative_binds_to_the_condition_before_it(simulator: Simulator) -> None:
    query = "number<INC0000004^priority=1^ORpriority=2^ORDERBYnumber"
    assert numbers(simulator, query) == [0, 1]
    assert numbers(simulator, "priority=1^ORpriority=2^number<INC0000004^ORDERBYnumber") == [0, 1]


def test_a_condition_on_an_unknown_field_is_dropped_without_a_word(simulator: Simulator) -> None:
    assert len(numbers(simulator, "sys_created_on>2999-01-01 00:00:00")) == 10
    assert numbers(simulator, "number=INC0000003^ORno_such_field=1") == [3]
    simulator.invalid_query_returns_no_rows = True
    assert numbers(simulator, "sys_created_on>2999-01-01 00:00:00") == []


def test_an_order_by_an_unknown_field_is_no_order(simulator: Simulator) -> None:
    assert numbers(simulator, "ORDERBYno_such_field") != numbers(simulator, "ORDERBYno_such_field")


def test_the_account_finds_itself(simulator: Simulator) -> None:
    found = get(simulator, "sys_user", query="sys_id=javascript:gs.getUserID()").json()["result"]
    assert [(user["user_name"], user["time_zone"]) for user in found] == [("evidence", "GMT")]


def test_a_condition_that_cannot_be_read_is_refused(simulator: Simulator) -> None:
    response = get(simulator, query="number~1")
    assert (response.status_code, response.json()["error"]["message"]) == (400, "Invalid query")


# ------------------------------------------------------------------ parameters, rights and log-in


@pytest.mark.parametrize(
    "parameters", [{"limit": 0}, {"limit": "ten"}, {"offset": -1}, {"querry": "a=1"}, {"no_count": "maybe"}]
)
def test_a_bad_parameter_is_refused(simulator: Simulator, parameters: dict[str, str | int]) -> None:
    response = get(simulator, **parameters)
    assert (response.status_code, response.json()["status"]) == (400, "failure")


def test_missing_and_forbidden_tables_differ(simulator: Simulator) -> None:
    simulator.forbid("problem")
    simulator.absent("incident")
    assert get(simulator, "problem").status_code == 403
    absent = get(simulator, "incident")
    assert (absent.status_code, absent.json()["error"]["message"]) == (400, "Invalid table incident")
    simulator.allow("problem")
    assert get(simulator, "problem").json() == {"result": []}


def test_the_second_version_of_the_api_is_the_same(simulator: Simulator) -> None:
    url = f"{simulator.url}/api/now/v2/table/incident"
    assert len(requests.get(url, auth=BASIC, timeout=5).json()["result"]) == 10
    other = requests.get(f"{simulator.url}/api/now/cmdb/incident", auth=BASIC, timeout=5)
    assert other.status_code == 400


def test_the_account_may_not_write(simulator: Simulator) -> None:
    url = f"{simulator.url}/api/now/table/incident"
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert requests.request(method, url, json={"state": "7"}, auth=BASIC, timeout=5).status_code == 403
    assert len(numbers(simulator, "state=7")) == 0


def test_a_query_that_is_too_long_is_refused(simulator: Simulator) -> None:
    query = "numberIN" + ",".join(f"INC{n:07}" for n in range(1000))
    assert get(simulator, query=query).status_code == 414


def test_wrong_credentials(simulator: Simulator) -> None:
    response = requests.get(f"{simulator.url}/api/now/table/incident", auth=("evidence", "no"), timeout=5)
    assert response.status_code == 401
    assert response.json() == {
        "error": {"message": "User Not Authenticated", "detail": "Required to provide Auth information"},
        "status": "failure",
    }


def bearer(simulator: Simulator, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return requests.get(f"{simulator.url}/api/now/table/incident", headers=headers, timeout=5).status_code


@pytest.mark.parametrize(
    "form",
    [{"grant_type": "client_credentials"}, {"grant_type": "password", "username": BASIC[0], "password": BASIC[1]}],
)
def test_a_token_opens_the_tables_until_it_expires(simulator: Simulator, form: dict[str, str]) -> None:
    client = {"client_id": "evidence-client", "client_secret": "demo-only"}
    grant = requests.post(f"{simulator.url}/oauth_token.do", data=form | client, timeout=5).json()
    assert ("refresh_token" in grant) == (form["grant_type"] == "password")
    assert bearer(simulator, grant["access_token"]) == 200
    simulator.expire_tokens()
    assert bearer(simulator, grant["access_token"]) == 401
    if "refresh_token" in grant:
        again = {"grant_type": "refresh_token", "refresh_token": grant["refresh_token"]} | client
        fresh = requests.post(f"{simulator.url}/oauth_token.do", data=again, timeout=5).json()
        simulator.advance(NOW + timedelta(minutes=29))
        assert bearer(simulator, fresh["access_token"]) == 200
        simulator.advance(NOW + timedelta(minutes=30))
        assert bearer(simulator, fresh["access_token"]) == 401


def test_a_token_can_end_by_use() -> None:
    with Simulator({"incident": []}, now=NOW, token_uses=2) as simulator:
        form = {"grant_type": "client_credentials"}
        auth = ("evidence-client", "demo-only")
        token = requests.post(f"{simulator.url}/oauth_token.do", data=form, auth=auth, timeout=5).json()["access_token"]
        assert [bearer(simulator, token) for _ in range(3)] == [200, 200, 401]


def test_a_wrong_client_gets_no_token(simulator: Simulator) -> None:
    form = {"grant_type": "client_credentials", "client_id": "evidence-client", "client_secret": "no"}
    assert requests.post(f"{simulator.url}/oauth_token.do", data=form, timeout=5).status_code == 401


def test_the_api_key(simulator: Simulator) -> None:
    url = f"{simulator.url}/api/now/table/incident"
    assert requests.get(url, headers={"x-sn-apikey": "demo-only"}, timeout=5).status_code == 200
    assert requests.get(url, headers={"x-sn-apikey": "no"}, timeout=5).status_code == 401


# ------------------------------------------------------------------ rows that move, and the clock


def test_rows_can_change_between_requests(simulator: Simulator) -> None:
    simulator.put("incident", [row(3, state="6"), row(10)])
    assert numbers(simulator, "state=6") == [3]
    simulator.remove("incident", f"{3:032x}")
    assert numbers(simulator, "state=6") == []
    simulator.load({"incident": [row(1)], "sys_user": []})
    assert numbers(simulator, "") == [1]
    assert len(get(simulator, "sys_user").json()["result"]) == 1


def test_writes_can_be_slipped_in_before_an_answer(simulator: Simulator) -> None:
    simulator.before = lambda request: simulator.put("incident", [row(50, short_description=request.path)])
    assert 50 in numbers(simulator, "ORDERBYnumber")


def test_the_date_is_the_simulated_one(simulator: Simulator) -> None:
    assert parsedate_to_datetime(get(simulator).headers["Date"]) == NOW
    simulator.advance(NOW + timedelta(days=1))
    assert parsedate_to_datetime(get(simulator).headers["Date"]) == NOW + timedelta(days=1)


def test_requests_are_logged(simulator: Simulator) -> None:
    get(simulator, limit=1)
    assert simulator.log == [("GET", "/api/now/table/incident", {"sysparm_limit": "1"})]


def test_pysnow_reads_it_and_stops_at_the_first_page() -> None:
    with Simulator({"incident": [row(n) for n in range(10)]}, now=NOW, page_cap=4) as simulator:
        session = requests.Session()
        session.auth = BASIC
        client = pysnow.Client(host=urlsplit(simulator.url).netloc, use_ssl=False, session=session)
        incidents = client.resource(api_path="/table/incident")
        incidents.parameters.exclude_reference_link = True
        response = incidents.get(query="ORDERBYnumber")
        assert [found["number"] for found in response.all()] == [f"INC{n:07}" for n in range(4)]
        client.close()


def test_connections_are_kept_and_many_are_served(simulator: Simulator) -> None:
    def read(worker: int) -> list[int]:
        with requests.Session() as session:
            session.auth = BASIC
            url = f"{simulator.url}/api/now/table/incident?sysparm_query=priority={1 + worker % 4}"
            return [len(session.get(url, timeout=5).json()["result"]) for _ in range(10)]

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(read, range(8))) == [[3] * 10, [3] * 10, [2] * 10, [2] * 10] * 2


def test_stopping_ends_open_connections() -> None:
    simulator = Simulator({"incident": []}, now=NOW).start()
    address = ("127.0.0.1", urlsplit(simulator.url).port)
    with requests.Session() as session, socket.create_connection(address, timeout=5) as idle:
        session.auth = BASIC
        assert session.get(f"{simulator.url}/api/now/table/incident", timeout=5).status_code == 200
        simulator.stop()
        assert idle.recv(1) == b""
        with pytest.raises(requests.ConnectionError):
            session.get(f"{simulator.url}/api/now/table/incident", timeout=5)


# ------------------------------------------------------------------ size


def test_a_page_of_a_large_audit_table_is_fast() -> None:
    """60,000 rows: keyset pages and ``documentkeyIN`` must not make a test of the whole line slow."""
    audit = [
        {
            "sys_id": sys_id("audit", n),
            "tablename": "incident",
            "documentkey": sys_id("incident", n % 10_000),
            "fieldname": "state",
            "sys_created_on": (NOW + timedelta(minutes=n // 3)).strftime("%Y-%m-%d %H:%M:%S"),
        }
        for n in range(60_000)
    ]
    keys = ",".join(sys_id("incident", n) for n in range(50))
    window = "sys_created_on>2026-11-05 00:00:00^sys_created_on<=2026-12-01 00:00:00"
    queries = {
        "documents": f"tablename=incident^documentkeyIN{keys}^ORDERBYsys_id",
        "window": f"{window}^ORDERBYsys_created_on^ORDERBYsys_id",
        "moment": "sys_created_on=2026-11-05 00:00:00^sys_id>0^ORDERBYsys_id",
        "sweep": f"sys_created_on<=2026-12-01 00:00:00^sys_id>{'8' * 32}^ORDERBYsys_id",
    }
    with Simulator({"sys_audit": audit}, now=NOW) as simulator, requests.Session() as session:
        session.auth = BASIC
        url = f"{simulator.url}/api/now/table/sys_audit"
        for query in queries.values():
            params = {"sysparm_query": query, "sysparm_limit": "1000", "sysparm_exclude_reference_link": "true"}
            session.get(url, params=params, timeout=10)
            times = []
            for _ in range(5):
                started = time.perf_counter()
                assert session.get(url, params=params, timeout=10).status_code == 200
                times.append(time.perf_counter() - started)
            assert min(times) < 0.05, query
