"""What one guest gives the other that is not plain data: by a number, never by what is inside.

Owns the numbers of a guest's objects and how objects and classes are described. Which operations
the other guest may ask for is its servant's business (`candidate.py`, `judge.py`).

Nodes of tables, beside those of plain data: `("p", number)` is the reader's own object; `("i",
module, name)` one that both find in the library; `("F", number, name)` a function; `("W", number)`
a coroutine; `("c", number, class)` a class; `("k", number, name, bases)` an exception class;
`("E", number, (class, arguments, cause), text, origin)` an exception; `("f", number, class)` any other
object. `class` is a class's number, and its description where it is told for the first time: name,
numbers of its bases in order, special methods, plain methods.
"""

import types

import touchstone_messages as messages

_type, _len, _id, _isinstance, _tuple, _str, _int = type, len, id, isinstance, tuple, str, int
_BaseException = BaseException
_class_mro = type.__dict__["__mro__"].__get__
_class_dict = type.__dict__["__dict__"].__get__
_class_name = type.__dict__["__name__"].__get__
_class_bases = type.__dict__["__bases__"].__get__
_exception_args = BaseException.__dict__["args"].__get__
_group_exceptions = BaseExceptionGroup.__dict__["exceptions"].__get__
_exception_file = OSError.__dict__["filename"].__get__
_exception_cause = BaseException.__dict__["__cause__"].__get__

# Exceptions that are raised from one another in a longer chain are told without their causes.
_MOST_CAUSES = 100

# What a proxy can have, where its object's class has it.
SPECIAL = """
__call__ __len__ __iter__ __next__ __getitem__ __setitem__ __delitem__ __enter__ __exit__
__contains__ __lt__ __le__ __gt__ __ge__ __add__ __sub__ __mul__ __truediv__ __floordiv__ __mod__
__pow__ __and__ __or__ __xor__ __matmul__ __lshift__ __rshift__ __neg__ __pos__ __invert__ __hash__
""".split()

_FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType, types.MethodType,
              types.MethodDescriptorType, types.WrapperDescriptorType, types.MethodWrapperType,
              types.ClassMethodDescriptorType)
_DATA = (int, float, str, bytes, bool, complex, list, tuple, dict, set, frozenset, bytearray, range,
         slice, type(None), object)

objects = []
_numbers = {}
_classes = {}
_told = set()


def number_of(value):
    at = _numbers.get(_id(value))
    if at is None:
        at = _numbers[_id(value)] = _len(objects)
        # Kept for good: a number must not come to mean another object.
        objects.append(value)
    return at


def reference(own, library, origins):
    """A `refer` for tables. `own(value)` is the other guest's number of a proxy, or None;
    `library(value)` the name of what both find in the library, or None; `origins` the exceptions
    that came from the other guest, with their numbers there."""

    def refer(value, numbered):
        theirs = own(value)
        if theirs is not None:
            return ("p", theirs)
        kind = _type(value)
        name = library(value)
        if name is not None:
            return ("i", *name)
        mro = _class_mro(kind)
        if any(base is _BaseException for base in mro):
            return _exception(value, kind, numbered)
        if any(base is _type for base in mro):
            if any(base is _BaseException for base in _class_mro(value)):
                bases = [
                    base
                    for base in _class_bases(value)
                    if any(each is _BaseException for each in _class_mro(base))
                ]
                return ("k", number_of(value), _name(value), numbered(bases))
            return ("c", number_of(value), _described(value))
        # By identity: `in` would ask a metaclass whether it equals one of these.
        if any([kind is each for each in _FUNCTIONS]):
            return ("F", number_of(value), _function_name(value))
        if kind is types.CoroutineType:
            return ("W", number_of(value))
        return ("f", number_of(value), _described(kind))

    def _exception(error, kind, numbered):
        origin = origins.get(_id(error), -1)
        try:
            text = _str(error)
            text = text if _type(text) is _str else ""
        except BaseException:
            text = "<exception str() failed>"
        parts = numbered((kind, _arguments(error, kind), _cause(error)))
        return ("E", number_of(error), parts, text, origin)

    return refer


def _arguments(error, kind):
    """What makes the same exception: a file's name is not among the arguments that it keeps, and a
    group's exceptions must be there before it is."""
    args = _exception_args(error)
    if _isinstance(error, BaseExceptionGroup) and _len(args) == 2:
        return (args[0], _group_exceptions(error))
    if _isinstance(error, OSError) and kind.__module__ == "builtins" and _len(args) == 2:
        name = _exception_file(error)
        if name is not None:
            return (*args, name)
    return args


def _cause(error):
    """What an exception was raised from, unless that leads back to it."""
    first = at = _exception_cause(error)
    seen = {_id(error)}
    while at is not None:
        if _id(at) in seen or _len(seen) > _MOST_CAUSES:
            return None
        seen.add(_id(at))
        at = _exception_cause(at)
    return first


def is_data_class(value):
    return any(value is each for each in _DATA)


def is_exception_class(value):
    kind = _type(value)
    return kind is _type and any(base is _BaseException for base in _class_mro(value))


def _name(cls):
    name = _class_name(cls)
    return name if _type(name) is _str else "object"


def _function_name(function):
    try:
        name = function.__name__
    except BaseException:
        name = None
    return name if _type(name) is _str else "function"


def _key(cls):
    known = _classes.get(_id(cls))
    if known is None:
        # Kept alive by the tuple, like what has a number.
        known = _classes[_id(cls)] = (_len(_classes), cls)
    return known[0]


def _described(cls):
    key = _key(cls)
    if key in _told:
        return (key, None)
    _told.add(key)
    mro = _class_mro(cls)
    special, methods, seen = [], [], set()
    # Of a class whose attributes are made when they are asked for, nothing is known beforehand.
    dynamic = any(
        "__getattr__" in _class_dict(base) or "__getattribute__" in _class_dict(base)
        for base in mro[:-1]
    )
    for base in mro[:-1]:
        for name, value in list(_class_dict(base).items()):
            if _type(name) is not _str or name in seen:
                continue
            seen.add(name)
            if name in _SPECIAL and value is not None:
                special.append(name)
            elif _type(value) is types.FunctionType and not name.startswith("__") and not dynamic:
                methods.append(name)
    special.sort()
    keys = tuple([_key(base) for base in mro])
    return (key, (_name(cls), keys, tuple(special), tuple(methods)))


_SPECIAL = frozenset(SPECIAL)
