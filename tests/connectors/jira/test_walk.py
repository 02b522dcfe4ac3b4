"""A walk by offset over a list that changes. Protects: what was there all the time is seen, each record once, whatever is
deleted or added between two pages; a walk that can't be right fails and ends.
"""

from __future__ import annotations

from bisect import insort

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.http import Inconsistent
from connectors.jira.walk import Entry, Served, walk

Changes = list[list[tuple[bool, int]]]
"""What happens ahead of each page: whether a record is added, else deleted, and where."""


class Register:
    """A list in the order of its keys, that changes ahead of each page. ``lasting`` are the keys that were never gone."""

    def __init__(self, count: int, size: int, changes: Changes, *, is_numbered: bool = False) -> None:
        self.keys = [n * 1000 for n in range(count)]
        self.lasting = set(self.keys)
        self.seen_by_source: set[int] = set(self.keys)
        self._size, self._changes, self._is_numbered = size, iter(changes), is_numbered

    def ask(self, start: int) -> Served:
        for is_added, where in next(self._changes, []):
            if is_added:
                new = where * 997 + 1
                if new not in self.seen_by_source:
                    self.seen_by_source.add(new)
                    insort(self.keys, new)
            elif self.keys:
                self.lasting.discard(self.keys.pop(where % len(self.keys)))
        size = self._size
        if self._is_numbered:  # pages of Data Center begin at multiples of their size
            size = min(range(size, size // 2, -1), key=lambda size: start % size)
            start -= start % size
        page = self.keys[start : start + size]
        return Served(start, [Entry(str(key), b"{}") for key in page])

    def count(self) -> int:
        return len(self.keys)


@given(
    st.integers(0, 60),
    st.integers(2, 15),
    st.lists(st.lists(st.tuples(st.booleans(), st.integers(0, 80)), max_size=6), max_size=25),
)
def test_what_is_there_all_the_time_is_seen_once(count: int, size: int, changes: Changes) -> None:
    register = Register(count, size, changes)
    found = [entry.key for page in walk("list", register.ask) for entry in page]
    assert {str(key) for key in register.lasting} <= set(found)
    assert len(found) == len(set(found))


@given(
    st.integers(0, 200),
    st.integers(20, 40),
    st.lists(st.lists(st.tuples(st.booleans(), st.integers(0, 220)), max_size=6), max_size=12),
)
def test_the_same_holds_for_pages_with_numbers(count: int, size: int, changes: Changes) -> None:
    register = Register(count, size, changes, is_numbered=True)
    found = [entry.key for page in walk("list", register.ask) for entry in page]
    assert {str(key) for key in register.lasting} <= set(found)
    assert len(found) == len(set(found))


def test_a_count_finds_what_was_added_behind_the_walk() -> None:
    register = Register(40, 10, [[], [], [(True, 1)]])
    found = {entry.key for page in walk("list", register.ask, register.count) for entry in page}
    assert found == {str(key) for key in register.keys}


def test_a_list_that_announces_more_and_brings_none_is_refused() -> None:
    with pytest.raises(Inconsistent, match="more is announced"):
        list(walk("list", lambda start: Served(start, [], is_last=False)))


def test_fewer_than_counted_are_refused() -> None:
    register = Register(5, 10, [])
    with pytest.raises(Inconsistent, match="5 of 6 came"):
        list(walk("list", register.ask, lambda: 6))


def test_a_walk_gives_up_when_every_page_is_of_another_list() -> None:
    asked: list[int] = []

    def ask(start: int) -> Served:
        asked.append(start)
        return Served(start, [Entry(f"{len(asked)}-{n}", b"{}") for n in range(5)])

    with pytest.raises(Inconsistent, match="faster than it can be read"):
        list(walk("list", ask))
    assert len(asked) < 250
