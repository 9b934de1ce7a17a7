"""Owns what shows that the interpreter is a 32-bit one, apart from numpy: `sys.maxsize`, and the
arguments of standard functions that are as wide as a C `long` or `ssize_t`.
"""

import builtins
import csv
import functools
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


def _float_hash(number):
    """What `hash` of a float is where it is 64 bits wide: modulo the prime 2**61 - 1."""
    prime = 2**61 - 1
    if number != number or number in (float("inf"), float("-inf")):
        return hash(number)
    numerator, denominator = abs(number).as_integer_ratio()
    value = numerator * pow(denominator, -1, prime) % prime
    value = -value if number < 0 else value
    return -2 if value == -1 else value


def _seed(self, a=None, version=2, _original=random.Random.seed):
    """Initialize internal state from a seed."""
    _original(self, _float_hash(a) % 2**64 if type(a) is float else a, version)


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
    random.Random.seed = patching.disguise(_seed, random.Random.seed)
    random.seed = random._inst.seed
    csv.field_size_limit = patching.disguise(_field_size_limit, csv.field_size_limit)
    functools.lru_cache = patching.disguise(_lru_cache, functools.lru_cache)
