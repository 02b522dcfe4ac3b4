"""Records on their way into the evidence, column by column."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa


@dataclass(slots=True)
class Batch:
    """Records that wait to be stored together. Hashes are SHA-256 over the bytes as received, as hexadecimal text."""

    keys: list[str] = field(default_factory=list)
    records: list[bytes] = field(default_factory=list)
    record_hashes: list[str] = field(default_factory=list)
    content_hashes: list[str] = field(default_factory=list)
    updated: list[datetime | None] = field(default_factory=list)
    stamps: list[str] = field(default_factory=list)
    size: int = 0

    def __len__(self) -> int:
        return len(self.keys)

    def extend(
        self,
        keys: Sequence[str],
        records: Sequence[bytes],
        contents: Sequence[bytes],
        updated: Sequence[datetime | None],
        stamps: Sequence[str] | None,
    ) -> None:
        """Take a page.

        Raises:
            ValueError: the lists differ in length.
        """
        stamps = [""] * len(keys) if stamps is None else stamps
        if not len(keys) == len(records) == len(contents) == len(updated) == len(stamps):
            raise ValueError("a page must have one key, record, content, time and stamp for each record")
        hashes = sha256(records)
        self.keys += keys
        self.records += records
        self.record_hashes += hashes
        self.content_hashes += hashes if contents is records else sha256(contents)
        self.updated += updated
        self.stamps += stamps
        self.size += sum(map(len, records))

    def take(self, most: int) -> Batch:
        """The first records, at most so many; they wait no longer."""
        columns = ("keys", "records", "record_hashes", "content_hashes", "updated", "stamps")
        taken = Batch(*(getattr(self, name)[:most] for name in columns))
        for name in columns:
            del getattr(self, name)[:most]
        taken.size = sum(map(len, taken.records))
        self.size -= taken.size
        return taken

    def table(self, texts: pa.Array) -> pa.Table:
        """The batch with its records as text."""
        return pa.table(
            {
                "place": pa.array(range(len(self)), pa.int64()),
                "source_key": pa.array(self.keys, pa.string()),
                "record": texts,
                "record_sha256": pa.array(self.record_hashes, pa.string()),
                "content_sha256": pa.array(self.content_hashes, pa.string()),
                "source_updated_at": pa.array(self.updated, pa.timestamp("us", tz="UTC")),
                "source_stamp": pa.array(self.stamps, pa.string()),
            }
        )


def sha256(records: Sequence[bytes]) -> list[str]:
    """SHA-256 of each record, as hexadecimal text."""
    return [hashlib.sha256(record).hexdigest() for record in records]


def texts_of(keys: Sequence[str], records: Sequence[bytes]) -> tuple[pa.Array, list[tuple[str, str, str]]]:
    """The records as text; one that is no UTF-8 becomes null and is named as a gap."""
    try:
        return pa.array(records, pa.string()), []
    except pa.ArrowInvalid:
        texts: list[str | None] = []
        gaps = []
        for key, record in zip(keys, records, strict=True):
            try:
                texts.append(record.decode())
            except UnicodeDecodeError as error:
                texts.append(None)
                reason = f"the record is not UTF-8: {error.reason} at {error.start}"
                gaps.append((key, "quarantined", reason))
        return pa.array(texts, pa.string()), gaps
