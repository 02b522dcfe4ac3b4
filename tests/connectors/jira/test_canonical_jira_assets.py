"""Objects of Assets as configuration items. Protects: an issue's item is the object that it names, on Cloud by id and on
Data Center by key; without Assets, what issues name stays as it is; what nobody mapped is kept and marked unknown.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
import pytest

from connectors.jira.assets import stable
from connectors.jira.rendering import site
from connectors.jira.rendering.register import ATTRIBUTES
from connectors.jira.rendering.values import SERVICE_OBJECTS, WORKSPACE, Deployment
from connectors.sample import AS_OF, generate

if TYPE_CHECKING:
    from tests.connectors.conftest import Stage

T0 = datetime(2026, 10, 1, 8, tzinfo=UTC)


@pytest.fixture
def jira(make_stage: Callable[[str, str], Stage]) -> Stage:
    return make_stage("jira", "ops")


def attribute(jira: Stage, id_: str, name: str, type_: int = 0) -> None:
    jira.add("asset_attribute", id_, id=id_, name=name, type=type_)


def thing(jira: Stage, id_: str, *attributes: tuple[str, dict[str, object]], **values: object) -> None:
    given = [{"objectTypeAttributeId": owner, "objectAttributeValues": [value]} for owner, value in attributes]
    row = {"id": id_, "workspace_id": "w", "key": f"ITSM-{id_}", "label": f"srv-{id_}", "object_type": "Server"}
    jira.add("asset_object", f"w:{id_}", attributes=[json.dumps(one) for one in given], **{**row, **values})


def issue(jira: Stage, id_: str, items: list[object], **values: object) -> None:
    row = {"id": id_, "key": f"OPS-{id_}", "issuetype": "[System] Incident", "status": "Open", "updated": T0}
    jira.add("issue", id_, configuration_items=json.dumps(items), **{**row, **values})


def test_an_object_is_told_by_its_attributes(jira: Stage) -> None:
    attribute(jira, "1", "STATUS", 7)
    attribute(jira, "2", "Serial Number")
    attribute(jira, "3", "Owner", 2)
    attribute(jira, "4", "Support group", 4)
    attribute(jira, "5", "Description")
    attribute(jira, "6", "Last seen")
    thing(
        jira,
        "9",
        ("1", {"status": {"id": "3", "name": "in service"}, "displayValue": "in service"}),
        ("2", {"value": "HV0001"}),
        ("3", {"value": "x", "user": {"key": "ann", "displayName": "Ann"}}),
        ("4", {"value": "desk", "displayValue": "Desk", "group": {"name": "desk"}}),
        ("5", {"value": "In hall 3"}),
        ("6", {"value": "2026-09-30T06:00:00.000Z"}),
        created=T0,
        updated=T0,
    )
    issue(jira, "1", [], components=[json.dumps({"id": "10501", "name": "Desk"})])
    row = jira.rows("configuration_item")["w:9"]
    assert (row["name"], row["class"], row["description"]) == ("srv-9", "Server", "In hall 3")
    assert (row["status"], row["original_status"], row["serial_number"]) == ("in_use", "in service", "HV0001")
    assert (row["owner_id"], row["team_id"]) == ("ops:person:ann", "ops:team:10501")
    assert row["discovered_at"] == datetime(2026, 9, 30, 6, tzinfo=UTC)
    assert (row["created_at"], row["updated_at"]) == (T0, T0)
    assert row["evidence_id"] == "asset_object/w:9@1"
    assert row["source_url"] == "https://x/jira/servicedesk/assets/object/9"


def test_a_status_that_nobody_mapped_is_unknown_and_none_is_none(jira: Stage) -> None:
    attribute(jira, "1", "Phase", 7)
    thing(jira, "1", ("1", {"status": {"name": "Melting"}}))
    thing(jira, "2")
    found = {key: (row["status"], row["original_status"]) for key, row in jira.rows("configuration_item").items()}
    assert found == {"w:1": ("unknown", "Melting"), "w:2": (None, None)}


def test_names_of_attributes_and_of_statuses_are_those_of_the_configuration(jira: Stage) -> None:
    attribute(jira, "1", "Lebensphase")
    jira.mean("asset.attribute", Lebensphase="status")
    jira.mean("configuration_item.status", Betrieb="in_use")
    thing(jira, "1", ("1", {"value": "Betrieb"}))
    assert jira.rows("configuration_item")["w:1"]["status"] == "in_use"


def test_an_item_of_an_issue_is_the_object_that_it_names(jira: Stage) -> None:
    issue(jira, "1", [{"workspaceId": "w", "id": "w:9", "objectId": "9"}, {"workspaceId": "w", "objectId": "8"}])
    thing(jira, "9")
    rows = jira.rows("configuration_item")
    assert {key: row["name"] for key, row in rows.items()} == {"w:9": "srv-9", "w:8": None}, (
        "w:8 is not shown in Assets"
    )
    assert jira.rows("incident")["1"]["configuration_item_id"] == "ops:configuration_item:w:9"


def test_data_center_names_an_object_by_its_key(jira: Stage) -> None:
    issue(jira, "1", ["An old name (ITSM-9)"])
    thing(jira, "9", workspace_id=None)
    rows = jira.rows("configuration_item")
    assert {key: row["name"] for key, row in rows.items()} == {"ITSM-9": "srv-9"}
    assert rows["ITSM-9"]["source_url"] == "https://x/secure/insight/assets/ITSM-9"


def test_a_reference_is_a_relation_called_like_its_attribute(jira: Stage) -> None:
    attribute(jira, "12", "Runs on", 1)
    other = {"referencedObject": {"id": "8", "objectKey": "ITSM-8", "label": "srv-8"}}
    thing(jira, "9", ("12", other), ("12", other))
    thing(jira, "7", ("12", {"referencedObject": {"globalId": "w:8", "id": "8"}}), ("2", {"value": "text"}))
    found = {key: (row["parent_id"], row["type"], row["child_id"]) for key, row in jira.rows("ci_relationship").items()}
    assert found == {
        "w:9/12/w:8": ("ops:configuration_item:w:9", "Runs on", "ops:configuration_item:w:8"),
        "w:7/12/w:8": ("ops:configuration_item:w:7", "Runs on", "ops:configuration_item:w:8"),
    }


def test_values_of_any_form_take_nothing_down(jira: Stage) -> None:
    attribute(jira, "1", "Status", 7)
    jira.load(
        "asset_object",
        {
            "1": b'{"id":1,"objectKey":"A-1","label":"a","attributes":null}',
            "2": b'{"id":2,"objectKey":"A-2","label":"b","attributes":[{"objectTypeAttributeId":1}]}',
            "3": b'{"id":3,"objectKey":"A-3","attributes":[{"objectTypeAttributeId":1,"objectAttributeValues":"x"}]}',
            "4": b'{"id":4,"objectKey":"A-4","attributes":[{"objectTypeAttributeId":1,"objectAttributeValues":[7,{}]}]}',
        },
    )
    assert jira.rows("configuration_item").keys() == {"A-1", "A-2", "A-3", "A-4"}
    assert jira.rows("ci_relationship") == {}


@pytest.mark.parametrize("deployment", ["cloud", "datacenter"])
def test_the_sample_s_items_and_relations_come_out_as_they_went_in(jira: Stage, deployment: Deployment) -> None:
    everything = generate(scale=0.05)
    whole = site(everything, AS_OF, deployment)
    for stream, name in (("asset_attribute", "attribute"), ("asset_object", "object")):
        jira.load(stream, {str(one["id"]): msgspec.json.encode(one) for one in whole.register[name]})

    def key(entity: str, number: object) -> str:
        id_ = int(str(number)) + (SERVICE_OBJECTS if entity == "service" else 0)
        return f"{WORKSPACE}:{id_}" if deployment == "cloud" else f"ITSM-{id_}"

    rows = jira.rows("configuration_item")
    items = {
        key("configuration_item", record.key): values
        for record in everything.of("configuration_item", "jira")
        if (values := record.at(AS_OF)) is not None
    }
    assert len(items) > 30
    for id_, values in items.items():
        row = rows[id_]
        assert (row["name"], row["status"], row["serial_number"], row["description"], row["discovered_at"]) == (
            values["name"],
            values["status"],
            values["serial_number"],
            values["description"],
            values["discovered_at"],
        )
        assert row["owner_id"] is not None
    services = [record for record in everything.of("service", "jira") if record.at(AS_OF) is not None]
    assert len(rows) == len(items) + len(services)
    expected = {
        (key(str(v["parent_entity"]), v["parent"]), str(v["type"]).partition("::")[0], key("", v["child"]))
        for record in everything.of("ci_relationship", "jira")
        if (v := record.at(AS_OF)) is not None
    }
    prefix = "ops:configuration_item:"
    assert expected == {
        (str(r["parent_id"]).removeprefix(prefix), r["type"], str(r["child_id"]).removeprefix(prefix))
        for r in jira.rows("ci_relationship").values()
    }
    assert {one["name"] for one in whole.register["attribute"]} == ATTRIBUTES.keys()


def test_an_item_seen_again_is_a_new_version_and_a_second_look_is_none() -> None:
    everything = generate(scale=0.02)
    first, second = (site(everything, AS_OF).register["object"] for _ in range(2))
    assert [stable(msgspec.json.encode(one)) for one in first] == [stable(msgspec.json.encode(one)) for one in second]
