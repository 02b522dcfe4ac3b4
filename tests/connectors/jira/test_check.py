"""``check`` tries everything that a run needs, one line each, and says which right is missing instead of stopping."""

from __future__ import annotations

import json
from typing import Any

SLA = {"type": "sd-servicelevelagreement", "custom": "com.atlassian.servicedesk:sd-sla-field"}


def found(site: Any, **settings: object) -> dict[str, tuple[bool, str, int | None]]:
    return {one.subject: (one.is_ok, one.message, one.count) for one in site.made(**settings).check()}


def test_everything_readable_is_counted(site: Any) -> None:
    site.routes["3/issuetype"] = site.routes["3/status"]
    site.routes["3/changelog/bulkfetch"] = lambda *_: {
        "issueChangeLogs": [{"issueId": "1", "changeHistories": [{"id": "11"}]}]
    }
    findings = found(site)
    assert all(is_ok for is_ok, _, _ in findings.values()), findings
    counts = {subject: count for subject, (_, _, count) in findings.items()}
    assert counts == {
        "log-in": None,
        "time zone": None,
        "projects": 1,
        "field": 1,
        "project": 1,
        "status": 2,
        "issuetype": 2,
        "fields": None,
        "issue": 2,
        "changelog": None,
        "request_type": 0,
        "organization": 0,
    }
    assert findings["changelog"][1] == "readable; 1 changes of the newest issues"


def test_a_refused_log_in_is_one_line(site: Any) -> None:
    site.routes["3/myself"] = lambda *_: (401, {}, {})
    assert list(found(site)) == ["log-in and projects"]


def test_a_refused_stream_does_not_hide_the_others(site: Any) -> None:
    site.routes["3/status"] = lambda *_: (403, {}, {"errorMessages": ["no"]})
    findings = found(site)
    assert not findings["status"][0]
    assert findings["issue"] == (True, "readable", 2)


def test_no_issue_shown_asks_for_the_permission(site: Any) -> None:
    site.routes["3/search/jql"] = lambda *_: {"issues": [], "isLast": True}
    is_ok, message, count = found(site)["issue"]
    assert (is_ok, count) == (False, 0)
    assert "Browse projects" in message


def test_slas_that_are_not_shown_ask_for_an_agent_licence(site: Any) -> None:
    site.routes["3/field"] = lambda *_: [
        {"id": "customfield_1", "name": "Time to resolution", "custom": True, "schema": SLA}
    ]
    value: dict[str, object] = {"customfield_1": None}
    site.routes["3/search/jql"] = lambda *_: json.dumps({"issues": [{"id": "1", "fields": value}]}).encode()
    is_ok, message, _ = found(site)["SLAs"]
    assert not is_ok
    assert "agent licence" in message
    value["customfield_1"] = {"completedCycles": []}
    assert found(site)["SLAs"][0]


def test_an_undecided_field_is_a_finding_with_the_line_to_paste(site: Any) -> None:
    field = {"name": "Impact", "custom": True, "schema": {"type": "option"}}
    site.routes["3/field"] = lambda *_: [{"id": f"customfield_{n}", **field} for n in (7, 8)]
    is_ok, message, _ = found(site)["fields"]
    assert not is_ok
    assert 'impact = "customfield_7"' in message
    assert found(site, fields={"impact": ""})["fields"][0]
