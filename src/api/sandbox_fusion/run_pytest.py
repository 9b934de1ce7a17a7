"""Runs `/work/main.py` as `pytest main.py` does, with its own arguments behind the file.

Nothing is kept for a later run, and there are no plugins to look for.
"""


def _run():
    import sys

    import pytest

    options = ["--disable-plugin-autoload", "-p", "no:cacheprovider"]
    sys.argv[0:1] = ["pytest", "main.py"]
    names = sys.modules["__main__"].__dict__
    del names["_run"], names["__doc__"]
    sys.exit(pytest.main(options + sys.argv[1:]))


_run()
