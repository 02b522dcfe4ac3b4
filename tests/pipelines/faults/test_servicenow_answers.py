"""A whole night while an instance answers wrongly: either all is there, or the run says in one line that it is not.

The fault comes in the midst of the first, full read. Whatever it does, the next night without it is complete and equal.
"""

from __future__ import annotations

import pytest

from connectors.servicenow.simulator.faults import Fault
from tests.pipelines.faults.servicenow_fixtures import (
    ALWAYS,
    SECRETS,
    Place,
    assert_equal_state,
    calm,
    configure,
    cut_short,
    key,
    place,
    whole,
)

__all__ = ["calm", "place"]

CANCELLED = "Transaction cancelled: maximum execution time exceeded"


@pytest.mark.fault(
    "servicenow", "F7", "200 with rows and an error beside them: transaction cancelled", "Asked again; no row is taken."
)
@pytest.mark.fault("servicenow", "F8", "200 with no rows and an error beside them", "Asked again: no empty page.")
@pytest.mark.fault("servicenow", "F9", "200 with an error and no result", "Asked again.")
@pytest.mark.fault("servicenow", "F10", "200 with an error inside the list of rows: no JSON", "Asked again.")
@pytest.mark.fault(
    "servicenow", "F11", "A body that is cut: by its length, by chunks, in its JSON, or not sent", "Asked again."
)
@pytest.mark.fault("servicenow", "F12", "200 with a text among the rows", "Asked again.")
@pytest.mark.fault("servicenow", "F16", "429 without headers and with a page of HTML", "Asked again after a while.")
@pytest.mark.fault("servicenow", "F17", "202 without content", "Asked again: it is no answer.")
@pytest.mark.fault("servicenow", "F20", "500, 502 or 503 with a page of HTML", "Asked again.")
@pytest.mark.parametrize(
    "fault",
    [
        Fault.CANCELLED,
        Fault.CANCELLED_EMPTY,
        Fault.ERROR_ONLY,
        Fault.BROKEN_RECORD,
        Fault.CUT_BODY,
        Fault.CUT_CHUNKS,
        Fault.CUT_JSON,
        Fault.DISCONNECTED,
        Fault.TEXT_RECORD,
        Fault.BUSY,
        Fault.ACCEPTED,
        Fault.SERVER_ERROR,
        Fault.BAD_GATEWAY,
        Fault.UNAVAILABLE,
    ],
    ids=lambda fault: fault.name,
)
def test_a_passing_fault_loses_nothing(place: Place, fault: Fault) -> None:
    plan = place.simulator.fail(fault, after=7, table="incident")
    whole(place)
    assert plan.times == 0


@pytest.mark.parametrize("fault", [Fault.CANCELLED_EMPTY, Fault.CUT_JSON, Fault.ACCEPTED], ids=lambda fault: fault.name)
def test_a_passing_fault_loses_no_history(place: Place, fault: Fault) -> None:
    plan = place.simulator.fail(fault, table="sys_audit")
    whole(place)
    assert plan.times == 0


def test_one_fault_after_the_other_loses_nothing(place: Place) -> None:
    """Every one of them in one night, each on another request of the pages, the counts and the sweep."""
    faults = (Fault.CANCELLED, Fault.CUT_JSON, Fault.ACCEPTED, Fault.SERVER_ERROR, Fault.TEXT_RECORD, Fault.CUT_CHUNKS)
    plans = [place.simulator.fail(fault, after=3 * n, table="incident") for n, fault in enumerate(faults)]
    whole(place)
    assert {plan.times for plan in plans} == {0}


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (Fault.CANCELLED, CANCELLED),
        (Fault.ERROR_ONLY, "sent no list of records"),
        (Fault.BROKEN_RECORD, "cut or damaged"),
        (Fault.CUT_BODY, "cut or damaged"),
        (Fault.CUT_JSON, "cut or damaged"),
        (Fault.DISCONNECTED, "broke the connection off"),
        (Fault.TEXT_RECORD, "sent no list of records"),
        (Fault.BUSY, "429"),
        (Fault.ACCEPTED, "202"),
        (Fault.SERVER_ERROR, "500"),
        (Fault.UNAVAILABLE, "503"),
        (Fault.UNAUTHENTICATED, "check the log-in"),
        (Fault.FORBIDDEN, "role itil"),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_fault_that_stays_ends_the_run_incomplete(place: Place, fault: Fault, says: str) -> None:
    place.simulator.fail(fault, times=ALWAYS, after=7, table="incident")
    cut_short(place, says)
    assert {r.status for s, r in place.results.items() if s.startswith("cmdb")} == {"complete"}, "the others are read"
    place.simulator.heal()
    whole(place)


def test_a_fault_that_stays_buries_nothing_on_a_later_night(place: Place) -> None:
    whole(place)
    place.simulator.edit("incident", key(5), short_description="changed")
    place.simulator.remove("incident", key(6), audit=True)
    place.simulator.fail(Fault.CANCELLED_EMPTY, times=ALWAYS, table="incident")
    before = place.living()
    cut_short(place, CANCELLED)
    assert place.living() == before
    place.simulator.heal()
    result = whole(place)
    assert (result.changed, result.deleted) == (1, 1)


@pytest.mark.fault(
    "servicenow",
    "F13",
    "One poisoned record: any page that has it is broken JSON",
    "Pages are halved down to it, it is stepped over and named as a gap; all others arrive. Read when it is mended.",
)
@pytest.mark.parametrize("number", [0, 33, 69])
def test_one_poisoned_record_costs_itself(place: Place, number: int) -> None:
    place.simulator.poison("incident", key(number), "short_description")
    result = place.night()
    assert (result.status, result.quarantined, result.error) == ("complete", 1, None)
    assert set(place.living()) == set(place.shown()) - {key(number)}
    place.simulator.cure()
    assert whole(place).quarantined == 0


def test_a_stored_record_that_is_poisoned_later_stays_as_it_was(place: Place) -> None:
    whole(place)
    place.simulator.edit("incident", key(33), short_description="changed")
    place.simulator.poison("incident", key(33), "short_description")
    result = place.night()
    assert (result.status, result.quarantined, result.deleted) == ("complete", 1, 0)
    assert place.living()[key(33)]["short_description"] == "as it was 33"
    place.simulator.cure()
    assert whole(place).changed == 1


@pytest.mark.fault(
    "servicenow",
    "F14",
    "A transaction of more than 60 s is cancelled: pages of the configured size never come",
    "Asked for in smaller pages until they come; the run ends complete.",
)
def test_transactions_that_are_too_long_are_made_shorter(place: Place) -> None:
    place.simulator.transaction_rows = 40
    configure(place.path.parent, place.simulator.url, page_size=100)
    result = whole(place)
    assert result.requests > 8


@pytest.mark.fault(
    "servicenow", "F14", "The connection is held: not a byte comes", "Given up after the time for reading; asked again."
)
@pytest.mark.parametrize(("times", "is_complete"), [(2, True), (ALWAYS, False)])
def test_a_connection_that_is_held_is_given_up(place: Place, times: int, is_complete: bool) -> None:
    configure(place.path.parent, place.simulator.url, patience="read_seconds = 0.2\n")
    place.simulator.fail(Fault.HELD, times=times, after=7, table="incident", pause=60)
    if not is_complete:
        cut_short(place, "did not answer in time")
        place.simulator.heal()
        configure(place.path.parent, place.simulator.url)
    whole(place)


@pytest.mark.fault(
    "servicenow", "F14", "A body that drips", "Given up when the whole answer takes too long; asked again."
)
@pytest.mark.parametrize(("times", "is_complete"), [(1, True), (ALWAYS, False)])
def test_a_body_that_drips_is_given_up(place: Place, times: int, is_complete: bool) -> None:
    configure(place.path.parent, place.simulator.url, patience="deadline_seconds = 0.3\n")
    place.simulator.fail(Fault.SLOW, times=times, after=7, table="incident", piece=10, pause=0.05)
    if not is_complete:
        cut_short(place, "page size")
        place.simulator.heal()
        configure(place.path.parent, place.simulator.url)
    whole(place)


@pytest.mark.fault("servicenow", "F15", "429 with Retry-After and X-RateLimit headers", "Waits as long as told.")
def test_a_wait_that_a_run_can_afford_costs_a_repeat(place: Place) -> None:
    plan = place.simulator.fail(Fault.RATE_LIMITED, after=7, table="incident", retry_after="1")
    whole(place)
    assert plan.times == 0


@pytest.mark.fault(
    "servicenow",
    "F15",
    "The quota of requests is used up in mid-run: 429 with Retry-After: 3600 until the hour is over",
    "Ends incomplete at once and says so; the next runs carry on until one is complete.",
)
def test_a_quota_is_used_up_over_several_runs(place: Place) -> None:
    statuses = []
    for _ in range(12):
        place.simulator.ration(30)
        before = len(place.simulator.log)
        statuses.append(place.night().status)
        if {r.status for r in place.results.values()} == {"complete"}:
            break
        assert len(place.simulator.log) - before < 40, "a source that asks to wait is left alone"
        assert any("3600 s" in str(r.error) for r in place.results.values())
    assert statuses[0] == "incomplete"
    assert statuses[-1] == "complete"
    assert_equal_state(place)


@pytest.mark.fault(
    "servicenow", "F16", "429 with Retry-After: 3600 in plain HTML", "Too long for a run: it ends incomplete, at once."
)
def test_a_wait_that_a_run_cannot_afford_ends_it(place: Place) -> None:
    plan = place.simulator.fail(Fault.BUSY, times=ALWAYS, after=7, table="incident", retry_after="3600")
    cut_short(place, "3600 s")
    assert plan.times >= ALWAYS - 4, "it is not asked again"
    place.simulator.heal()
    whole(place)


TOKENS = 'auth = "oauth_password"\n'


@pytest.mark.fault(
    "servicenow",
    "F18",
    "401 in mid-run: the token expires every few requests",
    "A new one is fetched by the refresh token, once for all sessions; the run ends complete.",
)
@pytest.mark.parametrize("auth", ["oauth_password", "oauth_client_credentials"])
def test_tokens_that_expire_in_mid_run_are_renewed(place: Place, auth: str) -> None:
    configure(place.path.parent, place.simulator.url, f'auth = "{auth}"\n')
    place.simulator.accounts.token_uses = 20  # so many that no reader uses up what another has just fetched
    whole(place)
    assert place.simulator.accounts.issued > 2


@pytest.mark.fault(
    "servicenow",
    "F18",
    "401 in mid-run, and the token endpoint refuses as well",
    "Ends incomplete; the endpoint is asked once, as more would lock the account.",
)
def test_a_token_endpoint_that_refuses_ends_the_run(place: Place) -> None:
    configure(place.path.parent, place.simulator.url, TOKENS)
    place.simulator.accounts.token_uses = 20
    secret = place.simulator.accounts.client_secret

    def change(request: object) -> None:
        if place.simulator.accounts.issued == 1 and len(place.simulator.log) > 15:
            place.simulator.accounts.client_secret = "another"

    place.simulator.before = change
    place.night()
    unread = [r for r in place.results.values() if r.status == "incomplete"]
    assert unread
    for result in unread:
        assert "oauth_token.do answered 401" in str(result.error)
        assert not any(value in str(result.error) for value in SECRETS.values() if value != "evidence")
    asked = [request for request in place.simulator.log if request.path == "/oauth_token.do"]
    assert len(asked) == 3, "the first token; the refresh token and the password, once each"
    place.simulator.before = None
    place.simulator.accounts.client_secret = secret
    whole(place)


@pytest.mark.fault(
    "servicenow",
    "F18",
    "401 with X-MFA_TOKEN: a second factor is asked for",
    "Ends incomplete and says what to change.",
)
def test_a_second_factor_is_named(place: Place) -> None:
    place.simulator.fail(Fault.SECOND_FACTOR, times=ALWAYS, after=7, table="incident")
    cut_short(place, "second factor", "multi-factor")
    place.simulator.heal()
    whole(place)


@pytest.mark.fault(
    "servicenow", "F19", "302 to a log-in page", "Not followed; ends incomplete and says where it leads."
)
@pytest.mark.fault("servicenow", "F19", "200 with a page of HTML: Hibernating instance", "Ends incomplete, says so.")
@pytest.mark.parametrize(
    ("fault", "says"), [(Fault.LOGIN_PAGE, "login_redirect.do, a log-in page?"), (Fault.HIBERNATING, "hibernating")]
)
@pytest.mark.parametrize("nights", [0, 1])
def test_pages_for_people_are_no_rows(place: Place, fault: Fault, says: str, nights: int) -> None:
    for _ in range(nights):
        whole(place)
    place.simulator.fail(fault, times=ALWAYS, after=2)
    place.night()
    counted = [r for r in place.results.values() if r.stream != "sys_audit"]
    assert {r.status for r in counted} == {"incomplete"}
    assert all(says in str(r.error) for r in counted)
    assert sum(r.deleted for r in place.results.values()) == 0
    place.simulator.heal()
    whole(place)
