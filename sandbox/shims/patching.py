"""Owns the two ways in which the other shims change what is not theirs: attributes of built-in
types, and modules at the moment they are imported.
"""

import gc
import importlib.abc
import importlib.machinery
import sys
import warnings


def override(kind, **replacements):
    """Set attributes on `kind`, which may be a C type whose attributes Python refuses to set.

    The dictionary beneath the read-only view of a type's attributes is reachable through the
    garbage collector. Writing there leaves the interpreter's method cache stale, hence the clearing.
    Attributes behind C slots (`__add__`, `__len__` …) do not change this way."""
    try:
        for name, value in replacements.items():
            setattr(kind, name, value)
        return
    except TypeError:
        pass
    (attributes,) = gc.get_referents(kind.__dict__)
    attributes.update(replacements)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        sys._clear_type_cache()


def disguise(replacement, original):
    """Give `replacement` the name, module, docstring and signature of `original`."""
    for name in ("__name__", "__qualname__", "__module__", "__doc__", "__text_signature__"):
        try:
            setattr(replacement, name, getattr(original, name))
        except (AttributeError, TypeError):
            pass
    try:
        import inspect

        replacement.__signature__ = inspect.signature(original)
    except (ValueError, TypeError, AttributeError):
        pass
    return replacement


_waiting = {}


class _Importer(importlib.abc.MetaPathFinder):
    """Finds a module that a shim waits for as the ordinary finders do, and lets the shim at it."""

    def find_spec(self, name, path=None, target=None):
        change = _waiting.pop(name, None)
        if change is None:
            return None
        for finder in sys.meta_path:
            if finder is self:
                continue
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                break
        else:
            return None
        load = spec.loader.exec_module

        class Loader(importlib.abc.Loader):
            def create_module(self, spec):
                return original.create_module(spec)

            def exec_module(self, module):
                module.__loader__ = module.__spec__.loader = original
                load(module)
                change(module)

            def __getattr__(self, attribute):
                return getattr(original, attribute)

        original = spec.loader
        spec.loader = Loader()
        return spec


def when_imported(name, change):
    """Call `change(module)` once `name` is imported: now, or when a program imports it."""
    if name in sys.modules:
        change(sys.modules[name])
    else:
        _waiting[name] = change


def install():
    sys.meta_path.insert(0, _Importer())
