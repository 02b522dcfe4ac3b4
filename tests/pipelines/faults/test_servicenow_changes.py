"""A whole night after rights were changed, rows were deleted, moved or changed in silence: what is stored follows.

What was deleted is told from what was archived, moved or hidden, and nothing is buried while a right is missing.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from connectors.servicenow.simulator import Refusal
from tests.pipelines.faults.servicenow_fixtures import (
    ROWS,
    Place,
    assert_equal_state,
    calm,
    cut_short,
    item,
    key,
    place,
    whole,
)

__all__ = ["calm", "place"]


@pytest.mark.fault(
    "servicenow",
    "F21",
    "A query ACL refuses ranges and orders (403), or lets them find nothing without a word",
    "Ends incomplete and names the rule to look for; nothing is buried. With the right back the next is complete.",
)
@pytest.mark.parametrize("how", list(Refusal), ids=lambda how: how.name)
@pytest.mark.parametrize("nights", [0, 1])
def test_ranges_that_are_refused(place: Place, how: Refusal, nights: int) -> None:
    for _ in range(nights):
        whole(place)
    place.simulator.refuse_ranges("incident", how)
    place.simulator.remove("incident", key(6), audit=True)
    says = (
        "drops the account's conditions or order" if how is Refusal.UNSORTED else "query ACL (query_range) on incident"
    )
    cut_short(place, says)
    place.simulator.allow_ranges("incident")
    result = whole(place)
    assert (result.deleted, result.warehouse_count) == (nights, ROWS - 1)


@pytest.mark.fault(
    "servicenow",
    "F21",
    "403: a field of the query may not be read",
    "Ends incomplete and names the table and its role; nothing is buried.",
)
@pytest.mark.parametrize("name", ["sys_updated_on", "sys_created_on"])
def test_a_field_of_the_query_that_may_not_be_read(place: Place, name: str) -> None:
    whole(place)
    place.simulator.withhold("incident", name, in_queries=True)
    cut_short(place, "incident", "role itil")
    place.simulator.reveal("incident", name)
    whole(place)


@pytest.mark.fault(
    "servicenow",
    "F23",
    "From one night on a field that comparing needs is missing from the rows (field ACL)",
    "Ends incomplete and names the field; nothing is taken for changed.",
)
@pytest.mark.parametrize("name", ["sys_updated_on", "sys_mod_count"])
def test_a_field_that_is_needed_disappears(place: Place, name: str) -> None:
    whole(place)
    place.simulator.withhold("incident", name)
    before = place.living()
    cut_short(place, name)
    assert place.living() == before
    place.simulator.reveal("incident", name)
    whole(place)


@pytest.mark.fault(
    "servicenow",
    "F23",
    "From one night on another field is missing from the rows (field ACL)",
    "Rows are kept without it, never with an empty value; unchanged rows keep the version that has it.",
)
def test_a_field_that_disappears_is_not_taken_for_empty(place: Place) -> None:
    whole(place)
    place.simulator.withhold("incident", "short_description")
    place.simulator.edit("incident", key(3), state="6")
    assert place.night().status == "complete"
    assert_equal_state(place, without=("short_description",))
    assert "short_description" not in place.living()[key(3)]
    assert place.living()[key(4)]["short_description"] == "as it was 4"


@pytest.mark.fault(
    "servicenow",
    "F23",
    "A field that was missing is shown again",
    "Rows that were read without it are read again.",
)
def test_a_field_that_is_shown_again_is_read(place: Place) -> None:
    place.simulator.withhold("incident", "short_description")
    assert place.night().status == "complete"
    place.simulator.reveal("incident", "short_description")
    whole(place)


@pytest.mark.fault(
    "servicenow",
    "F24",
    "Hard deletes, with and without a row in sys_audit and in sys_audit_delete",
    "Buried as `deleted` where anything tells of it, else as `not_visible`.",
)
@pytest.mark.parametrize(
    ("audit", "log", "kind", "said"),
    [
        (True, True, "deleted", "by admin at 2026-11-02 02:30:00 UTC, by sys_audit"),
        (True, False, "deleted", "by admin at 2026-11-02 02:30:00 UTC, by sys_audit"),
        (False, True, "deleted", "by admin at 2026-11-02 02:30:00 UTC, by sys_audit_delete"),
        (False, False, "not_visible", "nothing tells of a deletion"),
    ],
)
def test_rows_that_are_deleted(place: Place, audit: bool, log: bool, kind: str, said: str) -> None:
    whole(place)
    place.simulator.remove("incident", key(3), audit=audit, deleted_table=log)
    assert whole(place).deleted == 1
    ((found, reason),) = place.buried().values()
    assert found == kind
    assert said in reason
    assert whole(place).deleted == 0


@pytest.mark.fault(
    "servicenow", "F24", "A row is archived: it moves to ar_<table>", "Buried as `archived`; never as deleted."
)
def test_rows_that_are_archived(place: Place) -> None:
    whole(place)
    place.simulator.archive("incident", key(3))
    assert whole(place).deleted == 1
    assert place.buried()[key(3)] == ("archived", "moved to ar_incident at 2026-11-02 02:30:00 UTC")


@pytest.mark.fault(
    "servicenow",
    "F24",
    "A deleted row is brought back under the same sys_id (RECOVERED)",
    "A new version follows its tombstone; deleted again, it is buried again.",
)
@pytest.mark.parametrize("sleeps", [True, False])
def test_rows_that_come_back(place: Place, sleeps: bool) -> None:
    whole(place)
    place.simulator.remove("incident", key(3), audit=True)
    if sleeps:
        assert whole(place).deleted == 1
    place.simulator.restore(key(3))
    result = whole(place)
    assert (result.deleted, result.added + result.changed) == (0, int(sleeps))
    assert [version is None for version in place.versions(key(3))] == ([False, True, False] if sleeps else [False])
    place.simulator.remove("incident", key(3), audit=True)
    assert whole(place).deleted == 1
    assert place.buried()[key(3)][0] == "deleted"


def test_a_row_that_is_hidden_after_it_was_recovered_is_not_taken_for_deleted(place: Place) -> None:
    whole(place)
    place.simulator.remove("incident", key(3), audit=True)
    place.simulator.restore(key(3))
    place.simulator.hide("incident", key(3))
    whole(place)
    assert place.buried()[key(3)][0] == "not_visible"


def test_many_deletions_of_one_night_are_told_one_by_one(place: Place) -> None:
    """More than half of the table at once: believed, as the audit tells of each."""
    whole(place)
    for n in range(45):
        place.simulator.remove("incident", key(n), audit=True)
    assert whole(place).deleted == 45
    assert {kind for kind, _ in place.buried().values()} == {"deleted"}


def test_a_mass_loss_of_rights_buries_nothing(place: Place) -> None:
    whole(place)
    for n in range(45):
        place.simulator.hide("incident", key(n))
    cut_short(place, "45 of 70 stored records are no longer shown", "nothing tells of deletions")
    assert len(place.living()) == ROWS
    for n in range(45):
        place.simulator.show("incident", key(n))
    assert whole(place).deleted == 0


@pytest.mark.fault(
    "servicenow",
    "F25",
    "A change that leaves sys_updated_on alone; sys_mod_count moves",
    "The sweep compares the stamps; the row is fetched again in the same night.",
)
def test_silent_changes_that_are_counted(place: Place) -> None:
    whole(place)
    for n in (0, 33, 69):
        place.simulator.edit_silently("incident", key(n), short_description="changed in silence")
    result = whole(place)
    assert (result.changed, result.added) == (3, 0)


@pytest.mark.fault(
    "servicenow",
    "F25",
    "A change that leaves sys_updated_on and sys_mod_count alone",
    "Nothing in the source tells of it: found by the next full read (`sync --full`), not before.",
)
def test_silent_changes_that_nothing_counts(place: Place) -> None:
    whole(place)
    place.simulator.edit_silently("incident", key(3), is_counted=False, short_description="changed in silence")
    result = place.night()
    assert (result.status, result.changed) == ("complete", 0)
    assert place.living()[key(3)]["short_description"] == "as it was 3"
    result = place.night(full=True)
    assert (result.status, result.changed) == ("complete", 1)
    assert_equal_state(place)


@pytest.mark.fault(
    "servicenow",
    "F31",
    "A configuration item changes its class: it leaves one table and appears in another",
    "Buried in the one as `reclassified`, with the new class; a new version in the base table; no record is lost.",
)
def test_an_item_that_changes_its_class(place: Place) -> None:
    whole(place)
    gone = item(2001)["sys_id"]
    place.simulator.extend("cmdb_ci_appl", "cmdb_ci")
    place.simulator.reclassify(gone, "cmdb_ci_service", "cmdb_ci_appl")
    whole(place)
    assert place.buried("cmdb_ci_service") == {gone: ("reclassified", "now a cmdb_ci_appl, by cmdb_ci.sys_class_name")}
    assert place.living("cmdb_ci")[gone]["sys_class_name"] == "cmdb_ci_appl"
    place.simulator.reclassify(gone, "cmdb_ci_appl", "cmdb_ci_service")
    whole(place)
    assert gone in place.living("cmdb_ci_service")
    assert [version is None for version in place.versions(gone, "cmdb_ci_service")] == [False, True, False]
    assert [version is None for version in place.versions(gone, "cmdb_ci")] == [False] * 3


def test_an_item_that_changes_its_class_between_two_tables_of_one_night(place: Place) -> None:
    """It has left the table that is still to be read when the base table was read before."""
    moved = item(2001)["sys_id"]
    place.simulator.extend("cmdb_ci_appl", "cmdb_ci")
    whole(place)

    def move(request: object) -> None:
        if getattr(request, "table", "") == "cmdb_ci_service":
            place.simulator.before = None
            place.simulator.reclassify(moved, "cmdb_ci_service", "cmdb_ci_appl")

    place.simulator.before = move
    assert place.night().status == "complete"
    assert place.buried("cmdb_ci_service")[moved][0] == "reclassified"
    place.now += timedelta(minutes=5)
    place.simulator.advance(place.now)
    whole(place)
