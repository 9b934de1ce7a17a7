//! Programs put together at random, each judged by two workers that did different things before.

use super::answer;
use crate::runtime::validator_of;
use proptest::prelude::*;
use serde_json::json;

/// Statements of a function's body, with numbers in the place of `A` and `B`. They use and change
/// `x`, a number, `text`, `items`, `table` and `found`.
const STATEMENTS: &[&str] = &[
    "x += A",
    "x = x * A % 1009",
    "for i in range(A): x += i * B",
    "while x > B: x //= 2",
    "items += [x, A]",
    "items = [each % 7 for each in items] + [B]",
    "items.sort(key=lambda each: (-each, A))",
    "table[f'k{x % 5}'] = A",
    "table.setdefault('list', []).append(x)",
    "found |= {str(each) for each in items}",
    "found.add(('pair', x % B if B else 0))",
    "text += chr(97 + A % 26) * (B % 4)",
    "text = text[::-1].upper()[:20]",
    "print(x, items[-3:], table, found, text)",
    "print(sorted(map(str, found)), file=sys.stderr)",
    "x += hash(text) % 11 + len(found)",
    "x += random.randint(0, A)",
    "random.shuffle(items)",
    "items.append(random.choice([A, B]))",
    "x += int(np.arange(A).sum() % 97)",
    "items += np.sort(np.random.randint(0, B + 1, 3)).tolist()",
    "x += fib(A % 12)",
    "x += Counter(A).up(B).n",
    "table['node'] = Counter(B)",
    "items.append(sum(walk([A, [B, [x % 10]]])))",
    "x += int(time.time() * 1000) % 1000",
    "text += f'{x / 7:.3f}'",
    "text += str(id(object()) % 16)",
    "try:\n        x //= A - B\n    except ZeroDivisionError as error:\n        text += str(error)",
    "try:\n        items = items[:A] + [items[B]]\n    except IndexError:\n        x += 1",
    "if x % 13 == A: raise ValueError(f'unlucky {x}')",
    "if x % 17 == A: return found",
    "if x % 19 == A: sys.exit(B)",
    "table.update({i: [i] * (i % 3) for i in range(A)})",
    "text += json.dumps(table, default=repr, sort_keys=True)[:30]",
    "t = threading.Thread(target=items.append, args=(A,)); t.start(); t.join()",
    "open('f.txt', 'a').write(text); x += len(open('f.txt').read())",
    "big = [0] * (A << 12)",
];

const HEAD: &str = "
import json, random, sys, threading, time
import numpy as np

class Counter:
    def __init__(self, n):
        self.n = n
    def up(self, by):
        self.n += by
        return self

def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)

def walk(tree):
    for each in tree:
        if isinstance(each, list):
            yield from walk(each)
        else:
            yield each

def f(x, text='', visit=None):
    items, table, found = [3, 1, 2], {}, set()
";

const TAIL: &str = "
    if visit:
        visit(items)
    return x, items, table, found, text

if __name__ == '__main__':
    print(f(int(input()), 'main'))
";

/// What asks for all of it: callbacks, objects, output of both sides, a failure that tells values.
const SCRIPT: &str = "
seen = []
got = f(4, visit=seen.append)
print('test', seen, Counter(1).up(2).n)
assert f(2, 'a') == got, (f(2, 'a'), got)
";

fn program() -> impl Strategy<Value = String> {
    let statement = (0..STATEMENTS.len(), 0..20_u32, 0..20_u32);
    prop::collection::vec(statement, 1..12).prop_map(|statements: Vec<(usize, u32, u32)>| {
        let mut program = HEAD.to_owned();
        for (which, a, b) in statements {
            let text = STATEMENTS[which];
            let text = text.replace('A', &a.to_string());
            program += &format!("    {}\n", text.replace('B', &b.to_string()));
        }
        program + TAIL
    })
}

/// A program with a check of every kind.
fn request(program: &str, seed: u64) -> String {
    json!({"submissions": [{
        "language": "python",
        "code": program,
        "checks": [
            {"kind": "call", "call": "f(3)", "expected": "0"},
            {"kind": "script", "source": SCRIPT},
            {"kind": "stdio", "stdin": "5\n", "expected": ""},
        ],
        "seed": seed,
        "limits": {"time_ms": 200},
    }]})
    .to_string()
}

#[test]
fn what_ran_before_does_not_show() {
    // A new one for each case would never have run anything else; these keep what they are.
    let (one, other) = (validator_of(1), validator_of(1));
    let config = ProptestConfig {
        cases: 150,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    proptest!(config, |(program in program(), before in program(), seed in 0..3_u64)| {
        answer(&other, &request(&before, 1 - seed.min(1)));
        let request = request(&program, seed);
        prop_assert_eq!(answer(&one, &request), answer(&other, &request), "{}", program);
    });
}
