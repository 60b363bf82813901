"""A foreach whose items do what items do, good and bad; `seen` is what each found."""

# ruff: noqa: LOG015, RUF012, S311, SIM115, E501 - as users write flows
import atexit
import ctypes
import logging
import os
import random
import signal
import subprocess
import sys
import threading
import warnings

from metaflow import (
    Config,
    FlowSpec,
    IncludeFile,
    Parameter,
    catch,
    current,
    environment,
    project,
    resources,
    retry,
    secrets,
    step,
    timeout,
    worker_pool,
)  # fmt: skip

print("the file says this")
warnings.warn("and this", UserWarning, stacklevel=1)
random.seed(7)
LOADED = []


def words(text):
    print(text)
    print(text, file=sys.stderr)


def quiet(self):
    pass


def prints(self):
    words(f"item {self.index} of many")
    sys.stdout.write("no end of line")


def children(self):
    subprocess.run(["sh", "-c", "echo child out; echo child err >&2"], check=True)
    words("after child")


def c_library(self):
    ctypes.CDLL(None).puts(b"from C")


def logs(self):
    logging.warning("a warning")


def many_lines(self):
    for number in range(300):
        print("line", number, "x" * 200)


def draws(self):
    self.drawn = [random.random() for _ in range(3)]


def raises(self):
    raise ValueError(f"wrong {self.index}")


def raises_from(self):
    try:
        raises(self)
    except ValueError as error:
        raise RuntimeError("because") from error


def succeeds_later(self):
    if current.retry_count == 0:
        raise OSError("not yet")
    self.attempt = current.retry_count


def exits_3(self):
    sys.exit(3)


def exits_text(self):
    sys.exit("a text")


def exits_late(self):
    if current.retry_count == 0:
        os._exit(9)


def kills_itself(self):
    if current.retry_count == 0:
        os.kill(os.getpid(), signal.SIGKILL)


def segfaults(self):
    if current.retry_count == 0:
        ctypes.string_at(0)


def unpicklable(self):
    self.lock = threading.Lock() if current.retry_count == 0 else None


def too_slow(self):
    import time

    if current.retry_count == 0:
        signal.alarm(1)
        time.sleep(20)


def forks(self):
    child = os.fork()
    if child == 0:
        print("in the fork", flush=True)
        os._exit(0)
    os.waitpid(child, 0)
    words("in the parent")


def leaves_a_mess(self):
    os.environ["LEFT"] = "over"
    os.chdir("/")
    sys.path.insert(0, "/nowhere")
    sys.argv.append("more")
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    type(self).made_up = 1
    sys.stdout = open(os.devnull, "w")


def sees_no_mess(self):
    self.mess = (
        os.environ.get("LEFT"), os.getcwd() == "/", "/nowhere" in sys.path, "more" in sys.argv,
        signal.getsignal(signal.SIGUSR1) == signal.SIG_DFL, hasattr(type(self), "made_up"),
    )  # fmt: skip


def threads(self):
    threading.Thread(target=words, args=("in a thread",)).start()


def at_exit(self):
    if os.environ.get("FORKS"):
        atexit.register(print, "the last words")


def changes_parameters(self):
    self.number = 5


BEHAVIOURS = [
    quiet, prints, children, c_library, logs, many_lines, draws, raises, raises_from, succeeds_later,
    exits_3, exits_text, exits_late, kills_itself, segfaults, unpicklable, too_slow, forks,
    leaves_a_mess, sees_no_mess, threads, at_exit, changes_parameters,
]  # fmt: skip


@project(name="pooled")
class BehavioursFlow(FlowSpec):
    number = Parameter("number", default=3)
    text = IncludeFile("text", default=__file__)
    config = Config("config", default_value='{"depth": 2}')
    plain = [1, 2]

    @step
    def start(self):
        only = os.environ.get("ONLY", "").split()
        names = [one.__name__ for one in BEHAVIOURS if not only or one.__name__ in only]
        again = [one for one in ("prints", "draws", "sees_no_mess", "quiet") if one in names]
        self.names = names + again
        self.passed_on = {"a": 1}
        self.next(self.work, foreach="names")

    @worker_pool(size=2)
    @retry(times=1, minutes_between_retries=0)
    @catch(var="failure", print_exception=True)
    @timeout(minutes=5)
    @environment(vars={"GIVEN": "by environment"})
    @secrets(sources=[{"type": "inline", "id": "x", "options": {"env_vars": {"HIDDEN": "word"}}}])
    @resources(cpu=1)
    @step
    def work(self):
        self.seen = {
            "input": self.input, "index": self.index, "number": self.number,
            "config": self.config.depth, "text": len(self.text), "plain": self.plain,
            "passed_on": self.passed_on, "given": os.environ["GIVEN"],
            "hidden": os.environ.get("HIDDEN"),
            "run": os.environ["METAFLOW_RUN_ID"] == current.run_id,
            "current": (
                current.flow_name, current.step_name, current.retry_count, current.is_running_flow,
                current.namespace, current.username, sorted(current.parameter_names), current.project_name,
                current.branch_name, sorted(current.tags), current.task_id in sys.argv,
                current.pathspec.split("/")[2], current.get("origin_run_id"),
            ),
            "path": sys.path[1:], "folder": os.path.basename(os.getcwd()) != "/",
            "argv": [len(sys.argv), sys.argv[0], sys.argv[-1]], "main": __name__,
            "handlers": [int(signal.getsignal(n) == signal.SIG_DFL) for n in (10, 12, 15)],
        }  # fmt: skip
        globals()[self.input](self)
        self.next(self.after)

    @worker_pool(size=1)
    @step
    def after(self):
        self.before = getattr(self, "seen", None) is not None
        self.next(self.join)

    @step
    def join(self, inputs):
        self.all = [(one.names, one.failure is not None) for one in inputs]
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    BehavioursFlow()
