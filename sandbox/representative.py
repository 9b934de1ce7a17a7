"""What an ordinary program makes the interpreter do, so that the code for it is known before the first one comes.

Executed once where a runtime is loaded, in an instance of its own that is thrown away; nothing of it is kept.
"""
import math
import re
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Dict, List, Optional


@dataclass
class Account:
    owner: str
    entries: List[float] = field(default_factory=list)

    @property
    def balance(self) -> float:
        return sum(self.entries)

    def book(self, amount: float, *, note: Optional[str] = None) -> "Account":
        if amount < 0 and -amount > self.balance:
            raise ValueError(f"{self.owner!r} has {self.balance:.2f}, not {-amount:>8}")
        self.entries.append(amount)
        return self


def primes(limit: int):
    sieve = bytearray([1]) * (limit + 1)
    for number in range(2, limit + 1):
        if sieve[number]:
            yield number
            for multiple in range(number * number, limit + 1, number):
                sieve[multiple] = 0


def words(text: str) -> Dict[str, int]:
    counts = Counter(word.lower() for word in re.findall(r"[A-Za-z]+", text))
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def shortest(graph, source):
    distances, waiting = {source: 0}, [source]
    while waiting:
        node = waiting.pop(0)
        for neighbour, length in graph[node].items():
            found = distances[node] + length
            if found < distances.get(neighbour, math.inf):
                distances[neighbour] = found
                waiting.append(neighbour)
    return distances


class Stack(list):
    def push(self, item):
        self.append(item)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return error[0] is IndexError


account = Account("Ada").book(12.5).book(-2.25, note="tea")
try:
    account.book(-100)
except ValueError as error:
    print(error, file=sys.stderr)
with Stack() as stack:
    stack.push((1, 2))
    stack.pop()
    stack.pop()
graph = defaultdict(dict, {"a": {"b": 2, "c": 5}, "b": {"c": 1}})
matrix = [[row * column % 7 for column in range(5)] for row in range(5)]
assert [list(row) for row in zip(*matrix)][1][2] == matrix[2][1]
assert isinstance(account, Account) and account.balance == 10.25
print(list(primes(60))[-1], words("To be or not to be"), shortest(graph, "a"))
print(" ".join(map(str, sorted({3, 1, 2}, reverse=True))), 7 // 2, -7 % 3, 2**100, 1e3, "%05.1f" % 2.345, "abc"[::-1].upper())
