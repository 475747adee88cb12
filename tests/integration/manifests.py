"""Checks the structure of Kubernetes manifests: python3 manifests.py FILE…; one line for each fault, status 1 when there is one.

The schemas hold what the files of contrib/kubernetes use, as the Kubernetes API reference (and kubernetes-sigs/agent-sandbox
v1beta1) publishes it: unknown members are faults, as with kubectl's strict validation.
"""
import re
import sys

import yaml

NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
QUANTITY = re.compile(r"[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?")
LABEL = re.compile(r"([a-z0-9.-]+/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")


def text(value):
    return None if isinstance(value, str) else "is no text"


def matching(pattern):
    return lambda value: None if isinstance(value, str) and pattern.fullmatch(value) else f"does not look like {pattern.pattern}"


def one_of(*allowed):
    return lambda value: None if value in allowed else f"is none of {', '.join(map(str, allowed))}"


def number(value):
    return None if isinstance(value, int) and not isinstance(value, bool) else "is no whole number"


def boolean(value):
    return None if isinstance(value, bool) else "is neither true nor false"


def port(value):
    return None if isinstance(value, int) and 0 < value < 65536 else "is no port"


class Map:
    """Any keys of one pattern; values of one kind."""

    def __init__(self, key, value):
        self.key, self.value = key, value


class Object(dict):
    """Known members; those whose name ends in "!" must be there."""


quantities = Map(matching(re.compile("cpu|memory|ephemeral-storage")), matching(QUANTITY))
labels = Map(matching(LABEL), text)
metadata = Object({"name!": matching(NAME), "namespace": matching(NAME), "labels": labels, "annotations": labels})
security = Object({"allowPrivilegeEscalation": boolean, "privileged": boolean, "runAsNonRoot": boolean, "runAsUser": number,
                   "capabilities": Object({"drop": [text], "add": [text]}),
                   "seccompProfile": Object({"type!": one_of("RuntimeDefault", "Unconfined", "Localhost")})})
container = Object({
    "name!": matching(NAME), "image!": text, "command": [text], "args": [text],
    "env": [Object({"name!": text, "value": text})], "ports": [Object({"containerPort!": port})],
    "readinessProbe": Object({"httpGet": Object({"path": text, "port!": port})}), "securityContext": security,
    "resources": Object({"requests": quantities, "limits": quantities}),
    "volumeMounts": [Object({"name!": matching(NAME), "mountPath!": text, "readOnly": boolean,
                             "recursiveReadOnly": one_of("Enabled", "Disabled", "IfPossible"),
                             "mountPropagation": one_of("None", "HostToContainer", "Bidirectional")})]})
volume = Object({"name!": matching(NAME), "emptyDir": Object({"sizeLimit": matching(QUANTITY)}),
                 "hostPath": Object({"path!": text, "type": text})})
pod_spec = Object({
    "containers!": [container], "initContainers": [container], "volumes": [volume], "runtimeClassName": matching(NAME),
    "hostUsers": boolean, "hostPID": boolean, "automountServiceAccountToken": boolean, "nodeSelector": labels,
    "restartPolicy": one_of("Always", "OnFailure", "Never"), "priorityClassName": text,
    "terminationGracePeriodSeconds": number, "tolerations": [Object({"operator": one_of("Exists", "Equal")})]})
template = Object({"metadata": Object({"labels": labels, "annotations": labels}), "spec!": pod_spec})
reference = Object({"name!": matching(NAME)})


def kind(spec=None, **members):
    members = {key.replace("_", "") + "!": value for key, value in members.items()}
    return Object({"apiVersion!": text, "kind!": text, "metadata!": metadata, **members, **({"spec!": spec} if spec else {})})


KINDS = {
    ("v1", "Pod"): kind(pod_spec),
    ("apps/v1", "DaemonSet"): kind(Object({
        "selector!": Object({"matchLabels!": labels}), "template!": template,
        "updateStrategy": Object({"type": one_of("RollingUpdate", "OnDelete"),
                                  "rollingUpdate": Object({"maxUnavailable": number})})})),
    ("node.k8s.io/v1", "RuntimeClass"): Object({
        "apiVersion!": text, "kind!": text, "metadata!": metadata, "handler!": matching(NAME),
        "scheduling": Object({"nodeSelector": labels}), "overhead": Object({"podFixed": quantities})}),
    ("extensions.agents.x-k8s.io/v1beta1", "SandboxTemplate"): kind(Object({
        "podTemplate!": template, "networkPolicyManagement": one_of("Managed", "Unmanaged")})),
    ("extensions.agents.x-k8s.io/v1beta1", "SandboxWarmPool"): kind(Object({
        "replicas!": number, "sandboxTemplateRef!": reference,
        "updateStrategy": Object({"type": one_of("OnReplenish", "Recreate")})})),
    ("extensions.agents.x-k8s.io/v1beta1", "SandboxClaim"): kind(Object({"warmPoolRef!": reference})),
}


def faults(schema, value, where):
    if isinstance(schema, list):
        if not isinstance(value, list):
            return [f"{where}: is no list"]
        return [fault for index, one in enumerate(value) for fault in faults(schema[0], one, f"{where}[{index}]")]
    if isinstance(schema, (Object, Map)) and not isinstance(value, dict):
        return [f"{where}: is no object"]
    if isinstance(schema, Map):
        wrong = [f"{where}.{key}: the key {schema.key(key)}" for key in value if schema.key(key)]
        return wrong + [fault for key, one in value.items() for fault in faults(schema.value, one, f"{where}.{key}")]
    if isinstance(schema, Object):
        found = [f"{where}.{key[:-1]}: is missing" for key in schema if key.endswith("!") and key[:-1] not in value]
        for key, one in value.items():
            member = schema.get(key, schema.get(key + "!"))
            found += faults(member, one, f"{where}.{key}") if member is not None else [f"{where}.{key}: is not known"]
        return found
    fault = schema(value)
    return [f"{where}: {value!r} {fault}"] if fault else []


def cross_faults(document, where):
    """What a schema cannot say."""
    spec = document.get("spec", {})
    pod = spec.get("template", spec.get("podTemplate", {"spec": spec})).get("spec", {})
    volumes = {one.get("name") for one in pod.get("volumes", [])}
    found = [f"{where}: volumeMount {mount['name']} has no volume" for one in pod.get("containers", [])
             for mount in one.get("volumeMounts", []) if mount["name"] not in volumes]
    selector = spec.get("selector", {}).get("matchLabels", {})
    if not selector.items() <= spec.get("template", {}).get("metadata", {}).get("labels", selector).items():
        found.append(f"{where}: the selector does not match the template's labels")
    return found


def faults_of(path):
    found = []
    with open(path) as file:
        for index, document in enumerate(yaml.safe_load_all(file)):
            where = f"{path}[{index}]"
            schema = KINDS.get((document.get("apiVersion"), document.get("kind")))
            wrong = faults(schema, document, where) if schema else [f"{where}: no schema for its apiVersion and kind"]
            found += wrong or cross_faults(document, where)
    return found


if __name__ == "__main__":
    all_faults = [fault for path in sys.argv[1:] for fault in faults_of(path)]
    print(*all_faults, sep="\n", end="\n" if all_faults else "")
    sys.exit(1 if all_faults else 0)
