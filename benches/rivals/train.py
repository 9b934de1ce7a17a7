"""Seconds and memory of a training step of transformers' Qwen2 in PyTorch, float32, on the CPU. Prints one JSON line.

    python benches/rivals/train.py --shape 1m --threads 2
    python benches/rivals/train.py --shape 10m --threads 2 --compile

A step is what supervised fine-tuning does with 16 rows of 128 tokens: forward, mean negative log-likelihood,
backward, clipping at a global norm of 1, AdamW. Memory is the peak of what is resident above what was before the
model was made, so a process measures one shape.
"""

import argparse
import json
import statistics
import time

import measure
import torch
import transformers  # noqa: F401  Its memory is not the model's.
from transformers.models.qwen2 import modeling_qwen2  # noqa: F401  Nor is this.


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--shape", choices=measure.SHAPES, required=True)
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--rows", type=int, default=16)
    arguments.add_argument("--tokens", type=int, default=128)
    arguments.add_argument("--warmup", type=int, default=5)
    arguments.add_argument("--steps", type=int, default=20)
    arguments.add_argument("--compile", action="store_true", help="torch.compile of model and loss")
    arguments = arguments.parse_args()
    torch.set_num_threads(arguments.threads)

    before = measure.resident_bytes()
    measure.forget_peak()
    model = measure.make_model(arguments.shape).train()
    vocabulary = model.config.vocab_size
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.95), weight_decay=0.01, fused=True)
    ids = torch.randint(vocabulary, (arguments.rows, arguments.tokens + 1))
    inputs, targets = ids[:, :-1].contiguous(), ids[:, 1:].flatten()

    def loss_of(inputs, targets):
        logits = model(input_ids=inputs, use_cache=False).logits
        return torch.nn.functional.cross_entropy(logits.view(-1, vocabulary), targets)

    if arguments.compile:
        loss_of = torch.compile(loss_of, dynamic=False)

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(inputs, targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0, foreach=True)
        optimizer.step()
        return loss

    start = time.perf_counter()
    first_loss = step().item()
    first_step = time.perf_counter() - start
    for _ in range(arguments.warmup - 1):
        step()
    seconds = []
    for _ in range(arguments.steps):
        start = time.perf_counter()
        loss = step()
        seconds.append(time.perf_counter() - start)
    peak = measure.peak_bytes() - before
    loss = loss.item()
    assert loss < first_loss, (first_loss, loss)

    median = statistics.median(seconds)
    result = {
        "bench": "train",
        "shape": arguments.shape,
        "parameters": sum(p.numel() for p in model.parameters()),
        "rows": arguments.rows,
        "tokens": arguments.tokens,
        "threads": arguments.threads,
        "compile": arguments.compile,
        "step_seconds": round(median, 5),
        "fastest_step_seconds": round(min(seconds), 5),
        "tokens_per_second": round(arguments.rows * arguments.tokens / median, 1),
        "first_step_seconds": round(first_step, 3),
        "peak_bytes": peak,
        "first_loss": round(first_loss, 4),
        "last_loss": round(loss, 4),
    }
    print(json.dumps(result | measure.surroundings()), flush=True)


if __name__ == "__main__":
    main()
