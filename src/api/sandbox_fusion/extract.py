"""Runs a request's own logic that finds the program in a completion.

Its arguments are the files of the logic and of the answer, its stdin the completion. The logic finds
`completion`, `CodeBlock` and `submit_code_blocks`; the block of highest priority is the answer.
"""

import dataclasses
import json
import sys


@dataclasses.dataclass
class CodeBlock:
    priority: int
    code: str
    language: str = ""


def main(logic, answer):
    blocks = []
    names = {
        "__name__": "__main__",
        "completion": sys.stdin.read(),
        "CodeBlock": CodeBlock,
        "submit_code_blocks": blocks.extend,
    }
    with open(logic, encoding="utf-8") as file:
        exec(compile(file.read(), "custom_extract_logic", "exec"), names)
    best = max(blocks, key=lambda block: block.priority, default=None)
    with open(answer, "w", encoding="utf-8") as file:
        json.dump({"code": "" if best is None else str(best.code)}, file)


main(*sys.argv[1:])
