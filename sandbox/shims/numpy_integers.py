"""Owns numpy's integer types where they are C's `intp`, 32 bits wide here and 64 on the machines that
programs are written for.

That a Python int, `int`, and sums become int64 is done in numpy's own code, before the snapshot, by
the patches of `runtime-patches.json`. This shim does the rest: results that are indices (`argsort`,
`nonzero`, `where` …), the names `np.int_` and `"int"`, and arguments that must be indices.

Results stay `intp` for libraries that hand them to compiled code of their own.
"""

import functools
import sys

from touchstone_shims import patching

# Compiled code of these takes `intp` arrays and no others.
_COMPILED = ("pandas", "scipy", "sklearn", "statsmodels", "matplotlib", "patsy", "contourpy", "PIL")


def _for_library():
    """Whether the nearest caller outside numpy and this shim is one of the compiled libraries."""
    frame = sys._getframe(2)
    while frame is not None:
        name = frame.f_globals.get("__name__") or ""
        root = name.partition(".")[0]
        if root not in ("numpy", "touchstone_shims"):
            return root in _COMPILED
        frame = frame.f_back
    return False


class _SysOfImport:
    """The module `sys` with the `maxsize` that numpy was imported under."""

    maxsize = 2**31 - 1

    def __getattr__(self, name):
        return getattr(sys, name)


def install():
    import numpy as np
    from numpy._core import _type_aliases, arrayprint, fromnumeric, multiarray, numeric

    if np.dtype(int).itemsize != 8:
        raise RuntimeError(
            "this runtime has 32-bit numpy integers: apply sandbox/runtime-patches.json to it"
        )
    # Its print options hold the sys.maxsize of the time of import as a key, and look it up by the
    # one of now, which `sizes` has changed.
    arrayprint.sys = _SysOfImport()
    int32, int64, ndarray = np.int32, np.int64, np.ndarray
    narrow, wide = np.dtype(np.intp), np.dtype(int64)

    def widen(result):
        kind = type(result)
        if kind is int32:
            return int64(result)
        if kind is tuple:
            return tuple([widen(part) for part in result])
        if isinstance(result, ndarray) and result.dtype == narrow:
            return result.astype(wide)
        return result

    def index(argument):
        """`argument` as an array of indices, if it holds 64-bit integers that fit."""
        if isinstance(argument, ndarray) and argument.dtype.kind in "iu":
            if argument.dtype != narrow and argument.dtype.itemsize == 8:
                small = argument.astype(narrow)
                if (small == argument).all():
                    return small
        elif type(argument) is int64:
            return int(argument)
        return argument

    def widening(original):
        def function(*args, **kwargs):
            result = original(*args, **kwargs)
            if kwargs.get("out") is not None or _for_library():
                return result
            return widen(result)

        return patching.disguise(function, original)

    # --- methods of arrays

    methods = {
        name: widening(ndarray.__dict__[name])
        for name in ("argsort", "argpartition", "nonzero", "searchsorted")
    }

    def reducing(original):
        """argmax and argmin: with an int64 `out` they want an `intp` one."""

        def function(self, axis=None, out=None, *, keepdims=np._NoValue):
            more = {} if keepdims is np._NoValue else {"keepdims": keepdims}
            if out is not None and getattr(out, "dtype", None) == wide:
                out[...] = original(self, axis, **more)
                return out
            result = original(self, axis, out, **more)
            return result if out is not None or _for_library() else widen(result)

        return patching.disguise(function, original)

    for name in ("argmax", "argmin"):
        methods[name] = reducing(ndarray.__dict__[name])

    repeat = ndarray.__dict__["repeat"]

    def repeat_method(self, repeats, axis=None):
        return repeat(self, index(repeats), axis)

    methods["repeat"] = patching.disguise(repeat_method, repeat)

    def indexing(original, *positions):
        def function(*args, **kwargs):
            args = list(args)
            for position in positions:
                if position < len(args):
                    args[position] = index(args[position])
            return original(*args, **kwargs)

        return patching.disguise(function, original)

    methods["partition"] = indexing(ndarray.__dict__["partition"], 1)
    methods["argpartition"] = indexing(methods["argpartition"], 1)
    methods["choose"] = indexing(ndarray.__dict__["choose"], 0)
    methods["put"] = indexing(ndarray.__dict__["put"], 1)
    patching.override(ndarray, **methods)

    for name in ("argsort", "argmax", "argmin", "searchsorted", "nonzero"):
        if name in np.generic.__dict__:
            patching.override(np.generic, **{name: widening(np.generic.__dict__[name])})

    # --- functions: the same object stands in several modules

    modules = [m for n, m in list(sys.modules.items()) if n.startswith("numpy") and m is not None]

    def replace(original, replacement):
        for module in modules:
            for key, value in list(vars(module).items()):
                if value is original and not key.startswith("__"):
                    setattr(module, key, replacement)

    where = multiarray.where

    def where_(condition, *args):
        result = where(condition, *args)
        return result if args or _for_library() else widen(result)

    replace(where, patching.disguise(where_, where))
    for function in (np.lexsort, np.ravel_multi_index, np.unravel_index, np.count_nonzero, np.digitize):
        replace(function, widening(function))
    replace(np.bincount, widening(indexing(np.bincount, 0)))

    unique = np.unique

    @functools.wraps(unique)
    def unique_(*args, **kwargs):
        result = unique(*args, **kwargs)
        if type(result) is tuple and not _for_library():
            return (result[0], *map(widen, result[1:]))
        return result

    replace(unique, unique_)

    histogram = np.histogram

    @functools.wraps(histogram)
    def histogram_(*args, **kwargs):
        counts, edges = histogram(*args, **kwargs)
        return counts if _for_library() else widen(counts), edges

    replace(histogram, histogram_)

    indices = np.indices

    @functools.wraps(indices)
    def indices_(dimensions, dtype=int, sparse=False):
        return indices(dimensions, wide if dtype is int else dtype, sparse)

    replace(indices, indices_)

    import numpy.strings

    for name in ("find", "rfind", "index", "rindex", "count", "str_len"):
        replace(getattr(numpy.strings, name), widening(getattr(numpy.strings, name)))

    append = np.append

    @functools.wraps(append)
    def append_(arr, values, axis=None):
        # pandas keeps its block positions this way, and its compiled code wants `intp` back.
        if type(values) is int and getattr(arr, "dtype", None) == narrow and _for_library():
            values = narrow.type(values)
        return append(arr, values, axis)

    replace(append, append_)

    # --- names

    np.int_ = np.long = int64
    np.uint = np.ulong = np.uint64
    for name in ("int", "int_", "long"):
        _type_aliases.sctypeDict[name] = int64
    for name in ("uint", "ulong"):
        _type_aliases.sctypeDict[name] = np.uint64
    # The types whose name an array's repr leaves out.
    arrayprint._typelessdata[:] = [
        int64 if kind is narrow.type else kind for kind in arrayprint._typelessdata
    ]

    import numpy.lib._iotools as iotools

    mapper = iotools.StringConverter._mapper
    mapper[:] = [
        tuple(int64 if part is narrow.type else part for part in entry) for entry in mapper
    ]

    # --- random

    import numpy.random.mtrand as mtrand

    state = mtrand.RandomState
    narrow_results = (
        "negative_binomial poisson zipf geometric logseries permutation choice tomaxint random_integers"
    )
    randint = state.__dict__["randint"]

    def randint_(self, low, high=None, size=None, dtype=int):
        """randint(low, high=None, size=None, dtype=int)"""
        if dtype is int:
            result = randint(self, low, high, size, int64)
            return int(result) if type(result) is int64 else result
        return randint(self, low, high, size, dtype)

    # These two write C `long`s, 32 bits wide, into an array that numpy's own patched code makes for
    # them with 64: into its first half when the parameters are scalars, else four bytes in eight.

    def halves(result):
        if not isinstance(result, ndarray) or result.dtype != wide:
            return widen(result)
        flat = result.ravel()
        return flat.view(int32)[: flat.size].reshape(result.shape).astype(wide)

    binomial, multinomial = state.__dict__["binomial"], state.__dict__["multinomial"]

    def binomial_(self, n, p, size=None):
        n = index(n)
        if np.ndim(n) == 0 and np.ndim(p) == 0:
            return halves(binomial(self, n, p, size))
        pairs = np.broadcast(n, p) if size is None else np.broadcast(n, p, np.empty(size, bool))
        drawn = [binomial(self, each[0], each[1]) for each in pairs]
        return np.array(drawn, wide).reshape(pairs.shape)

    def multinomial_(self, n, pvals, size=None):
        return halves(multinomial(self, index(n), pvals, size))

    changed = {
        "randint": patching.disguise(randint_, randint),
        "binomial": patching.disguise(binomial_, binomial),
        "multinomial": patching.disguise(multinomial_, multinomial),
    }
    changed["hypergeometric"] = widening(indexing(state.__dict__["hypergeometric"], 1, 2, 3))
    for name in narrow_results.split():
        changed[name] = widening(state.__dict__[name])
    patching.override(state, **changed)
    shared = mtrand._rand
    for name in changed:
        bound = getattr(shared, name)
        for module in (np.random, mtrand):
            if hasattr(module, name):
                setattr(module, name, bound)
