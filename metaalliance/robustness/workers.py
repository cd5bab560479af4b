"""Work on several processes, which interruptions reach through the one that started them."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from joblib import Parallel


def in_processes(calls: Iterable[Any], jobs: int | None) -> Iterator[Any]:
    """Return the results of delayed calls in their order.

    The backend is joblib's: ``joblib.parallel_config`` chooses another, such as dask.

    Parameters
    ----------
    calls : iterable
        Of ``joblib.delayed``.
    jobs : int or None
        Processes; None takes what ``joblib.parallel_config`` says.
    """
    with _held_back():  # processes are started here, and inherit what is held back
        results: Iterator[Any] = Parallel(n_jobs=jobs, return_as="generator")(calls)
    return results


@contextmanager
def _held_back() -> Iterator[None]:
    """Hold interruptions back that this process handles, where the system can.

    A terminal sends them to every process at once, so that those started here block them; and none
    may break into a start, where the other process would tell of it on standard output.
    """
    here = threading.current_thread() is threading.main_thread()
    if not here or not hasattr(signal, "pthread_sigmask"):
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    handlers = {n: handler for n in numbers if callable(handler := signal.getsignal(n))}
    met: list[int] = []
    for number in handlers:  # a signal that meets another thread is handled in this one
        signal.signal(number, lambda n, _: met.append(n))
    before = signal.pthread_sigmask(signal.SIG_BLOCK, handlers)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for one in met:
            signal.raise_signal(one)
