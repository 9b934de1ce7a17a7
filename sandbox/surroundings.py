"""What a test changes around the program rather than in it, and what it watches there.

Owns how such changes reach the program's own interpreter: the working directory, the environment
and seeds are changed there as well. What cannot be carried over makes a test that cannot be split.
Nothing is done for tests that use none of the names that all this goes by.
"""

import sys
import types

# What is replaced for the program too, while it runs; see `_redirected` in `judge.py`.
_CARRIED = frozenset({
    ("sys", "stdin"), ("sys", "stdout"), ("sys", "stderr"), ("sys", "argv"),
    ("builtins", "input"), ("builtins", "print"), ("builtins", "open"),
})
_WATCHING = frozenset("assertLogs assertNoLogs assertWarns assertWarnsRegex".split())
_TEST_MODULE = "test_solution"


def follow(used, ask, unsplittable):
    """Prepares for a test that uses these names."""
    if used & _WATCHING:
        unsplittable("it watches what the program logs or warns of")
    if "catch_warnings" in used:
        _watch_warnings(unsplittable)
    if "patch" in used and used & {"mock", "unittest.mock"}:
        _watch_patches(unsplittable)
    if "chdir" in used:
        _follow_directory(ask)
    if "environ" in used:
        _follow_environment(ask)
    if "seed" in used:
        for name in ("random", "numpy.random"):
            if name in sys.modules:
                _follow_seed(sys.modules[name], name, ask)


def _watch_warnings(unsplittable):
    import warnings

    initialize = warnings.catch_warnings.__init__

    def watched(self, *, record=False, **options):
        if record:
            unsplittable("it watches what the program logs or warns of")
        initialize(self, record=record, **options)

    warnings.catch_warnings.__init__ = watched


def _watch_patches(unsplittable):
    from unittest import mock

    enter = mock._patch.__enter__

    def watched(self):
        target = self.getter()
        if isinstance(target, type):
            name, shared = target.__qualname__, target.__module__ != _TEST_MODULE
        else:
            # The program's own module says so itself.
            shared = type(target) is types.ModuleType
            name = target.__name__ if shared else None
            shared = shared and name != _TEST_MODULE and (name, self.attribute) not in _CARRIED
        if shared:
            unsplittable(f"it replaces {self.attribute} of {name}")
        return enter(self)

    mock._patch.__enter__ = watched


def _follow_directory(ask):
    import os

    change = os.chdir

    def chdir(path):
        change(path)
        ask("chdir", -1, (os.getcwd(),))

    os.chdir = chdir


def _follow_environment(ask):
    import os

    environment = type(os.environ)
    put, delete = environment.__setitem__, environment.__delitem__

    def __setitem__(self, key, value):
        put(self, key, value)
        ask("environ", -1, (key, value))

    def __delitem__(self, key):
        delete(self, key)
        ask("environ", -1, (key, None))

    environment.__setitem__, environment.__delitem__ = __setitem__, __delitem__


def _follow_seed(module, name, ask):
    own = module.seed

    def seed(*args, **kwargs):
        own(*args, **kwargs)
        ask("seed", -1, (name, args, kwargs))

    module.seed = seed
