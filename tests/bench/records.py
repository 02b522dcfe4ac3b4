"""The records that the benchmark's server serves: made from the row's number, so that none needs to be kept.

A record is a ServiceNow incident of 90 fields and about 4 kB of JSON: the fields that the connector reads, and more as a
customised instance has them. References, texts and times differ from row to row; what repeats (names of fields, a few
hundred groups, states) repeats in a real table too. The texts are words with the frequencies of a language, so that
zstd finds in them about what it finds in real ones.
"""

from __future__ import annotations

import hashlib
import random
import struct
import time

from connectors.servicenow.streams import STREAMS

FIELDS = 90
FIRST = 1_704_067_200
"""2024-01-01 00:00:00 UTC: the first row's last update, in seconds since 1970."""
SPAN = 700 * 86_400
"""Seconds from the first row's last update to the last row's."""
_A_DAY = 86_400
_TEXT_BYTES = 1 << 22
_CHOICES = 512

_LONG = {"description": 560, "close_notes": 260, "short_description": 64, "u_impact_statement": 150}
"""Characters of the texts."""
_POOLS = {
    "caller_id": 20_000,
    "cmdb_ci": 8_000,
    "assigned_to": 900,
    "assignment_group": 150,
    "business_service": 120,
    "company": 20,
    "location": 300,
    "opened_by": 900,
    "closed_by": 900,
    "resolved_by": 900,
    "service_offering": 300,
    "problem_id": 5_000,
    "u_cost_center": 400,
    "u_requested_for": 20_000,
    "u_affected_application": 2_000,
}
"""How many different records each reference points at."""
_UNIQUE = ("correlation_id", "origin_id", "parent_incident")
_WORDS = {
    "sys_class_name": ("incident",),
    "sys_domain": ("global",),
    "approval": ("not requested", "approved"),
    **dict.fromkeys(("state", "incident_state"), ("1", "2", "3", "6", "7")),
    **dict.fromkeys(("priority", "impact", "urgency", "severity"), ("1", "2", "3", "4")),
    "contact_type": ("phone", "email", "self-service", "monitoring"),
    "category": ("software", "hardware", "network", "inquiry", "database"),
    "close_code": (
        "Solved (Permanently)",
        "Solved (Work Around)",
        "Not Solved (Too Costly)",
        "Closed/Resolved by Caller",
    ),
    "sys_created_by": ("a.smith", "b.jones", "integration.monitoring", "service.portal"),
    "sys_updated_by": ("a.smith", "b.jones", "system", "c.brown", "workflow"),
}


def _kinds() -> dict[str, str]:
    """The 90 names and their kinds: the stream's own first, then fields of a customised instance."""
    stream = next(stream for stream in STREAMS if stream.name == "incident")
    kinds = {name: str(column.kind) for name, column in stream.columns.items()}
    kinds |= dict.fromkeys([name for name in (*_POOLS, *_LONG) if name not in kinds], "text")
    for place in range(1, FIELDS - len(kinds) + 1):
        kinds[f"u_custom_field_{place}"] = ("text", "boolean", "integer", "utc", "text")[place % 5]
    return kinds


def _words(random_: random.Random) -> bytes:
    """Some megabytes of words of which a few are frequent and most are rare."""
    syllables = [a + b for a in ("", *"bcdfghklmnprstvw") for b in ("a", "e", "i", "o", "u", "er", "an", "en", "st")]
    vocabulary = ["".join(random_.choices(syllables, k=random_.choice((1, 2, 2, 3, 3, 4)))) for _ in range(12_000)]
    weights = [1 / (rank + 3) for rank in range(len(vocabulary))]
    return " ".join(random_.choices(vocabulary, weights, k=_TEXT_BYTES // 4)).encode()[:_TEXT_BYTES]


def _member(name: str, value: str) -> bytes:
    return f'"{name}":"{value}"'.encode()


class Shape:
    """Writes records. Making one takes about a second, writing a record some ten microseconds.

    Args:
        rows: how many there are; their last updates are spread over `SPAN`, two of them in each used second.
    """

    def __init__(self, rows: int) -> None:
        self.step = max(1, SPAN // max(rows, 1))
        random_ = random.Random(20_000)
        kinds = _kinds()
        self._text = _words(random_)
        self._days = [time.strftime("%Y-%m-%d ", time.gmtime(day * _A_DAY)).encode() for day in range(60 * 365)]
        self._seconds = [b"%02d:%02d:%02d" % (n // 3600, n // 60 % 60, n % 60) for n in range(_A_DAY)]
        self._pools = [
            [hashlib.md5(f"{name}{n}".encode(), usedforsecurity=False).hexdigest().encode() for n in range(size)]
            for name, size in _POOLS.items()
        ]
        told = {"sys_id", "number", "sys_created_on", "sys_updated_on", "sys_mod_count", *_POOLS, *_LONG, *_UNIQUE}
        times = [name for name, kind in kinds.items() if kind == "utc" and name not in told]
        self._offsets = [random_.randrange(60, 20 * _A_DAY) for _ in times]
        chosen = [name for name in kinds if name not in told and name not in times]
        self._choices = [
            b",".join(_member(name, self._choice(random_, name, kinds[name])) for name in chosen)
            for _ in range(_CHOICES)
        ]
        slots = [
            *(_member(name, "%b") for name in ("sys_id", "number", "sys_created_on", "sys_updated_on")),
            b'"sys_mod_count":"%d"',
            b"%b",
            *(_member(name, "%b") for name in (*_POOLS, *_UNIQUE, *times, *_LONG)),
        ]
        self._template = b"{" + b",".join(slots) + b"}"

    def first_update(self, row: int) -> int:
        """When a row was last updated before anything is changed, in seconds since 1970; never less than the row's before."""
        return FIRST + row // 2 * 2 * self.step

    def literal(self, moment: int) -> bytes:
        """A moment (seconds since 1970) as the Table API writes it."""
        return self._days[moment // _A_DAY] + self._seconds[moment % _A_DAY]

    def record(self, row: int, key: bytes, created: int, updated: int, changes: int) -> bytes:
        """The whole record as JSON."""
        digest = hashlib.sha512(b"%d" % row)
        drawn = struct.unpack("<16I", digest.digest())
        name = digest.hexdigest().encode()
        text, most = self._text, _TEXT_BYTES - 1024
        starts = (drawn[0] % most, (drawn[1] + changes) % most, drawn[2] % most, drawn[3] % most)
        literal = self.literal
        return self._template % (
            key,
            b"INC%07d" % row,
            literal(created),
            literal(updated),
            changes,
            self._choices[drawn[4] % _CHOICES],
            *[pool[value % len(pool)] for pool, value in zip(self._pools, drawn, strict=False)],
            name[:32],
            name[32:64],
            name[64:96],
            *[literal(updated - offset - (drawn[5] & 0xFFFF)) for offset in self._offsets],
            *[text[start : start + size] for start, size in zip(starts, _LONG.values(), strict=True)],
        )

    def _choice(self, random_: random.Random, name: str, kind: str) -> str:
        """One value of a field of few values."""
        if name in _WORDS:
            return random_.choice(_WORDS[name])
        if kind == "seconds":
            days, rest = divmod(random_.randrange(40 * _A_DAY), _A_DAY)
            return f"1970-{1 + days // 28:02d}-{1 + days % 28:02d} {rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}"
        if kind == "boolean":
            return random_.choice(("true", "false"))
        if kind == "integer":
            return str(random_.randrange(6))
        start = random_.randrange(_TEXT_BYTES - 64)
        return self._text[start : start + random_.choice((0, 6, 12, 24))].decode()
