"""Writes reference.json: what transformers (5.23, with Jinja 3.1.6) makes of the templates here.

    python reference.py
"""

import json
import pathlib

from transformers.utils import chat_template_utils

TOKENS = {"bos_token": "<s>", "eos_token": "</s>"}


HERE = pathlib.Path(__file__).resolve().parent

# The built-in one stands with the code.
TEMPLATES = {name: HERE / f"{name}.jinja" for name in ["qwen", "llama", "turns", "reasoning"]}
TEMPLATES["chatml"] = HERE.parents[3] / "src/model/chat/chatml.jinja"

CONVERSATIONS = [
    [("user", "Write a loop.")],
    [("system", "  Be brief. "), ("user", " Ünïcode 🦀\n<b>&'\"\\ \n"), ("assistant", "Sure.\n")],
    [
        ("user", "2 + 2?"),
        ("assistant", "<think>\nEasy.\n</think>\n\n4"),
        ("user", "And 3?"),
        ("assistant", "<think>\nHm.\n\n</think>\n\n7 {{ no }} {% template %}"),
    ],
    [("user", "one"), ("user", "two"), ("assistant", "")],
    [("user", "a"), ("assistant", "b"), ("user", "<result>c</result>"), ("assistant", "d")],
]


def render(source, messages, prompt):
    compiled = chat_template_utils._compile_jinja_template(source)
    # There is no clock in the tests.
    compiled.environment.globals.pop("strftime_now", None)
    try:
        return {
            "text": compiled.render(
                messages=messages,
                tools=None,
                documents=None,
                add_generation_prompt=prompt,
                **TOKENS,
            )
        }
    except Exception as error:
        return {"refused": str(error)}


def main():
    cases = []
    for template, path in TEMPLATES.items():
        source = path.read_text()
        for conversation in CONVERSATIONS:
            messages = [{"role": role, "content": content} for role, content in conversation]
            for prompt in [False, True]:
                case = {"template": template, "messages": messages, "prompt": prompt}
                cases.append(case | render(source, messages, prompt))
    text = json.dumps(cases, ensure_ascii=False, indent=1)
    (HERE / "reference.json").write_text(text + "\n")


main()
