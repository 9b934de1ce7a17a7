"""Owns the border between 64-bit numpy integers and libraries whose compiled code takes `intp` arrays,
32 bits wide here: a function that refuses an int64 array for that reason is called again with it
narrowed. Cython checks its arguments before the function's body runs, so nothing happens twice.
"""

from touchstone_shims import patching

_MODULES = """
pandas._libs.lib pandas._libs.algos pandas._libs.internals pandas._libs.join pandas._libs.groupby
pandas._libs.reshape pandas._libs.hashtable pandas._libs.index pandas._libs.sparse
pandas._libs.indexing pandas._libs.window.aggregations pandas._libs.window.indexers
pandas._libs.tslib pandas._libs.arrays pandas._libs.writers pandas._libs.ops pandas._libs.missing
""".split()


def _narrowing(original):
    import numpy as np

    wide, narrow = np.dtype(np.int64), np.dtype(np.intp)

    def narrowed(value):
        if isinstance(value, np.ndarray) and value.dtype == wide:
            small = value.astype(narrow)
            if (small == value).all():
                return small
        return value

    def function(*args, **kwargs):
        try:
            return original(*args, **kwargs)
        except ValueError as error:
            if "Buffer dtype mismatch, expected 'intp_t'" not in str(error):
                raise
        return original(
            *map(narrowed, args), **{name: narrowed(value) for name, value in kwargs.items()}
        )

    return patching.disguise(function, original)


def _change(module):
    for name, value in list(vars(module).items()):
        if type(value).__name__ == "cython_function_or_method" and not name.startswith("__"):
            setattr(module, name, _narrowing(value))


def _change_pandas(pandas):
    factorize = pandas.factorize

    def factorize_(*args, **kwargs):
        codes, uniques = factorize(*args, **kwargs)
        return codes.astype("int64"), uniques

    pandas.factorize = patching.disguise(factorize_, factorize)


def install():
    patching.when_imported("pandas", _change_pandas)
    for name in _MODULES:
        patching.when_imported(name, _change)
