"""The clock of a run: it starts at a fixed moment and goes some times as fast, for moto as for the functions."""
import datetime as real
import time
import types

START = BEGAN = SCALE = 0.0


def begin(start: float, began: float, scale: float) -> None:
    global START, BEGAN, SCALE
    START, BEGAN, SCALE = start, began, scale


def now() -> float:
    """Epoch seconds, as everybody in the run tells them."""
    return START + (time.time() - BEGAN) * SCALE


def sleep(seconds: float) -> None:
    time.sleep(seconds / SCALE)


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
