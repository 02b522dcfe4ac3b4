"""A whole night while issues come, change, move, and go: what is stored is what the account is shown, and why not.

Jira keeps no tombstones, so what became of an issue is told only as far as Jira tells it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from connectors.jira.simulator import Deployment, Request
from connectors.jira.simulator.faults import Fault
from tests.pipelines.faults.jira_fixtures import (
    NOW,
    START,
    Place,
    calm,
    cloud,
    issue,
    make_place,
    place,
)

__all__ = ["calm", "cloud", "place"]


def complete(made: Place) -> None:
    result = made.night()
    assert result.status == "complete", result.error


def kinds(made: Place) -> dict[str, str]:
    return {key: kind for key, (kind, _) in made.buried().items()}


@pytest.mark.fault(
    "jira",
    "J23",
    "The search lags behind: a change shows in it only minutes later",
    "The window of the next night begins 26 hours before this one: nothing is lost.",
)
def test_what_the_search_shows_late_is_read_the_next_night(place: Place) -> None:
    complete(place)
    place.simulator.lag(timedelta(minutes=10))
    place.simulator.put(
        issue(3, place.now - timedelta(minutes=1), summary="changed"),
        issue(300, place.now - timedelta(minutes=1)),
    )
    place.simulator.remove("20004")
    complete(place)
    assert "20300" not in place.stored(), "the site says nothing of it yet"
    assert not place.is_exact()
    complete(place)
    assert place.is_exact()
    assert place.histories() <= set(place.stored("changelog"))


def test_what_the_search_still_shows_after_its_deletion_is_named(place: Place) -> None:
    """An import brought an issue with an old time of update, which the census alone finds."""
    complete(place)
    place.simulator.put(issue(300, START))
    place.simulator.lag(timedelta(minutes=10))
    place.simulator.remove("20300")
    complete(place)
    # Data Center can be asked for many issues by the search alone
    assert ("20300" in place.stored()) == (place.simulator.deployment == "datacenter")
    complete(place)
    assert place.is_exact()


def test_an_issue_with_an_old_time_of_update_is_found_by_the_census(place: Place) -> None:
    complete(place)
    place.simulator.put(issue(300, START))
    complete(place)
    assert place.is_exact()


def once(act: Callable[[], None]) -> Callable[[Request], None]:
    """Acts once, before a request of the search is answered."""
    left = iter([act])

    def before(request: Request) -> None:
        if "search" in request.path and (due := next(left, None)) is not None:
            due()

    return before


@pytest.mark.fault(
    "jira",
    "J24",
    "An issue moves to another project",
    "Followed by its id; out of the projects read it is `moved`, with its key.",
)
def test_an_issue_that_moves_is_followed_by_its_id(place: Place) -> None:
    complete(place)
    place.simulator.move("20005", "FIN", 500)
    place.simulator.move("20006", "HR", 7)
    complete(place)
    assert place.is_exact()
    assert msgspec.json.decode(place.stored()["20005"])["key"] == "FIN-500"
    assert place.buried() == {"20006": ("moved", "it is HR-7 now, in project HR, which is not read")}
    place.simulator.move("20006", "OPS", 6)
    complete(place)
    assert place.is_exact()
    assert not place.buried()


@pytest.mark.fault(
    "jira", "J25", "An issue is put into the archive", "Buried as `archived`, with the day; never as deleted."
)
def test_an_archived_issue_is_told_from_a_deleted_one(place: Place) -> None:
    complete(place)
    place.simulator.archive("20005")
    complete(place)
    assert place.is_exact()
    ((kind, reason),) = place.buried().values()
    assert kind == "archived"
    assert reason == "OPS-5 is in Jira's archive since 2026-11-02, which its search does not show"


@pytest.mark.fault(
    "jira", "J26", "A project is put into the archive", "Named with its date; its issues are not taken for deleted."
)
def test_a_project_in_the_archive_is_named(place: Place) -> None:
    complete(place)
    place.simulator.put_away("FIN")
    complete(place)
    assert place.is_exact()
    assert len(place.buried()) == 10
    assert all("project FIN is archived since 2026-11-02" in reason for _, reason in place.buried().values())
    assert msgspec.json.decode(place.stored("project")["10002"])["archived"]
    place.simulator.bring_back("FIN")
    complete(place)
    assert place.is_exact()
    assert len(place.stored()) == 70


@pytest.mark.fault(
    "jira", "J27", "A project is put into the trash", "Named with its date; its issues are not taken for deleted."
)
def test_projects_in_the_trash_are_named(cloud: Place) -> None:
    complete(cloud)
    cloud.simulator.put_away("FIN", is_trashed=True)
    complete(cloud)
    assert {(kind, "in the trash since 2026-11-02" in why) for kind, why in cloud.buried().values()} == {
        ("not_visible", True)
    }
    cloud.simulator.put_away("OPS", is_trashed=True)
    complete(cloud)
    assert cloud.stored() == {}
    assert set(kinds(cloud).values()) == {"not_visible", "trashed"}
    cloud.simulator.bring_back("OPS")
    cloud.simulator.bring_back("FIN")
    complete(cloud)
    assert cloud.is_exact()


@pytest.mark.fault(
    "jira",
    "J28",
    "An issue is deleted",
    "Buried as `not_visible`: Jira says the same of a hidden one, and that is said.",
)
@pytest.mark.fault(
    "jira", "J29", "The right to see an issue is taken away", "As if deleted; alive again when it is back."
)
def test_deleted_and_hidden_issues_look_alike(place: Place) -> None:
    complete(place)
    place.simulator.remove("20005")
    place.simulator.hide("20006")
    complete(place)
    assert place.is_exact()
    assert kinds(place) == {"20005": "not_visible", "20006": "not_visible"}
    assert "a right was taken away" in place.buried()["20005"][1]
    place.simulator.show("20006")
    complete(place)
    assert place.is_exact()


@pytest.mark.fault(
    "jira",
    "J30",
    "Most issues are no longer shown: a right was taken away",
    "The run ends incomplete and buries nothing.",
)
def test_a_mass_loss_of_rights_buries_nothing(place: Place) -> None:
    complete(place)
    lost = [key for key in place.stored() if key < "20050"]
    place.simulator.hide(*lost)
    result = place.night()
    assert result.status == "incomplete"
    assert "was a right of the account taken away" in str(result.error)
    assert not place.buried()
    place.simulator.show(*lost)
    complete(place)
    assert place.is_exact()


@pytest.mark.fault(
    "jira", "J32", "Inside an issue Cloud shows 40 changes at most", "All come, from their own endpoint."
)
@pytest.mark.fault("jira", "J33", "Changes of one issue are spread over pages", "Put together by issue: none is lost.")
def test_long_histories_come_whole(place: Place) -> None:
    place.simulator.put(
        issue(400, START, changes=95),
        issue(401, START, changes=41),
        issue(402, START + timedelta(minutes=1), changes=50),
    )
    complete(place)
    assert set(place.stored("changelog")) == place.histories()
    assert sum(key.startswith("20400/") for key in place.stored("changelog")) == 95


@pytest.mark.fault(
    "jira",
    "J38",
    "A change is missing in the pages of changes",
    "The issue counts more than came, and gives it itself.",
)
def test_a_lost_change_is_noticed_by_the_issue_itself(cloud: Place) -> None:
    cloud.simulator.fail(Fault.LOST_HISTORY, times=3, path="changelog/bulkfetch")
    complete(cloud)
    assert set(cloud.stored("changelog")) == cloud.histories()


@pytest.mark.fault(
    "jira",
    "J34",
    "Data Center cuts pages by offset: an issue that leaves shifts the rest, and behind 10,000 comes an error",
    "Asked in windows of time of one page each: nothing shifts, and none is behind.",
)
def test_offsets_lose_nothing(tmp_path: Path, calm: None) -> None:
    made = make_place(tmp_path, "datacenter", *(issue(n, START + timedelta(hours=5 * n)) for n in range(120)))
    made.simulator.page_cap, made.simulator.result_window = 10, 1000
    gone = iter([str(20000 + n) for n in range(30)])
    made.simulator.before = lambda request: drop(made, gone) if request.path.endswith("search") else None
    made.night()
    made.simulator.before = None
    complete(made)
    assert made.is_exact()
    assert len(made.stored()) == 90
    made.simulator.stop()


def drop(made: Place, ids: Iterator[str]) -> None:
    if (id_ := next(ids, None)) is not None:
        made.simulator.remove(id_)


@pytest.mark.fault(
    "jira",
    "J36",
    "The log-in becomes another account, or ends, in the midst of a run",
    "Each stream ends with the question who we are: incomplete, nothing buried.",
)
@pytest.mark.parametrize(
    ("name", "value", "says"), [("account", "someone-else", "ended as someone-else"), ("token", "x", "")]
)
def test_another_account_in_the_midst_is_noticed(place: Place, name: str, value: str, says: str) -> None:
    complete(place)
    before = place.stored()
    usual = getattr(place.simulator, name)
    place.simulator.hide("20001", "20002")
    place.simulator.before = once(lambda: setattr(place.simulator, name, value))
    result = place.night()
    assert result.status == "incomplete"
    assert says in str(result.error)
    assert place.stored() == before
    place.simulator.before = None
    setattr(place.simulator, name, usual)
    complete(place)
    assert place.is_exact()


@pytest.mark.fault(
    "jira",
    "J37",
    "The account's time zone is far away, or its clocks change tonight",
    "Windows overlap by 26 hours: no update is lost at +14, at -12, nor in the hour that comes twice.",
)
@pytest.mark.parametrize("deployment", ["cloud", "datacenter"])
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12", "Europe/Amsterdam"])
def test_no_zone_loses_an_update(tmp_path: Path, calm: None, deployment: Deployment, zone: str) -> None:
    """An update in every half hour of the two days around the change of 25 October 2026."""
    made = make_place(tmp_path, deployment, *(issue(n, START) for n in range(96)), zone=zone)
    begin = datetime(2026, 10, 24, tzinfo=NOW.tzinfo)
    made.now = begin
    made.simulator.advance(begin)
    for round_ in range(3):
        complete(made)
        assert made.is_exact()
        times = [begin + timedelta(days=round_, minutes=30 * n) for n in range(48)]
        made.simulator.put(*(issue(48 * (round_ % 2) + n, at, summary=f"{at}") for n, at in enumerate(times)))
    made.simulator.stop()


@pytest.mark.fault(
    "jira", "J39", "A configured project is not shown to the account", "The run says so in one line, and reads nothing."
)
def test_a_project_that_is_not_shown_is_named(place: Place) -> None:
    complete(place)
    before = place.stored()
    place.simulator.deny("FIN")
    result = place.night()
    assert {r.status for r in place.results.values()} == {"incomplete", "skipped"}
    assert "not shown to" in str(result.error)
    assert "project FIN" in str(result.error)
    assert place.stored() == before
    place.simulator.allow("FIN")
    complete(place)
    assert place.is_exact()
