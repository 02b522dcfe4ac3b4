"""``check`` tries everything that a run needs, one line each, and says which right is missing instead of stopping."""

from __future__ import annotations

import json
from pathlib import Path
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


# ------------------------------------------------------- what is configured wrongly


def test_a_wrong_token_is_named(site: Any) -> None:
    del site.routes["2/serverInfo"]
    site.routes["3/myself"] = lambda *_: (401, {}, {"message": "Client must be authenticated"})
    ((subject, (is_ok, message, _)),) = found(site).items()
    assert (subject, is_ok) == ("log-in and projects", False)
    assert "check the log-in in the environment" in message


def test_a_visitor_is_no_log_in(site: Any) -> None:
    refused = {"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"}
    site.routes["3/myself"] = lambda *_: (200, refused, {"accountId": None})
    message = found(site)["log-in and projects"][1]
    assert "anonymous visitor" in message or "says Server" in message


def test_the_other_deployment_is_named_although_its_log_in_fails(site: Any) -> None:
    """Data Center has no version 3 of the interface: all that comes is 404."""
    site.routes["3/myself"] = lambda *_: (404, {}, {})
    assert 'set deployment = "cloud" or "datacenter"' in found(site)["log-in and projects"][1]


def test_a_project_that_was_put_away_or_renamed_is_named(site: Any) -> None:
    away = {"id": "10001", "key": "OLD", "deleted": True, "deletedDate": "2026-10-30T10:00:00.000+0000"}
    kept = {"id": "10002", "key": "ARC", "archived": True, "archivedDate": "2026-09-01T10:00:00.000+0000"}
    shown = site.routes["3/project/search"]
    asked: list[str] = []

    def projects(query: dict[str, str], body: object) -> object:
        asked.append(query.get("status", ""))
        return {"values": [away, kept], "isLast": True} if "status" in query else shown(query, body)

    site.routes["3/project/search"] = projects
    is_ok, message, count = found(site, projects=["OPS", "OLD", "ARC"])["projects"]
    assert (is_ok, count) == (False, 1)
    assert "project OLD is in the trash since 2026-10-30; project ARC is archived since 2026-09-01" in message
    assert asked[:2] == ["", "archived"], "asked for only when one is missing"
    site.routes["3/project/WAS"] = lambda *_: {"id": "10000", "key": "OPS"}
    message = found(site, projects=["WAS"])["log-in and projects"][1]
    assert "WAS is called OPS now" in message
    assert "Browse projects" in message


def test_a_site_that_cannot_list_the_archive_names_the_project_as_missing(site: Any) -> None:
    shown = site.routes["3/project/search"]
    site.routes["3/project/search"] = lambda query, body: (
        (400, {}, {"errorMessages": ["status"]}) if "status" in query else shown(query, body)
    )
    assert "not shown to u1: project OLD" in found(site, projects=["OPS", "OLD"])["log-in and projects"][1]


def test_the_time_zone_is_a_note(site: Any) -> None:
    is_ok, message, _ = found(site)["time zone"]
    assert is_ok
    assert "Europe/Amsterdam (+0100)" in message
    site.routes["3/myself"] = lambda *_: {"accountId": "u1", "timeZone": "Mars/Olympus"}
    assert "overlap of 26 h" in found(site)["time zone"][1]


def test_an_address_that_redirects_is_named(site: Any) -> None:
    moved = {"Location": "https://sso.example.com/login?next=secret"}
    site.routes["3/myself"] = lambda *_: (302, moved, {})
    message = found(site)["log-in and projects"][1]
    assert "redirects to https://sso.example.com/login" in message
    assert "secret" not in message


def test_a_private_ca_that_is_not_there_is_named(site: Any, tmp_path: Path) -> None:
    message = found(site, network={"ca_file": str(tmp_path / "none.pem")})["log-in and projects"][1]
    assert "network.ca_file" in message
    assert "can't be read" in message


def test_an_estimate_far_above_what_is_shown_is_a_note(site: Any) -> None:
    site.routes["3/search/approximate-count"] = lambda *_: {"count": 500}
    is_ok, message, count = found(site)["issue"]
    assert (is_ok, count) == (True, 2)
    assert message == "readable; the site estimates 500 issues in OPS and shows 2, asked twice"
