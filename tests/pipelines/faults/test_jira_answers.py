"""A whole night while a Jira site answers wrongly: either all is there, or the run says in one line that it is not.

The fault comes in the midst of the first, full read. Whatever it does, the next night without it is complete and exact.
"""

from __future__ import annotations

from email.utils import format_datetime

import pytest

from connectors.jira.simulator.faults import Fault
from tests.pipelines.faults.jira_fixtures import NOW, Place, calm, cloud, datacenter, place

__all__ = ["calm", "cloud", "datacenter", "place"]

ALWAYS = 100_000


def search(made: Place) -> str:
    return "search/jql" if made.simulator.deployment == "cloud" else "2/search"


def whole(made: Place) -> None:
    """A night that is complete: issues and changes are those that the site shows."""
    result = made.night()
    assert (result.status, result.source_count, result.warehouse_count) == ("complete", *[len(made.shown())] * 2), (
        result
    )
    assert made.is_exact()
    assert made.histories() <= set(made.stored("changelog"))
    assert {r.status for r in made.results.values()} == {"complete", "skipped"}


def cut_short(made: Place, says: str = "", stream: str = "issue") -> None:
    """A night that is incomplete and says why, and a complete one without the fault."""
    made.night()
    result = made.results[stream]
    error = str(result.error)
    assert result.status == "incomplete"
    assert says in error
    assert "\n" not in error
    assert "demo-only" not in error
    made.simulator.heal()
    whole(made)


@pytest.mark.fault("jira", "J1", "429 with Retry-After in whole seconds", "Waits as long as told, then carries on.")
@pytest.mark.fault("jira", "J2", "429 with Retry-After as a decimal", "Waits as long as told, then carries on.")
@pytest.mark.fault("jira", "J5", "429 without Retry-After", "Waits a random while, then carries on.")
@pytest.mark.parametrize("retry_after", ["1", "0.05", None])
def test_a_wait_that_a_run_can_afford_costs_a_repeat(place: Place, retry_after: str | None) -> None:
    plan = place.simulator.fail(Fault.RATE_LIMITED, after=2, path=search(place), retry_after=retry_after)
    whole(place)
    assert plan.times == 0


@pytest.mark.fault("jira", "J3", "429 with Retry-After as a date", "Read as a date; here too long: ends incomplete.")
@pytest.mark.fault(
    "jira", "J4", "429 with Retry-After of ten minutes", "Too long for a run: it ends incomplete, at once."
)
@pytest.mark.parametrize("retry_after", [format_datetime(NOW.replace(minute=40), usegmt=True), "600"])
def test_a_wait_that_a_run_cannot_afford_ends_it(place: Place, retry_after: str) -> None:
    place.simulator.fail(Fault.RATE_LIMITED, after=2, path=search(place), retry_after=retry_after)
    cut_short(place, "600 s")


@pytest.mark.fault("jira", "J6", "503 with Retry-After", "Waits as long as told, then carries on.")
@pytest.mark.fault("jira", "J7", "503 without Retry-After", "Asked again after a random while.")
@pytest.mark.fault("jira", "J8", "500", "Asked again; when it stays, the run ends incomplete.")
@pytest.mark.fault("jira", "J9", "502 from a gateway", "Asked again.")
@pytest.mark.fault("jira", "J10", "504 from a gateway", "Asked again.")
@pytest.mark.fault("jira", "J11", "An answer that is cut: by length, by chunks, or in its JSON", "Asked again.")
@pytest.mark.fault("jira", "J12", "200 with an empty body", "Asked again: it is not an empty page.")
@pytest.mark.fault("jira", "J13", "200 with a page of HTML", "Asked again; when it stays, the run ends incomplete.")
@pytest.mark.parametrize(
    ("fault", "retry_after"),
    [
        (Fault.UNAVAILABLE, "0.05"),
        (Fault.UNAVAILABLE, None),
        (Fault.SERVER_ERROR, None),
        (Fault.BAD_GATEWAY, None),
        (Fault.GATEWAY_TIMEOUT, None),
        (Fault.CUT_BODY, None),
        (Fault.CUT_CHUNKS, None),
        (Fault.CUT_JSON, None),
        (Fault.EMPTY, None),
        (Fault.HTML, None),
    ],
    ids=lambda value: getattr(value, "name", str(value)),
)
def test_a_passing_fault_loses_nothing(cloud: Place, fault: Fault, retry_after: str | None) -> None:
    plan = cloud.simulator.fail(fault, after=1, path="search/jql", retry_after=retry_after)
    whole(cloud)
    assert plan.times == 0


def test_passing_faults_lose_nothing_on_data_center(datacenter: Place) -> None:
    """One after the other in one read: each costs a repeat."""
    plans = [
        datacenter.simulator.fail(fault, after=3 * n, path="2/search")
        for n, fault in enumerate((Fault.SERVER_ERROR, Fault.CUT_JSON, Fault.EMPTY, Fault.HTML, Fault.CUT_CHUNKS))
    ]
    whole(datacenter)
    assert {plan.times for plan in plans} == {0}


@pytest.mark.parametrize("fault", [Fault.CUT_JSON, Fault.EMPTY, Fault.ERROR_ONLY], ids=lambda fault: fault.name)
def test_a_passing_fault_loses_no_change(cloud: Place, fault: Fault) -> None:
    plan = cloud.simulator.fail(fault, after=1, path="changelog/bulkfetch")
    whole(cloud)
    assert plan.times == 0


@pytest.mark.parametrize("fault", [Fault.SERVER_ERROR, Fault.HTML, Fault.EMPTY], ids=lambda fault: fault.name)
def test_a_fault_that_stays_ends_the_run_incomplete(place: Place, fault: Fault) -> None:
    place.simulator.fail(fault, times=ALWAYS, after=2, path=search(place))
    cut_short(place)


@pytest.mark.fault(
    "jira",
    "J14",
    "200 as to an anonymous visitor (X-Seraph-LoginReason), with no issue",
    "Refused: the run ends incomplete, nothing is taken for deleted.",
)
def test_an_answer_as_to_a_visitor_is_no_answer(place: Place) -> None:
    assert place.night().status == "complete"
    place.simulator.fail(Fault.ANONYMOUS, times=ALWAYS, path=search(place))
    before = place.stored()
    assert place.night().status == "incomplete"
    assert place.stored() == before
    assert not place.buried()
    place.simulator.heal()
    whole(place)


@pytest.mark.fault("jira", "J15", "The same page token twice", "Walks once more from what was reached; never endless.")
@pytest.mark.fault("jira", "J16", "No page token although it is not the last page", "Walks once more from there.")
@pytest.mark.fault("jira", "J17", "isLast is missing", "The token decides.")
@pytest.mark.fault("jira", "J18", "Page tokens expire", "Walks once more from what was reached; then ends incomplete.")
@pytest.mark.fault("jira", "J19", "nextPageToken is null on the last page", "Taken for none.")
@pytest.mark.parametrize("path", ["search/jql", "changelog/bulkfetch"])
@pytest.mark.parametrize(
    ("fault", "times", "is_complete"),
    [
        (Fault.REPEATED_TOKEN, 1, True),
        (Fault.NO_TOKEN, 1, True),
        (Fault.NO_IS_LAST, ALWAYS, True),
        (Fault.EXPIRED_TOKEN, 1, True),
        (Fault.NULL_TOKEN, ALWAYS, True),
        (Fault.REPEATED_TOKEN, ALWAYS, False),
        (Fault.EXPIRED_TOKEN, ALWAYS, False),
    ],
    ids=lambda value: getattr(value, "name", str(value)),
)
def test_tokens_that_go_wrong(cloud: Place, fault: Fault, times: int, is_complete: bool, path: str) -> None:
    cloud.simulator.fail(fault, times=times, after=2, path=path)
    if is_complete:
        whole(cloud)
    else:
        cut_short(cloud, stream="issue" if path == "search/jql" else "changelog")


@pytest.mark.fault("jira", "J20", "A page in the midst is shorter than asked for", "It ends nothing.")
@pytest.mark.fault("jira", "J21", "A page in the midst is empty", "It ends nothing; on Data Center it is asked again.")
@pytest.mark.parametrize("fault", [Fault.SHORT_PAGE, Fault.EMPTY_PAGE], ids=lambda fault: fault.name)
def test_short_and_empty_pages_end_nothing(place: Place, fault: Fault) -> None:
    place.simulator.fail(fault, times=2, after=2, path=search(place))
    whole(place)


@pytest.mark.fault(
    "jira", "J22", "410: the interface was removed", "The run ends incomplete and asks for a newer version."
)
def test_an_interface_that_was_removed_is_named(place: Place) -> None:
    place.simulator.fail(Fault.GONE, times=ALWAYS, path=search(place))
    cut_short(place, "newer version")


@pytest.mark.fault(
    "jira",
    "J31",
    "issueErrors: trouble with one of the named issues",
    "Asked for again; when it stays, the run ends incomplete. Never taken for deleted.",
)
def test_trouble_with_an_issue_is_not_its_absence(cloud: Place) -> None:
    assert cloud.night().status == "complete"
    cloud.simulator.archive("20007")
    cloud.simulator.archive("20008")
    cloud.simulator.fail(Fault.ISSUE_ERRORS, times=ALWAYS, path="issue/bulkfetch")
    result = cloud.night()
    assert (result.status, "20007" in str(result.error)) == ("incomplete", True)
    assert not cloud.buried(), "nothing is said of them"
    cloud.simulator.heal()
    cloud.simulator.fail(Fault.ISSUE_ERRORS, times=1, path="issue/bulkfetch")
    whole(cloud)
    assert {key: kind for key, (kind, _) in cloud.buried().items()} == {"20007": "archived", "20008": "archived"}


@pytest.mark.fault(
    "jira", "J35", "A field can't be read", "failFast makes it an error: the run ends incomplete, no value is lost."
)
def test_a_field_that_cannot_be_read_is_an_error(cloud: Place) -> None:
    cloud.simulator.fail(Fault.FIELD_FAILED, times=ALWAYS, after=1, path="search/jql")
    cut_short(cloud)
