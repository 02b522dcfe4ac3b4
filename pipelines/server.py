"""The Dagster UI and its daemon, on loopback, until they are stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

from rich.console import Console

from pipelines.configuration import Configuration
from pipelines.instance import SETTINGS, home
from pipelines.wiring import connect

_GRACE = 10.0


def serve(configuration: Configuration, port: int, console: Console) -> int:
    """Run both until Ctrl-C or until one of them ends; returns the exit code."""
    home(configuration)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a service manager's stop ends the children too
    programs = Path(sys.executable).parent
    with ExitStack() as stack:
        if configuration.text.startswith("# Written by `sms-evidence demo`"):
            _start_simulators(stack, configuration)
            console.print("the demo's simulators are running: runs can be started from the UI", highlight=False)
        # The project's folder is the working folder: its pyproject.toml names the code location.
        processes = [
            subprocess.Popen(command, cwd=SETTINGS.parent)
            for command in (
                [str(programs / "dagster-webserver"), "-h", "127.0.0.1", "-p", str(port)],
                [str(programs / "dagster-daemon"), "run"],
            )
        ]
        console.print(f"Dagster UI on http://127.0.0.1:{port} (Ctrl-C ends it)", highlight=False)
        try:
            while all(process.poll() is None for process in processes):
                time.sleep(0.5)
            return next(code for process in processes if (code := process.poll()) is not None)
        except KeyboardInterrupt:
            return 0
        finally:
            _stop(processes)


def _stop(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
    for process in processes:
        try:
            process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            process.kill()


def _start_simulators(stack: ExitStack, configuration: Configuration) -> None:
    """The two tools of the demo, on the ports that its configuration names."""
    from connectors import sample
    from pipelines.demo import SECRETS, tools

    os.environ.update(SECRETS)
    ports = {name: urlsplit(connect(configuration, name).url).port or 0 for name in configuration.sources}
    organization = sample.generate()
    stack.enter_context(tools(organization, organization.as_of, ports["snow-prod"], ports["jira-itsm"]))
