"""Tasks in processes of their own, each with a time limit: one that dies or hangs ends its task, not the run."""

from __future__ import annotations

import multiprocessing
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

Task = tuple[Callable[..., Any], tuple[Any, ...]]


@dataclass
class Lost:
    """What comes instead of a result."""

    reason: str


def _work(pipe: Connection, begin: Callable[[], None]) -> None:
    begin()
    while True:
        try:
            function, args = pipe.recv()
        except (EOFError, KeyboardInterrupt):
            return
        try:
            answer = function(*args)
        except Exception as e:
            answer = Lost(f"the fuzzer itself raises {type(e).__name__}: {e}")
        pipe.send(answer)


class Worker:
    """A process, the task that it is at, and when that is overdue."""

    def __init__(self, begin: Callable[[], None]) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, there = context.Pipe()
        self.process = context.Process(target=_work, args=(there, begin), daemon=True)
        self.process.start()
        there.close()
        self.task: Any = None
        self.end = 0.0

    def give(self, key: Any, task: Task, seconds: float) -> None:
        self.task, self.end = key, time.monotonic() + seconds
        self.pipe.send(task)

    def stop(self) -> None:
        self.process.kill()
        self.process.join()
        self.pipe.close()


def run(
    tasks: Iterable[tuple[Any, Task]], jobs: int, seconds: float, begin: Callable[[], None], until: float
) -> Iterator[tuple[Any, Any]]:
    """The result of every task by its key, as they come. No task begins after `until`, by `time.monotonic`."""
    waiting = iter(tasks)
    busy: list[Worker] = []
    idle: deque[Worker] = deque()
    try:
        while True:
            while len(busy) < jobs and time.monotonic() < until and (task := next(waiting, None)) is not None:
                worker = idle.popleft() if idle else Worker(begin)
                worker.give(*task, seconds)
                busy.append(worker)
            if not busy:
                return
            ready = wait(
                [w.pipe for w in busy], timeout=max(0.0, min(w.end for w in busy) - time.monotonic())
            )
            for worker in list(busy):
                if worker.pipe in ready:
                    try:
                        answer = worker.pipe.recv()
                    except (EOFError, OSError):
                        worker.process.join()
                        answer = Lost(f"the process died with status {worker.process.exitcode}")
                elif time.monotonic() > worker.end:
                    answer = Lost("no answer in time")
                else:
                    continue
                busy.remove(worker)
                if isinstance(answer, Lost):
                    worker.stop()
                else:
                    idle.append(worker)
                yield worker.task, answer
    finally:
        for worker in [*busy, *idle]:
            worker.stop()
