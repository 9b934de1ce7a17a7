"""Owns what shows that the interpreter is a 32-bit one, apart from numpy: `sys.maxsize`, and the
arguments of standard functions that are as wide as a C `long` or `ssize_t`.
"""

import builtins
import csv
import functools
import itertools
import random
import sys

from touchstone_shims import patching

_NARROW = 2**31 - 1
_WIDE = 2**63 - 1


def _length(value, /, _len=builtins.len):
    """`len`, which also knows the length of a range too long for this machine."""
    if type(value) is range:
        try:
            return _len(value)
        except OverflowError:
            start, stop, step = value.start, value.stop, value.step
            return (stop - start + step - (1 if step > 0 else -1)) // step
    return _len(value)


class islice(itertools.islice):
    """islice(iterable, stop) --> islice object, for indices up to `sys.maxsize`."""

    __module__ = "itertools"
    __slots__ = ()

    def __new__(cls, iterable, *bounds):
        if any(type(bound) is int and bound > _NARROW for bound in bounds):
            bounds = [min(b, _NARROW) if type(b) is int and b <= _WIDE else b for b in bounds]
        return super().__new__(cls, iterable, *bounds)


def _field_size_limit(new_limit=None, *rest, _original=csv.field_size_limit):
    if new_limit is None:
        return _field_size_limit.wide or _original()
    before = _field_size_limit()
    if isinstance(new_limit, int) and _NARROW < new_limit <= _WIDE:
        _original(_NARROW)
        _field_size_limit.wide = new_limit
    else:
        _original(new_limit, *rest)
        _field_size_limit.wide = None
    return before


_field_size_limit.wide = None


def _lru_cache(maxsize=128, typed=False, _original=functools.lru_cache):
    if type(maxsize) is int and maxsize > _NARROW:
        maxsize = _NARROW
    return _original(maxsize, typed)


def install():
    sys.maxsize = _WIDE
    # `random` finds `len` among the builtins unless its own module has one.
    random.len = _length
    csv.field_size_limit = patching.disguise(_field_size_limit, csv.field_size_limit)
    functools.lru_cache = patching.disguise(_lru_cache, functools.lru_cache)
