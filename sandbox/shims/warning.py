"""Owns the notes that a run leaves about this machine: what a program met that differs from CPython
on a 64-bit Linux, so that its verdict can say so.

The runner reads `_touchstone_warnings` (a list of texts, each at most once) when the run has ended.
"""

_touchstone_warnings = []

# Texts of errors that a 32-bit interpreter raises where a 64-bit one would go on.
_NARROW = (
    "cannot fit 'int' into an index-sized integer",
    "too large to convert to C ssize_t",
    "too large to convert to C long",
    "too large to convert to C int",
    "Python int too large",
    "repeated string is too long",
    "repeated bytes are too long",
    "Maximum allowed dimension exceeded",
    "array is too big",
    "to dtype('int32') according to the rule 'safe'",
    "Buffer dtype mismatch",
)


def warn(text):
    """Note `text` for the verdict of this run, once."""
    if text not in _touchstone_warnings:
        _touchstone_warnings.append(text)


def of_exception(error):
    """Note whether `error`, which ended the program, may come of 32-bit sizes.

    Wrong in neither direction is impossible from the text alone: a note says "may"."""
    seen = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        try:
            text = str(error)
        except Exception:
            text = ""
        if isinstance(error, (OverflowError, ValueError, TypeError)) and any(
            part in text for part in _NARROW
        ):
            warn(
                f"{type(error).__name__} ({text[:120]}) may come of the sandbox's 32-bit sizes; "
                "a 64-bit CPython may not raise it"
            )
        error = error.__cause__ or error.__context__


def install():
    """Nothing to install: the module is the shim."""
