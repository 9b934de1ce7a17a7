.PHONY: build serve test

build:
	cargo build --release --locked
	target/release/touchstone runtime build

serve: build
	target/release/touchstone serve

test: build
	cargo test --release --locked
