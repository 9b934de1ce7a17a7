"""Random plain values and which of them Python finds equal, for the host to agree with.

Usage: pairs.py ENCODER_FOLDER SEED. Seed 0 gives every scalar, alone and as a key. Prints `v HEX EXPRESSION` for each value, then `e` and a
string of 0 and 1 for each, its equality with every value in turn (`-` where Python cannot say).
nan is left out: there the host differs on purpose.
"""

import random
import sys
from collections import Counter, OrderedDict, defaultdict, deque  # noqa: F401
from datetime import date, datetime, time, timedelta, timezone  # noqa: F401
from decimal import Decimal  # noqa: F401
from fractions import Fraction  # noqa: F401

sys.path.insert(0, sys.argv[1])
import values  # noqa: E402

RANDOM = random.Random(int(sys.argv[2]))

# Few numbers in many classes, so that equal ones of different classes meet.
NUMBERS = """
0 0.0 -0.0 False Decimal(0) Fraction(0) 0j Decimal('-0.00') Decimal('0E+100000000')
1 1.0 True Decimal(1) Decimal('1.000') Fraction(1) 1+0j Fraction(3,3) -1 Decimal('1E-99999999')
0.5 Fraction(1,2) Decimal('0.5') Decimal('5E-1') 0.5+0j 0.1 Decimal('0.1') Fraction(1,10) 1+1j 1-1j
Decimal(0.1) Fraction(0.1) 1e23 10**23 Decimal('1E+23') Decimal('1E+999999999') 1j -1j complex(0,-1)
2**53 2.0**53 2**53+1 Decimal(2**53+1) Fraction(2**53+1) 2**63 2.0**63 -2**63 -2.0**63 2**63-1
-2**64 10**400 Decimal('1E+400') Decimal(10**400) Fraction(10**400) 1e308 int(1e308) 5e-324
Fraction(5e-324) Decimal(5e-324) float('inf') float('-inf') Decimal('Infinity') Decimal('-Infinity')
127 128 -128 255 1<<600 (1<<600)+2**61-1 Fraction(1,3) 1/3 Decimal(-2**63) 2**64-1 -1.5 Fraction(-3,2)
""".split()
OTHERS = """
None ... NotImplemented '' 'a' 'é' '\\ud800' '\\U0001f600' '\\ud83d\\ude00' b'' b'a' bytearray(b'a')
bytearray() 'a'*100 b'a'*100 range(0) range(5,5) range(0,3,2) range(0,4,2) range(3) range(0,3,1)
range(2,-1,-1) range(10**30) range(0,10**30,1) range(1,2,7) range(1,9,8) slice(1) slice(None,1)
slice(None,1.0,None) date(2024,2,29) date(2024,3,1) datetime(2024,2,29) datetime(2024,3,1)
datetime(2024,2,29,tzinfo=timezone.utc) timedelta(1) timedelta(0,86400) timedelta(-1,86399,999999)
datetime(2024,3,1,1,tzinfo=timezone(timedelta(hours=25-1.5)))
datetime(2024,2,29,1,tzinfo=timezone(timedelta(hours=1))) time(1,2,3) time(1,2,3,4) time(0,2,3)
time(1,2,3,tzinfo=timezone.utc) time(2,2,3,tzinfo=timezone(timedelta(hours=1))) timezone.utc
timezone(timedelta(0)) timezone(timedelta(0),'x') timezone(timedelta(hours=1)) datetime.min
datetime.max date.min timedelta.max timedelta.min
""".split()


def scalar():
    return RANDOM.choice(NUMBERS if RANDOM.random() < 0.7 else OTHERS)


def key(depth):
    kind = RANDOM.random()
    if depth <= 0 or kind < 0.6:
        text = scalar()
        return "0" if text.startswith(("bytearray", "slice")) else text
    items = "".join(key(depth - 1) + "," for _ in range(RANDOM.randrange(3)))
    return f"({items})" if kind < 0.8 else f"frozenset(({items}))"


def value(depth):
    if depth <= 0 or RANDOM.random() < 0.3:
        return scalar()
    if RANDOM.random() < 0.35:
        items = "".join(key(depth - 1) + "," for _ in range(RANDOM.randrange(4)))
        return RANDOM.choice(["set((%s))", "frozenset((%s))", "{0,*(%s)}"]) % items
    if RANDOM.random() < 0.5:
        few = RANDOM.randrange(4)
        items = "".join(f"({key(1)},{RANDOM.choice('0012')})," for _ in range(few))
        if RANDOM.random() < 0.5:
            items = "".join(f"({key(depth - 1)},{value(depth - 1)})," for _ in range(few))
        return RANDOM.choice(
            ["dict((%s))", "OrderedDict((%s))", "defaultdict(int,(%s))", "Counter(dict((%s)))"]
        ) % items
    items = "".join(value(depth - 1) + "," for _ in range(RANDOM.randrange(4)))
    return RANDOM.choice(["[%s]", "(%s)", "deque((%s))", "[0]*9+[%s]", "[.5]*9+[%s]"]) % items


def near(text):
    """The same expression with a word of it replaced by another, often an equal one."""
    for old, new in RANDOM.sample(CHANGES, len(CHANGES)):
        if old in text:
            return text.replace(old, new, RANDOM.choice((1, -1)))
    return text


CHANGES = [
    ("frozenset", "set"), ("OrderedDict", "dict"), ("dict(", "OrderedDict("), ("[", "list(["),
    ("(0,", "(0.0,"), ("(1,", "(True,"), ("0,", "False,"), ("1", "1.0"), ("set(", "frozenset("),
    ("Counter", ""), ("defaultdict(int,", "dict("), ("None", "0"), ("1),", "0),"), (",0)", ",1)"),
]


def equality(a, b):
    try:
        return "01"[bool(a == b)]
    except Exception:  # decimals out of range, deep recursion
        return "-"


def scalars():
    """Every scalar, then every one that can be a key as one, which is another way to compare."""
    plain = NUMBERS + OTHERS
    keys = [text for text in plain if hashable(text)]
    return plain + [f"({text},)" for text in plain] + [f"frozenset(({text},))" for text in keys]


def hashable(text):
    try:
        return hash(eval(text)) is not None
    except TypeError:
        return False


def sample():
    texts, found = [], []
    while len(texts) < 150:
        text = value(RANDOM.randrange(5))
        for candidate in (text, near(text), near(near(text))):
            try:
                found.append(eval(candidate))
                texts.append(candidate)
            except Exception:  # a change that is no expression, or an unhashable key
                pass
    return texts, found


def main():
    if sys.argv[2] == "0":
        texts = scalars()
        found = [eval(text) for text in texts]
    else:
        texts, found = sample()
    for text, plain in zip(texts, found):
        print("v", values.encode(plain).hex(), ascii(text))
    for a in found:
        print("e", "".join(equality(a, b) for b in found))


main()
