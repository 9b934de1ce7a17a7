"""Milliseconds and memory of decoding with transformers' `generate`, Qwen2, float32, on the CPU. Prints one JSON line.

    python benches/rivals/decode.py --shape 1m --threads 2
    python benches/rivals/decode.py --shape 10m --threads 2 --compile

128 rows of 64 tokens are continued by 128 tokens each, sampled at temperature 1 from the whole distribution, with a
static cache of keys and values. A decoding step is the time from the first new token to the last, by the steps
between; the first comes with the prompt. A process measures one shape, for its peak of memory.
"""

import argparse
import json
import statistics
import time

import measure
import torch
import transformers
from transformers.models.qwen2 import modeling_qwen2  # noqa: F401  Its memory is not the model's.


class Clock(transformers.StoppingCriteria):
    """Never stops; notes when each token was there."""

    def __init__(self):
        self.times = []

    def __call__(self, input_ids, scores, **_):
        self.times.append(time.perf_counter())
        return torch.zeros(input_ids.shape[0], dtype=torch.bool)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--shape", choices=measure.SHAPES, required=True)
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--rows", type=int, default=128)
    arguments.add_argument("--prompt", type=int, default=64)
    arguments.add_argument("--new", type=int, default=128)
    arguments.add_argument("--runs", type=int, default=3, help="after one that does not count")
    arguments.add_argument("--cache", choices=["static", "dynamic"], default="static")
    arguments.add_argument("--compile", action="store_true", help="generate's compilation of the decoding step")
    arguments = arguments.parse_args()
    torch.set_num_threads(arguments.threads)

    before = measure.resident_bytes()
    measure.forget_peak()
    model = measure.make_model(arguments.shape).eval()
    prompt = torch.randint(1, model.config.vocab_size, (arguments.rows, arguments.prompt))
    how = {
        "attention_mask": torch.ones_like(prompt),
        "max_new_tokens": arguments.new,
        "do_sample": True,
        "temperature": 1.0,
        "top_k": 0,
        "top_p": 1.0,
        "eos_token_id": None,
        "cache_implementation": arguments.cache,
    }
    if arguments.compile:
        compilation = transformers.CompileConfig(fullgraph=False, dynamic=False, mode="default")
        # Otherwise generate compiles on accelerators only.
        compilation._compile_all_devices = True
        how["compile_config"] = compilation

    def run():
        """Seconds until the first token, and of a step."""
        clock = Clock()
        start = time.perf_counter()
        with torch.inference_mode(not arguments.compile):
            tokens = model.generate(prompt, stopping_criteria=[clock], **how)
        assert tokens.shape == (arguments.rows, arguments.prompt + arguments.new)
        assert len(clock.times) == arguments.new
        return clock.times[0] - start, (clock.times[-1] - clock.times[0]) / (arguments.new - 1)

    start = time.perf_counter()
    run()
    first_run = time.perf_counter() - start
    runs = [run() for _ in range(arguments.runs)]
    peak = measure.peak_bytes() - before

    step = statistics.median(step for _, step in runs)
    result = {
        "bench": "decode",
        "shape": arguments.shape,
        "parameters": sum(p.numel() for p in model.parameters()),
        "rows": arguments.rows,
        "prompt": arguments.prompt,
        "new": arguments.new,
        "threads": arguments.threads,
        "cache": arguments.cache,
        "compile": arguments.compile,
        "step_milliseconds": round(step * 1e3, 3),
        "fastest_step_milliseconds": round(min(step for _, step in runs) * 1e3, 3),
        "tokens_per_second": round(arguments.rows / step, 1),
        "prefill_seconds": round(statistics.median(prefill for prefill, _ in runs), 4),
        "first_run_seconds": round(first_run, 3),
        "peak_bytes": peak,
    }
    print(json.dumps(result | measure.surroundings()), flush=True)


if __name__ == "__main__":
    main()
