import threading
import time
from contextlib import suppress

import pytest

from avser_cli.threads import in_order


def busy_threads():
    return {x for x in threading.enumerate() if x.name.startswith("ThreadPoolExecutor")}


def test_answers_come_in_order_and_few_items_are_held():
    taken = []

    def items():
        for number in range(100):
            taken.append(number)
            yield number

    def slow_first(number):
        time.sleep(0.05 if number == 0 else 0)
        return number * 2

    found = in_order(slow_first, items(), jobs=2)
    assert next(found) == 0
    assert len(taken) < 10
    assert list(found) == [number * 2 for number in range(1, 100)]


def test_nothing_is_at_work_when_the_reader_stops():
    begun, ended = [], []

    def work(number):
        begun.append(number)
        time.sleep(0.05)
        ended.append(number)

    found = in_order(work, range(100), jobs=3)
    next(found)
    found.close()
    assert sorted(begun) == sorted(ended)
    assert len(begun) < 10
    assert not busy_threads()


def test_an_error_ends_the_others():
    ended = []

    def work(number):
        if number == 3:
            raise ValueError(number)
        ended.append(number)

    with pytest.raises(ValueError, match="3"):
        list(in_order(work, range(100), jobs=2))
    assert not busy_threads()
    assert len(ended) < 20


@pytest.mark.parametrize("inner_jobs", [1, 2])
def test_long_work_in_parts_ends_with_the_part_at_hand(inner_jobs):
    parts = []
    begun = threading.Event()

    def part(number):
        begun.set()
        parts.append(number)
        time.sleep(0.01)

    def long_work(number):
        if number == 1:
            list(in_order(part, iter(range(500)), inner_jobs))

    found = in_order(long_work, range(2), jobs=2)
    next(found)
    begun.wait()
    found.close()
    assert not busy_threads()
    assert len(parts) < 100


def test_a_thread_that_worked_for_one_that_ended_may_work_on():
    def work(number):
        return list(in_order(lambda x: x, [number, number], 1))

    for _ in range(3):
        with suppress(StopIteration):
            found = in_order(work, iter(range(9)), jobs=2)
            assert next(found) == [0, 0]
            found.close()
    assert list(in_order(work, range(2), jobs=2)) == [[0, 0], [1, 1]]
