"""Plain Python data as bytes: how a guest tells the host what a call gave.

Owns the guest's half of the value format; `src/sandbox/values.rs` is the other half. Exact types
only: an instance of any other class is opaque, named but not entered, so that no method of the
candidate's is ever called. All builtins in use are bound here, at import, since the candidate may
replace them later; all loops are iterative, since its data may be nested deeper than any stack.

The format: one version byte, then the nodes of the value in the order in which they are met, each
a tag byte and a body. A node's number is how many came before it; a reference to a node that has
come already is `R` and that number. Counts and lengths are LEB128; integers are a length and as
many bytes of little-endian two's complement.
"""

import sys as _sys
from collections import Counter as _Counter
from collections import OrderedDict as _OrderedDict
from collections import defaultdict as _defaultdict
from collections import deque as _deque
from datetime import date as _date
from datetime import datetime as _datetime
from datetime import time as _time
from datetime import timedelta as _timedelta
from datetime import timezone as _timezone
from decimal import Decimal as _Decimal
from fractions import Fraction as _Fraction
from itertools import chain as _chain
from itertools import repeat as _repeat
from operator import is_ as _is
from struct import Struct as _Struct
from struct import error as _struct_error
from struct import pack as _pack

VERSION = 1

# Host and guest hold a value at the same time; these bound both, and what a comparison can cost.
MAX_NODES = 2_000_000
MAX_BYTES = 64 << 20

# From this length on, a string that occurs again is a reference: below, it costs less to repeat it.
_LONG = 64
# From this size on, the same for an integer.
_HUGE = 1 << 512
# From this length on, a list of numbers is tried as one block: below, trying costs more.
_BLOCK = 8

_all, _any, _bytearray, _bytes, _complex, _float, _id, _int, _iter, _len, _list, _map, _max, _min = (
    all, any, bytearray, bytes, complex, float, id, int, iter, len, list, map, max, min)
_str, _tuple, _type, _dict, _set, _frozenset, _range, _slice = (
    str, tuple, type, dict, set, frozenset, range, slice)
_ValueError, _NOT_PLAIN = ValueError, (AttributeError, ValueError, TypeError, OverflowError)
_ELLIPSIS_TYPE, _NOT_IMPLEMENTED = type(...), NotImplemented

_double = _Struct("<cd").pack
_two_doubles = _Struct("<cdd").pack
_to_bytes = int.to_bytes
_bit_length = int.bit_length
_utf8 = str.encode
_dict_items = dict.items
_ordered_items = _OrderedDict.items
_decimal_parts = _Decimal.as_tuple
_numerator = _Fraction.__dict__["_numerator"].__get__
_denominator = _Fraction.__dict__["_denominator"].__get__
_zone_offset = _timezone.utcoffset
_class_bases = _type.__dict__["__mro__"].__get__
_class_flags = _type.__dict__["__flags__"].__get__
_class_module = _type.__dict__["__module__"].__get__
_class_name = _type.__dict__["__qualname__"].__get__
_class_dict = _type.__dict__["__dict__"].__get__
_read_attribute = object.__getattribute__
_sys_modules = _sys.modules

_IMMUTABLE_CLASS = 1 << 8  # Py_TPFLAGS_IMMUTABLETYPE: made in C, and nothing in Python can patch it.
_SMALL = _bytes(0x80 | byte & 0x7F for byte in _range(256))


class TooLarge(Exception):
    """The value has more nodes or bytes than may be carried."""


def encode(value, max_nodes=MAX_NODES, max_bytes=MAX_BYTES):
    """The bytes of any value whatever; raises TooLarge where it is past a bound."""
    out = _bytearray((VERSION,))
    put = out.append
    seen = {}  # id -> node number, of what may occur again
    alive = []  # keeps what `seen` names, or an id could come to mean another object
    nodes = 0
    stack = [_iter((value,))]
    while stack:
        for item in stack[-1]:
            kind = _type(item)
            if kind is _int and -_HUGE < item < _HUGE:
                if 0 <= item < 128:
                    put(0x80 | item)
                else:
                    out += b"i"
                    _integer(out, item)
            elif kind is _str and _len(item) < _LONG:
                text = _utf8(item, "utf-8", "surrogatepass")
                put(0x73)
                _unsigned(out, _len(text))
                out += text
            elif kind is _float:
                out += _double(b"f", item)
            elif item is None:
                put(0x4E)
            elif item is True:
                put(0x54)
            elif item is False:
                put(0x46)
            else:
                number = seen.get(_id(item))
                if number is not None:
                    put(0x52)
                    _unsigned(out, number)
                    continue
                seen[_id(item)] = nodes
                alive.append(item)
                more, children = _compound(out, item, kind, max_nodes - nodes, max_bytes)
                nodes += more
                if _len(out) > max_bytes:
                    raise TooLarge("more bytes than may be carried")
                if children is not None:
                    nodes += 1
                    stack.append(_iter(children))
                    break
            nodes += 1
            if nodes > max_nodes or _len(out) > max_bytes:
                raise TooLarge("more nodes or bytes than may be carried")
        else:
            stack.pop()
    if _len(out) > max_bytes:
        raise TooLarge("more bytes than may be carried")
    return _bytes(out)


def encode_or_opaque(value):
    """The same, but what is too large goes as an opaque object: equal to nothing, as it is told."""
    try:
        return encode(value)
    except TooLarge:
        out = _bytearray((VERSION,))
        _block(out, b"O", b"(too large to be carried)")
        return _bytes(out)


def _compound(out, item, kind, nodes_left, max_bytes):
    """Writes the head of a node; gives how many nodes are in its body, and its children or None."""
    if kind is _list:
        items = _tuple(item)
        return _sequence(out, items)
    if kind is _dict:
        return 0, _pairs(out, b"d", _list(_dict_items(item)))
    if kind is _tuple:
        return 0, _children(out, b"t", item)
    if kind is _str:
        # Checked beforehand: the copy alone could be more than the guest may use.
        if _len(item) > max_bytes:
            raise TooLarge("more bytes than may be carried")
        _block(out, b"s", _utf8(item, "utf-8", "surrogatepass"))
        return 0, None
    for known, write in _WRITERS:
        if kind is known:
            start = _len(out)
            try:
                return 0, write(out, item)
            except _NOT_PLAIN:
                # A Fraction without its parts, a zone that is the candidate's: not plain after all.
                del out[start:]
                return 0, _opaque(out, kind)
    if kind is _ELLIPSIS_TYPE:
        out += b"."
        return 0, None
    if item is _NOT_IMPLEMENTED:
        out += b"~"
        return 0, None
    bases = _class_bases(kind)
    # By identity: `in` would ask a metaclass whether it equals a tuple.
    if _any(_map(_is, bases, _repeat(_tuple))) and _is_namedtuple(bases):
        return 0, _children(out, b"t", _tuple(_tuple.__iter__(item)))
    if _class_flags(kind) & _IMMUTABLE_CLASS and "numpy" in _sys_modules:
        return 0, _numpy(out, item, kind, bases, nodes_left)
    return 0, _opaque(out, kind)


def _unsigned(out, number):
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)


def _integer(out, number):
    length = (_bit_length(number) >> 3) + 1
    _unsigned(out, length)
    out += _to_bytes(number, length, "little", signed=True)


def _block(out, tag, data):
    out += tag
    _unsigned(out, _len(data))
    out += data


def _children(out, tag, items):
    out += tag
    _unsigned(out, _len(items))
    return items


def _pairs(out, tag, pairs):
    out += tag
    _unsigned(out, _len(pairs))
    return _chain.from_iterable(pairs)


def _sequence(out, items):
    """A list; numbers of one kind go as one block, the rest one by one."""
    length = _len(items)
    if length >= _BLOCK:
        kind = _type(items[0])
        if kind is _int and _all(_map(_is, _map(_type, items), _repeat(_int))):
            if _min(items) >= 0 and _max(items) < 128:
                _children(out, b"l", items)
                out += _bytes(items).translate(_SMALL)
                return length, None
            try:
                block = _pack("<%dq" % length, *items)
            except _struct_error:
                return 0, _children(out, b"l", items)
            _children(out, b"p", items)
            out += block
            return length, None
        if kind is _float and _all(_map(_is, _map(_type, items), _repeat(_float))):
            _children(out, b"P", items)
            out += _pack("<%dd" % length, *items)
            return length, None
    return 0, _children(out, b"l", items)


def _opaque(out, kind):
    name = _class_name(kind)
    _block(out, b"O", _utf8(name[:200] if _type(name) is _str else "object", "utf-8", "surrogatepass"))


def _is_namedtuple(bases):
    for base in bases:
        if "_fields" in _class_dict(base):
            return True
    return False


def _write_integer(out, item):
    out += b"i"
    _integer(out, item)


def _write_complex(out, item):
    out += _two_doubles(b"c", item.real, item.imag)


def _write_bytes(out, item):
    _block(out, b"b", item)


def _write_bytearray(out, item):
    _block(out, b"B", _bytes(item))


def _write_set(out, item):
    return _children(out, b"S", _tuple(item))


def _write_frozenset(out, item):
    return _children(out, b"Z", _tuple(item))


def _write_deque(out, item):
    return _children(out, b"q", _tuple(item))


def _write_ordered(out, item):
    return _pairs(out, b"o", _list(_ordered_items(item)))


def _write_counter(out, item):
    return _pairs(out, b"C", _list(_dict_items(item)))


def _write_defaultdict(out, item):
    return _pairs(out, b"D", _list(_dict_items(item)))


def _write_range(out, item):
    out += b"r"
    for number in (item.start, item.stop, item.step):
        _integer(out, number)


def _write_slice(out, item):
    out += b"x"
    return (item.start, item.stop, item.step)


def _write_decimal(out, item):
    sign, digits, exponent = _decimal_parts(item)
    out += b"m"
    if _type(exponent) is _int:
        _block(out, _bytes((sign,)), _bytes(digits))
        _integer(out, exponent)
    else:
        out.append(sign | (2 if exponent == "F" else 4))


def _write_fraction(out, item):
    numerator, denominator = _numerator(item), _denominator(item)
    if _type(numerator) is not _int or _type(denominator) is not _int or denominator <= 0:
        raise _ValueError("not a fraction")
    out += b"Q"
    _integer(out, numerator)
    _integer(out, denominator)


def _write_date(out, item):
    out += _pack("<cHBB", b"a", item.year, item.month, item.day)


def _write_time(out, item):
    out += b"h"
    _clock(out, item)


def _write_datetime(out, item):
    out += _pack("<cHBB", b"w", item.year, item.month, item.day)
    _clock(out, item)


def _clock(out, item):
    out += _pack("<BBBI", item.hour, item.minute, item.second, item.microsecond)
    zone = item.tzinfo
    if zone is None:
        out.append(0)
    elif _type(zone) is _timezone:
        out.append(1)
        out += _pack("<q", _microseconds(_zone_offset(zone, None)))
    else:
        raise _ValueError("a zone that only its own class can read")


def _write_timedelta(out, item):
    out += _pack("<ciq", b"e", item.days, item.seconds * 1_000_000 + item.microseconds)


def _write_timezone(out, item):
    out += _pack("<cq", b"z", _microseconds(_zone_offset(item, None)))


def _microseconds(delta):
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


_WRITERS = (
    (_int, _write_integer), (_set, _write_set), (_frozenset, _write_frozenset), (_bytes, _write_bytes),
    (_bytearray, _write_bytearray), (_complex, _write_complex), (_range, _write_range),
    (_slice, _write_slice), (_deque, _write_deque), (_Counter, _write_counter),
    (_defaultdict, _write_defaultdict), (_OrderedDict, _write_ordered),
    (_Decimal, _write_decimal), (_Fraction, _write_fraction), (_date, _write_date),
    (_time, _write_time), (_datetime, _write_datetime), (_timedelta, _write_timedelta),
    (_timezone, _write_timezone),
)


def _numpy(out, item, kind, bases, nodes_left):
    """An array or a scalar of numpy's, known by its immutable class; numpy is never imported."""
    if _class_module(kind) != "numpy":
        return _opaque(out, kind)
    if _class_name(kind) == "ndarray":
        methods = _class_dict(kind)
        shape = _read_attribute(item, "shape")
        if _read_attribute(item, "size") > nodes_left:
            raise TooLarge("more nodes than may be carried")
        items = methods["tolist"](methods["reshape"](item, -1))
        out += b"A"
        _unsigned(out, _len(shape))
        for length in shape:
            _unsigned(out, length)
        return items
    for base in bases:
        if _class_name(base) == "generic" and _class_module(base) == "numpy":
            return _numpy_scalar(out, item, kind, base)
    return _opaque(out, kind)


def _numpy_scalar(out, item, kind, generic):
    """A scalar stands for the number or text that it is: written in its place, it has no node."""
    plain = _class_dict(generic)["item"](item)
    if _type(plain) is kind:  # wider than any number of Python's
        name = _class_name(kind)
        if name == "longdouble":
            plain = _float(item)
        elif name == "clongdouble":
            plain = _complex(item)
        else:
            return _opaque(out, kind)
    if _type(plain) is _tuple:  # a record, which has several
        return _opaque(out, kind)
    out += encode(plain)[1:]
    return None
