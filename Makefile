.PHONY: build serve onnx test

build:
	cargo build --release --locked
	target/release/touchstone runtime build

serve: build
	target/release/touchstone serve

# The library that executes models; checks and the service need none.
onnx: build
	target/release/touchstone runtime onnx

test: build onnx
	cargo test --release --locked
