//! Plain data goes from one interpreter to the other and back, and is the same there.

use crate::runtime::{judge, report};
use serde_json::json;

/// What both the program and the test begin with.
const PRELUDE: &str = "\
import math
from collections import *
from datetime import *
from decimal import Decimal
from fractions import Fraction
import numpy as np
nan, inf = float('nan'), float('inf')
";

/// One expression a line.
const VALUES: &str = r#"
None
True
False
0
-1
2 ** 31
-(2 ** 63)
10 ** 4000
-(7 ** 500)
0.0
-0.0
0.1
1e308
5e-324
nan
inf
-inf
1j
complex(-0.0, nan)
''
'text'
'é€𝄞\0'
'\ud800'
'a\udfffb'
'x' * 100_000
b''
b'\x00\xff'
bytearray(b'ab\xff')
bytearray()
[]
[1, 'a', None, 2.5]
[[1, [2, [3]]], []]
list(range(10_000))
()
(1,)
((), (1, (2,)))
[(1, [2, {3: (4,)}])]
set()
{1, 2, 3}
{(1, 2), frozenset({3})}
frozenset()
frozenset({1, (2, 3)})
{}
{'a': 1, 'b': [2]}
{1: 'int', 'b': 'str', (1, 2): 'tuple', None: 'none', 2.5: 'float', b'b': 'bytes', frozenset({1}): 'frozenset'}
{True: 1, 0: 2}
{nan: 1}
{'z': 1, 'a': 2, 'm': 3}
range(5)
range(10, -10, -3)
range(10 ** 30)
slice(1, None, -1)
slice('a', (1,), [2])
...
NotImplemented
deque([1, [2]])
deque([1, 2, 3], maxlen=3)
Counter('abracadabra')
Counter({'a': -1, 'b': 0})
Counter()
defaultdict(list, {'a': [1]})
defaultdict(int)
defaultdict(None, {1: 2})
OrderedDict([('b', 1), ('a', 2)])
OrderedDict()
Decimal('1.10')
Decimal('-0')
Decimal('NaN')
Decimal('Infinity')
Decimal('1E+400')
Fraction(1, 3)
Fraction(-10 ** 40, 7)
date(2024, 2, 29)
time(23, 59, 59, 999_999)
time(1, 2, fold=1)
time(1, tzinfo=timezone.utc)
datetime(1, 1, 1)
datetime(2024, 2, 29, 12, 30, 15, 7, fold=1)
datetime(2024, 2, 29, tzinfo=timezone(timedelta(hours=5, minutes=30)))
timedelta(days=-1, seconds=5, microseconds=7)
timedelta.max
timezone.utc
timezone(timedelta(hours=-3))
datetime.min
namedtuple('Point', 'x y')(1, [2])
[namedtuple('Point', 'x y')(1, 2), namedtuple('Pair', 'a b')(3, 4)]
np.array([1, 2, 3])
np.array([1.5, nan, -0.0, inf])
np.array([[1, 2], [3, 4]], dtype=np.int8)
np.zeros((2, 0, 3))
np.array([])
np.array(5)
np.array(2.5, dtype=np.float32)
np.arange(6, dtype=np.uint64).reshape(2, 3)
np.arange(6).reshape(2, 3).T
np.arange(10)[::-2]
np.array([True, False])
np.array(['a', 'bcd', ''])
np.array([b'ab', b'c'])
np.array([1 + 2j, -1j])
np.array([1, 'a', None, [2]], dtype=object)
np.array([], dtype=object)
np.array(['2024-01-01', 'NaT'], dtype='datetime64[D]')
np.array([1, 2], dtype='timedelta64[ms]')
np.array([1, 2], dtype='>i4')
np.float64(0.1)
np.float32(0.1)
np.float16(nan)
np.int64(-5)
np.uint8(255)
np.bool_(True)
np.str_('text')
np.complex128(1 + 2j)
np.datetime64('2024-01-01')
np.timedelta64(5, 'h')
[np.float64(1.5), {'a': np.int64(2)}, (np.arange(2),)]
{'nested': [deque([Counter('a')]), {Fraction(1, 2): Decimal('0.5')}]}
"#;

/// Tells all that there is to tell of a value.
const SHOWN: &str = "
def shown(value):
    kind = type(value)
    return kind.__name__, str(getattr(value, 'dtype', '')), getattr(value, 'shape', ()), repr(value)
";

/// What makes each value, shows one that it is given, and gives one back.
fn program() -> String {
    let mut program = format!("{PRELUDE}{SHOWN}def same(value):\n    return value\n");
    program += "def held(value):\n    return {'value': value, 'list': [value]}\n";
    for (number, value) in values() {
        program += &format!("def made{number}():\n    return {value}\n");
    }
    program
}

fn values() -> impl Iterator<Item = (usize, &'static str)> {
    VALUES.lines().filter(|line| !line.is_empty()).enumerate()
}

#[test]
fn plain_data_is_the_same_on_the_other_side() {
    let program = program();
    let submissions = values().map(|(number, value)| {
        // The test has another function of that name: its own.
        let own = SHOWN.replace("shown", "own");
        let test = format!(
            "{PRELUDE}{own}\nvalue = {value}\nassert shown(value) == own(value), shown(value)\n\
             assert own(value) == own({value}), 'the argument has become another'\n\
             for got in (made{number}(), same(value), same(made{number}()), held(value)['value'],\n\
             \u{20}           held(value=value)['list'][0]):\n\
             \u{20}   assert own(got) == own(value), own(got)\n"
        );
        json!({"code": program, "checks": [{"kind": "script", "source": test}]})
    });
    let submissions: Vec<_> = submissions.collect();
    let mut mistakes = Vec::new();
    for ((_, value), result) in values().zip(judge(submissions)) {
        let verdict = &result["verdicts"][0];
        if verdict["outcome"] != "pass" {
            mistakes.push(format!("{value}: {verdict:.500}"));
        }
    }
    report(&mistakes);
}

#[test]
fn plain_data_is_the_same_as_the_value_of_a_call() {
    let program = program();
    let checks: Vec<_> = values()
        .map(|(number, value)| {
            let expected = format!("(lambda: {value})()");
            let prelude = PRELUDE.trim_end().replace('\n', "; ");
            let expected = format!(
                "(lambda names: (exec({prelude:?}, names), eval({expected:?}, names))[1])({{}})"
            );
            json!({"kind": "call", "call": format!("same(made{number}())"), "expected": expected})
        })
        .collect();
    let result = judge(vec![json!({"code": program, "checks": checks})]).remove(0);
    let mut mistakes = Vec::new();
    for ((_, value), verdict) in values().zip(result["verdicts"].as_array().expect("verdicts")) {
        if verdict["outcome"] != "pass" {
            mistakes.push(format!("{value}: {verdict:.500}"));
        }
    }
    report(&mistakes);
}
