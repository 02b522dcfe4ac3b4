"""Processes that are killed on purpose: a run in a real process of its own, which ends itself with SIGKILL.

An order's arguments are those of `sms-evidence`; `night` and a path run the same without Dagster, which is faster.

Run as a script it reads orders from standard input, one JSON object a line, forks a process for each (so that Dagster
is imported once, not every time), and writes two lines: the process's id, then its exit code, below 0 for a signal.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
from pathlib import Path
from threading import Lock
from typing import Any


def arm(target: str, nth: int, after: bool, containing: str) -> None:
    """Let the process die before (or after) the nth call of a function, counting calls that have a text among what
    they are called with: a path, a name, the stream of a writer, the address of an answer."""
    module, _, path = target.partition(":")
    owner: Any = importlib.import_module(module)
    *parents, name = path.split(".")
    for parent in parents:
        owner = getattr(owner, parent)
    original, lock, seen = getattr(owner, name), Lock(), 0

    def counted(*args: Any, **named: Any) -> Any:
        nonlocal seen
        with lock:
            seen += containing in _told(args)
            is_due = seen == nth and containing in _told(args)
        if is_due and not after:
            die()
        result = original(*args, **named)
        if is_due:
            die()
        return result

    setattr(owner, name, counted)


def die() -> None:
    """What no process can catch."""
    os.kill(os.getpid(), signal.SIGKILL)


def _told(args: tuple[Any, ...]) -> str:
    texts = [str(a) for a in args if isinstance(a, str | Path)]
    return " ".join([*texts, *(str(getattr(args[0], name, "")) for name in ("_request_url", "_names") if args)])


def _main() -> None:
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    from pipelines import cli, definitions, runs  # noqa: F401 - imported once for all processes

    @event.listens_for(Engine, "connect")
    def _no_wait(connection: Any, _: object) -> None:
        # waiting for the disk guards against a loss of power; what a killed process has written stays
        connection.execute("pragma synchronous = off")

    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _run(order)
        _say(pid)
        _, status = os.waitpid(pid, 0)
        _say(os.waitstatus_to_exitcode(status))


def _run(order: dict[str, Any]) -> None:
    from pipelines import cli
    from warehouse import versions

    output = os.open(order["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.environ.update(order["environ"])
    versions.BATCH_RECORDS = order["batch"]
    if order["moment"]:
        arm(**order["moment"])
    code = 1
    try:
        if order["arguments"][0] == "night":
            _night(Path(order["arguments"][1]))
        cli.main(order["arguments"])
    except SystemExit as ended:
        code = int(ended.code or 0)
    finally:
        os._exit(code)


def _night(path: Path) -> None:
    from pipelines.configuration import load
    from pipelines.night import Night

    with Night(load(path)) as night:
        night.run()
    sys.exit(0)


def _say(number: int) -> None:
    print(number, flush=True)  # noqa: T201 - the other process reads it


if __name__ == "__main__":
    _main()
