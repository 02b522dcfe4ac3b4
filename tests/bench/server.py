"""A ServiceNow instance of one big table on the loopback interface, fast enough to measure its readers.

It runs in a process of its own: ``server.py --rows 100000`` writes its address as the first line and serves until its
standard input ends, so that it can't outlive the benchmark. What it serves is made on the fly (records.py, table.py).

``POST /bench?latency=0.2`` adds seconds to every later answer, ``POST /bench?change=1`` updates one per cent of the
rows and moves the instance's clock on by a day, ``GET /bench`` tells what was served so far.
"""

from __future__ import annotations

import argparse
import sys
import time
from email.message import Message
from email.utils import formatdate
from threading import Lock
from urllib.parse import parse_qsl, urlsplit

import msgspec
from table import Incidents, QueryError, parse

from connectors.loopback import Answer, Server

TABLE = "incident"
THIN = {"sys_id", "sys_created_on", "sys_updated_on", "sys_mod_count"}
_JSON = "application/json;charset=UTF-8"
_WHOAMI = "sys_id=javascript:gs.getUserID()"
_USER = b'{"sys_id":"6816f79cc0a8016401c5a33be04be441","user_name":"evidence","time_zone":"GMT"}'


class Instance:
    """Answers the Table API and the Aggregate API as far as a reader of one table needs them.

    A request that names only columns of `THIN` gets these; any other gets the whole record of 90 fields, so that every
    reader is sent the same bytes whatever it asks for. All other tables are empty.
    """

    def __init__(self, rows: int) -> None:
        self.table = Incidents(rows)
        self.latency = 0.0
        self.requests = 0
        self.bytes = 0
        self._lock = Lock()

    def answer(self, method: str, target: str, headers: Message[str, str], body: bytes) -> Answer:
        """The answer to a request."""
        parts = urlsplit(target)
        parameters = dict(parse_qsl(parts.query))
        if parts.path == "/bench":
            return self._control(method, parameters)
        if self.latency:
            time.sleep(self.latency)
        try:
            total, body = self._read(parts.path, parameters)
        except (QueryError, ValueError) as error:
            return Answer(400, {"Content-Type": _JSON}, msgspec.json.encode({"error": {"message": str(error)}}))
        with self._lock:
            self.requests += 1
            self.bytes += len(body)
        date = formatdate(self.table.clock, usegmt=True)
        return Answer(200, {"Content-Type": _JSON, "Date": date, "X-Total-Count": str(total)}, body)

    def _read(self, path: str, parameters: dict[str, str]) -> tuple[int, bytes]:
        """The count of the query, and the answer's body."""
        api, _, name = path.removeprefix("/api/now/").partition("/")
        text = parameters.get("sysparm_query", "")
        if api not in ("table", "stats"):
            raise QueryError(f"{path} is not served")
        if name == "sys_user" and text.startswith(_WHOAMI):
            return 1, b'{"result":[%b]}' % _USER
        total, rows = 0, ()
        if name == TABLE:
            offset, limit = (
                int(parameters.get(f"sysparm_{word}", at)) for word, at in (("offset", 0), ("limit", 10_000))
            )
            total, rows = self.table.select(parse(text), offset, limit)
        if api == "stats":
            return total, b'{"result":{"stats":{"count":"%d"}}}' % total
        names = [name for name in parameters.get("sysparm_fields", "").split(",") if name]
        if names and THIN.issuperset(names):
            return total, b'{"result":[%b]}' % b",".join([self.table.thin(row, names) for row in rows])
        return total, b'{"result":[%b]}' % b",".join(map(self.table.record, rows))

    def _control(self, method: str, parameters: dict[str, str]) -> Answer:
        told: dict[str, float] = {"rows": self.table.rows, "requests": self.requests, "bytes": self.bytes}
        if method == "POST":
            self.latency = float(parameters.get("latency", self.latency))
            if "change" in parameters:
                told["changed"] = self.table.change(float(parameters["change"]))
        return Answer(200, {"Content-Type": _JSON}, msgspec.json.encode(told))


def main() -> None:
    """Serve until the standard input ends."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, required=True)
    server = Server(Instance(arguments.parse_args().rows).answer)
    server.start()
    sys.stdout.write(f"{server.url}\n")
    sys.stdout.flush()
    sys.stdin.read()
    server.stop()


if __name__ == "__main__":
    main()
