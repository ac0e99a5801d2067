"""
The clock of a run. Nobody may feel how slow the machine is, and nobody waits for real: while anything works time goes by
as it does, and when all wait it is at once the earliest moment that anybody waits for.
"""
import contextlib
import datetime as real
import threading
import time
import types

_turn = threading.Condition()
_at, _since, _working = 0.0, 0.0, 0
_waiting = []


class _Wait:
    def __init__(self, until: float, is_over):
        self.until, self.is_over = until, is_over


def begin(start: float) -> None:
    global _at, _since
    _at, _since = start, time.monotonic()


def now() -> float:
    """Epoch seconds, as everybody in the run tells them."""
    return _at + time.monotonic() - _since


def begins() -> None:
    global _working
    with _turn:
        _working += 1


def ends() -> None:
    global _working
    with _turn:
        _working -= 1
        _go_on()


@contextlib.contextmanager
def work():
    begins()
    try:
        yield
    finally:
        ends()


def sleep(seconds: float, is_over=lambda: False) -> None:
    """Of whoever works; whose turn it is works again, before time may go on."""
    global _working
    with _turn:
        wait = _Wait(now() + seconds, is_over)
        _waiting.append(wait)
        _working -= 1
        _go_on()
        while wait in _waiting:
            left = wait.until - now()
            if left <= 0 or wait.is_over():
                _wake(wait)
            else:
                _turn.wait(left)


def nudge() -> None:
    """What somebody waits for may be over before its time."""
    with _turn:
        _turn.notify_all()


def later(seconds: float, act) -> None:
    def do():
        sleep(seconds)
        act()
        ends()

    begins()
    threading.Thread(target=do, daemon=True).start()


def leap(seconds: float) -> None:
    """While nothing goes on but what was left for later."""
    with work():
        sleep(seconds)


def _wake(wait: _Wait) -> None:
    global _working
    _waiting.remove(wait)
    _working += 1


def _go_on() -> None:
    """Nobody works: it is the moment that comes next."""
    global _at, _since
    if _working > 0 or not _waiting:
        return
    first = min(_waiting, key=lambda each: each.until)
    _at, _since = max(first.until, now()), time.monotonic()
    _wake(first)
    _turn.notify_all()


class _Any(type):
    def __instancecheck__(cls, thing) -> bool:
        return isinstance(thing, real.datetime)


class _Datetime(real.datetime, metaclass=_Any):
    @classmethod
    def now(cls, tz=None):
        return real.datetime.fromtimestamp(now(), tz)

    @classmethod
    def utcnow(cls):
        return real.datetime.fromtimestamp(now(), real.timezone.utc).replace(tzinfo=None)


#: Stands in a module's namespace in place of `datetime`.
datetime = types.ModuleType("datetime")
datetime.__dict__.update({**real.__dict__, "datetime": _Datetime})
