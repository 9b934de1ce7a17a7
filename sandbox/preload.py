"""What every program finds already imported: it runs once, before the snapshot is taken.

Importing costs nothing per run then, so everything that programs commonly import is here. What is left
out is imported from the standard library's archive when a program asks for it. Prints nothing.
"""

import importlib
import sys

# In the order in which they depend on one another.
SHIMS = (
    "warning",
    "patching",
    "clock",
    "threads",
    "executors",
    "event_loop",
    "signals",
    "system",
    "sizes",
    "numpy_integers",
    "compiled_libraries",
    "pytest_streams",
    "ending",
)

MODULES = """
abc array ast asyncio base64 binascii bisect builtins calendar cmath codecs collections
collections.abc concurrent.futures concurrent.futures.thread contextlib contextvars copy csv
dataclasses datetime decimal difflib doctest enum errno fractions functools gc getpass glob hashlib
heapq html inspect io itertools json keyword linecache locale logging math numbers operator os
os.path pathlib pickle platform pprint queue random re secrets select shutil signal socket stat
statistics string struct sys tempfile textwrap threading time timeit tokenize traceback types typing
unicodedata unittest unittest.mock uuid warnings weakref zlib zoneinfo
faulthandler atexit _threading_local string.templatelib
numpy numpy.random numpy.linalg numpy.fft numpy.polynomial numpy.strings pandas
""".split()

for _name in MODULES:
    try:
        importlib.import_module(_name)
    except ImportError:
        # Not in this build: the program that wants it gets the same error.
        pass

for _name in SHIMS:
    importlib.import_module("touchstone_shims." + _name).install()


def _warm():
    """Run once what fills caches inside the interpreter, so that a run does not write them."""
    import json
    import re

    json.loads(json.dumps({"a": [1, 2.5, None, True]}))
    re.compile(r"\s+").split("a b")
    compile("def f(x):\n    return x\nassert f(1) == 1\n", "<warm>", "exec")
    sys.intern("__main__")


_warm()
