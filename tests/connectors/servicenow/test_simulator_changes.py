"""What users, jobs and administrators do to the simulated instance shows on the wire as it does on a real one.

Query and field ACLs, deletions with and without a trace, archives, classes that extend one another, commits that come
late, another time zone, sessions that serve one request at a time, quotas, and several requests in one.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from threading import Barrier

import pytest
import requests

from connectors.servicenow.simulator import Refusal, Request, Simulator
from connectors.servicenow.simulator.faults import Fault

NOW = datetime(2026, 11, 1, 2, 30, tzinfo=UTC)
BASIC = ("evidence", "demo-only")
RANGE, ORDER, EQUAL = "number>INC0000005", "ORDERBYnumber", "number=INC0000005"


def key(n: int) -> str:
    return f"{n:032x}"


def row(n: int, **values: str) -> dict[str, str]:
    """Incident number ``n``, updated ``n`` minutes after midnight."""
    at = f"2026-10-31 {n // 60:02}:{n % 60:02}:00"
    return {
        "sys_id": key(n),
        "sys_class_name": "incident",
        "number": f"INC{n:07}",
        "short_description": f"Ticket {n}",
        "sys_created_on": at,
        "sys_updated_on": at,
        "sys_mod_count": "0",
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


def rows(simulator: Simulator, table: str, query: str = "") -> list[dict[str, str]]:
    found: list[dict[str, str]] = get(simulator, table, query=query, exclude_reference_link="true").json()["result"]
    return found


# ------------------------------------------------------------------ rights


def test_a_query_acl_refuses_ranges_and_orders_only(simulator: Simulator) -> None:
    simulator.refuse_ranges("incident")
    for query in (RANGE, ORDER, "numberLIKE5", f"{EQUAL}^ORnumber>INC0000007", f"{EQUAL}^NQ{RANGE}"):
        response = get(simulator, query=query)
        assert response.status_code == 403, query
        assert response.json()["error"] == {
            "message": "Insufficient rights to query records",
            "detail": "Field(s) present in the query do not have permission to be read",
        }
    assert len(get(simulator, query=EQUAL).json()["result"]) == 1
    assert get(simulator, "problem", query=RANGE).status_code == 200
    simulator.allow_ranges("incident")
    assert len(get(simulator, query=RANGE).json()["result"]) == 4


@pytest.mark.parametrize(("how", "is_sorted"), [(Refusal.EMPTY, True), (Refusal.UNSORTED, False)])
def test_a_query_acl_can_be_silent(simulator: Simulator, how: Refusal, is_sorted: bool) -> None:
    simulator.refuse_ranges("incident", how)
    empty = get(simulator, query=RANGE)
    assert (empty.json()["result"], empty.headers["X-Total-Count"]) == ([], "0")
    assert len(get(simulator, query=EQUAL).json()["result"]) == 1
    pages = [[found["number"] for found in rows(simulator, "incident", ORDER)] for _ in range(3)]
    assert all(page == sorted(page) for page in pages) == is_sorted
    assert len(pages[0]) == 10


def test_a_field_can_be_kept_out_of_queries(simulator: Simulator) -> None:
    simulator.withhold("incident", "number", in_queries=True)
    assert get(simulator, query=EQUAL).status_code == 403
    assert get(simulator, query=ORDER).status_code == 403
    assert "number" not in rows(simulator, "incident")[0]
    simulator.reveal("incident", "number")
    assert "number" in rows(simulator, "incident", EQUAL)[0]


def test_counts_can_be_missing_for_a_table(simulator: Simulator) -> None:
    simulator.uncounted.add("incident")
    assert "X-Total-Count" not in get(simulator).headers
    assert get(simulator, "problem").headers["X-Total-Count"] == "0"
    url = f"{simulator.url}/api/now/stats/incident?sysparm_count=true"
    assert requests.get(url, auth=BASIC, timeout=5).json() == {"result": {"stats": {"count": "10"}}}


# ------------------------------------------------------------------ deletions, archives, classes


@pytest.mark.parametrize(("audit", "log"), [(True, False), (False, True), (True, True), (False, False)])
def test_deletions_leave_the_traces_that_are_asked_for(simulator: Simulator, audit: bool, log: bool) -> None:
    simulator.remove("incident", key(3), audit=audit, deleted_table=log)
    assert rows(simulator, "incident", f"sys_id={key(3)}") == []
    assert [(r["tablename"], r["documentkey"], r["fieldname"]) for r in simulator.rows("sys_audit").values()] == (
        [("incident", key(3), "DELETED")] if audit else []
    )
    logged = simulator.rows("sys_audit_delete").values()
    assert [(r["tablename"], r["documentkey"], r["display_value"]) for r in logged] == (
        [("incident", key(3), "INC0000003")] if log else []
    )
    with pytest.raises(KeyError):
        simulator.remove("incident", key(3))


def test_a_row_comes_back_under_its_sys_id(simulator: Simulator) -> None:
    before = rows(simulator, "incident", f"sys_id={key(3)}")
    simulator.remove("incident", key(3), audit=True)
    simulator.restore(key(3))
    assert rows(simulator, "incident", f"sys_id={key(3)}") == before
    assert [r["fieldname"] for r in rows(simulator, "sys_audit", "ORDERBYrecord_checkpoint")] == [
        "DELETED",
        "RECOVERED",
    ]


def test_an_archived_row_is_in_a_table_of_its_own(simulator: Simulator) -> None:
    assert get(simulator, "ar_incident").status_code == 400
    simulator.archive("incident", key(3))
    assert rows(simulator, "incident", f"sys_id={key(3)}") == []
    (archived,) = rows(simulator, "ar_incident")
    assert (archived["sys_id"], archived["sys_archived"]) == (key(3), "2026-11-01 02:30:00")


def test_a_row_of_a_child_table_is_a_row_of_its_base(simulator: Simulator) -> None:
    simulator.extend("incident", "task")
    simulator.extend("problem", "task")
    assert len(rows(simulator, "task")) == 10
    simulator.put("problem", [row(20, sys_class_name="problem", known_error="true")])
    (shown,) = rows(simulator, "task", "sys_class_name=problem")
    assert shown["sys_id"] == key(20)
    assert "known_error" not in shown, "a base table has its own columns only"
    simulator.edit("problem", key(20), short_description="changed")
    assert rows(simulator, "task", "sys_class_name=problem")[0]["short_description"] == "changed"
    simulator.remove("problem", key(20))
    assert rows(simulator, "task", "sys_class_name=problem") == []


def test_a_row_that_changes_its_class_stays_in_the_base(simulator: Simulator) -> None:
    simulator.extend("incident", "task")
    simulator.extend("problem", "task")
    simulator.reclassify(key(3), "incident", "problem")
    assert rows(simulator, "incident", f"sys_id={key(3)}") == []
    for table in ("problem", "task"):
        (moved,) = rows(simulator, table, f"sys_id={key(3)}")
        assert (moved["sys_class_name"], moved["sys_mod_count"]) == ("problem", "1")
        assert moved["sys_updated_on"] == "2026-11-01 02:30:00"


# ------------------------------------------------------------------ changes and the clock


def test_edits_move_the_time_and_silent_ones_do_not(simulator: Simulator) -> None:
    simulator.edit("incident", key(1), state="6")
    simulator.edit("incident", key(2), NOW - timedelta(minutes=1), state="6")
    simulator.edit_silently("incident", key(3), state="6")
    simulator.edit_silently("incident", key(4), is_counted=False, state="6")
    found = {r["sys_id"]: (r["sys_updated_on"], r["sys_mod_count"]) for r in rows(simulator, "incident", "state=6")}
    assert found == {
        key(1): ("2026-11-01 02:30:00", "1"),
        key(2): ("2026-11-01 02:29:00", "1"),
        key(3): ("2026-10-31 00:03:00", "1"),
        key(4): ("2026-10-31 00:04:00", "0"),
    }


def test_a_late_commit_has_an_older_time(simulator: Simulator) -> None:
    simulator.commit_late("incident", [row(30)], NOW + timedelta(seconds=40))
    simulator.advance(NOW + timedelta(seconds=39))
    assert len(rows(simulator, "incident")) == 10
    simulator.advance(NOW + timedelta(seconds=40))
    assert rows(simulator, "incident", f"sys_id={key(30)}")[0]["sys_updated_on"] == "2026-10-31 00:30:00"


def test_the_date_can_be_off(simulator: Simulator) -> None:
    simulator.skew = timedelta(minutes=-5)
    assert parsedate_to_datetime(get(simulator).headers["Date"]) == NOW - timedelta(minutes=5)


def test_a_zone_changes_labels_and_if_told_literals(simulator: Simulator) -> None:
    simulator.move_account("Asia/Tokyo")
    simulator.put("incident", [row(3, business_duration="1970-01-01 02:00:00")])
    query = "sys_updated_on=2026-10-31 00:03:00"
    (both,) = get(simulator, query=query, display_value="all").json()["result"]
    assert both["sys_updated_on"] == {"display_value": "2026-10-31 09:03:00", "value": "2026-10-31 00:03:00"}
    assert both["business_duration"]["display_value"] == "1970-01-01 02:00:00", "a length of time has no zone"
    assert rows(simulator, "sys_user", "user_name=evidence")[0]["time_zone"] == "Asia/Tokyo"
    simulator.literals_in_user_zone = True
    assert rows(simulator, "incident", query) == []
    assert len(rows(simulator, "incident", "sys_updated_on=2026-10-31 09:03:00")) == 1
    assert len(rows(simulator, "incident", "sys_updated_onBETWEEN2026-10-31 09:03:00@2026-10-31 09:05:00")) == 3


# ------------------------------------------------------------------ sessions and quotas


def test_a_session_serves_one_request_at_a_time(simulator: Simulator) -> None:
    pair = Barrier(2)

    def ask(session: requests.Session) -> int:
        return session.get(f"{simulator.url}/api/now/table/incident", auth=BASIC, timeout=10).status_code

    with requests.Session() as one, requests.Session() as two, ThreadPoolExecutor(2) as pool:
        assert (ask(one), ask(two)) == (200, 200)
        assert one.cookies["JSESSIONID"] != two.cookies["JSESSIONID"]
        kept = one.cookies["JSESSIONID"]
        simulator.before = lambda request: pair.wait(timeout=10) and None
        assert list(pool.map(ask, (one, two))) == [200, 200], "two sessions do not disturb each other"

        def overlap(request: Request) -> None:
            simulator.before = None
            seen.append(ask(one))

        seen: list[int] = []
        simulator.before = overlap
        assert ask(one) == 200
        assert seen == [202]
        assert one.cookies["JSESSIONID"] == kept
        assert ask(one) == 200


def test_a_quota_ends_until_it_is_renewed(simulator: Simulator) -> None:
    simulator.ration(2)
    answers = [get(simulator) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 429, 429]
    assert answers[3].headers["Retry-After"] == "3600"
    assert answers[3].headers["X-RateLimit-Limit"] == "2"
    assert answers[3].json()["error"]["detail"] == "Rate limit of 2 requests per hour for Table API exceeded"
    simulator.ration(1)
    assert [get(simulator).status_code for _ in range(2)] == [200, 429]
    simulator.heal()
    assert get(simulator).status_code == 200


def test_long_transactions_are_cancelled(simulator: Simulator) -> None:
    simulator.transaction_rows = 4
    assert get(simulator, query=ORDER, limit=5).json()["error"]["message"].startswith("Transaction cancelled")
    assert "error" not in get(simulator, query=ORDER, limit=4).json()


def test_a_second_factor_and_a_held_connection(simulator: Simulator) -> None:
    simulator.fail(Fault.SECOND_FACTOR)
    refused = get(simulator)
    assert (refused.status_code, "X-MFA_TOKEN" in refused.headers) == (401, True)
    simulator.fail(Fault.HELD, pause=60)
    with pytest.raises(requests.ReadTimeout):
        requests.get(f"{simulator.url}/api/now/table/incident", auth=BASIC, timeout=0.2)
    assert get(simulator).status_code == 200


# ------------------------------------------------------------------ other interfaces


def test_one_record_by_its_sys_id(simulator: Simulator) -> None:
    simulator.hide("incident", key(4))
    found = get(simulator, f"incident/{key(3)}", fields="number")
    assert found.json() == {"result": {"number": "INC0000003"}}
    for missing in (key(4), "f" * 32):
        absent = get(simulator, f"incident/{missing}")
        assert (absent.status_code, absent.json()["error"]["message"]) == (404, "No Record found")


def test_the_first_version_has_no_empty_result(simulator: Simulator) -> None:
    url = f"{simulator.url}/api/now/v1/table"
    assert requests.get(f"{url}/problem", auth=BASIC, timeout=5).status_code == 404
    assert len(requests.get(f"{url}/incident", auth=BASIC, timeout=5).json()["result"]) == 10


def test_several_requests_in_one(simulator: Simulator) -> None:
    targets = [f"/api/now/table/incident?sysparm_query={EQUAL}&sysparm_fields=number", "/api/now/table/no_such_table"]
    asked = [{"id": str(n), "method": "GET", "url": target, "headers": []} for n, target in enumerate(targets)]
    body = {"batch_request_id": 7, "rest_requests": asked}
    url = f"{simulator.url}/api/now/v1/batch"
    answer = requests.post(url, json=body, auth=BASIC, timeout=5).json()
    assert (answer["batch_request_id"], answer["unserviced_requests"]) == ("7", [])
    assert [part["status_code"] for part in answer["serviced_requests"]] == [200, 400]
    assert base64.b64decode(answer["serviced_requests"][0]["body"]) == b'{"result":[{"number":"INC0000005"}]}'
    assert requests.post(url, json={"rest_requests": []}, auth=BASIC, timeout=5).status_code == 400
    assert requests.post(url, json=body, timeout=5).status_code == 401
