// Programs to begin with.

export const EXAMPLES = [
  {
    name: "A wrong sum",
    code: "def add(a, b):\n    return a - b\n",
    checks: [
      { kind: "call", call: "add(2, 3)", expected: "5" },
      { kind: "call", call: "add(7, 0)", expected: "7" },
      { kind: "script", source: "assert add(-1, 1) == 0, 'opposites'\n" },
    ],
  },
  {
    name: "A critic's test case",
    code: "def middle(numbers):\n    return sorted(numbers)[len(numbers) // 2]\n",
    reference:
      "def middle(numbers):\n" +
      "    ordered, half = sorted(numbers), len(numbers) // 2\n" +
      "    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2\n",
    checks: [
      { kind: "call", call: "middle([3, 1, 2])" },
      {
        kind: "critic",
        text: "<think>What if there is no middle one?</think>\n<testcase> CALL: middle([4, 1, 3, 2]) </testcase>",
      },
      { kind: "critic", text: "<testcase> CALL: middle([]) </testcase>" },
    ],
  },
  {
    name: "Standard input and output",
    code: "count = int(input())\nfor _ in range(count):\n    a, b = map(int, input().split())\n    print(a * b)\n",
    checks: [
      { kind: "stdio", stdin: "2\n3 4\n5 6\n", expected: "12\n30\n" },
      { kind: "stdio", stdin: "3\n1 1\n2 2\n3 3\n", expected: "1\n4\n9\n" },
    ],
  },
  {
    name: "A program that cheats, and one that never ends",
    code:
      "class Same(int):\n    def __eq__(self, other):\n        return True\n\n\n" +
      "def answer():\n    return Same(0)\n\n\ndef endless():\n    while True:\n        pass\n",
    time: "1000",
    checks: [
      { kind: "call", call: "answer()", expected: "42" },
      { kind: "call", call: "endless()", expected: "None" },
    ],
  },
];
