"""Owns `signal`'s alarms and timers. They count the guest's own clock, and their handler runs when the
program next sleeps, waits or reads a clock: nothing interrupts a computation here but its limits.
"""

import signal
import time

from touchstone_shims import clock, patching

_READERS = ("time", "monotonic", "perf_counter", "process_time", "time_ns", "perf_counter_ns", "monotonic_ns")
_originals = {name: getattr(time, name) for name in _READERS}

# ITIMER_REAL: when it falls due on the monotonic clock (None: not armed), and then every so often.
_due = None
_interval = 0.0


class ItimerError(OSError):
    pass


def _deliver(number):
    handler = signal.getsignal(number)
    if callable(handler):
        handler(number, None)
    elif handler != signal.SIG_IGN:
        raise SystemExit(128 + number)


def _check(until=None):
    """Deliver the alarm if it falls due by now, or by `until` while sleeping."""
    global _due
    while _due is not None:
        now = clock.monotonic()
        if _due > max(now, until or 0):
            return
        clock.sleep_quietly(_due - now)
        _due = _due + _interval if _interval else None
        if _due is None:
            _disarm()
        _deliver(signal.SIGALRM)


def _reader(name):
    original = _originals[name]

    def read():
        _check()
        return original()

    return patching.disguise(read, original)


def _arm():
    for name, reader in _readers.items():
        setattr(time, name, reader)
    if _check not in clock.before_sleep:
        clock.before_sleep.append(_check)


def _disarm():
    for name, original in _originals.items():
        setattr(time, name, original)
    if _check in clock.before_sleep:
        clock.before_sleep.remove(_check)


_readers = {}


def setitimer(which, seconds, interval=0.0, /):
    """Sets given itimer (one of ITIMER_REAL, ITIMER_VIRTUAL or ITIMER_PROF)."""
    global _due, _interval
    if which not in (0, 1, 2):
        raise ItimerError(22, "Invalid argument")
    if which:
        return (0.0, 0.0)
    before = getitimer(which)
    _interval = interval if seconds else 0.0
    if seconds:
        _due = clock.monotonic() + seconds
        _arm()
    else:
        _due = None
        _disarm()
    return before


def getitimer(which, /):
    """Returns current value of given itimer."""
    if which or _due is None:
        return (0.0, 0.0)
    return (max(_due - clock.monotonic(), 0.0), _interval)


def alarm(seconds, /):
    """Arrange for SIGALRM to arrive after the given number of seconds."""
    import math

    return math.ceil(setitimer(0, seconds)[0])


def pause():
    """Wait until a signal arrives."""
    if _due is None:
        raise RuntimeError("signal.pause() would wait for ever: no alarm is set")
    _check(_due)


def siginterrupt(number, flag, /):
    """Change system call restart behaviour: there is nothing to restart here."""


def pthread_sigmask(how, mask, /):
    return set()


def install():
    for function in (setitimer, getitimer, alarm, pause, siginterrupt, pthread_sigmask):
        function.__module__ = "signal"
        if not hasattr(signal, function.__name__):
            setattr(signal, function.__name__, function)
    signal.ItimerError = ItimerError
    for number, name in enumerate(("ITIMER_REAL", "ITIMER_VIRTUAL", "ITIMER_PROF")):
        setattr(signal, name, number)
    for number, name in enumerate(("SIG_BLOCK", "SIG_UNBLOCK", "SIG_SETMASK")):
        setattr(signal, name, number)
    _readers.update({name: _reader(name) for name in _READERS})
