"""
The clock of a run. Nobody may feel how slow the machine is, and nobody may wait for real: while anything works time goes
by as it does, and while all wait it goes SCALE times as fast.
"""
import contextlib
import datetime as real
import threading
import time
import types

_turn = threading.Condition()
_at, _since, _working, _scale = 0.0, 0.0, 0, 1.0
#: Whoever waits for something else than time looks whether it has come about this often, in real seconds.
GLANCE = 0.2


def begin(start: float, scale: float) -> None:
    global _at, _since, _scale
    _at, _since, _scale = start, time.monotonic(), scale


def _pace() -> float:
    return 1.0 if _working else _scale


def now() -> float:
    """Epoch seconds, as everybody in the run tells them."""
    return _at + (time.monotonic() - _since) * _pace()


def _change(working: int = 0, seconds: float = 0) -> None:
    global _at, _since, _working
    with _turn:
        _at, _since = now() + seconds, time.monotonic()
        _working += working
        _turn.notify_all()


@contextlib.contextmanager
def work():
    _change(working=1)
    try:
        yield
    finally:
        _change(working=-1)


def leap(seconds: float) -> None:
    """While nothing goes on."""
    _change(seconds=seconds)


def sleep(seconds: float, is_over=lambda: False) -> None:
    with _turn:
        end = now() + seconds
        while now() < end and not is_over():
            _turn.wait(min(GLANCE, (end - now()) / _pace()))


def later(seconds: float, act) -> None:
    threading.Thread(target=lambda: (sleep(seconds), act()), daemon=True).start()


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
