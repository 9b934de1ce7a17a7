.PHONY: build serve onnx test test-clients check-graphs

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

# Clients of other services, fetched by pip and npm, against the server.
test-clients: build
	tests/clients/run

# The graphs of a small model before ONNX's own checker, which pip fetches.
check-graphs: onnx
	python3 -m pip install --quiet --disable-pip-version-check --target target/onnx-checker onnx==1.23.2
	rm -rf target/graphs
	target/release/touchstone model new target/graphs/model --preset tiny
	target/release/touchstone model export target/graphs/model target/graphs/onnx --onnx
	PYTHONPATH=target/onnx-checker python3 fixtures/model/check_onnx.py target/graphs/onnx/*.onnx
