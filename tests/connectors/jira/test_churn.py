"""Issues that are made, changed, moved, deleted and hidden at random, between the pages of a read and between reads.

Whatever happened: after one night in which nothing happens, what is stored is what the account is shown. The nights
before may end incomplete, if they say so; they may never end by an error of ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.jira.simulator import Deployment, Request
from tests.pipelines.faults.jira_fixtures import START, Place, issue, make_place

Kind = Literal["make", "import", "change", "move out", "move in", "delete", "hide", "show", "archive"]
KINDS: list[Kind] = ["make", "import", "change", "move out", "move in", "delete", "hide", "show", "archive"]
ACTIONS = st.tuples(st.sampled_from(KINDS), st.integers(0, 39))


def act(made: Place, kind: Kind, number: int, fresh: Iterator[int]) -> None:
    """One thing that users do. What can't be done (a deleted issue can't be moved) is left."""
    simulator, id_ = made.simulator, str(20000 + number)
    just_now = made.now + timedelta(seconds=number)
    is_there = id_ in {one.id for one in simulator.views().by_id.issues}
    if kind == "make":
        simulator.put(issue(next(fresh), just_now, summary=f"made {just_now}"))
    elif kind == "import":
        simulator.put(issue(next(fresh), START - timedelta(days=number)))
    elif kind == "hide":
        simulator.hide(id_)
    elif kind == "show":
        simulator.show(id_)
    elif not is_there:
        return
    elif kind == "change":
        simulator.put(issue(number, just_now, summary=f"changed {just_now}"))
    elif kind == "move out":
        simulator.move(id_, "HR", next(fresh))
    elif kind == "move in":
        simulator.move(id_, "FIN", next(fresh))
    elif kind == "archive":
        simulator.archive(id_)
    else:
        simulator.remove(id_)


@pytest.mark.parametrize("deployment", ["cloud", "datacenter"])
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(before=st.lists(ACTIONS, max_size=6), meanwhile=st.lists(ACTIONS, max_size=12))
def test_what_is_stored_is_what_is_shown(
    deployment: Deployment, before: list[tuple[Kind, int]], meanwhile: list[tuple[Kind, int]]
) -> None:
    with TemporaryDirectory() as folder:
        made = make_place(Path(folder), deployment, *(issue(n, START + timedelta(hours=11 * n)) for n in range(40)))
        try:
            fresh = iter(range(100, 1000))
            made.night()
            for kind, number in before:
                act(made, kind, number, fresh)
            due = iter(meanwhile)

            def between(request: Request) -> None:
                if "myself" not in request.path and (one := next(due, None)) is not None:
                    act(made, *one, fresh)

            made.simulator.before = between
            made.night()
            made.simulator.before = None
            result = made.night()
            assert result.status == "complete", result.error
            assert made.is_exact()
            assert made.histories() <= set(made.stored("changelog"))
        finally:
            made.simulator.stop()
