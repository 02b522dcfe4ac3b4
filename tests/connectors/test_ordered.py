"""Several readers at a time: the order of results, bounded read-ahead, errors where they belong, and an end to threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from connectors.http import BrokenAnswer
from connectors.ordered import AHEAD, ordered


def numbers(first: int, count: int) -> Callable[[], Iterator[int]]:
    return lambda: iter(range(first, first + count))


@pytest.mark.parametrize("workers", [1, 2, 4, 16])
def test_items_come_in_the_order_of_the_tasks(workers: int) -> None:
    tasks = [numbers(100 * n, n % 5) for n in range(40)]
    assert list(ordered(tasks, workers)) == [100 * n + m for n in range(40) for m in range(n % 5)]


def test_tasks_run_at_the_same_time() -> None:
    meeting = threading.Barrier(4, timeout=20)

    def meet(number: int) -> Callable[[], Iterator[int]]:
        def task() -> Iterator[int]:
            meeting.wait()  # broken unless four are here together
            yield number

        return task

    assert list(ordered([meet(n) for n in range(8)], 4)) == list(range(8))


def test_a_task_runs_only_so_far_ahead() -> None:
    made: list[int] = []
    is_ahead = threading.Event()

    def first() -> Iterator[int]:
        assert is_ahead.wait(20)
        yield -1

    def second() -> Iterator[int]:
        for n in range(100):
            made.append(n)
            if n == AHEAD:
                is_ahead.set()  # one is made while the queue is full
            yield n

    items = ordered([lambda: first(), lambda: second()], 2)
    assert next(items) == -1
    assert len(made) == AHEAD + 1
    assert list(items) == list(range(100))


@pytest.mark.parametrize("workers", [1, 4])
def test_an_error_comes_in_its_place_and_ends_the_rest(workers: int) -> None:
    def broken() -> Iterator[int]:
        yield 7
        raise BrokenAnswer("cut", "")

    taken = []
    with pytest.raises(BrokenAnswer, match="cut"):
        for item in ordered([numbers(0, 3), broken, numbers(10, 3)], workers):
            taken.append(item)  # noqa: PERF402 - what was taken before the error counts
    assert taken == [0, 1, 2, 7]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("read")]


def test_an_error_in_making_the_tasks_is_raised_and_ends_the_threads() -> None:
    def tasks() -> Iterator[Callable[[], Iterator[int]]]:
        yield numbers(0, 100)
        yield numbers(100, 100)
        raise BrokenAnswer("no boundary", "")

    with pytest.raises(BrokenAnswer, match="no boundary"):
        list(ordered(tasks(), 2))
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("read")]


def test_who_stops_taking_stops_the_reading() -> None:
    items = ordered([numbers(0, 1000), numbers(1000, 1000)], 2)
    assert next(items) == 0
    items.close()  # type: ignore[attr-defined]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("read")]


def test_tasks_are_made_only_as_workers_are_free() -> None:
    made = []

    def tasks() -> Iterator[Callable[[], Iterator[int]]]:
        for n in range(10):
            made.append(n)
            yield numbers(n, 1)

    items = ordered(tasks(), 3)
    assert next(items) == 0
    assert made == [0, 1, 2]
    assert list(items) == list(range(1, 10))
