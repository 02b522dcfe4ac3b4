"""Custom fields are found by type, then by name; what is ambiguous is refused with the line to paste, never guessed.

Real sites (set SMS_EVIDENCE_REAL_DATA) have duplicate names, names of unreadable types and dozens of SLA fields.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from connectors import Column
from connectors.jira import STREAMS
from connectors.jira.discovery import RULES, Field, discover, parse, scoped
from connectors.jira.streams import CUSTOM, ISSUE, SLA_SLOTS

SELECT = "com.atlassian.jira.plugin.system.customfieldtypes:select"
SLA = "com.atlassian.servicedesk:sd-sla-field"


def described(number: int, name: str, type_: str = "option", custom: str = SELECT, **more: object) -> bytes:
    schema = {"type": type_, "custom": custom, "customId": number}
    return json.dumps({"id": f"customfield_{number}", "name": name, "custom": True, "schema": schema} | more).encode()


def columns(*records: bytes, fields: Mapping[str, str] | None = None) -> Mapping[str, Column]:
    return discover(parse(records), fields or {}).columns()


def test_a_choice_is_read_at_its_value_and_a_text_as_it_stands() -> None:
    found = columns(
        described(10005, "Change type"),
        described(10006, "change RISK", "string", "com.atlassian.jira.plugin.system.customfieldtypes:textfield"),
    )
    assert found["change_type"] == Column("fields.customfield_10005.value")
    assert found["change_risk"] == Column("fields.customfield_10006")


def test_a_type_of_its_own_is_known_whatever_its_name() -> None:
    found = columns(
        described(10030, "Freigaben", "sd-approvals", "com.atlassian.servicedesk.approvals-plugin:sd-approvals"),
        described(10031, "Approvals", "array"),
        described(10032, "Zufriedenheit", "any", "com.atlassian.servicedesk:sd-request-feedback"),
    )
    assert found["approvals"] == Column("fields.customfield_10030", "json")
    assert found["satisfaction"] == Column("fields.customfield_10032", "json")


def test_a_field_that_is_absent_leaves_its_column_empty() -> None:
    assert {name: column.path for name, column in columns().items() if name in CUSTOM} == dict.fromkeys(CUSTOM, "")


def test_every_custom_column_but_the_slas_has_a_rule() -> None:
    assert set(RULES) == {name for name in CUSTOM if not name.startswith("sla_")}


def test_a_name_alone_is_not_enough() -> None:
    found = columns(
        described(1, "Root cause", "array", "com.atlassian.jira.plugin.system.customfieldtypes:multicheckboxes"),
        described(2, "Planned start", "date", "com.atlassian.jira.plugin.system.customfieldtypes:datepicker"),
    )
    assert found["root_cause"].path == ""
    assert found["planned_start"].path == "", "a day is no moment: late or early could not be told"


def test_the_name_of_the_newer_template_goes_before_the_older() -> None:
    older, newer = described(1, "Change start date", "datetime"), described(2, "Planned start", "datetime")
    assert columns(older)["planned_start"] == Column("fields.customfield_1", "instant")
    assert columns(older, newer)["planned_start"] == Column("fields.customfield_2", "instant")


def test_two_that_fit_are_refused_with_the_line_to_paste() -> None:
    records = [described(11637, "Change reason"), described(10413, "Change reason")]
    undecided = discover(parse(records), {})
    assert "change_reason" not in undecided.found
    assert undecided.columns()["change_reason"].path == ""
    message = undecided.explain()
    assert 'customfield_10413 "Change reason", customfield_11637 "Change reason"' in message
    assert 'change_reason = "customfield_10413"' in message

    assert columns(*records, fields={"change_reason": "customfield_11637"})["change_reason"] == Column(
        "fields.customfield_11637.value"
    )
    nothing = discover(parse(records), {"change_reason": ""})
    assert not nothing.ambiguous
    assert "change_reason" not in nothing.found


def test_several_of_a_type_are_told_apart_by_name() -> None:
    kind = "com.atlassian.jira.plugins.cmdb:cmdb-object-cftype"
    found = columns(described(1, "Laptop", "array", kind), described(2, "Affected assets", "array", kind))
    assert found["configuration_items"] == Column("fields.customfield_2", "json")
    assert discover(parse([described(1, "Laptop", "array", kind), described(3, "Phone", "array", kind)]), {}).ambiguous


def test_a_field_of_the_configuration_that_the_site_does_not_have_is_named() -> None:
    assert "customfield_9" in discover([], {"impact": "customfield_9"}).explain()


def test_a_field_of_another_project_alone_is_no_candidate() -> None:
    scope = {"type": "PROJECT", "project": {"id": "10001"}}
    fields = parse([described(1, "Impact"), described(2, "Impact", scope=scope)])
    assert discover(fields, {}, ["10000"]).found["impact"].id == "customfield_1"
    assert discover(fields, {}, ["10000", "10001"]).ambiguous


def test_slas_fill_the_slots_in_the_order_they_were_made() -> None:
    records = [described(n, f"Time to {n}", "sd-servicelevelagreement", SLA) for n in (12609, 12608)]
    found = columns(*records)
    assert found["sla_1"] == Column("fields.customfield_12608", "json")
    assert found["sla_2"] == Column("fields.customfield_12609", "json")
    assert found["sla_3"].path == ""
    chosen = columns(*records, fields={"sla_1": "customfield_12609"})
    assert (chosen["sla_1"].path, chosen["sla_2"].path) == ("fields.customfield_12609", "")


def test_more_slas_than_slots_are_refused() -> None:
    records = [described(n, f"Time to {n}", "sd-servicelevelagreement", SLA) for n in range(SLA_SLOTS + 1)]
    assert f"there are {SLA_SLOTS + 1} SLA fields" in discover(parse(records), {}).explain()


def test_fields_asked_for_have_a_fingerprint_that_tells_other_fields() -> None:
    one, same = (discover(parse([described(1, "Impact"), described(2, "Urgency")]), {}) for _ in range(2))
    other = discover(parse([described(1, "Impact")]), {})
    assert one.fingerprint() == same.fingerprint() != other.fingerprint()
    assert one.fields()[-2:] == ["customfield_1", "customfield_2"]
    assert len(set(one.fields())) == len(one.fields())


def test_records_that_cannot_be_read_are_passed_over() -> None:
    assert parse([b"{", b"\xff", b"[]", b'{"id":"summary","custom":false}', described(7, "Impact")]) == [
        Field("customfield_7", "Impact", "option", SELECT)
    ]
    assert scoped([b"{", b'{"id":"10000","key":"OPS"}', b'{"id":"10001","key":"HR"}'], ["OPS"]) == {"10000"}


def test_no_stage_column_goes_through_another() -> None:
    for stream in STREAMS:
        paths = {column.path for column in stream.columns.values() if column.path}
        assert not {p for p in paths for q in paths if q.startswith(f"{p}.")}, stream.name
    assert ISSUE.columns["sla_1"].kind == "json"


# --------------------------------------------------------------- real sites


@pytest.fixture(scope="module")
def sites() -> Mapping[str, list[bytes]]:
    folder = os.environ.get("SMS_EVIDENCE_REAL_DATA")
    if not folder:
        pytest.skip("SMS_EVIDENCE_REAL_DATA does not name the folder with the field metadata of real sites")
    document = json.loads(Path(folder, "jira-field-metadata", "jira_field_information.json").read_bytes())
    return {site: [json.dumps(one).encode() for one in fields] for site, fields in document.items()}


def test_real_sites_are_read_whole(sites: Mapping[str, list[bytes]]) -> None:
    assert len(sites) == 14
    assert sum(map(len, sites.values())) == 2407
    for fields in sites.values():
        custom = [one for one in fields if json.loads(one)["custom"]]
        assert len(parse(fields)) == len(custom)


def test_slas_of_real_sites_all_have_a_slot(sites: Mapping[str, list[bytes]]) -> None:
    slas = {
        site: sum(name.startswith("sla_") for name in discover(parse(fields), {}).found)
        for site, fields in sites.items()
    }
    assert {site: n for site, n in slas.items() if n} == {"JiraEcosystem": 20, "Mojang": 2, "MongoDB": 32}


def test_ambiguity_at_real_sites(sites: Mapping[str, list[bytes]]) -> None:
    undecided = {
        site: sorted(one.column for one in discover(parse(fields), {}).ambiguous) for site, fields in sites.items()
    }
    assert {site: columns for site, columns in undecided.items() if columns} == {
        "Apache": ["severity", "workaround"],
        "JiraEcosystem": ["team"],
    }


def test_pasting_the_lines_settles_a_real_site(sites: Mapping[str, list[bytes]]) -> None:
    for site, records in sites.items():
        fields = parse(records)
        lines = {one.column: one.candidates[0].id for one in discover(fields, {}).ambiguous}
        settled = discover(fields, lines)
        assert not settled.ambiguous, site
        assert set(lines) <= set(settled.found)


def test_a_real_service_desk_is_recognised(sites: Mapping[str, list[bytes]]) -> None:
    found = discover(parse(sites["JiraEcosystem"]), {}).columns()
    paths = {name: column.path for name, column in found.items()}
    assert paths["approvals"] == "fields.customfield_15280"
    assert paths["satisfaction"] == "fields.customfield_14880"
    assert paths["satisfaction_at"] == "fields.customfield_14881"
    assert paths["request_type"] == "fields.customfield_12982"
    assert paths["services"] == "fields.customfield_19615"
    assert paths["change_type"] == "fields.customfield_18001.value"
    assert paths["planned_start"] == "fields.customfield_19826"
    assert paths["implementation_plan"] == "fields.customfield_19823"
    assert paths["major_incident"] == "fields.customfield_19901"
