"""What every job has in common: the door, compiling, loading a program, telling what was raised.

Everything here is bound at import, since a program may replace what it finds in modules and builtins.
"""

import builtins
import marshal
import random
import struct
import sys
import types

import _host
import touchstone_values
from touchstone_shims import warning

PROGRAM_FILE = "/work/main.py"

# Longest text of an exception, and longest repr, that is reported; enough for people.
MESSAGE_CHARS = 2000
REPR_CHARS = 16384

call = _host.call
_compile, _exec, _repr, _str, _type, _len, _int, _isinstance = (
    compile, exec, repr, str, type, len, int, isinstance)
_code_of = marshal.loads
_unpack_length = struct.Struct("<I").unpack_from
_pack_length = struct.Struct("<I").pack
Module = types.ModuleType
_class_mro = type.__dict__["__mro__"].__get__
_class_name = type.__dict__["__name__"].__get__
_class_module = type.__dict__["__module__"].__get__
modules = sys.modules
# A copy: the program may put its own there.
_builtins = dict(vars(builtins))
encode_value = touchstone_values.encode_or_opaque


def fields(payload):
    found, at = [], 0
    while at < _len(payload):
        (length,) = _unpack_length(payload, at)
        at += 4
        found.append(payload[at : at + length])
        at += length
    return found


def joined(report):
    return b"".join([_pack_length(_len(field)) + field for field in report])


def seed(number):
    random.seed(number)
    numpy = modules.get("numpy")
    if numpy is not None:
        numpy.random.seed(number & 0xFFFFFFFF)


def warnings():
    return [text.encode("utf-8", "backslashreplace") for text in warning._touchstone_warnings]


def compiled(source, file, mode, ready=b""):
    """Code of a text; where it is `ready`, another interpreter compiled the text to it. What nests too
    deeply for the parser is an error of the text, not a lack of memory, whatever the parser calls it."""
    if ready:
        return _code_of(ready)
    try:
        return _compile(source, file, mode, 0, True)
    except MemoryError as error:
        text = _str(error)
        if not text.startswith("Parser stack overflowed"):
            raise
    raise SyntaxError(text, (file, 1, 0, ""))


def load(code, ready=b""):
    """The candidate program as a module of its own; not `__main__`, so that what it does when it
    is started as a program does not happen."""
    module = Module("solution")
    namespace = module.__dict__
    namespace["__builtins__"] = builtins
    modules["solution"] = module
    if code:
        _exec(compiled(code, PROGRAM_FILE, "exec", ready), namespace)
    return namespace


def exit_status(left):
    code = left.code
    if code is None:
        return 0
    if _isinstance(code, _int):
        return _int(code) & 0xFF
    try:
        print(code, file=sys.stderr)
    except BaseException:
        pass
    return 1


def ended(phase, error):
    """The report of an exception that ended a job."""
    if _isinstance(error, SystemExit):
        return [b"L", phase, b"%d" % exit_status(error)]
    return [b"X", phase, *describe(error)]


def describe(error):
    """Class names and the last line of a traceback."""
    warning.of_exception(error)
    kind = _type(error)
    classes = [_told_name(each) for each in _class_mro(kind)[:-1]]
    name = classes[0]
    try:
        text = _str(error)
    except BaseException:
        text = "<exception str() failed>"
    return ["\n".join(classes).encode("utf-8", "backslashreplace"), clip(f"{name}: {text}" if text else name)]


def _told_name(cls):
    """A class's name; one of the program's own that borrows a builtin's is told apart."""
    name = _class_name(cls)
    builtin = _builtins.get(name, cls)
    if builtin is cls:
        return name
    module = _class_module(cls)
    return f"{module if _type(module) is _str else 'solution'}.{name}"


def clip(text):
    if _len(text) > MESSAGE_CHARS:
        text = text[:MESSAGE_CHARS] + "…"
    return text.encode("utf-8", "backslashreplace")


def shown(value):
    try:
        text = _repr(value)
        if _len(text) > REPR_CHARS:
            text = text[:REPR_CHARS] + f"… ({_len(text)} characters)"
        return text.encode("utf-8", "backslashreplace")
    except BaseException as error:
        return f"<{_class_name(_type(value))} object whose repr raised {_class_name(_type(error))}>".encode(
            "utf-8", "backslashreplace"
        )


def flush():
    streams = [sys.stdout, sys.stderr]
    for stream in (sys.__stdout__, sys.__stderr__):
        if stream is not streams[0] and stream is not streams[1]:
            streams.append(stream)
    for stream in streams:
        try:
            stream.flush()
        except BaseException:
            pass
