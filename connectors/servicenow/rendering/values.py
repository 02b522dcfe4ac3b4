"""How ServiceNow writes a value: everything is text, nothing is "", a reference is 32 hex digits, times are UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from hashlib import md5

from connectors.sample import Value

EPOCH = "1970-01-01 00:00:00"


@cache
def sys_id(entity: str, key: int | str) -> str:
    """The sys_id of a record of the truth: the same in every run, different for each entity and key."""
    return md5(f"{entity}:{key}".encode(), usedforsecurity=False).hexdigest()


def reference(entity: str, key: Value) -> str:
    """The sys_id that a key of an entity refers to, "" for none (None or 0)."""
    return sys_id(entity, key) if isinstance(key, int) and key else ""


def text(value: Value) -> str:
    """A value as it stands in a row."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return utc(value)
    if isinstance(value, list):
        raise TypeError("a list is no value of a row")
    return str(value)


def utc(moment: datetime) -> str:
    """``YYYY-MM-DD HH:MM:SS`` in UTC."""
    return moment.astimezone(UTC).isoformat(" ", "seconds")[:19]


def day(value: Value) -> str:
    """The UTC day of a time, for fields that hold a date only."""
    return utc(value)[:10] if isinstance(value, datetime) else ""


def duration(seconds: float) -> str:
    """A duration is written as the time that it reaches from 1970-01-01 00:00:00 on; none is below zero."""
    return utc(datetime.fromtimestamp(max(0, round(seconds)), UTC))


def elapsed(begin: Value, end: Value) -> str:
    """The duration between two times, "" while one is missing."""
    if isinstance(begin, datetime) and isinstance(end, datetime):
        return duration((end - begin).total_seconds())
    return ""
