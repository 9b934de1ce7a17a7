"""Owns the end of a program: what the interpreter does after the last line of the main module.
"""

import atexit

from touchstone_shims import threads


def finish():
    """Let the remaining threads run, then the `atexit` functions.

    The runner calls this once, after the program has ended in whatever way but `os._exit`. Returns
    the exit status that an exception in here asks for, else 0."""
    status = 0
    try:
        threads.finish()
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else 1
    atexit._run_exitfuncs()
    return status


def install():
    """Nothing to install: the module is the shim."""
