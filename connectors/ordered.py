"""Several readers at a time, one order of results.

Each task makes an iterator in a thread of its own and fills a queue that holds a few items; the caller takes the items
of the first task, then those of the second. So requests overlap, memory is bounded, and what is read later never
overtakes what was read earlier.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from queue import Empty, Full, Queue
from threading import Event
from typing import Generic, TypeVar

T = TypeVar("T")

AHEAD = 8
"""Items that a task may be ahead of the caller."""

_TICK = 0.05


class _End:
    """Nothing more comes from this task."""


class _Reader(Generic[T]):
    """One task: runs until it has filled its queue, ended, failed, or nobody wants it any more."""

    def __init__(self, make: Callable[[], Iterator[T]], ahead: int, stop: Event) -> None:
        self.queue: Queue[T | type[_End]] = Queue(ahead)
        self._make, self._stop = make, stop

    def run(self) -> None:
        for item in self._make():
            if not self._put(item):
                return
        self._put(_End)

    def _put(self, item: T | type[_End]) -> bool:
        while not self._stop.is_set():
            try:
                self.queue.put(item, timeout=_TICK)
            except Full:
                continue
            return True
        return False


def ordered(tasks: Iterable[Callable[[], Iterator[T]]], workers: int, ahead: int = AHEAD) -> Iterator[T]:
    """The items of every task, in the order of the tasks; at most ``workers`` tasks run at the same time.

    ``tasks`` may itself be an iterator that asks the source where the next task begins: it is advanced in the caller's
    thread, only as far as there are free workers. With one worker, all runs in the caller's thread. An error of a task
    (or of ``tasks``) is raised where its items would have come; those behind it are dropped. Closing the iterator stops
    all threads: each ends with the request that it is in.
    """
    if workers <= 1:
        for make in tasks:
            yield from make()
        return
    waiting, stop = iter(tasks), Event()
    running: deque[tuple[_Reader[T], Future[None]]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="read") as pool:

        def begin() -> bool:
            make = next(waiting, None)
            if make is None:
                return False
            reader = _Reader(make, ahead, stop)
            running.append((reader, pool.submit(reader.run)))
            return True

        try:
            while len(running) < workers and begin():
                pass
            while running:
                reader, future = running.popleft()
                yield from _items(reader, future)
                begin()
        finally:
            stop.set()


def _items(reader: _Reader[T], future: Future[None]) -> Iterator[T]:
    while True:
        try:
            item = reader.queue.get(timeout=_TICK)
        except Empty:
            if future.done() and reader.queue.empty():
                future.result()  # raises what the task raised
                return
            continue
        if item is _End:
            return
        yield item  # type: ignore[misc]
