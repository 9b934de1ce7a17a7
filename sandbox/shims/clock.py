"""Owns `time.sleep` and the moments at which something else may happen while a program sleeps:
threads that wait to run, alarms that fall due.

The host's clock is virtual: sleeping moves it on at once, and it also moves with the work done.
"""

import time

_sleep = time.sleep
monotonic = time.monotonic

# Functions f(until): called before the clock is moved to `until` (on the monotonic clock).
before_sleep = []


def sleep_quietly(seconds):
    """Move the clock on by `seconds` and do nothing else."""
    if seconds > 0:
        _sleep(seconds)


def sleep(seconds, /):
    if before_sleep and seconds >= 0:
        until = monotonic() + seconds
        for hook in before_sleep:
            hook(until)
        sleep_quietly(until - monotonic())
    else:
        _sleep(seconds)


def install():
    from touchstone_shims import patching

    time.sleep = patching.disguise(sleep, _sleep)
