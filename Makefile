.PHONY: build serve onnx test test-clients check-graphs check-deploy

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

# What needs programs of others, which pip and npm fetch: not a part of `test`, which needs none. Clients of
# other services against the server, and manifests.
test-clients: build check-deploy
	tests/clients/run

# Manifests by Kubernetes' schemas, figures by Prometheus' parser, and that dashboards ask for what there is.
check-deploy: build
	python3 -m pip install --quiet --disable-pip-version-check --target target/deploy-checker --requirement deploy/requirements.txt
	PYTHONPATH=target/deploy-checker python3 -B deploy/check.py target/release/touchstone

# The graphs of a small model before ONNX's own checker, which pip fetches.
check-graphs: onnx
	python3 -m pip install --quiet --disable-pip-version-check --target target/onnx-checker onnx==1.23.2
	rm -rf target/graphs
	target/release/touchstone model new target/graphs/model --preset tiny
	target/release/touchstone model export target/graphs/model target/graphs/onnx --onnx
	PYTHONPATH=target/onnx-checker python3 fixtures/model/check_onnx.py target/graphs/onnx/*.onnx
