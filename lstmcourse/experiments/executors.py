"""Where trials run: processes of our own, or any executor of concurrent.futures, such as Dask's and MPI's."""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Executor, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

from lstmcourse.tasks import MissingPackageError

__all__ = ["dask", "lost", "mpi", "processes", "slots"]

_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


@contextmanager
def processes(workers: int) -> Iterator[Callable[[], Executor]]:
    """Give a function that makes a pool of processes, with one thread of linear algebra each.

    The processes end with this one, however it ends. A pool one of whose processes was killed is of no more
    use: then another can be made.
    """
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    # a fork would inherit a BLAS that has its threads already
    fresh = multiprocessing.get_context("spawn")
    theirs, ours = fresh.Pipe(duplex=False)  # ours lies in this process alone
    pools: list[Executor] = []

    def make() -> Executor:
        pool = ProcessPoolExecutor(workers, mp_context=fresh, initializer=_end_with, initargs=(theirs,))
        pools.append(pool)
        return pool

    try:
        try:
            yield make
        except BaseException:
            ours.close()
            raise
        finally:
            for pool in pools:
                pool.shutdown(cancel_futures=True)
            ours.close()
            theirs.close()
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _end_with(parent: Connection) -> None:
    """Let this worker end when the other end of a pipe is closed: when its runner ends, be it by a kill.

    One that is ready only after its runner has ended takes up no trial: it ends here.
    """

    def closed(timeout: float | None) -> bool:
        try:
            return parent.poll(timeout)
        except OSError:  # so Windows may say it
            return True

    def watch() -> None:
        try:
            closed(None)
        finally:
            os._exit(1)

    if closed(0):
        os._exit(1)
    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def dask(address: str) -> Iterator[Executor]:
    """Give the executor of the Dask cluster whose scheduler is at this address."""
    try:
        from distributed import Client
    except ImportError as error:
        raise _missing("Dask", "studies") from error
    try:
        client = Client(address, timeout=10, set_as_default=False, name="lstmcourse")
    except (OSError, ValueError) as error:
        raise ValueError(f"dask={address!r}: there is no scheduler, such as tcp://127.0.0.1:8786") from error
    try:
        yield client.get_executor(pure=False)
    finally:
        client.close(timeout=5)


@contextmanager
def mpi() -> Iterator[Executor]:
    """Give the executor whose workers are the other ranks: ``mpiexec -n 3 python -m mpi4py.futures ...``."""
    try:
        from mpi4py.futures import MPIPoolExecutor
    except (ImportError, RuntimeError) as error:  # the second: there is no MPI library
        raise _missing("mpi4py, and MPI itself", "mpi") from error
    with MPIPoolExecutor() as pool:
        yield pool


def _missing(what: str, extra: str) -> MissingPackageError:
    return MissingPackageError(f"this needs {what}: pip install 'lstmcourse[{extra}]'")


class ClusterLostError(RuntimeError):
    """A cluster is no longer there."""


def slots(executor: Executor, otherwise: int) -> int:
    """Return how many trials an executor runs at a time, as far as it says so."""
    if (client := getattr(executor, "_client", None)) is not None:  # Dask's; workers come and go
        try:
            return max(1, sum(client.nthreads().values()))
        except OSError as error:
            raise ClusterLostError("the scheduler does not answer") from error
    return getattr(executor, "num_workers", None) or getattr(executor, "_max_workers", None) or otherwise


def lost(error: BaseException | None) -> bool:
    """Whether an error says that a worker, or all of them, are no longer there: the trial is not to blame."""
    dask = sys.modules.get("distributed")
    killed: tuple[Any, ...] = (dask.KilledWorker,) if dask else ()
    return isinstance(error, (BrokenExecutor, CancelledError, ClusterLostError, *killed))
