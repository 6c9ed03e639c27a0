import os
import subprocess
import sys
import time
from pathlib import Path

from joblib import Parallel, delayed

from avser_cli.processes import end_idle_processes, message_queue
from tests.conftest import REPOSITORY
from tests.platforms import needs_posix


def say(queue, words):
    for word in words:
        queue.put(word)


def test_all_that_processes_say_is_heard_before_it_ends():
    heard: list[str] = []
    with message_queue(heard.append) as queue:
        Parallel(n_jobs=2)(delayed(say)(queue, words) for words in ("abc", "123"))
    assert [word for word in heard if word in "abc"] == ["a", "b", "c"]
    assert [word for word in heard if word in "123"] == ["1", "2", "3"]


def process(_):
    time.sleep(0.1)
    return os.getpid()


def test_later_work_gets_processes_of_its_own():
    before = set(Parallel(n_jobs=2)(delayed(process)(n) for n in range(4)))
    end_idle_processes()
    after = set(Parallel(n_jobs=2)(delayed(process)(n) for n in range(4)))
    assert before and after and not before & after


LISTENING = """
import time
from avser_cli.processes import message_queue

if __name__ == "__main__":
    with message_queue(print) as queue:
        print(queue._manager._process.pid, flush=True)
        time.sleep(60)
"""


@needs_posix("signals that only ask whether a process is there")
def test_what_listens_to_workers_ends_with_a_killed_command(tmp_path):
    script = tmp_path / "listening.py"
    script.write_text(LISTENING)
    command = subprocess.Popen(
        [sys.executable, str(script)], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )  # fmt: skip
    assert command.stdout is not None
    listening = int(command.stdout.readline())
    command.kill()
    command.wait()
    command.stdout.close()
    deadline = time.monotonic() + 20
    while is_running(listening) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_running(listening)


def is_running(process: int) -> bool:
    """Whether a process is there and has not ended, waited for or not."""
    status = Path(f"/proc/{process}/stat")
    if status.parent.parent.is_dir():
        return status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] != "Z"
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
