"""The house: data flows one way, and a metric or a connector is one new file or folder."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
VENDORS = {"pysnow", "jira", "requests"}
FORBIDDEN = {
    "connectors": {"warehouse", "pipelines", "dagster", "duckdb", "pandas", "pytz"},
    "warehouse": {"connectors", "pipelines", "dagster", "pandas", "pytz", *VENDORS},
    "pipelines": {"pandas", "pytz", *VENDORS},
}


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, also inside functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            yield node.module or ""


@pytest.mark.parametrize("package", FORBIDDEN)
def test_imports_follow_the_flow(package: str) -> None:
    against = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sorted((ROOT / package).rglob("*.py"))
        for name in imports(path)
        if name.split(".")[0] in FORBIDDEN[package]
    ]
    assert against == []


def test_the_walk_sees_an_import_against_the_flow(tmp_path: Path) -> None:
    file = tmp_path / "module.py"
    file.write_text("def f():\n    import dagster.core as d\n    from duckdb import connect\n")
    assert {name.split(".")[0] for name in imports(file)} == {"dagster", "duckdb"}


def test_the_warehouse_knows_no_vendor() -> None:
    named = [
        f"{path.relative_to(ROOT)}: {word}"
        for path in sorted((ROOT / "warehouse").rglob("*"))
        if path.suffix in (".py", ".sql", ".html")
        for word in ("servicenow", "sys_id", "customfield", "jira", "sysapproval")
        if word in path.read_text(encoding="utf-8").lower()
    ]
    assert named == [], "vendor words belong to connectors/"


def test_only_pipelines_imports_dagster_and_the_command_line_imports_it_late() -> None:
    code = "import sys, pipelines.cli; sys.exit('dagster' in sys.modules or 'duckdb' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_wall_clock_is_read_in_one_place() -> None:
    reading = [
        str(path.relative_to(ROOT))
        for package in FORBIDDEN
        for path in sorted((ROOT / package).rglob("*"))
        if path.suffix in (".py", ".sql")
        for word in ("datetime.now(", "utcnow(", "date.today(", "current_timestamp", "current_date", "now()")
        if word in path.read_text(encoding="utf-8")
    ]
    assert set(reading) <= {
        "pipelines/night.py",
        "connectors/http.py",  # Retry-After may be a date
        "connectors/servicenow/instance.py",  # `check` compares the instance's clock with ours
        "connectors/files/instance.py",  # a folder has no clock of its own
    }


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the packages, to drop something into."""
    for package in FORBIDDEN:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "dagster.yaml", tmp_path)
    return tmp_path


def run_in(folder: Path, code: str) -> str:
    environ = {**os.environ, "PYTHONPATH": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


METRIC = """\
-- One row per change raised in the period.
-- id: XMP-01
-- title: Changes raised
-- definition: Changes by the month in which they were raised.
-- clauses: 8.5.1
-- area: A3
-- direction: neutral
-- attribution: opened in the period
-- exclusions: none
-- pitfalls: none
-- measure: value | count | count |
select
    'value' as measure,
    p.period_start,
    c.change_id as record_id,
    c.evidence_id,
    c.source,
    c.service,
    cast(map([], []) as map(varchar, varchar)) as dimensions,
    true as is_in,
    true as is_met,
    cast(null as double) as amount,
    cast(null as double) as numerator_amount,
    cast(null as double) as denominator_amount,
    cast(null as varchar) as excluded_because
from canonical.change c
join metrics.period p on c.opened_at >= p.start_at and c.opened_at < p.end_at
"""

CONNECTOR = '''
"""A tool that serves two changes from memory."""
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from connectors import Absence, Column, Finding, Identity, Page, Reading, Stream, Sweep
from connectors.http import Unreachable

ROLES = "none"
STREAMS = (Stream("ticket", {"id": Column("id"), "opened": Column("opened", "instant")}),)
RECORDS = {"1": b'{"id":"1","opened":"2026-09-03T10:00:00+00:00"}', "2": b'{"id":"2","opened":"2026-10-03T10:00:00+00:00"}'}
FAULTS = []


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid")
    connector: Literal["memory"]
    url: str


class Memory:
    kind = "memory"

    def __init__(self, source: str, url: str) -> None:
        self.source, self.url = source, url

    def open(self) -> Identity:
        if FAULTS:
            raise Unreachable("the memory can't be reached", "try to remember")
        return Identity("nobody", datetime(2026, 11, 1, tzinfo=UTC))

    def streams(self) -> Sequence[Stream]:
        return STREAMS

    def skipped(self) -> Mapping[str, str]:
        return {}

    def read(self, stream: Stream, reading: Reading, parents: Iterable[tuple[str, str]]) -> Iterator[Page]:
        reading.source_count, reading.watermark_to = len(RECORDS), "end"
        yield from self.fetch(stream, list(RECORDS), reading)

    def census(self, stream: Stream, reading: Reading) -> Iterator[Sweep]:
        yield Sweep(list(RECORDS))

    def fetch(self, stream: Stream, keys: Sequence[str], reading: Reading) -> Iterator[Page]:
        found = {key: RECORDS[key] for key in keys if key in RECORDS}
        yield Page(list(found), list(found.values()), list(found.values()), [None] * len(found))

    def explain(self, stream: Stream, keys: Sequence[str], reading: Reading) -> Mapping[str, Absence]:
        return {}

    def columns(self, stream: Stream, records: object) -> Mapping[str, Column]:
        return stream.columns

    def check(self) -> Iterator[Finding]:
        self.open()
        yield Finding("ticket", True, "readable", len(RECORDS))

    def close(self) -> None:
        return None


def connect(source: str, settings: Settings, secrets: object) -> Memory:
    return Memory(source, settings.url)
'''

STAND_IN = '''
"""The memory, changed from outside."""
from connectors.memory import FAULTS, RECORDS


class StandIn:
    def __init__(self) -> None:
        self.settings, self.secrets = {"connector": "memory", "url": "https://example.com"}, {}
        self._before = dict(RECORDS)

    def __enter__(self):
        return self

    def __exit__(self, *_: object) -> None:
        FAULTS.clear()
        RECORDS.clear()
        RECORDS.update(self._before)

    def truth(self):
        return {"ticket": set(RECORDS)}

    def edit(self, stream: str, key: str) -> None:
        RECORDS[key] = RECORDS[key].replace(b"}", b',"changed":true}')

    edit_silently = edit

    def remove(self, stream: str, key: str) -> None:
        del RECORDS[key]

    def restore(self, stream: str, key: str) -> None:
        RECORDS[key] = self._before[key]

    def break_off(self) -> None:
        FAULTS.append("forgotten")

    def heal(self) -> None:
        FAULTS.clear()


def stand_in(organization: object, moment: object) -> StandIn:
    return StandIn()
'''

CANONICAL = """\
-- One row per change.
select
    source || ':change:' || id as change_id, source, id as number, 'normal' as type, 'closed' as state,
    opened as opened_at, evidence_id
from stage.memory__ticket
"""

NIGHT = """
from datetime import UTC, datetime
from pathlib import Path
from pipelines.configuration import load
from pipelines.night import Night
from warehouse.published import open_published
Path("sms-evidence.toml").write_text(
    '[organization]\\nname = "X"\\ntime_zone = "UTC"\\n[sources.mem]\\nconnector = "memory"\\nurl = "https://example.com"\\n'
)
with Night(load(), environ={}, clock=lambda: datetime(2026, 11, 1, tzinfo=UTC)) as night:
    path = night.run()
with open_published(night.configuration.store.warehouse) as con:
    print(con.execute("select value from metrics.value where metric = 'XMP-01' and dimension = 'all' order by period_start").fetchall())
    print(con.execute("select number from canonical.change order by 1").fetchall())
    print(con.execute("select status, source_count, warehouse_count from audit.sync_run").fetchall())
"""


def test_a_metric_is_one_new_file_and_a_connector_one_new_folder(copy: Path) -> None:
    (copy / "warehouse" / "metrics" / "XMP-01.sql").write_text(METRIC)
    folder = copy / "connectors" / "memory"
    (folder / "canonical").mkdir(parents=True)
    (folder / "__init__.py").write_text(CONNECTOR)
    (folder / "stand_in.py").write_text(STAND_IN)
    (folder / "canonical" / "change.sql").write_text(CANONICAL)
    lines = run_in(copy, NIGHT).splitlines()
    assert lines[-3:] == ["[(1.0,), (1.0,), (0.0,)]", "[('1',), ('2',)]", "[('complete', 2, 2)]"]
    shutil.copy(ROOT / "tests" / "connectors" / "test_contract.py", copy)
    suite = f"import pytest; raise SystemExit(pytest.main(['-q', '-k', 'memory', '{copy / 'test_contract.py'}']))"
    assert " passed" in run_in(copy, suite), "the contract suite takes a new connector in without a change"
