"""What a run shows: a line for each stream that has something to tell, and one for the others of a source."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from pipelines.night import StreamResult
from pipelines.terminal import Lines, is_quiet

QUIET = StreamResult("snow", "sys_user", "complete", "incremental", source_count=145, warehouse_count=145)


def test_streams_without_a_change_share_a_line_behind_the_others_of_their_source() -> None:
    out = StringIO()
    lines = Lines(Console(file=out, width=200))
    for result in (QUIET, replace(QUIET, stream="incident", fetched=2, added=2), replace(QUIET, stream="problem")):
        lines.begin(result.source, result.stream)
        lines.end(result)
    lines.begin("", "canonical model")
    first, second = out.getvalue().splitlines()
    assert first.split() == ["✓", "snow", "incident", "2", "fetched", "(2", "added)", "·", "145", "of", "145", "stored"]
    assert second.split() == ["✓", "snow", "2", "streams", "without", "a", "change", "290", "stored"]


@pytest.mark.parametrize(
    "told",
    [
        {"fetched": 1, "unchanged": 1},
        {"deleted": 1},
        {"hidden": 1},
        {"quarantined": 1},
        {"status": "incomplete", "error": "refused"},
        {"status": "skipped", "error": "left out"},
    ],
)
def test_what_an_operator_must_see_is_never_quiet(told: dict[str, object]) -> None:
    assert is_quiet(QUIET)
    assert not is_quiet(replace(QUIET, **told))  # type: ignore[arg-type]
