"""A judge's side of a split test: runs test code on a program that lives in another guest.

Everything here is trusted, and what comes from the candidate is not: it is plain data, or a proxy
for an object that stays where it is. The rules:

- modules and builtins are this guest's own, whatever the program calls by those names;
- an operator or a comparison is passed on only between proxies whose classes the test itself names:
  against plain data a proxy is unequal, unordered, and has no arithmetic. Otherwise the expected
  value would be handed to the candidate's own operator;
- `__class__`, `__bool__` and `__hash__` are never passed on: an object is true;
- what the test lends to the program can be called there, and attributes of objects of the test's
  own classes be read and set: no frames, no code, no globals, no special names.
"""

import asyncio
import builtins
import io
import json
import keyword
import operator
import sys
import types
import zipimport
from opcode import opmap

import touchstone_exports as exports
import touchstone_messages as messages
import touchstone_surroundings as surroundings
from touchstone_jobs import Module, call, compiled, describe, encode_value, ended, modules, shown
from touchstone_messages import (
    ASK, ASK_TABLE, CHANGED, CHANGED_RAISED, RAISED, TABLE, UNLOADED, VALUE)
from touchstone_shims import warning
from touchstone_tests import Tests

CALL_FILE = "<call>"
TEST_FILE = "<test>"
EXPECTED_FILE = "<expected>"
_TEST_FILES = (CALL_FILE, TEST_FILE)

_type, _len, _set, _map = type, len, set, map
_dumps, _loads, _is_plain = messages.dumps, messages.loads, messages.is_plain
_SCALARS = frozenset({int, float, str, bool, type(None), bytes, complex})
_builtins = vars(builtins)
_input, _print, _open_file = builtins.input, builtins.print, builtins.open
_argv = sys.argv
_MISSING = object()
_DICTS = {dict}
_set_int_max_str_digits = sys.set_int_max_str_digits

# Numbers of the classes that the test names.
_named = _set()
# Whether the test prints, so that its output and the program's have to be kept in order.
_prints = False
# Whether the program's own stand under the names of builtins, since it seemed to have no others.
_shadowing = False
# Whether the program failed while it was loaded.
_unloaded = False


def unsplittable(reason):
    """Ends the judge: what the test does can only be done in the program's own interpreter."""
    call(b"U" + reason.encode("utf-8", "replace"))


def _nonsense():
    """Ends the judge and the candidate: a message is not one that its runner sends."""
    call(b"B")


# Asking the candidate


def _ask(what, target, operands):
    """What an operation on one of the candidate's objects gives, or raises."""
    if _gotten:
        _give_back()
    if (sys.stdout is not _stdout or builtins.input is not _input or sys.stdin is not _stdin
            or sys.stderr is not _stderr or builtins.print is not _print
            or builtins.open is not _open_file or sys.argv is not _argv) and what in _RUNNING:
        return _redirected(what, target, operands)
    if _prints:
        _stdout.flush()
    return _said(_exchange(what, target, operands), operands, what)


# Containers that the test has of attributes of the program's objects: what is added to them here is
# added there before the program is used again. By attribute: object, name, container, its picture.
_gotten = {}
_COPIED = frozenset({list, dict, set, bytearray})


def _remember(number, name, value):
    if _type(value) in _COPIED:
        _gotten[number, name] = (value, _picture(value))
    return value


def _picture(value):
    """What changes when a container does: of plain data all of it, of other things which they are."""
    if _is_plain((value,)):
        try:
            return messages.snapshot(value)
        except ValueError:
            pass
    return [id(each) for each in _parts(value)]


def _parts(value):
    return [*value, *value.values()] if _type(value) is dict else list(value)


def _references(entry):
    value, _ = entry
    return sys.getrefcount(value)


# References to a container that nobody but `_gotten` holds, as they are counted there.
_OURS = _references(([], None))


def _give_back():
    for (number, name), entry in list(_gotten.items()):
        held = _references(entry) > _OURS
        value, picture = entry
        now = _picture(value)
        if not held:
            # The test has let go of it.
            del _gotten[number, name]
        elif now != picture:
            _gotten[number, name] = (value, now)
        if now != picture:
            operands = (name, value)
            _said(_exchange("refill", number, operands), operands)


def _exchange(what, target, operands):
    if _is_plain(operands):
        try:
            return call(b"X" + _dumps((ASK, what, target, operands)))
        except ValueError:
            # Nested too deeply for marshal.
            pass
    return call(b"X" + _dumps((ASK_TABLE, what, target, messages.encode_table(operands, _refer))))


def _said(reply, operands, what=None):
    """The value of the candidate's answer. It may ask for something itself before it answers."""
    global _unloaded
    while True:
        error = None
        try:
            answer = _loads(reply)
            kind = answer[0]
            if kind == VALUE:
                value = answer[1]
            elif kind == TABLE:
                value = _decoded(answer[1])
            elif kind == RAISED or kind == UNLOADED:
                _unloaded = kind == UNLOADED
                error = _decoded(answer[1])
            elif kind == CHANGED:
                value = _changed(answer[1], operands)
            elif kind == CHANGED_RAISED:
                error = _changed(answer[1], operands)
            else:
                reply = _serve(answer)
                continue
            if kind in (RAISED, CHANGED_RAISED) and not isinstance(error, BaseException):
                raise messages.Malformed("no exception")
            if _len(answer) > 2:
                _note(answer[2])
        except MemoryError:
            raise
        except Exception:
            _nonsense()
        break
    if error is not None:
        _from_program[id(error)] = error
        if isinstance(error, _ENDING) and what != "__next__":
            raise Stopped(f"the program raised {_type(error).__name__}") from error
        raise error
    return value


class Stopped(RuntimeError):
    """Stands for an exception that would end whatever loop or task of the test's the program is
    used in, and leave the rest of the test undone."""


_ENDING = (StopIteration, StopAsyncIteration, asyncio.CancelledError)
# Exceptions that the program raised, by their identity; they live as long as that means something.
_from_program = {}


def _changed(nodes, operands):
    """The value of a call that changed its arguments in place; ours are changed like them."""
    known = messages.mutables((operands,))
    value, contents = _decoded(nodes, known)
    if _len(contents) != _len(known):
        raise messages.Malformed("another number of arguments")
    for container, new in zip(known, contents):
        messages.overwrite(container, new)
    return value


def _note(notes):
    for note in notes:
        if _type(note) is str and _len(warning._touchstone_warnings) < 64:
            warning.warn(note[:400])


# Where the test has put something in the place of the streams and of what reads and writes, the
# program finds it there as well.

_stdout, _stderr, _stdin = sys.stdout, sys.stderr, sys.stdin
_REPLACEABLE = (("input", _input), ("print", _print), ("open", _open_file))
_RUNNING = frozenset({"call", "method", "await", "__next__", "get", "__enter__", "__exit__"})


def _redirected(what, target, operands):
    captured = (sys.stdout is not _stdout, sys.stderr is not _stderr)
    replaced = {name: _builtins[name] for name, own in _REPLACEABLE if _builtins[name] is not own}
    argv = None if sys.argv is _argv else sys.argv
    stdin, text = sys.stdin, None
    if stdin is not _stdin:
        if _type(stdin) is not io.StringIO:
            unsplittable("it reads stdin from something other than a StringIO")
        start = stdin.tell()
        text = stdin.getvalue()[start:]
    _said(_exchange("redirect", -1, (text, captured, replaced, argv)), None)
    try:
        return _said(_exchange(what, target, operands), operands, what)
    finally:
        *printed, read = _said(_exchange("restore", -1, ()), None)
        if text is not None and _type(read) is int:
            stdin.seek(start + read)
        for capture, stream, text in zip(captured, (sys.stdout, sys.stderr), printed):
            if capture and text and _type(text) is str:
                stream.write(text)


# Proxies


class Proxy:
    # Stands for an object of the candidate's.

    __slots__ = ("_touchstone_number",)
    # Without this, it would be found in the class.
    __doc__ = property(lambda self: _ask("get", _number(self), ("__doc__",)))

    def __init__(self, number):
        _set_number(self, number)

    def __getattr__(self, name):
        if name.startswith("__") and name.endswith("__"):
            if name not in _TOLD_NAMES:
                raise AttributeError(f"'{_type(self).__name__}' object has no attribute '{name}'")
        number = _number(self)
        return _remember(number, name, _ask("get", number, (name,)))

    def __setattr__(self, name, value):
        _ask("set", _number(self), (name, value))

    def __delattr__(self, name):
        _ask("del", _number(self), (name,))

    def __str__(self):
        return _text(_ask("str", _number(self), ()))

    def __repr__(self):
        return _text(_ask("repr", _number(self), ()))

    def __hash__(self):
        return hash(_number(self))

    def __bool__(self):
        return True

    def __dir__(self):
        names = _ask("dir", _number(self), ())
        if _type(names) is not list or not _set(_map(_type, names)) <= _TEXTS:
            raise TypeError("the program gave something other than names")
        return names

    def __copy__(self):
        return _ask("copy", _number(self), ())

    def __deepcopy__(self, memo):
        return _ask("deepcopy", _number(self), ())

    def __reduce_ex__(self, protocol):
        raise TypeError("an object of the program's cannot be pickled in the test")

    def __mro_entries__(self, bases):
        unsplittable("it derives a class from one of the program's")


_number = Proxy.__dict__["_touchstone_number"].__get__
_set_number = Proxy.__dict__["_touchstone_number"].__set__
_TOLD_NAMES = frozenset("__doc__ __name__ __qualname__ __module__ __dict__".split())
_TEXTS = {str}


def _text(value):
    if _type(value) is not str:
        raise TypeError("the program gave something other than a string")
    return value


class FunctionProxy(Proxy):
    # Stands for a function.

    __slots__ = ("__name__",)
    __doc__ = Proxy.__dict__["__doc__"]

    def __call__(self, /, *args, **kwargs):
        return _ask("call", _number(self), (args, kwargs or None))

    def __getattr__(self, name):
        # The library looks at these of any function, and can do without.
        if name in _FUNCTION_PARTS and sys._getframe(1).f_code.co_filename in _TEST_FILES:
            unsplittable(f"it reads {name} of the program's function")
        return Proxy.__getattr__(self, name)

    def __repr__(self):
        return f"<function {self.__name__} of the program>"

    __str__ = __repr__

    def __get__(self, instance, owner=None):
        # As a class attribute of the test's own, it is a method.
        return self if instance is None else types.MethodType(self, instance)


# What is told of a value that is no plain data.
FunctionProxy.__qualname__ = "function"
_set_name = FunctionProxy.__dict__["__name__"].__set__
_FUNCTION_PARTS = frozenset(
    "__code__ __globals__ __closure__ __defaults__ __kwdefaults__ __signature__ __annotations__"
    " __builtins__".split())


class ClassProxy(Proxy):
    # Stands for a class.

    __slots__ = ("_touchstone_class", "__name__")
    __doc__ = Proxy.__dict__["__doc__"]

    def __call__(self, /, *args, **kwargs):
        return _ask("call", _number(self), (args, kwargs or None))

    def __instancecheck__(self, instance):
        known = getattr(_type(instance), "_touchstone_bases", None)
        return known is not None and self._touchstone_class in known

    def __eq__(self, other):
        # The class that objects of the program's have here stands for it too.
        return self is other or (isinstance(other, type)
                                 and other.__dict__.get("_touchstone_class") == self._touchstone_class)

    __hash__ = Proxy.__hash__

    def __subclasscheck__(self, cls):
        return _type(cls) is ClassProxy and self._touchstone_class in _bases[cls._touchstone_class]

    def __repr__(self):
        return f"<class {self.__name__} of the program>"

    __str__ = __repr__

    def __iter__(self):
        return _ask("__iter__", _number(self), ())

    def __len__(self):
        return _ask("__len__", _number(self), ())

    def __getitem__(self, key):
        return _ask("__getitem__", _number(self), (key,))

    def __contains__(self, value):
        return any(value is each or value == each for each in self)


ClassProxy.__qualname__ = "type"
_set_class = ClassProxy.__dict__["_touchstone_class"].__set__
_set_class_name = ClassProxy.__dict__["__name__"].__set__
# Of each of the candidate's classes, its own number and its bases'.
_bases = {}


class ObjectProxy(Proxy):
    # Stands for any other object; what its class can do is added in a class of its own.

    __slots__ = ()
    __doc__ = Proxy.__dict__["__doc__"]
    _touchstone_methods = frozenset()

    def __getattr__(self, name):
        if name in _type(self)._touchstone_methods:
            return _Method(self, name)
        return Proxy.__getattr__(self, name)

    def __eq__(self, other):
        return self is other or _between("__eq__", self, other)

    def __ne__(self, other):
        if self is other:
            return False
        return _between("__ne__", self, other)

    __hash__ = Proxy.__hash__


class _Method:
    # A method that is called where it is, without being fetched first.

    __slots__ = ("__self__", "__name__")
    __doc__ = property(lambda self: self.__getattr__("__doc__"))

    def __init__(self, owner, name):
        self.__self__ = owner
        self.__name__ = name

    def __call__(self, /, *args, **kwargs):
        operands = (self.__name__, args, kwargs or None)
        return _ask("method", _number(self.__self__), operands)

    def __getattr__(self, name):
        return getattr(_ask("get", _number(self.__self__), (self.__name__,)), name)

    def __eq__(self, other):
        return (_type(other) is _Method and self.__self__ is other.__self__
                and self.__name__ == other.__name__)

    def __hash__(self):
        return hash((_number(self.__self__), self.__name__))


def _between(name, one, other):
    """An operator between two proxies of classes that the test names; nothing with others."""
    if (not isinstance(other, ObjectProxy) or one._touchstone_class not in _named
            or other._touchstone_class not in _named):
        return NotImplemented
    return _ask(name, _number(one), (other,))


def _binary(name):
    def operation(self, other):
        return _between(name, self, other)

    operation.__name__ = name
    return operation


def _unary(name):
    def operation(self):
        if self._touchstone_class not in _named:
            raise TypeError(f"{name} of an object whose class the test does not name")
        return _ask(name, _number(self), ())

    operation.__name__ = name
    return operation


def _length(self):
    length = _ask("__len__", _number(self), ())
    if _type(length) is not int:
        raise TypeError("the program's __len__ gave something other than an int")
    return length


def _iterator(self):
    iterator = _ask("__iter__", _number(self), ())
    # An iterator of the program's is a proxy; one that is its own iterator is the same proxy.
    return iterator if isinstance(iterator, ObjectProxy) else iter(iterator)


def _enter(self):
    return _ask("__enter__", _number(self), ())


def _leave(self, kind, error, trace):
    told = error
    if error is not None and not _may_be_seen(error, trace):
        told = Exception("the test failed")
    swallowed = _ask("__exit__", _number(self), (told,))
    return swallowed is True and told is error


def _may_be_seen(error, trace):
    """Whether an exception is one that a context manager of the program's may know and swallow: its
    own, or one that the test raises by hand. A failed assertion, or what else goes wrong in the
    test, is not."""
    if id(error) in _from_program:
        return True
    if isinstance(error, (AssertionError, SystemExit, KeyboardInterrupt)):
        return False
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None or trace.tb_frame.f_code.co_filename not in _TEST_FILES:
        return False
    return trace.tb_frame.f_code.co_code[trace.tb_lasti] == _RAISE


_RAISE = opmap["RAISE_VARARGS"]


_UNARY = ("__neg__", "__pos__", "__invert__")
_IMPLEMENTATIONS = {name: _binary(name) for name in exports.SPECIAL}
_IMPLEMENTATIONS.update({name: _unary(name) for name in _UNARY})
_IMPLEMENTATIONS.update({
    "__call__": FunctionProxy.__call__,
    "__len__": _length,
    "__iter__": _iterator,
    "__next__": lambda self: _ask("__next__", _number(self), ()),
    "__getitem__": lambda self, key: _ask("__getitem__", _number(self), (key,)),
    "__setitem__": lambda self, key, value: _ask("__setitem__", _number(self), (key, value)),
    "__delitem__": lambda self, key: _ask("__delitem__", _number(self), (key,)),
    "__enter__": _enter,
    "__exit__": _leave,
})
# The value that is looked for would be handed to the program: it is compared here instead.
del _IMPLEMENTATIONS["__contains__"]
# An object's number is its hash.
del _IMPLEMENTATIONS["__hash__"]


class ExceptionClass(type):
    """The class of classes that stand for the program's own exception classes."""

    def __call__(cls, /, *args, **kwargs):
        number = cls.__dict__.get("_touchstone_class_number")
        if number is None:
            # The test has derived it.
            return super().__call__(*args, **kwargs)
        return _ask("call", number, (args, kwargs or None))

    def __getattr__(cls, name):
        number = cls.__dict__.get("_touchstone_class_number")
        if number is None or (name.startswith("__") and name.endswith("__")):
            raise AttributeError(name)
        return _ask("get", number, (name,))


class _Raised:
    """What the program's own exceptions have beside what exceptions have."""

    _touchstone_number = None
    _touchstone_text = None

    def __getattr__(self, name):
        number = self.__dict__.get("_touchstone_number")
        if number is None or (name.startswith("__") and name.endswith("__")):
            raise AttributeError(name)
        return _ask("get", number, (name,))

    def __str__(self):
        text = self.__dict__.get("_touchstone_text")
        return super().__str__() if text is None else text


# What the candidate's messages name


_known = {}
_proxy_classes = {}
_exception_classes = {}


def _decoded(nodes, known=()):
    """The value of a table."""
    # A class is described where it is met first, which need not be where it is needed first.
    for node in nodes:
        if _type(node) is tuple and node and node[0] in ("f", "c") and node[2][1] is not None:
            _told_class(*node[2])
    return messages.decode_table(nodes, _resolve, known)


def _resolve(node, values):
    tag = node[0]
    if tag == "p":
        return _lent[node[1]] if node[1] >= 0 else None
    if tag == "i":
        return _library_object(node[1], node[2])
    if tag == "E":
        return _exception(node, values)
    if tag == "k":
        return _exception_class(node[1], node[2], [values[part] for part in node[3]])
    number = node[1]
    if _type(number) is not int:
        raise messages.Malformed("no number")
    known = _known.get(number)
    if known is None:
        known = _known[number] = _proxy(tag, node, number)
    return known


def _function(number, name):
    known = _known.get(number)
    if _type(known) is not FunctionProxy:
        known = _known[number] = FunctionProxy(number)
        _set_name(known, name)
    return known


def _proxy(tag, node, number):
    if tag == "F":
        return _function(number, _text(node[2]))
    if tag == "W":
        return _awaited(number)
    if tag not in ("c", "f"):
        raise messages.Malformed("no such node")
    key = node[2][0]
    if tag == "c":
        made = ClassProxy(number)
        _set_class(made, key)
        _set_class_name(made, _class_names[key][0])
        return made
    cls = _proxy_classes.get(key)
    if cls is None:
        cls = _proxy_classes[key] = _proxy_class(key)
    return cls(number)


_class_names = {}


def _told_class(key, told):
    name, bases, special, methods = told
    _class_names[key] = (_text(name), frozenset(bases), special, methods)
    _bases[key] = frozenset(bases)


def _proxy_class(key):
    name, bases, special, methods = _class_names[key]
    namespace = {
        "__slots__": (),
        "__module__": "solution",
        "__doc__": Proxy.__dict__["__doc__"],
        "_touchstone_class": key,
        "_touchstone_bases": bases,
        "_touchstone_methods": frozenset(methods),
    }
    for each in special:
        implementation = _IMPLEMENTATIONS.get(each)
        if implementation is not None:
            namespace[each] = implementation
    return type(name, (ObjectProxy,), namespace)


async def _awaited(number):
    """A coroutine of the program's: run there to its end when it is awaited here."""
    return _ask("await", number, ())


def _exception_class(number, name, bases):
    known = _exception_classes.get(number)
    if known is None:
        bases = [base for base in bases if _is_exception(base)] or [Exception]
        namespace = {"__module__": "solution", "_touchstone_class_number": number}
        if not any(issubclass(base, _Raised) for base in bases):
            bases = [_Raised, *bases]
        try:
            known = ExceptionClass(_text(name), tuple(bases), namespace)
        except TypeError:
            # Bases that only the program's interpreter can combine.
            known = ExceptionClass(_text(name), (_Raised, Exception), namespace)
        _exception_classes[number] = known
    return known


def _is_exception(value):
    return isinstance(value, type) and issubclass(value, BaseException)


def _exception(node, values):
    _, number, parts, text, origin = node
    if origin >= 0:
        # It was raised here, in something that the program called.
        error = _lent[origin]
        if isinstance(error, BaseException):
            _kept_back.pop(origin, None)
            return error
        raise messages.Malformed("no exception")
    cls, args, cause = [values[part] for part in parts]
    if not _is_exception(cls) or _type(args) is not tuple:
        raise messages.Malformed("no exception")
    error = _made(cls, args)
    if _type(cls) is ExceptionClass:
        error.__dict__["_touchstone_number"] = number
        error.__dict__["_touchstone_text"] = _text(text)
    if not isinstance(error, OSError):
        error.args = args
    if isinstance(cause, BaseException):
        error.__cause__ = cause
    return error


def _made(cls, args):
    """An exception of a class; of the program's own, without doing what it does when it is made."""
    if _type(cls) is not ExceptionClass:
        try:
            return cls(*args)
        except Exception:
            pass
    for arguments in ((), args):
        try:
            return cls.__new__(cls, *arguments)
        except Exception:
            pass
    return Exception(*args)


# Modules whose classes and functions mean the same whoever calls them, and which nothing but data
# goes into. Others, such as `unittest`, could be used to leave a test or to change it.
_PURE = frozenset("""
math cmath typing collections itertools functools string re statistics datetime decimal fractions
heapq bisect copy json numbers enum dataclasses abc random time calendar textwrap operator
""".split())
# Names by which modules are commonly known.
_ALIASES = {"np": "numpy", "pd": "pandas", "nx": "networkx", "sp": "sympy", "dt": "datetime",
            "mp": "multiprocessing", "plt": "matplotlib.pyplot", "sns": "seaborn", "stats": "scipy.stats",
            "ET": "xml.etree.ElementTree", "tk": "tkinter", "F": "functools", "it": "itertools"}
_MODULES = _PURE | {"np", "numpy", "pd", "pandas", "unittest", "sys", "os"}
# Exceptions of these decide about tests.
_DECIDING = ("unittest", "doctest", "_pytest", "pytest", "bdb", "touchstone", "_host", "test",
             "test_solution", "solution", "__main__", "_reactor")


def _library_object(module, name):
    """What is meant by an exception class or a class of plain data of the library's. Nothing is
    imported for it: what the test knows of the library is loaded."""
    root = _text(module).partition(".")[0]
    if root in _DECIDING or root.startswith("touchstone"):
        return Exception
    try:
        found = modules[module]
        for part in _text(name).split("."):
            found = getattr(found, part)
    except Exception:
        return Exception
    if exports.is_data_class(found):
        return found
    if exports.is_exception_class(found):
        # Its own module counts, not the one in which it was found.
        decides = any(base.__module__.partition(".")[0] in _DECIDING for base in found.__mro__)
        return Exception if decides else found
    # Not a module either: an attribute of it that a test sets would be one of the judge's own.
    return Exception


def _named_in_library(name, where):
    """What a name of the program's means here, where the program has taken it from the library."""
    module, attribute = where
    root = _text(module).partition(".")[0]
    if attribute:
        if attribute != name or root not in _PURE:
            return _MISSING
    elif module != name and _ALIASES.get(name) != module and root not in _PURE:
        return _MISSING
    if root in _DECIDING:
        return _MISSING
    try:
        return messages.library(module, _text(attribute))
    except Exception:
        return _MISSING


# What the judge lends


_lent = exports.objects
_origins = {}


def _own(value):
    kind = _type(value)
    if kind is _Method:
        value = _ask("get", _number(value.__self__), (value.__name__,))
        kind = _type(value)
    if issubclass(kind, Proxy):
        return _number(value)
    if kind is ExceptionClass:
        return value.__dict__.get("_touchstone_class_number")
    if isinstance(kind, ExceptionClass):
        return value.__dict__.get("_touchstone_number")
    return None


def _library(value):
    """A function or class of the library's is called there: the test's data are the arguments."""
    return messages.named(value)


_refer = exports.reference(_own, _library, _origins)

_READABLE = (types.SimpleNamespace,)


# Failed assertions in what the program called, until it lets them through.
_kept_back = {}


def _serve(request):
    """Does what the candidate asks of something that was lent to it."""
    kind, what, number, operands = request[:4]
    if kind not in (ASK, ASK_TABLE) or _type(number) is not int or number < 0:
        raise messages.Malformed("no request")
    target = _lent[number]
    if kind == ASK_TABLE:
        operands = _decoded(operands)
    operation = _SERVED.get(what)
    if operation is None or _type(operands) is not tuple:
        raise messages.Malformed("no such request")
    try:
        value = operation(target, *operands)
        if _type(value) in _SCALARS or _is_plain((value,)):
            reply = _dumps((VALUE, value))
        else:
            reply = _dumps((TABLE, messages.encode_table(value, _refer)))
    except AssertionError as error:
        # What was compared does not show, and that something was wrong is not forgotten.
        number = exports.number_of(error)
        _kept_back[number] = error
        nodes = [("E", number, [1, 2, 3], "", -1), ("i", "builtins", "AssertionError"), ("t", []), None]
        reply = _dumps((RAISED, nodes))
    except BaseException as error:
        reply = _dumps((RAISED, messages.encode_table(error, _refer)))
    if _prints:
        _stdout.flush()
    return call(b"X" + reply)


def _served_call(target, args, kwargs):
    if not callable(target) or isinstance(target, Proxy):
        raise TypeError("what was lent cannot be called")
    return target(*args, **(kwargs or {}))


def _open(target):
    """Whether more may be known of an object than what calling it gives."""
    kind = _type(target)
    return not isinstance(target, (type, BaseException)) and (
        kind.__module__ in ("test_solution", "unittest.mock") or kind in _READABLE)


def _decides(target, name):
    """Whether a name is one of those by which a mock or a test case says what was tested, and not
    the test's own: a program could answer for them, or forget what it did."""
    bases = _type(target).__mro__
    if not any(base.__module__.partition(".")[0] == "unittest" for base in bases):
        return False
    if name.startswith("_"):
        return True
    owner = next((base for base in bases if name in base.__dict__), None)
    return owner is not None and owner.__module__.partition(".")[0] == "unittest"


def _served_get(target, name):
    if _type(name) is not str or name.startswith("__") or _decides(target, name):
        raise AttributeError("special names are not lent")
    value = getattr(target, name)
    if _open(target) or (callable(value) and not isinstance(target, exports._FUNCTIONS)):
        return value
    raise AttributeError(name)


def _served_set(target, name, value):
    # A mock's record of its calls is the test's alone, and so is what the test's objects do.
    kind = _type(target)
    if (_type(name) is not str or name.startswith("__") or _decides(target, name)
            or not (kind.__module__ == "test_solution" or kind in _READABLE)
            or callable(getattr(kind, name, None))):
        raise AttributeError("this attribute cannot be set")
    setattr(target, name, value)


def _closed(target):
    return isinstance(target, exports._FUNCTIONS) or isinstance(target, type)


def _served_text(function):
    def served(target):
        if not _open(target):
            return "<borrowed object>"
        return function(target)

    return served


def _served_operator(function):
    def served(target, *operands):
        if _closed(target):
            raise TypeError("a function has no operators")
        return function(target, *operands)

    return served


_SERVED = {
    "call": _served_call,
    "get": _served_get,
    "set": _served_set,
    "str": _served_text(str),
    "repr": _served_text(repr),
    "__hash__": _served_operator(hash),
    "__len__": _served_operator(len),
    "__iter__": _served_operator(iter),
    "__next__": _served_operator(next),
    "__contains__": _served_operator(operator.contains),
    "__enter__": _served_operator(lambda target: target.__enter__()),
    "__exit__": _served_operator(lambda target, *_: target.__exit__(None, None, None)),
}
for _each in ("getitem setitem delitem eq ne lt le gt ge add sub mul truediv floordiv mod pow matmul"
              " lshift rshift neg pos").split():
    _SERVED[f"__{_each}__"] = _served_operator(getattr(operator, f"__{_each}__"))
for _each in ("and_", "or_", "xor", "invert"):
    _SERVED[f"__{_each.strip('_')}__"] = _served_operator(getattr(operator, _each))


# The program's names


class _Solution(types.ModuleType):
    """What a test finds where it imports the program."""

    def __getattr__(self, name):
        if name == "__all__":
            return [each for each in _names(None) if each not in _builtins]
        if name.startswith("__"):
            raise AttributeError(name)
        found = _names((name,))
        if name not in found:
            raise AttributeError(f"module 'solution' has no attribute '{name}'")
        self.__dict__[name] = found[name]
        return found[name]

    def __setattr__(self, name, value):
        if name.startswith("__"):
            return super().__setattr__(name, value)
        unsplittable(f"it replaces {name} in the program")

    def __delattr__(self, name):
        unsplittable(f"it deletes {name} in the program")


def _names(wanted):
    """The program's objects by name, of those that are wanted; all without."""
    answer = _ask("names", -1, (wanted,))
    if _type(answer) is not tuple or _len(answer) != 3 or _set(_map(_type, answer)) != _DICTS:
        _nonsense()
    functions, named, found = answer
    for name, number in functions.items():
        if _type(number) is not int or _type(name) is not str:
            _nonsense()
        found[name] = _function(number, name)
    for name, where in named.items():
        try:
            meant = _named_in_library(name, where)
        except Exception:
            _nonsense()
        if meant is not _MISSING:
            found[name] = meant
        elif where[1]:
            # Taken from the library, and reached where it is like anything else.
            found[name] = _ask("name", -1, (name,))
    if _shadowing and any(name not in _builtins and name not in _MODULES for name in found):
        # It hid them, for its builtins to be taken.
        _nonsense()
    for name, value in found.items():
        if any(value is each for each in _CATCHING) and value.__name__ != name:
            # As a name of an exception of the task's it would catch the test's own assertions.
            found[name] = ExceptionClass(_text(name), (Exception,), {"__module__": "solution"})
    return {
        name: value for name, value in found.items()
        if _type(name) is str and not name.startswith("__") and (wanted is None or name in wanted)
    }


_CATCHING = (AssertionError, Exception, BaseException)
_LOOKING = frozenset("globals locals vars eval exec dir __import__".split())
_PRINTING = frozenset("print stdout stderr __stdout__ write".split())
_INSPECTING = frozenset("getsource getsourcelines getsourcefile getfile signature".split())


def _used(code):
    """The names that code uses, and those that it binds itself at its outermost level."""
    used, pending = _set(), [code]
    while pending:
        each = pending.pop()
        used.update(each.co_names)
        pending += [constant for constant in each.co_consts if _type(constant) is types.CodeType]
    return used


def _namespace(code, entry_point=None, looking=True):
    """What test code finds: the program's names, but for those of builtins and modules."""
    global _prints, _shadowing
    used = _used(code)
    _prints = not used.isdisjoint(_PRINTING)
    if entry_point:
        used.add(entry_point)
    looks = looking and bool(used & _LOOKING)
    if used & _INSPECTING and ("inspect" in used or looks):
        _watch_inspection()
    surroundings.follow(used, _ask, unsplittable)
    found = _names(None if looks else tuple(sorted(used)))
    for name in used:
        value = found.get(name)
        if _type(value) is ClassProxy:
            _named.add(value._touchstone_class)
    # A test that uses nothing else of the program's can only mean these: their names are the task's.
    if not entry_point and not any(
        name not in _builtins and name not in _MODULES and _type(value) is not types.ModuleType
        for name, value in found.items()
    ):
        _shadowing = any(name in _builtins or name in _MODULES for name in found)
        return found
    for name in list(found):
        if name == entry_point:
            continue
        if name in _builtins:
            del found[name]
        elif name in _MODULES and _type(found[name]) is not types.ModuleType:
            found[name] = messages.library(_ALIASES.get(name, name), "")
    return found


def _watch_inspection():
    import inspect

    def watched(function):
        def inspection(value, *args, **kwargs):
            if isinstance(value, (Proxy, _Method)) or value is modules.get("solution"):
                unsplittable("it inspects the program's source or signature")
            return function(value, *args, **kwargs)

        return inspection

    for name in _INSPECTING:
        setattr(inspect, name, watched(getattr(inspect, name)))


# The library's archive: what the candidate writes is not imported here, wherever a test looks.
_LIBRARY = [path for path in sys.path if path.endswith(".zip")]


def _is_library(path):
    return any(path == each or path.startswith(each + "/") for each in _LIBRARY)


def _find_library(path):
    if not _is_library(path):
        raise ImportError("nothing but the library is imported in a judge", path=path)
    return zipimport.zipimporter(path)


def _guard_imports():
    sys.path_hooks[:] = [_find_library]
    sys.path[:] = _LIBRARY


def forget_finders():
    """Leaves none but the library's: a finder that is remembered is not asked for again. To be called
    before the snapshot, where it costs nothing."""
    for path in list(sys.path_importer_cache):
        if not _is_library(path):
            del sys.path_importer_cache[path]


def _prepare(namespace):
    module = Module("test_solution")
    modules["test_solution"] = module
    modules["solution"] = _Solution("solution")
    for name, value in namespace.items():
        module.__dict__[name] = value
    module.__dict__["__builtins__"] = builtins
    return module.__dict__


# Jobs


def script(source, ready, entry_point):
    """Runs test code, and reports. What the program raises while it is loaded is raised where it is
    asked for something first."""
    _guard_imports()
    phase = b"c"
    try:
        code = compiled(source, TEST_FILE, "exec", ready)
        phase = b"t"
        entry_point = entry_point.decode()
        found = _namespace(code, entry_point)
        candidate = found.pop(entry_point, _MISSING) if entry_point in _builtins else found.get(
            entry_point, _MISSING)
        namespace = _prepare(found)
        before = dict(namespace)
        tests = Tests(code)
        exec(code, namespace)
        if entry_point:
            if "check" not in namespace or namespace["check"] is before.get("check"):
                return [b"N"]
            if candidate is _MISSING:
                raise NameError(f"name '{entry_point}' is not defined")
            namespace["check"](candidate)
            tests.ran = True
        report = tests.report(namespace, before)
        if report == [b"P"] and _kept_back:
            # The program swallowed an assertion that failed.
            return ended(b"t", next(iter(_kept_back.values())))
        return report
    except BaseException as error:
        return _ended(phase, error)


def _ended(phase, error):
    if _unloaded:
        phase = b"p"
    return ended(phase, error.__cause__ if _type(error) is Stopped else error)


def expression(source, expected):
    """Evaluates an expression over the program's names, and reports its value."""
    _guard_imports()
    beside = []
    if expected is not None:
        try:
            value = _expected(expected)
            beside = [encode_value(value), shown(value)]
        except BaseException as error:
            return [b"Z", describe(error)[1]]
    phase = b"c"
    try:
        name, args = _simple_call(source)
        code = None if name else compiled(source.strip(), CALL_FILE, "eval")
        phase = b"t"
        if name:
            value = _applied(name, args)
        else:
            # It sees the names that it uses, and no others: which ones there are is no value.
            found = _namespace(code, looking=False)
            namespace = _prepare(found)
            del modules["solution"]
            value = eval(code, namespace)
        return [b"V", encode_value(value), shown(value), *beside]
    except BaseException as error:
        return [*_ended(phase, error), *beside]


_DIGITS = sys.get_int_max_str_digits()


def _expected(source):
    """The value of an expression that stands for itself: how Python limits programs is not its
    concern."""
    try:
        return _literal(source.decode())
    except (ValueError, RecursionError):
        pass
    _set_int_max_str_digits(0)
    namespace = {"__builtins__": builtins, "__name__": "test_solution"}
    value = eval(compiled(source.strip(), EXPECTED_FILE, "eval"), namespace)
    _set_int_max_str_digits(_DIGITS)
    return value


# Compiling is most of what an expression costs, and most are one call with literals. What follows
# reads such a one as JSON, where it means the same there; anything else goes to the compiler.

# Beside texts: no letters, so no exponents, whose floats could be infinite, and none of JSON's words.
_NUMBERS = str.maketrans("", "", "0123456789.,[] -")
_WORDS = {"True": True, "False": False, "None": None}
_read_json = json.loads


def _literal(text):
    """The value of a literal; raises ValueError where it is not one that JSON reads alike."""
    text = text.strip()
    word = _WORDS.get(text, _MISSING)
    if word is not _MISSING:
        return word
    if "'" in text and '"' not in text:
        text = text.replace("'", '"')
    beside = text
    if '"' in text:
        # Texts of printable characters, without escapes, are the same in both.
        if "\\" in text or not text.isascii() or not text.isprintable():
            raise ValueError("not a literal")
        beside = "".join(text.split('"')[::2])
    if beside.translate(_NUMBERS):
        raise ValueError("not a literal")
    return _read_json(text)


def _applied(name, args):
    """What `name(*args)` gives."""
    answer = _ask("apply", -1, (name, args))
    if _type(answer) is not tuple or _len(answer) != 2:
        _nonsense()
    is_function, value = answer
    if is_function is True:
        return value
    callee = _names((name,)).get(name, _MISSING)
    if callee is _MISSING:
        callee = _builtins.get(name, _MISSING)
        if callee is _MISSING:
            raise NameError(f"name '{name}' is not defined")
    return callee(*args)


def _simple_call(source):
    """Name and arguments of an expression that is one call with literals; else None twice."""
    try:
        name, _, rest = source.decode().strip().partition("(")
        inside = rest[:-1]
        if (rest[-1:] == ")" and "(" not in inside and ")" not in inside and name.isidentifier()
                and name.isascii() and not keyword.iskeyword(name) and name not in _LOOKING):
            return name, _literal(f"[{inside}]")
    except (ValueError, RecursionError):
        pass
    return None, None
