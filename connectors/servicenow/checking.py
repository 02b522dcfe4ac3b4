"""The lines of ``sms-evidence check``: each thing that is not as it must be, with its cause and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from connectors import Finding, Stream
from connectors.http import BadRequest, Forbidden, NotFound, SourceError
from connectors.servicenow.client import Client
from connectors.servicenow.preflight import Proof
from connectors.servicenow.streams import role

_SKEW = timedelta(minutes=5)


def stream_finding(stream: Stream, proof: Proof) -> Finding:
    """What was proved of a table, in one line.

    Raises:
        Forbidden: the instance counts records and shows none of them.
    """
    if proof.total and not proof.keys:
        raise Forbidden(f"{stream.name} counts {proof.total} records and shows none of the first ten", "")
    notes = []
    if proof.not_shown:
        notes.append(f"fields not shown: {', '.join(proof.not_shown)}")
    if proof.timeless:
        notes.append(f"{proof.timeless} records without a time of update: changes of theirs may go unseen")
    return Finding(stream.name, is_ok=True, message="; ".join(["readable", *notes]), count=proof.total)


def clock_finding(server: datetime, ours: datetime) -> Iterator[Finding]:
    """A line when the two clocks differ; windows go by the instance's, so nothing is lost by it."""
    if abs(server - ours) > _SKEW:
        yield Finding(
            "clock",
            is_ok=True,
            message=f"the instance's clock reads {server:%Y-%m-%d %H:%M:%S} UTC and this machine's"
            f" {ours:%Y-%m-%d %H:%M:%S}: windows go by the instance's; set the wrong one right",
        )


def unread_findings(client: Client, names: Sequence[str]) -> Iterator[Finding]:
    """Optional tables that this instance has and the configuration does not name; a line for each."""
    for name in names:
        try:
            answer = client.page(name, "ORDERBYsys_id", ["sys_id"], 1)
        except SourceError:
            continue
        if answer.total or answer.rows:
            message = "exists here and is not read; name it under also to read it"
            yield Finding(name, is_ok=True, message=message, count=answer.total)


def history_finding(
    stream: Stream, client: Client, query: Callable[[str, Sequence[str]], str], keys: Sequence[tuple[str, str]]
) -> Finding:
    """Whether the history of a few records of one table can be read.

    Raises:
        Forbidden: the instance counts rows and shows none of them.
    """
    table = keys[0][0] if keys else stream.follows[0]
    own = [key for name, key in keys if name == table] or ["0" * 32]
    answer = client.page(stream.name, f"{query(table, own)}^ORDERBYsys_id", list(stream.columns), 10)
    if answer.total and not answer.rows:
        raise Forbidden(f"{stream.name} counts {answer.total} rows and shows none of the first ten", "")
    return Finding(stream.name, is_ok=True, message="readable")


def refused(source: str, table: str, error: SourceError, *, is_optional: bool) -> SourceError:
    """The same error, saying which table and which role."""
    if isinstance(error, Forbidden):
        asked = f"give the account read access to table {table}: role {role(table)}"
        return Forbidden(f"{source}: {error.message}", f"{asked}; {error.next_step}" if error.next_step else asked)
    if isinstance(error, NotFound | BadRequest):
        step = f"take {table} out of also" if is_optional else f"name {table} under skip of this source"
        return NotFound(f"{source}: {error.message}", f"if the instance has no table {table}, {step}")
    return error
