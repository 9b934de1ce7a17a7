"""What two guests say to one another: the values of Python, by value where they are plain data.

Owns the format of messages, both ways. A message is one value in marshal's format, which is fast;
the host lets nothing else through from a candidate (`src/sandbox/message.rs`). Plain data of the
common kinds go as they are. Everything else goes as a table: a flat list of nodes, which name each
other by number, so that shared and cyclic references keep their shape and no nesting is too deep.
What is not data is named by its owner, and stands on the other side as what `resolve` makes of it.

All loops are iterative, and exact types count: no method of an object's own class is called.
"""

import marshal
import sys
import types
from collections import Counter, OrderedDict, defaultdict, deque
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction

VERSION = 4

# Kinds of messages, their first element.
VALUE, TABLE, RAISED, CHANGED, CHANGED_RAISED, ASK, ASK_TABLE, UNLOADED = range(8)

# Deeper than this, plain data go as a table: marshal has a bound of its own.
_DEPTH = 64
# With more nodes than this, as well: they are looked at first, which takes memory.
_NODES = 4_000_000

_dumps, _loads = marshal.dumps, marshal.loads
_type, _len, _id, _map, _set, _range, _tuple, _list, _dict, _frozenset = (
    type, len, id, map, set, range, tuple, list, dict, frozenset)
_isinstance, _getattr = isinstance, getattr
_int, _str, _bytes, _bytearray, _float, _bool, _complex, _slice = (
    int, str, bytes, bytearray, float, bool, complex, slice)
_BaseException = BaseException
_SCALARS = frozenset({int, float, str, bool, type(None), bytes, complex})
_CONTAINERS = frozenset({list, tuple, dict, set, frozenset})
_MAPPINGS = frozenset({dict, Counter, OrderedDict, defaultdict})
_MUTABLE = frozenset({list, dict, set, bytearray, deque, Counter, OrderedDict, defaultdict})
_sys_modules = sys.modules
_class_mro = type.__dict__["__mro__"].__get__
_class_dict = type.__dict__["__dict__"].__get__
_class_flags = type.__dict__["__flags__"].__get__
_class_name = type.__dict__["__name__"].__get__
_class_qualname = type.__dict__["__qualname__"].__get__
_class_module = type.__dict__["__module__"].__get__
_IMMUTABLE_CLASS = 1 << 8
_read = object.__getattribute__
_exception_args = BaseException.__dict__["args"].__get__
_numerator = Fraction.__dict__["_numerator"].__get__
_denominator = Fraction.__dict__["_denominator"].__get__
_dict_items, _ordered_items = dict.items, OrderedDict.items
_deque_maxlen = deque.__dict__["maxlen"].__get__
_default_factory = defaultdict.__dict__["default_factory"].__get__
_zone_offset = timezone.utcoffset
_decimal_text = Decimal.__str__
_tuple_iter = tuple.__iter__
_NotImplemented, _Ellipsis = NotImplemented, ...


class Malformed(Exception):
    """A table that is none."""


def is_plain(values):
    """Whether all of a sequence's values are of the common kinds, however nested."""
    kinds = _set(_map(_type, values))
    level = 0
    while not kinds <= _SCALARS:
        level += 1
        if level > _DEPTH or _len(values) > _NODES or not kinds <= _SCALARS | _CONTAINERS:
            return False
        nested = []
        for value in values:
            kind = _type(value)
            if kind is _dict:
                nested += value
                nested += value.values()
            elif kind in _CONTAINERS:
                nested += value
        values = nested
        kinds = _set(_map(_type, values))
    return True


def dumps(message):
    return _dumps(message, VERSION)


def loads(message):
    return _loads(message, allow_code=False)


def snapshot(values):
    """Bytes that change when plain data do; sharing does not show in them."""
    return _dumps(values, 2)


def mutables(values):
    """The mutable containers in some arguments, each once, in an order that both guests find."""
    found, seen, level = [], _set(), _list(values)
    while level:
        nested = []
        for value in level:
            kind = _type(value)
            if kind in _SCALARS or _id(value) in seen:
                continue
            seen.add(_id(value))
            if kind in _MUTABLE:
                found.append(value)
                # No mutable container is in a set, and its order is each guest's own.
                if kind is _bytearray or kind is _set:
                    continue
            elif kind is not _tuple:
                if kind not in _CONTAINERS and _is_array(kind):
                    found.append(value)
                continue
            if kind in _MAPPINGS:
                parts = _list(value)
                parts += value.values()
            else:
                parts = value
            if not _set(_map(_type, parts)) <= _SCALARS:
                nested += parts
        level = nested
    return found


def overwrite(container, contents):
    """Gives a container the contents of another one of its kind."""
    kind = _type(container)
    if kind is not _type(contents):
        raise Malformed("a container of another kind")
    if kind in (_list, _bytearray):
        container[:] = contents
    elif kind is deque:
        container.clear()
        container.extend(contents)
    elif kind is _set or kind is OrderedDict:
        container.clear()
        container.update(contents)
    elif kind in _MUTABLE:
        container.clear()
        _dict.update(container, contents)
    elif _is_array(kind):
        if container.shape == contents.shape and container.dtype == contents.dtype:
            container[...] = contents


# Tables


def encode_table(root, refer, known=()):
    """The nodes of a value, the value itself first. `refer(object, numbered)` gives the node of what
    is not plain, where `numbered(objects)` are its parts' numbers; objects in `known` are named by their place in it, in the guest that reads them too."""
    queue = [root]
    numbers = {}
    places = {_id(each): place for place, each in enumerate(known)}
    nodes = []

    def number(value):
        at = numbers.get(_id(value))
        if at is None:
            at = numbers[_id(value)] = _len(queue)
            queue.append(value)
        return at

    def numbered(values):
        return [number(value) for value in values]

    numbers[_id(root)] = 0
    # The queue holds what `numbers` names, so that no id comes to mean another object.
    for value in queue:
        kind = _type(value)
        place = places.get(_id(value))
        if place is not None:
            nodes.append(("@", place))
        elif kind in _SCALARS:
            nodes.append(value)
        else:
            nodes.append(_node(value, kind, numbered, refer))
    return nodes


def contents(container):
    """A container's copy, to be sent beside the container's place."""
    if _is_array(_type(container)):
        return container.copy()
    if _type(container) is defaultdict:
        return defaultdict(None, container)
    return _type(container)(container)


def _node(value, kind, numbered, refer):
    if kind is _list:
        return ("l", numbered(value))
    if kind is _tuple:
        return ("t", numbered(value))
    if kind is _dict:
        return ("d", numbered(_flat(_dict_items(value))))
    if kind is _set:
        return ("s", numbered(value))
    if kind is _frozenset:
        return ("z", numbered(value))
    try:
        node = _other(value, kind, numbered, refer)
    except (AttributeError, ValueError, TypeError, OverflowError):
        # A Fraction without its parts, a zone that only its own class can read.
        node = None
    return refer(value, numbered) if node is None else node


def _flat(pairs):
    return [each for pair in _list(pairs) for each in pair]


def _other(value, kind, numbered, refer):
    if kind is _bytearray:
        return ("B", _bytes(value))
    if kind is deque:
        return ("q", _deque_maxlen(value), numbered(_tuple(value)))
    if kind is Counter:
        return ("C", numbered(_flat(_dict_items(value))))
    if kind is OrderedDict:
        return ("o", numbered(_flat(_ordered_items(value))))
    if kind is defaultdict:
        return ("D", numbered((_default_factory(value),)), numbered(_flat(_dict_items(value))))
    if kind is _range:
        return ("r", value.start, value.stop, value.step)
    if kind is _slice:
        return ("x", numbered((value.start, value.stop, value.step)))
    if kind is Decimal:
        return ("m", _decimal_text(value))
    if kind is Fraction:
        numerator, denominator = _numerator(value), _denominator(value)
        if _type(numerator) is _int and _type(denominator) is _int and denominator > 0:
            return ("Q", numerator, denominator)
        return None
    if kind is date:
        return ("a", value.year, value.month, value.day)
    if kind is time:
        return ("h", value.hour, value.minute, value.second, value.microsecond, value.fold,
                _zone(value.tzinfo))
    if kind is datetime:
        return ("w", value.year, value.month, value.day, value.hour, value.minute, value.second,
                value.microsecond, value.fold, _zone(value.tzinfo))
    if kind is timedelta:
        return ("e", value.days, value.seconds, value.microseconds)
    if kind is timezone:
        return ("y", _zone(value))
    pathlib = _sys_modules.get("pathlib")
    if pathlib is not None and kind in (pathlib.PosixPath, pathlib.PurePosixPath):
        return ("P", kind is pathlib.PosixPath, _text_of(value))
    if value is _Ellipsis:
        return (".",)
    if value is _NotImplemented:
        return ("~",)
    bases = _class_mro(kind)
    for base in bases:
        if base is _tuple and kind is not _tuple:
            fields = _fields(bases)
            if fields is not None:
                items = _tuple(_tuple_iter(value))
                if _len(items) == _len(fields):
                    return ("N", _class_name(kind), fields, numbered(items))
            return None
    if _class_flags(kind) & _IMMUTABLE_CLASS and _class_module(kind) == "numpy":
        return _numpy(value, kind, numbered)
    return None


def _text_of(path):
    text = _str(path)
    if _type(text) is not _str:
        raise ValueError("a path that is no text")
    return text


def _zone(zone):
    if zone is None:
        return None
    if _type(zone) is not timezone:
        raise ValueError("a zone that only its own class can read")
    offset = _zone_offset(zone, None)
    return (offset.days, offset.seconds, offset.microseconds)


def _fields(bases):
    for base in bases:
        fields = _class_dict(base).get("_fields")
        if fields is not None:
            fields = _tuple(fields) if _type(fields) is _tuple else ()
            if _set(_map(_type, fields)) <= {_str} and _len(_set(fields)) == _len(fields):
                return fields
            return None
    return None


def _is_array(kind):
    return (_class_flags(kind) & _IMMUTABLE_CLASS and _class_module(kind) == "numpy"
            and _class_name(kind) == "ndarray")


# Kinds of numpy's types that are bytes and nothing else.
_NUMBERS = "biufcSUmM?"


def _numpy(value, kind, numbered):
    if _class_name(kind) == "ndarray":
        dtype = _read(value, "dtype")
        shape = _tuple(_read(value, "shape"))
        if dtype.names is None and dtype.kind in _NUMBERS:
            return ("A", dtype.str, shape, value.tobytes())
        if dtype.kind == "O":
            return ("G", shape, numbered(value.reshape(-1).tolist()))
        return None
    for base in _class_mro(kind):
        if _class_name(base) == "generic" and _class_module(base) == "numpy":
            dtype = _read(value, "dtype")
            if dtype.names is None and dtype.kind in _NUMBERS:
                return ("n", dtype.str, _read(value, "tobytes")())
    return None


def decode_table(nodes, resolve, known=()):
    """The value of a table's first node. `resolve(node, values)` gives what stands for a node that
    only the other guest's side knows, where `values` are those of its parts by number.

    Raises Malformed, or whatever the parts raise, where the table is none."""
    if _type(nodes) is not _list or not nodes:
        raise Malformed("no table")
    values = {}
    # Containers exist before their contents do; everything else needs its parts first.
    for at, node in enumerate(nodes):
        kind = _type(node)
        if kind in _SCALARS:
            values[at] = node
        elif kind is _tuple and node:
            tag = node[0]
            made = _EMPTY.get(tag)
            if made is not None:
                values[at] = made(node)
            elif tag == "@":
                values[at] = known[node[1]]
        else:
            raise Malformed("no node")
    pending = [at for at in _range(_len(nodes)) if at not in values]
    # Parts have higher numbers than what they are first met in, so most are ready in this order.
    waiting = _set()
    stack = pending
    while stack:
        at = stack[-1]
        if at in values:
            stack.pop()
            continue
        missing = [part for part in _parts(nodes[at]) if part not in values]
        if missing:
            if at in waiting:
                raise Malformed("a node that is its own part")
            waiting.add(at)
            stack += missing
            continue
        waiting.discard(at)
        stack.pop()
        values[at] = _whole(nodes[at], values, resolve)
    for at, node in enumerate(nodes):
        if _type(node) is _tuple:
            fill = _FILL.get(node[0])
            if fill is not None:
                fill(values[at], node, values)
    return values[0]


_EMPTY = {
    "l": lambda node: [],
    "d": lambda node: {},
    "s": lambda node: _set(),
    "o": lambda node: OrderedDict(),
    "C": lambda node: Counter(),
    "D": lambda node: defaultdict(),
    "q": lambda node: deque((), node[1]),
}


def _pairs(numbers, values):
    return [(values[numbers[at]], values[numbers[at + 1]]) for at in _range(0, _len(numbers), 2)]


def _fill_defaultdict(container, node, values):
    container.default_factory = values[node[1][0]]
    container.update(_pairs(node[2], values))


_FILL = {
    "l": lambda container, node, values: container.extend([values[at] for at in node[1]]),
    "s": lambda container, node, values: container.update([values[at] for at in node[1]]),
    "q": lambda container, node, values: container.extend([values[at] for at in node[2]]),
    "d": lambda container, node, values: container.update(_pairs(node[1], values)),
    "o": lambda container, node, values: container.update(_pairs(node[1], values)),
    "C": lambda container, node, values: _dict.update(container, _pairs(node[1], values)),
    "D": _fill_defaultdict,
}

# Where a node's parts are listed, of those that need them to be whole.
_PARTS = {"t": 1, "z": 1, "x": 1, "N": 3, "G": 2, "E": 2, "k": 3}


def _parts(node):
    at = _PARTS.get(node[0])
    return () if at is None else node[at]


def _whole(node, values, resolve):
    tag = node[0]
    if tag == "t":
        return _tuple([values[at] for at in node[1]])
    if tag == "z":
        return _frozenset([values[at] for at in node[1]])
    if tag == "N":
        return record(node[1], node[2], [values[at] for at in node[3]])
    if tag == "B":
        return _bytearray(node[1])
    if tag == "r":
        return _range(node[1], node[2], node[3])
    if tag == "x":
        return _slice(*[values[at] for at in node[1]])
    if tag == "m":
        return Decimal(node[1])
    if tag == "Q":
        return Fraction(node[1], node[2])
    if tag == "a":
        return date(*node[1:])
    if tag == "h":
        *numbers, fold, zone = node[1:]
        return time(*numbers, _timezone(zone), fold=fold)
    if tag == "w":
        *numbers, fold, zone = node[1:]
        return datetime(*numbers, _timezone(zone), fold=fold)
    if tag == "e":
        return timedelta(*node[1:])
    if tag == "y":
        return _timezone(node[1])
    if tag == "P":
        import pathlib

        return (pathlib.PosixPath if node[1] else pathlib.PurePosixPath)(node[2])
    if tag == ".":
        return _Ellipsis
    if tag == "~":
        return _NotImplemented
    if tag in ("A", "n"):
        import numpy

        dtype = numpy.dtype(node[1])
        if dtype.kind not in _NUMBERS or dtype.names is not None:
            raise Malformed("no array")
        if tag == "n":
            return numpy.frombuffer(node[2], dtype)[0]
        return numpy.frombuffer(node[3], dtype).reshape(node[2]).copy()
    if tag == "G":
        import numpy

        array = numpy.empty(_len(node[2]), object)
        for at, part in enumerate(node[2]):
            array[at] = values[part]
        return array.reshape(node[1])
    return resolve(node, values)


def _timezone(zone):
    if zone is None:
        return None
    days, seconds, microseconds = zone
    offset = timedelta(days, seconds, microseconds)
    return timezone.utc if not offset else timezone(offset)


_records = {}


def record(name, fields, items):
    """A named tuple as plain data: the tuple, whose items have names."""
    from collections import namedtuple

    known = _records.get((name, fields))
    if known is None:
        try:
            known = namedtuple(name, fields, module="solution")
        except ValueError:
            # A name that only a class of the program's own can have.
            known = namedtuple("record", fields, rename=True, module="solution")
        _records[name, fields] = known
    if _len(items) != _len(fields):
        raise Malformed("no record")
    return known._make(items)


def named(value):
    """The module and name under which both guests find the same object of the library's; None
    where there is none."""
    kind = _type(value)
    if kind is types.ModuleType:
        return (value.__name__, "")
    if not (_isinstance(value, _type) or kind in _LIBRARY_KINDS or _class_name(kind) == "ufunc"):
        return None
    module, name = _getattr(value, "__module__", None), _getattr(value, "__qualname__", None)
    if module is None:
        module = "numpy" if _class_name(kind) == "ufunc" else "builtins"
    if _type(module) is not _str or _type(name) is not _str or module in _OWN_MODULES:
        return None
    found = _sys_modules.get(module)
    for part in name.split("."):
        found = _getattr(found, part, None)
    return (module, name) if found is value else None


_LIBRARY_KINDS = (types.FunctionType, types.BuiltinFunctionType, types.MethodDescriptorType,
                  types.WrapperDescriptorType)
_OWN_MODULES = frozenset({"solution", "test_solution", "__main__", "_host"})


def library(module, name):
    """What stands under a name in the library."""
    import importlib

    found = importlib.import_module(module)
    for part in name.split(".") if name else ():
        found = _getattr(found, part)
    return found
