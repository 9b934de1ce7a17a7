#!/usr/bin/env python3
"""Checks what is in deploy/: manifests by Kubernetes' own schemas, figures by Prometheus' own parser.

    make check-deploy

A server is started for the figures; the dashboard and the autoscaler may ask only for those it has.
"""

import json
import pathlib
import re
import subprocess
import sys
import urllib.request

import kubernetes_validate
import yaml
from prometheus_client.openmetrics.parser import text_string_to_metric_families

HERE = pathlib.Path(__file__).parent
KUBERNETES = "1.31"  # The first that is supported here: `preStop.sleep` is on by default since 1.30.


def documents():
    for path in sorted((HERE / "kubernetes").glob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text()):
            yield path.name, document


def check_manifests():
    kinds = []
    for name, document in documents():
        kubernetes_validate.validate(document, KUBERNETES, strict=True)
        assert document["kind"] == "Namespace" or document["metadata"]["namespace"] == "touchstone", name
        kinds.append(document["kind"])
    expected = {"Namespace", "Deployment", "Service", "PodDisruptionBudget", "HorizontalPodAutoscaler", "NetworkPolicy"}
    assert set(kinds) == expected, kinds
    return len(kinds)


def check_restricted():
    """The rules of the restricted pod security standard, which the cluster would enforce."""
    (pod,) = [d["spec"]["template"]["spec"] for _, d in documents() if d["kind"] == "Deployment"]
    own = pod["securityContext"]
    assert own["runAsNonRoot"] and own["runAsUser"] > 0
    assert own["seccompProfile"]["type"] == "RuntimeDefault"
    assert not any(pod.get(name) for name in ("hostNetwork", "hostPID", "hostIPC"))
    assert all(set(volume) <= {"name", "secret"} for volume in pod["volumes"])
    for container in pod["containers"]:
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False and context["readOnlyRootFilesystem"]
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert not any("hostPort" in port for port in container["ports"])
    (network,) = [d["spec"] for _, d in documents() if d["kind"] == "NetworkPolicy"]
    assert network["egress"] == [] and set(network["policyTypes"]) == {"Ingress", "Egress"}


def figures(binary):
    """The names of a server's figures, as Prometheus stores them."""
    command = [binary, "serve", "--listen", "127.0.0.1:0", "--workers", "1", "--log-format", "json"]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        lines = (json.loads(line) for line in server.stderr)
        address = next(line["address"] for line in lines if "address" in line)
        # Twice, so that there is a request in the figures.
        for _ in range(2):
            with urllib.request.urlopen(f"http://{address}/metrics") as answer:
                assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
                page = answer.read().decode()
    finally:
        server.kill()
        server.wait()
    families = list(text_string_to_metric_families(page))
    assert all(family.documentation for family in families)
    named = {sample.name for family in families for sample in family.samples}
    # Those of keys are there where keys are.
    return named | {"touchstone_key_requests_total"}


def check_figures(known):
    asked = set(re.findall(r"\btouchstone_[a-z_]+", (HERE / "grafana/touchstone.json").read_text()))
    for _, document in documents():
        if document["kind"] == "HorizontalPodAutoscaler":
            asked |= {metric["pods"]["metric"]["name"] for metric in document["spec"]["metrics"]}
    assert asked <= known, sorted(asked - known)
    return len(asked)


def main():
    manifests = check_manifests()
    check_restricted()
    asked = check_figures(figures(sys.argv[1]))
    print(f"{manifests} manifests fit Kubernetes {KUBERNETES}; {asked} figures are asked for and there")


if __name__ == "__main__":
    main()
