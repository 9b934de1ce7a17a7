"""What the programs beside this share: the models, the memory, the machine's speed."""

import os
import statistics
import time

import torch

# As Touchstone's own benches have them.
SHAPES = {
    "1m": {
        "vocab_size": 512,
        "hidden_size": 128,
        "num_hidden_layers": 5,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "intermediate_size": 352,
    },
    "10m": {
        "vocab_size": 2048,
        "hidden_size": 320,
        "num_hidden_layers": 8,
        "num_attention_heads": 10,
        "num_key_value_heads": 2,
        "intermediate_size": 864,
    },
}


def make_model(name):
    from transformers import Qwen2Config, Qwen2ForCausalLM

    torch.manual_seed(0)
    config = Qwen2Config(
        **SHAPES[name],
        max_position_embeddings=512,
        tie_word_embeddings=True,
        attn_implementation="sdpa",
        pad_token_id=0,
        dtype="float32",
    )
    return Qwen2ForCausalLM(config)


def resident_bytes():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def forget_peak():
    """The peak starts again from what is resident now (Linux)."""
    with open("/proc/self/clear_refs", "w") as clear:
        clear.write("5")


def peak_bytes():
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    raise RuntimeError("no VmHWM in /proc/self/status")


def matmul_flops(size=2048, repetitions=9):
    """Floating-point operations per second, the median, of a product of two square matrices."""
    a, b = torch.randn(size, size), torch.randn(size, size)
    torch.mm(a, b)
    seconds = []
    for _ in range(repetitions):
        start = time.perf_counter()
        torch.mm(a, b)
        seconds.append(time.perf_counter() - start)
    return 2 * size**3 / statistics.median(seconds)


def surroundings():
    import transformers

    return {
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "matmul_gflops": round(matmul_flops() / 1e9, 1),
    }
