"""Where the tasks of a long run are computed: here, on processes, or on a cluster."""

from __future__ import annotations

import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Literal

from metaalliance import __version__
from metaalliance.errors import EstimationError, OptionError
from metaalliance.options import check_option
from metaalliance.workers.kept import Job, Kept

Backend = Literal["loky", "dask"]
#: How often in a row workers may be lost without one task more that is finished.
ATTEMPTS = 3
#: Seconds in which a scheduler has to answer.
PATIENCE = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Workers:
    """Where tasks are computed; the results depend on nothing of it.

    Attributes
    ----------
    jobs : int or None
        Processes on this machine, -1 for all cores; None takes what ``joblib.parallel_config``
        says. A cluster has its own number.
    backend : {"loky", "dask"} or None
        Processes of this machine, or a cluster; None takes joblib's configuration.
    scheduler : str or None
        Address of the scheduler of a dask cluster, such as ``tcp://host:8786``. Its workers need
        this version of metaalliance.
    kept : Kept or None
        Where finished tasks are kept, and taken up from.
    progress : callable or None
        Called with the number of finished and of all tasks of a job.
    """

    jobs: int | None = 1
    backend: Backend | None = None
    scheduler: str | None = None
    kept: Kept | None = None
    progress: Callable[[int, int], None] | None = None

    @classmethod
    def of(cls, jobs: Jobs) -> Workers:
        """Return the workers that a number of processes stands for, or those given."""
        return jobs if isinstance(jobs, Workers) else cls(jobs=jobs)

    def __post_init__(self) -> None:
        if self.backend is not None:
            check_option("backend", self.backend, Backend)
        if self.backend == "dask" and not self.scheduler:
            raise OptionError(
                "A dask cluster needs the address of its scheduler, such as tcp://host:8786."
            )
        if self.scheduler and self.backend != "dask":
            raise OptionError(
                "A scheduler is for the backend dask. Name that too, or leave it out."
            )
        if self.scheduler and self.jobs not in {None, 1}:
            raise OptionError(
                "A number of jobs is for this machine; a cluster has its own. Leave one out."
            )

    def run(
        self,
        function: Callable[..., Any],
        shared: Any,
        tasks: Iterable[tuple[Any, ...]],
        *,
        count: int,
        key: Any,
        restore: Callable[[Any], Any],
    ) -> Iterator[Any]:
        """Yield ``function(shared, *task)`` of every task, in their order.

        Parameters
        ----------
        function : callable
            Of a module, with results that JSON holds, arrays as lists.
        shared : object
            What every task needs; it goes to each worker of a cluster once.
        tasks : iterable of tuple
            Made one by one while others are computed.
        count : int
            Their number.
        key : object
            All that the results depend on, of which a digest is made.
        restore : callable
            Returns the result of a task from what JSON has of it.

        Raises
        ------
        EstimationError
            When the cluster is out of reach, has another version, or workers are lost again and
            again.
        OptionError
            When dask is not installed.
        """
        found = (
            self._computed(function, shared, tasks)
            if self.kept is None
            else self._kept(self.kept, function, shared, tasks, count, key, restore)
        )
        for done, result in enumerate(found, start=1):
            if self.progress is not None:
                self.progress(done, count)
            yield result

    def _kept(
        self,
        kept: Kept,
        function: Callable[..., Any],
        shared: Any,
        tasks: Iterable[tuple[Any, ...]],
        count: int,
        key: Any,
        restore: Callable[[Any], Any],
    ) -> Iterator[Any]:
        """Take up finished tasks, and keep those that are computed."""
        from joblib import hash as digest_of

        with closing(kept.job(str(digest_of(key)), count)) as job:
            yield from self._with(job, function, shared, tasks, restore)

    def _with(
        self,
        job: Job,
        function: Callable[..., Any],
        shared: Any,
        tasks: Iterable[tuple[Any, ...]],
        restore: Callable[[Any], Any],
    ) -> Iterator[Any]:
        done = dict(job.done)
        waiting: deque[int] = deque()

        def missing() -> Iterator[tuple[Any, ...]]:
            for number, task in enumerate(tasks):
                waiting.append(number)
                if number not in done:
                    yield task

        def finished() -> Iterator[Any]:
            while waiting and waiting[0] in done:
                yield restore(done.pop(waiting.popleft()))

        for result in self._computed(function, shared, missing()):
            yield from finished()
            job.add(waiting.popleft(), result)
            yield result
        yield from finished()

    def _computed(
        self, function: Callable[..., Any], shared: Any, tasks: Iterable[tuple[Any, ...]]
    ) -> Iterator[Any]:
        """Compute tasks in their order; those of workers that are lost are computed again."""
        pending: deque[tuple[Any, ...]] = deque()
        rest, drawing = iter(tasks), threading.Lock()
        attempt = lost = 0

        def feed(own: int, again: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
            yield from again
            while True:
                with drawing:  # other threads ask for tasks
                    task = next(rest, None) if own == attempt else None
                    if task is None:
                        return
                    pending.append(task)
                yield task

        while True:
            try:
                for result in self._results(function, shared, feed(attempt, tuple(pending))):
                    pending.popleft()
                    lost = 0
                    yield result
                return
            except _lost_workers() as error:
                lost += 1
                if lost == ATTEMPTS:
                    raise EstimationError(
                        f"Workers were lost {ATTEMPTS} times in a row ({type(error).__name__}), "
                        "as where the memory does not suffice.",
                        code="MA702",
                    ) from error
            except Exception as error:
                if self.backend == "dask" and _is_foreign(error):
                    raise EstimationError(
                        f"The cluster {self.scheduler} cannot load a task ({error}). Its scheduler "
                        f"and workers need metaalliance {__version__}.",
                        code="MA702",
                    ) from error
                raise
            with drawing:
                attempt += 1

    def _results(
        self, function: Callable[..., Any], shared: Any, tasks: Iterable[tuple[Any, ...]]
    ) -> Iterator[Any]:
        """Results of one pass of joblib."""
        from joblib import Parallel, delayed

        calls = (delayed(_call)(__version__, function, shared, task) for task in tasks)
        with self._configured(shared) as configured:
            with configured, _held_back():  # processes start here, and inherit what is held back
                results = Parallel(n_jobs=self.jobs, return_as="generator")(calls)
            yield from results

    @contextmanager
    def _configured(self, shared: Any) -> Iterator[Any]:
        """Give the configuration of joblib."""
        if self.backend is None:
            yield nullcontext()
            return
        from joblib import parallel_config

        if self.backend == "loky":
            yield parallel_config("loky")
            return
        with _client(str(self.scheduler)) as client:
            yield parallel_config("dask", client=client, scatter=[shared])


Jobs = int | Workers | None


def _call(version: str, function: Callable[..., Any], shared: Any, task: tuple[Any, ...]) -> Any:
    """Compute a task, on a worker."""
    if version != __version__:
        raise EstimationError(
            f"A worker has metaalliance {__version__}, and this is {version}. Install the same "
            "version on both.",
            code="MA702",
        )
    return function(shared, *task)


def _lost_workers() -> tuple[type[Exception], ...]:
    """Return what is raised where tasks were lost with the workers that had them."""
    from concurrent.futures.process import BrokenProcessPool

    if "distributed" not in sys.modules:
        return (BrokenProcessPool,)
    from distributed.scheduler import KilledWorker

    return BrokenProcessPool, CancelledError, KilledWorker


def _is_foreign(error: Exception) -> bool:
    """Whether a cluster lacks this package."""
    told = str(error)
    return "No module named 'metaalliance" in told or "deserialization of the task" in told


@contextmanager
def _client(scheduler: str) -> Iterator[Any]:
    """Connect to the scheduler of a cluster whose workers have this package."""
    try:
        from distributed import Client
    except ImportError:
        raise OptionError(
            "A dask cluster needs dask: pip install 'metaalliance[cluster]'.", code="MA702"
        ) from None
    try:
        client = Client(scheduler, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise EstimationError(
            f"The scheduler {scheduler} cannot be reached ({error}).", code="MA702"
        ) from None
    with client:
        yield client


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
