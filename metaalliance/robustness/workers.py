"""Work on several processes, which Ctrl-C reaches through the one that started them."""

from __future__ import annotations

import signal
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
    """Hold Ctrl-C back, where the system can: a terminal sends it to every process at once."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
