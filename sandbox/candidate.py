"""A candidate's side of a split test: loads the program, then does what its judge asks for.

Nothing here is secret and nothing decides: a program that takes this module apart can make it say
that a call gave this value or raised that, which it could have done anyway.
"""

import asyncio
import builtins
import copy
import io
import operator
import os
import sys

import touchstone_exports as exports
import touchstone_messages as messages
from touchstone_jobs import call, load
from touchstone_messages import (
    ASK, ASK_TABLE, CHANGED, CHANGED_RAISED, RAISED, TABLE, UNLOADED, VALUE)
from touchstone_shims import warning

_type, _len, _getattr, _setattr, _delattr, _iter, _next, _set, _map, _id, _dict = (
    type, len, getattr, setattr, delattr, iter, next, set, map, id, dict)
_str, _repr, _any = str, repr, any
_class_mro = type.__dict__["__mro__"].__get__
_dumps, _loads, _is_plain = messages.dumps, messages.loads, messages.is_plain
_SCALARS = frozenset({int, float, str, bool, type(None), bytes, complex})
_FunctionType = exports.types.FunctionType
_objects = exports.objects
_namespace = {}
# Exceptions of the judge's that passed through here, with their numbers there.
_origins = {}
_warned = 0
_notes = warning._touchstone_warnings
_run = asyncio.run


def main(code, ready):
    """Serves until the judge is done."""
    global _namespace
    failure = None
    try:
        _namespace = load(code, ready)
    except BaseException as error:
        failure = error
    message = call(b"X")
    while message:
        reply = _reply(message) if failure is None else _raised(failure, UNLOADED)
        _flush()
        message = call(b"X" + reply)


def _flush():
    """What the program printed stands before what the test prints next."""
    try:
        sys.stdout.flush()
    except BaseException:
        pass


def _reply(message):
    """What is done for one request of the judge's."""
    try:
        kind, what, target, operands = _loads(message)
        plain = kind == ASK
        if not plain:
            operands = _decoded(operands)
        if what == "call":
            args, kwargs = operands
            function = _objects[target]
            if kwargs is None and _set(_map(_type, args)) <= _SCALARS:
                value = function(*args)
            else:
                return _changing(function, args, kwargs or {}, operands, plain)
        elif what == "method":
            name, args, kwargs = operands
            function = _getattr(_objects[target], name)
            return _changing(function, args, kwargs or {}, operands, plain)
        else:
            value = _OPERATIONS[what](_objects[target] if target >= 0 else None, *operands)
        return _told(value)
    except BaseException as error:
        return _raised(error)


def _changing(function, args, kwargs, operands, plain):
    """Calls, and tells beside the value what became of arguments that can be changed."""
    known = messages.mutables((operands,))
    before = _picture(operands, plain)
    kind = CHANGED
    try:
        value = function(*args, **kwargs)
    except BaseException as error:
        if not known or _picture(operands, plain) == before:
            raise
        warning.of_exception(error)
        kind, value = CHANGED_RAISED, error
    else:
        if not _holds(value, known) and _picture(operands, plain) == before:
            return _told(value)
    copies = [messages.contents(each) for each in known]
    nodes = messages.encode_table((value, copies), _refer, known)
    return _dumps(_with_notes((kind, nodes)))


def _holds(value, containers):
    """Whether a value is one of these containers, or one of them is in it."""
    if not containers or _type(value) in _SCALARS:
        return False
    ids = _set(_map(_id, containers))
    return not ids.isdisjoint(_map(_id, messages.mutables((value,))))


def _picture(operands, plain):
    if plain:
        try:
            return messages.snapshot(operands)
        except ValueError:
            # Something that is not plain was put into an argument, or the argument into itself.
            return None
    return messages.encode_table(operands, _refer)


def _told(value):
    if _type(value) in _SCALARS or _is_plain((value,)):
        try:
            return _dumps(_with_notes((VALUE, value)))
        except ValueError:
            # Nested too deeply for marshal.
            pass
    return _dumps(_with_notes((TABLE, messages.encode_table(value, _refer))))


def _raised(error, kind=RAISED):
    warning.of_exception(error)
    try:
        return _dumps(_with_notes((kind, messages.encode_table(error, _refer))))
    except BaseException:
        # There may be no memory left for more than this.
        nodes = [("E", 0, [1, 2, 3], "", -1), ("i", "builtins", "MemoryError"), ("t", []), None]
        return _dumps((kind, nodes))


def _with_notes(answer):
    global _warned
    if _len(_notes) > _warned:
        answer += (_notes[_warned:],)
        _warned = _len(_notes)
    return answer


# What the judge can ask for


def _names(_, wanted):
    """Objects of the program's by name: functions as their numbers, modules and library objects as
    their names there, all others as they are. Without names, all of them."""
    functions, found, named = {}, {}, {}
    for name in _namespace if wanted is None else wanted:
        if name not in _namespace or name == "__builtins__":
            continue
        value = _namespace[name]
        if _type(value) is _FunctionType and value.__module__ == "solution":
            functions[name] = exports.number_of(value)
            continue
        where = messages.named(value) or _under(name, value)
        if where is not None and (not where[1] or where[1] == name):
            named[name] = where
        else:
            found[name] = value
    return (functions, named, found)


def _apply(_, name, args):
    """Calls a function by its name, with arguments that nobody else holds; tells whether there is
    one, and its value."""
    function = _namespace.get(name)
    if _type(function) is not _FunctionType:
        return (False, None)
    return (True, function(*args))


def _under(name, value):
    """What a library module has under the very name that the program uses."""
    for module in ("typing", "collections.abc", "string", "math"):
        if sys.modules[module].__dict__.get(name) is value:
            return (module, name)
    return None


def _redirect(_, stdin, captured, replaced, argv):
    """Reads from this text and prints to others, with these for builtins of their names, until told
    otherwise."""
    before = {name: _getattr(builtins, name) for name in replaced}
    _redirected.append((sys.stdin, sys.stdout, sys.stderr, sys.argv, before))
    if stdin is not None:
        sys.stdin = io.StringIO(stdin)
    if captured[0]:
        sys.stdout = io.StringIO()
    if captured[1]:
        sys.stderr = io.StringIO()
    if argv is not None:
        sys.argv = argv
    for name, value in replaced.items():
        _setattr(builtins, name, value)


def _restore(_):
    """What was printed since, and how much was read."""
    texts = [each.getvalue() if _type(each) is io.StringIO else "" for each in (sys.stdout, sys.stderr)]
    read = sys.stdin.tell() if _type(sys.stdin) is io.StringIO else 0
    sys.stdin, sys.stdout, sys.stderr, sys.argv, before = _redirected.pop()
    for name, value in before.items():
        _setattr(builtins, name, value)
    return (*texts, read)


def _environ(_, key, value):
    if value is None:
        os.environ.pop(key, None)
    else:
        os.environ[key] = value


_redirected = []


def _leave(target, error):
    if error is None:
        return target.__exit__(None, None, None)
    return target.__exit__(type(error), error, None)


def _refill(target, name, contents):
    """Gives a container that is an attribute the contents of a copy that the test has changed."""
    container = _getattr(target, name)
    if _type(container) is _type(contents):
        messages.overwrite(container, contents)
    else:
        _setattr(target, name, contents)


_OPERATIONS = {
    "refill": _refill,
    "names": _names,
    "apply": _apply,
    "name": lambda _, name: _namespace[name],
    "redirect": _redirect,
    "restore": _restore,
    "chdir": lambda _, path: os.chdir(path),
    "environ": _environ,
    "seed": lambda _, module, args, kwargs: sys.modules[module].seed(*args, **kwargs),
    "get": lambda target, name: _getattr(target, name),
    "set": lambda target, name, value: _setattr(target, name, value),
    "del": lambda target, name: _delattr(target, name),
    "dir": lambda target: dir(target),
    "str": lambda target: _str(target),
    "repr": lambda target: _repr(target),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "await": lambda target: _run(target),
    "__len__": lambda target: _len(target),
    "__iter__": lambda target: _iter(target),
    "__next__": lambda target: _next(target),
    "__getitem__": operator.getitem,
    "__setitem__": operator.setitem,
    "__delitem__": operator.delitem,
    "__enter__": lambda target: target.__enter__(),
    "__exit__": _leave,
    "__eq__": operator.eq,
    "__ne__": operator.ne,
    "__lt__": operator.lt,
    "__le__": operator.le,
    "__gt__": operator.gt,
    "__ge__": operator.ge,
    "__add__": operator.add,
    "__sub__": operator.sub,
    "__mul__": operator.mul,
    "__truediv__": operator.truediv,
    "__floordiv__": operator.floordiv,
    "__mod__": operator.mod,
    "__pow__": operator.pow,
    "__and__": operator.and_,
    "__or__": operator.or_,
    "__xor__": operator.xor,
    "__matmul__": operator.matmul,
    "__lshift__": operator.lshift,
    "__rshift__": operator.rshift,
    "__neg__": operator.neg,
    "__pos__": operator.pos,
    "__invert__": operator.invert,
}


# What the judge lends


class Borrowed:
    """An object of the judge's. It can be called and, where it is an object of a test's own class,
    its attributes read and set; how it is made does not show."""

    __slots__ = ("_number",)

    def __init__(self, number):
        object.__setattr__(self, "_number", number)

    def __repr__(self):
        return f"<borrowed object {_number(self)}>"


class BorrowedObject(Borrowed):
    __slots__ = ()

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return _ask("get", _number(self), (name,))

    def __setattr__(self, name, value):
        _ask("set", _number(self), (name, value))

    def __str__(self):
        return _ask("str", _number(self), ())

    def __repr__(self):
        return _ask("repr", _number(self), ())

    def __eq__(self, other):
        if self is other:
            return True
        return _ask("__eq__", _number(self), (other,))

    def __hash__(self):
        return hash(_number(self))


_number = Borrowed.__dict__["_number"].__get__


def _operation(name):
    def operation(self, *operands):
        return _ask(name, _number(self), operands)

    operation.__name__ = name
    return operation


def _called(self, *args, **kwargs):
    return _ask("call", _number(self), (args, kwargs or None))


_IMPLEMENTATIONS = {name: _operation(name) for name in exports.SPECIAL}
_IMPLEMENTATIONS["__call__"] = _called


class BorrowedFunction(Borrowed):
    __slots__ = ("__name__",)

    __call__ = _called


_borrowed_classes = {}
_borrowed = {}
_described = {}


def _decoded(nodes):
    """The value of a table."""
    for node in nodes:
        if _type(node) is tuple and node[0] in ("f", "c") and node[2][1] is not None:
            _described[node[2][0]] = node[2][1]
    return messages.decode_table(nodes, _resolve)


def _resolve(node, values):
    """What stands here for an object of the judge's, or is an object of this guest's own."""
    tag, number = node[0], node[1]
    if tag == "p":
        return _objects[number]
    if tag == "i":
        return messages.library(number, node[2])
    if tag == "E":
        kind, args, cause = [values[part] for part in node[2]]
        try:
            error = kind(*args)
        except BaseException:
            error = kind.__new__(kind)
            error.args = args
        error.__cause__ = cause
        _origins[_id(error)] = number
        _kept.append(error)
        return error
    if tag == "k":
        bases = [values[part] for part in node[3]]
        return type(node[2], tuple(bases), {})
    known = _borrowed.get(number)
    if known is not None:
        return known
    if tag == "F":
        made = BorrowedFunction(number)
        object.__setattr__(made, "__name__", node[2])
    else:
        key = node[2][0] if _len(node) > 2 else -1
        cls = _borrowed_classes.get(key)
        if cls is None:
            name, _, special, _ = _described.get(key, ("coroutine", (), (), ()))
            if tag == "c":
                special = ("__call__",)
            methods = {each: _IMPLEMENTATIONS[each] for each in special}
            cls = type(name, (BorrowedObject,), {"__slots__": (), **methods})
            if tag != "c":
                _borrowed_classes[key] = cls
        made = cls(number)
    _borrowed[number] = made
    return made


_kept = []


def _own(value):
    """The judge's number of what it lent."""
    # By identity: `in` would ask a metaclass whether it equals this one.
    if _any([base is Borrowed for base in _class_mro(_type(value))]):
        return _number(value)
    return None


def _library(value):
    """Modules, and classes of plain data and exceptions; a function of the library's is called
    here, like any other."""
    if exports.is_data_class(value) or exports.is_exception_class(value):
        return messages.named(value)
    return messages.named(value) if _type(value) is exports.types.ModuleType else None


_refer = exports.reference(_own, _library, _origins)


def _ask(what, number, operands):
    """Asks the judge for an operation on an object that it lent, and does what it asks for in the
    meantime."""
    _flush()
    if _is_plain(operands):
        reply = call(b"X" + _dumps((ASK, what, number, operands)))
    else:
        nodes = messages.encode_table(operands, _refer)
        reply = call(b"X" + _dumps((ASK_TABLE, what, number, nodes)))
    while True:
        if not reply:
            raise SystemExit("the judge is done")
        kind = _loads(reply)
        if kind[0] == VALUE:
            return kind[1]
        if kind[0] == TABLE:
            return _decoded(kind[1])
        if kind[0] == RAISED:
            raise _decoded(kind[1])
        reply = call(b"X" + _reply(reply))
