"""What goes to a cluster's workers comes back once, whatever dies meanwhile."""

import os
import signal
import time
from contextlib import closing
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from avser_cli import cluster
from avser_cli.errors import ClusterError, InputError, UsageError
from tests.cluster_processes import scheduler_and_workers
from tests.platforms import needs_posix

pytestmark = needs_posix("groups of processes, and workers that kill themselves")


class Tripled:
    """A function that counts how often it is unpacked."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return _unpacked, (self.folder,)

    def __call__(self, number):
        return 3 * number


def _unpacked(folder):
    Path(folder, f"{os.getpid()}-{time.monotonic_ns()}").touch()
    return Tripled(folder)


def slowly(number):
    time.sleep(0.02)
    return number


def once_deadly(place, number):
    """Kill the worker that does it, the first time."""
    if number == 20 and not place.exists():
        place.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def deadly(number):
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def refused(number):
    raise InputError(f"{number}.wav: no sound")


def test_answers_come_in_order_and_the_function_does_not_go_with_each_batch(workers, tmp_path):
    numbers = range(3000)
    answers = list(cluster.spread(workers.scheduler_address, Tripled(tmp_path), numbers))
    assert answers == [3 * number for number in numbers]
    processes = [path.name.split("-")[0] for path in tmp_path.iterdir()]
    assert len(set(processes)) == 2
    # A worker that Dask spreads it to may fetch it at the same time.
    assert len(processes) <= 4


def test_a_connection_that_fails_to_close_costs_nothing(workers, monkeypatch):
    from distributed import Client

    close = Client.close

    def failing(client):
        close(client)
        raise RuntimeError("Cannot change state of expiring Timeout")

    monkeypatch.setattr(Client, "close", failing)
    assert list(cluster.spread(workers.scheduler_address, slowly, range(3))) == [0, 1, 2]


def test_few_items_are_under_way(workers, monkeypatch):
    monkeypatch.setattr(cluster, "MOST", 2)
    numbers = count()
    with closing(cluster.spread(workers.scheduler_address, slowly, numbers)) as answers:
        assert [next(answers) for _ in range(10)] == list(range(10))
    # Two threads, and batches of two; as many again may be done.
    assert next(numbers) <= 10 + 2 * 2 * cluster.AHEAD * 2


@pytest.mark.parametrize("in_order", [True, False])
def test_a_batch_whose_worker_dies_goes_to_another(workers, tmp_path, in_order):
    work = partial(once_deadly, tmp_path / "died")
    answers = list(cluster.spread(workers.scheduler_address, work, range(40), in_order))
    assert (answers if in_order else sorted(answers)) == list(range(40))
    assert (tmp_path / "died").exists()


def test_what_kills_each_worker_is_named(workers, monkeypatch):
    monkeypatch.setattr(workers.scheduler, "allowed_failures", 0)
    with pytest.raises(ClusterError, match="keep dying, last at item 3 or"):
        list(cluster.spread(workers.scheduler_address, deadly, [3], name_of="item {}".format))


def test_errors_of_the_work_come_as_they_are(workers, monkeypatch):
    address = workers.scheduler_address
    with pytest.raises(InputError, match=r"^5\.wav: no sound$"):
        list(cluster.spread(address, refused, [5]))
    monkeypatch.setattr(cluster, "__version__", "9.9")
    with pytest.raises(UsageError, match=r"a worker runs avser \S+ instead of 9\.9"):
        list(cluster.spread(address, slowly, [5]))


def test_a_scheduler_that_is_away_is_waited_for_and_one_that_is_gone_is_told(monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 4)
    with scheduler_and_workers() as processes:
        # More than there is time for: the work is never done before the scheduler dies.
        answers = cluster.spread(processes.address, slowly, range(100_000))
        found = [next(answers) for _ in range(10)]
        processes.kill_scheduler()
        processes.start()
        found += [next(answers) for _ in range(10)]
        processes.kill_scheduler()
        with pytest.raises(ClusterError, match="the Dask scheduler is gone; start it again"):
            found += list(answers)
    # Nothing is lost on the way, and nothing comes twice.
    assert found == list(range(len(found)))


def test_a_scheduler_without_workers_is_told(monkeypatch):
    monkeypatch.setattr(cluster, "WORKERS_SECONDS", 0.2)
    with (
        scheduler_and_workers(workers=0) as processes,
        pytest.raises(ClusterError, match=r"no workers there for 0\.2 s; start some with"),
    ):
        list(cluster.spread(processes.address, slowly, [1]))


class RestoredFuture:
    """Its worker dies when it has ended; another one gives the answers at once."""

    def __init__(self, value):
        self.value, self.statuses = value, ["pending", "finished"]

    @property
    def status(self):
        return self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]


class EndedFutures:
    def __init__(self, loop):
        self.futures = []

    def add(self, future):
        self.futures.append(future)

    def next_batch(self):
        if not self.futures:
            raise StopIteration
        batch, self.futures = self.futures, []
        return batch


class RestoringClient:
    loop, status = None, "running"

    def scatter(self, function, **_):
        return function

    def nthreads(self):
        return {"tcp://worker": 1}

    def submit(self, work, function, batch, version, **_):
        return RestoredFuture(work(function, batch, version))

    def gather(self, futures):
        return [future.value for future in futures]


def test_answers_that_another_worker_has_at_once_are_not_lost(monkeypatch):
    monkeypatch.setattr("distributed.as_completed", EndedFutures)
    batches = cluster._Batches(range(5))
    found = [x for part in cluster._answers(RestoringClient(), str, batches, True) for x in part]
    assert found == ["0", "1", "2", "3", "4"]
