"""The results of a long run do not depend on where its tasks are computed."""

from __future__ import annotations

import importlib.util
import multiprocessing
import os
import signal

import pytest

import metaalliance as ma

PLAN = {"k": 6, "n": 40, "tau": 0.1, "simulate": 150, "seed": 4}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"backend": "ray"}, "backend"),
        ({"backend": "dask"}, "address of its scheduler"),
        ({"scheduler": "tcp://there:8786"}, "for the backend dask"),
        ({"backend": "dask", "scheduler": "tcp://there:8786", "jobs": 4}, "has its own"),
    ],
)
def test_what_does_not_go_together_is_refused(options, words):
    with pytest.raises(ma.OptionError, match=words):
        ma.Workers(**options)


@pytest.mark.skipif(importlib.util.find_spec("distributed"), reason="dask is there")
def test_a_cluster_without_dask_says_what_to_install():
    workers = ma.Workers(backend="dask", scheduler="tcp://127.0.0.1:9", jobs=None)
    with pytest.raises(ma.OptionError, match=r"metaalliance\[cluster\]"):
        ma.power_mean(0.2, **PLAN, jobs=workers)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL")
def test_a_worker_that_is_killed_changes_nothing():
    here = ma.power_mean(0.2, **PLAN)
    killed = []

    def kill(done, total):
        if not killed:
            killed.append(multiprocessing.active_children()[0].pid)
            os.kill(killed[0], signal.SIGKILL)

    there = ma.power_mean(0.2, **PLAN, jobs=ma.Workers(jobs=2, backend="loky"), progress=kill)
    assert killed
    assert there.rows == here.rows


def test_workers_that_are_lost_again_and_again_are_told():
    class Deadly:
        """Ends the worker that gets it."""

        def __reduce__(self):
            return os._exit, (1,)

    workers = ma.Workers(jobs=2, backend="loky")
    tasks = ((Deadly(),) for _ in range(4))
    with pytest.raises(ma.EstimationError, match="lost 3 times in a row") as found:
        list(workers.run(print, None, tasks, count=4, key="", restore=list))
    assert found.value.code == "MA702"
