#!/bin/sh
# Everything that only a GPU can show, in one go, on a machine where nothing else is prepared.
set -eu

usage() {
    cat <<'TEXT'
usage: benches/gpu.sh [--binary FILE] [--wheels DIR] [--out DIR] [--device N] [--tests FILE]

Sets up ONNX Runtime for the GPU, compares derivatives in 16 bits with those in 32, runs the tests of
models on the GPU, and measures training and decoding at 0.5 and 1.5 billion parameters with random
weights. Writes gpu.json and gpu.md.

  --binary FILE   a touchstone that is built already; otherwise it is built with cargo
  --wheels DIR    files for `touchstone runtime onnx --gpu`, where no package index can be reached;
                  wheels, or wheels split into NAME.whl.part-* (as `split -b` does)
  --tests FILE    the program of the tests that is built already; otherwise cargo builds it, and
                  without cargo the tests are left out
  --out DIR       where results go (default: gpu-results)
  --device N      which GPU (default: 0)
  --help          this text

Needs nvidia-smi and python3.
TEXT
}

fail() {
    echo "gpu.sh: $*" >&2
    exit 1
}

binary='' wheels='' out=gpu-results device=0 tests=''
while [ $# -gt 0 ]; do
    case $1 in
    --help)
        usage
        exit 0
        ;;
    --binary | --wheels | --out | --device | --tests)
        [ $# -ge 2 ] || fail "$1 wants a value; see --help"
        case $1 in
        --binary) binary=$2 ;;
        --wheels) wheels=$2 ;;
        --out) out=$2 ;;
        --device) device=$2 ;;
        --tests) tests=$2 ;;
        esac
        shift 2
        ;;
    *) fail "unknown argument $1; see --help" ;;
    esac
done

command -v nvidia-smi >/dev/null || fail "no nvidia-smi: this machine has no NVIDIA GPU, or not its driver"
nvidia-smi -i "$device" >/dev/null 2>&1 || fail "nvidia-smi finds no GPU $device"
command -v python3 >/dev/null || fail "no python3, which puts the results together"
if [ -n "$binary" ]; then
    [ -x "$binary" ] || fail "$binary is no program"
else
    command -v cargo >/dev/null || fail "no cargo: name a built program with --binary"
    cargo build --release --locked
    binary=target/release/touchstone
fi
[ -z "$tests" ] || [ -x "$tests" ] || fail "$tests is no program"

mkdir -p "$out"
scratch=$(mktemp -d)
sampler=''
finish() {
    [ -z "$sampler" ] || kill "$sampler" 2>/dev/null || true
    rm -rf "$scratch"
}
trap finish EXIT
trap 'exit 130' INT TERM

echo "== ONNX Runtime" >&2
if [ -n "$wheels" ]; then
    [ -d "$wheels" ] || fail "$wheels is no folder"
    mkdir "$scratch/wheels"
    for file in "$wheels"/*.whl; do
        [ ! -e "$file" ] || cp "$file" "$scratch/wheels/"
    done
    for part in "$wheels"/*.whl.part-*; do
        # The names' order is the parts' order.
        [ ! -e "$part" ] || cat "$part" >>"$scratch/wheels/$(basename "${part%.part-*}")"
    done
    "$binary" runtime onnx --gpu --wheels "$scratch/wheels"
else
    "$binary" runtime onnx --gpu
fi

# The tests on the device: what cannot run there is left out by name, with the reason.
echo "== tests, with derivatives in 16 bits against those in 32" >&2
export TOUCHSTONE_TEST_DEVICE="cuda:$device"
status=0
if [ -n "$tests" ]; then
    "$tests" model --test-threads 2 --nocapture >"$out/tests.log" 2>&1 || status=$?
elif command -v cargo >/dev/null; then
    cargo test --release --locked --test it model -- --test-threads 2 --nocapture \
        >"$out/tests.log" 2>&1 || status=$?
else
    status=skipped
    echo "no cargo and no --tests: the tests are left out" >"$out/tests.log"
fi
tail -n 3 "$out/tests.log" >&2

nvidia-smi -i "$device" --query-gpu=name,memory.total,driver_version --format=csv,noheader >"$out/card.txt"
: >"$scratch/samples"
for shape in qwen2.5-0.5b qwen2.5-1.5b; do
    for work in train decode; do
        echo "== $work $shape" >&2
        nvidia-smi -i "$device" --query-gpu=memory.used --format=csv,noheader,nounits --loop-ms=100 \
            >"$scratch/memory" &
        sampler=$!
        "$binary" bench --measure "$work" --shape "$shape" --device "cuda:$device" >"$scratch/line" ||
            fail "$work of $shape failed"
        kill "$sampler" 2>/dev/null || true
        sampler=''
        peak=$(sort -n "$scratch/memory" | tail -n 1)
        printf '%s\t%s\t%s\t%s\n' "$work" "$shape" "${peak:-0}" "$(cat "$scratch/line")" >>"$scratch/samples"
    done
done

python3 - "$scratch/samples" "$out" "$status" <<'PYTHON'
import json, pathlib, statistics, sys

samples, out, status = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3]
rows = []
for line in samples.read_text().splitlines():
    work, shape, peak, text = line.split("\t", 3)
    measured = json.loads(text)
    step = statistics.median(measured["times_us"]) / 1e6
    rate = measured["tokens"] * measured["flops_a_token"] / step / 1e9
    rows.append({
        "work": work,
        "shape": shape,
        "step_milliseconds": round(step * 1e3, 3),
        "tokens_per_second": round(measured["tokens"] / step, 1),
        "gflops": round(rate, 1),
        "matmul_gflops": round(measured["matmul_gflops"], 1),
        "matmul_share": round(rate / measured["matmul_gflops"], 3),
        "peak_device_mebibytes": int(peak),
    })
card = (out / "card.txt").read_text().strip()
result = {"card": card, "tests_status": status, "rows": rows}
(out / "gpu.json").write_text(json.dumps(result, indent=1) + "\n")
table = [card, "", "| | step, ms | tokens/s | share of the matmul rate | peak on the device, MiB |", "|---|---|---|---|---|"]
table += [
    "| {work} {shape} | {step_milliseconds} | {tokens_per_second} | {matmul_share} | {peak_device_mebibytes} |".format(**row)
    for row in rows
]
table += ["", f"Tests: {'passed' if status == '0' else status}."]
(out / "gpu.md").write_text("\n".join(table) + "\n")
print("\n".join(table))
PYTHON
[ "$status" = 0 ] || [ "$status" = skipped ] || fail "tests failed: $out/tests.log"
