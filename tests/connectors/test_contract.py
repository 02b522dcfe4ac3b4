"""What every connector must do, whatever its source: one suite, run over each folder in `connectors/` that is one.

A new connector is tested by being dropped in with its `stand_in.py`. The real night reads it over its real interface.
"""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import get_args

import pytest
from pydantic import ValidationError

from connectors import AbsenceKind, Kind, installed, sample
from connectors.stand_in import StandIn
from pipelines.configuration import Configuration, load, prefix
from pipelines.night import Night, StreamResult
from pipelines.reading import findings
from pipelines.wiring import connect, shipped_values, vendors
from warehouse.building import entities
from warehouse.evidence import Evidence

ORGANIZATION = sample.generate(11, 0.03)
NOW = ORGANIZATION.as_of
KINDS = sorted(installed())

_FILE = """\
[organization]
name = "Contract"
time_zone = "Europe/Amsterdam"

[sources.one]
{settings}
[sources.one.patience]
attempts = 1
"""


@dataclass
class Bench:
    """One source of a kind, its configuration, and what its nights brought."""

    source: StandIn
    configuration: Configuration
    environ: Mapping[str, str]

    def night(self, moment: datetime = NOW, *, full: bool = False) -> dict[str, StreamResult]:
        """One run; results by stream."""
        with Night(self.configuration, full=full, environ=self.environ, clock=lambda: moment) as night:
            return {result.stream: result for result in night.read_source("one")}

    def stored(self, stream: str) -> dict[str, list[tuple[str | None, str | None, bool, str | None]]]:
        """Versions by key: (text, hash, is a tombstone, kind of absence)."""
        with Evidence(self.configuration.store.evidence) as evidence:
            kind = connect(self.configuration, "one", self.environ).kind
            rows = evidence.con.execute(
                f'select source_key, record, record_sha256, is_deleted, deleted_kind from evidence.raw."{kind}__{stream}"'
                " order by sync_id, ordinal"
            ).fetchall()
        found: dict[str, list[tuple[str | None, str | None, bool, str | None]]] = {}
        for key, *version in rows:
            found.setdefault(key, []).append(tuple(version))  # type: ignore[arg-type]
        return found

    def living(self, stream: str) -> set[str]:
        """The keys whose latest version is no tombstone."""
        return {key for key, versions in self.stored(stream).items() if not versions[-1][2]}

    def change(self, act: Callable[[str, str], None]) -> tuple[str, str]:
        """Do something to the first record that the source lets it be done to; returns stream and key."""
        for stream, keys in self.source.truth().items():
            for key in sorted(keys):
                with suppress(LookupError):
                    act(stream, key)
                    return stream, key
        raise AssertionError("the stand-in lets nothing be changed")


@pytest.fixture(params=KINDS)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    module = importlib.import_module(f"connectors.{request.param}.stand_in")
    with module.stand_in(ORGANIZATION, NOW) as source:
        lines = "\n".join(f"{name} = {json.dumps(value)}" for name, value in source.settings.items())
        text = _FILE.format(settings=lines)
        if "patience" not in installed()[request.param].Settings.model_fields:
            text = text.partition("[sources.one.patience]")[0]
        path = tmp_path / "sms-evidence.toml"
        path.write_text(text)
        environ = {f"{prefix('one')}_{name.upper()}": value for name, value in source.secrets.items()}
        yield Bench(source, load(path, {}), environ)


@pytest.mark.parametrize("kind", KINDS)
def test_the_package_is_whole(kind: str) -> None:
    package = installed()[kind]
    names = [stream.name for stream in package.STREAMS]
    assert package.ROLES.strip()
    assert len(names) == len(set(names)) > 0
    for place, stream in enumerate(package.STREAMS):
        assert set(stream.follows) <= set(names[:place]), f"{stream.name} comes before what it follows"
        assert {column.kind for column in stream.columns.values()} <= set(get_args(Kind))
    (vendor,) = (vendor for vendor in vendors() if vendor.kind == kind)
    assert set(vendor.canonical) <= set(entities())
    assert all(words for words in shipped_values(package).values())


@pytest.mark.parametrize("kind", KINDS)
def test_a_misspelt_setting_is_refused(kind: str) -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        installed()[kind].Settings.model_validate({"connector": kind, "urll": "x"})


def test_a_first_night_brings_everything_and_a_second_nothing_new(bench: Bench) -> None:
    first = bench.night()
    assert {name: r.error for name, r in first.items() if r.status not in ("complete", "skipped")} == {}
    for stream, keys in bench.source.truth().items():
        result = first[stream]
        assert bench.living(stream) == keys
        assert (result.source_count, result.warehouse_count) == (len(keys), len(keys))
        assert (result.mode, result.hidden, result.quarantined, result.deleted) == ("full", 0, 0, 0)
    second = bench.night()
    new = {name: (r.added, r.changed, r.deleted) for name, r in second.items()}
    assert set(new.values()) == {(0, 0, 0)}, new
    third = bench.night(full=True)
    new = {name: (r.added, r.changed, r.deleted) for name, r in third.items()}
    assert set(new.values()) == {(0, 0, 0)}, new


def test_what_is_kept_is_text_as_it_was_sent_and_its_hash(bench: Bench) -> None:
    bench.night()
    for stream in bench.source.truth():
        for versions in bench.stored(stream).values():
            ((record, digest, _, _),) = versions
            assert record is not None
            assert hashlib.sha256(record.encode()).hexdigest() == digest
            assert isinstance(json.loads(record), dict)


def test_a_change_is_one_new_version(bench: Bench) -> None:
    bench.night()
    stream, key = bench.change(bench.source.edit)
    before = bench.stored(stream)
    result = bench.night()[stream]
    assert (result.status, result.added, result.changed, result.deleted) == ("complete", 0, 1, 0)
    after = bench.stored(stream)
    assert len(after[key]) == 2
    assert {k: v for k, v in after.items() if k != key} == {k: v for k, v in before.items() if k != key}


def test_a_change_that_moves_no_time_is_found(bench: Bench) -> None:
    bench.night()
    stream, key = bench.change(bench.source.edit_silently)
    result = bench.night(NOW + timedelta(days=1))[stream]
    assert (result.status, result.changed) == ("complete", 1)
    assert len(bench.stored(stream)[key]) == 2


def test_what_is_deleted_gets_a_tombstone_and_what_returns_a_version(bench: Bench) -> None:
    bench.night()
    stream, key = bench.change(bench.source.remove)
    result = bench.night()[stream]
    assert (result.status, result.deleted) == ("complete", 1)
    *_, (record, _, is_deleted, kind) = bench.stored(stream)[key]
    assert (record, is_deleted) == (None, True)
    assert kind in get_args(AbsenceKind)
    assert bench.night()[stream].deleted == 0, "one tombstone is enough"
    bench.source.restore(stream, key)
    assert bench.night()[stream].status == "complete"
    assert [version[2] for version in bench.stored(stream)[key]] == [False, True, False]
    assert bench.living(stream) == bench.source.truth()[stream]


def test_a_source_that_fails_loses_nothing_and_says_so(bench: Bench) -> None:
    bench.night()
    before = {stream: bench.living(stream) for stream in bench.source.truth()}
    bench.source.break_off()
    broken = bench.night()
    assert {r.status for r in broken.values()} <= {"incomplete", "skipped"}
    for result in broken.values():
        assert result.error
        assert "\n" not in result.error
        assert (result.deleted, result.added) == (0, 0)
    assert {stream: bench.living(stream) for stream in before} == before
    bench.source.heal()
    healed = bench.night()
    assert {r.status for r in healed.values()} <= {"complete", "skipped"}
    assert {stream: bench.living(stream) for stream in before} == before


def test_check_is_content_with_a_sound_source_and_names_the_cause_in_a_broken_one(bench: Bench) -> None:
    found = [finding for _, finding in findings(bench.configuration, bench.environ)]
    assert [f.message for f in found if not f.is_ok] == []
    assert {f.subject for f in found} >= set(bench.source.truth())
    bench.source.break_off()
    bad = [finding for _, finding in findings(bench.configuration, bench.environ) if not finding.is_ok]
    assert bad
    assert all(f.message and "\n" not in f.message for f in bad)


def test_no_secret_is_in_what_it_says_or_stores(bench: Bench) -> None:
    connector = connect(bench.configuration, "one", bench.environ)
    texts = [repr(connector), str(vars(connector))]
    texts += [result.error or "" for result in bench.night().values()]
    texts += [finding.message for finding in connector.check()]
    bench.source.break_off()
    texts += [result.error or "" for result in bench.night().values()]
    stored = b"".join(path.read_bytes() for path in bench.configuration.store.evidence.parent.iterdir())
    for name in ("password", "token", "client_secret"):
        secret = bench.source.secrets.get(name)
        if secret:
            assert not any(secret in text for text in texts)
            assert secret.encode() not in stored
    assert bench.configuration.store.evidence.stat().st_mode & 0o077 == 0
