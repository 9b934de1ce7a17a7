#!/usr/bin/env python3
"""A reward function for TRL's GRPOTrainer: 1.0 for a program that passes all of its checks, else 0.0.

    TOUCHSTONE_URL=http://127.0.0.1:8080 python3 train.py

with, in train.py, a data set whose rows have a `prompt`, `checks` and, where there is one, a
`reference`, as in docs/checks.md:

    from trl_reward import reward

    trainer = GRPOTrainer(model=..., reward_funcs=reward, train_dataset=dataset)

A sample that could not be judged gets None, which TRL leaves out: a fault of the service is nobody's
failure. The critic's side of a game is `critic_rewards`.
"""

import os
import re

from client import Client

FENCE = re.compile(r"```(?:python|py)?[ \t]*\n(.*?)(?:\n```|\Z)", re.DOTALL | re.IGNORECASE)


def text_of(completion):
    """A completion as TRL gives it: text, or the messages of a conversation."""
    if isinstance(completion, str):
        return completion
    return completion[-1]["content"] if completion else ""


def program_of(text):
    """The last block of code in an answer; all of it where there is none."""
    blocks = FENCE.findall(text)
    return blocks[-1] if blocks else text


def judge(completions, checks, reference=None):
    """The service's results, in the order of the completions."""
    url = os.environ.get("TOUCHSTONE_URL", "http://127.0.0.1:8080")
    client = Client(url, os.environ.get("TOUCHSTONE_API_KEY"))
    references = reference or [None] * len(completions)
    submissions = [
        {
            "id": str(number),
            "language": "python",
            "code": program_of(text_of(completion)),
            "checks": own_checks,
            **({"reference": own_reference} if own_reference else {}),
        }
        for number, (completion, own_checks, own_reference) in enumerate(
            zip(completions, checks, references, strict=True)
        )
    ]
    results = {result["id"]: result for result in client.check(submissions)}
    return [results[submission["id"]] for submission in submissions]


def reward(prompts, completions, checks, reference=None, **kwargs):
    """TRL's signature: columns of the data set arrive by their names, one item a completion."""
    results = judge(completions, checks, reference)
    return [result.get("reward", {}).get("generator") for result in results]


def critic_rewards(prompts, completions, checks, reference=None, **kwargs):
    """What each completion earns whoever proposed its checks: the mean over them."""
    every = (result.get("reward", {}).get("critic") or [] for result in judge(completions, checks, reference))
    earned = [[value for value in values if value is not None] for values in every]
    return [sum(values) / len(values) if values else None for values in earned]
