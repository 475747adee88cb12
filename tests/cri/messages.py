"""The messages of the Kubernetes Container Runtime Interface (runtime.v1) that the tests use, as dicts.

    data = encode("ExecSyncRequest", {"container_id": "c", "cmd": ["true"]})
    decode("ExecSyncResponse", data)          # {"exit_code": 0, "stdout": b""}: absent fields have their default

A field is "name number type": string, bytes, bool, int (every varint and enum), map (of strings), or another message;
"*" before the type: repeated. Fields that no test needs are left out: they are skipped when they are read.
"""

TABLE = """
Empty:
PodSandboxMetadata: name 1 string, uid 2 string, namespace 3 string, attempt 4 int
IDMapping: host_id 1 int, container_id 2 int, length 3 int
UserNamespace: mode 1 int, uids 2 *IDMapping, gids 3 *IDMapping
NamespaceOption: network 1 int, pid 2 int, ipc 3 int, target_id 4 string, userns_options 5 UserNamespace
Int64Value: value 1 int
SecurityProfile: profile_type 1 int, localhost_ref 2 string
LinuxContainerResources: cpu_period 1 int, cpu_quota 2 int, cpu_shares 3 int, memory_limit_in_bytes 4 int,
  oom_score_adj 5 int, cpuset_cpus 6 string, cpuset_mems 7 string, unified 9 map, memory_swap_limit_in_bytes 10 int
LinuxSandboxSecurityContext: namespace_options 1 NamespaceOption, run_as_user 3 Int64Value, readonly_rootfs 4 bool,
  supplemental_groups 5 *int, privileged 6 bool, run_as_group 8 Int64Value, seccomp 9 SecurityProfile,
  apparmor 10 SecurityProfile
LinuxPodSandboxConfig: cgroup_parent 1 string, security_context 2 LinuxSandboxSecurityContext, sysctls 3 map
DNSConfig: servers 1 *string, searches 2 *string, options 3 *string
PodSandboxConfig: metadata 1 PodSandboxMetadata, hostname 2 string, log_directory 3 string, dns_config 4 DNSConfig,
  labels 6 map, annotations 7 map, linux 8 LinuxPodSandboxConfig
RunPodSandboxRequest: config 1 PodSandboxConfig, runtime_handler 2 string
RunPodSandboxResponse: pod_sandbox_id 1 string
PodSandboxRequest: pod_sandbox_id 1 string, verbose 2 bool
PodSandboxNetworkStatus: ip 1 string
PodSandboxStatus: id 1 string, state 3 int, network 5 PodSandboxNetworkStatus, runtime_handler 9 string
PodSandboxStatusResponse: status 1 PodSandboxStatus, info 2 map
PodSandbox: id 1 string
ListPodSandboxResponse: items 1 *PodSandbox
ContainerMetadata: name 1 string, attempt 2 int
ImageSpec: image 1 string
KeyValue: key 1 string, value 2 string
Mount: container_path 1 string, host_path 2 string, readonly 3 bool, propagation 5 int, uidMappings 6 *IDMapping,
  gidMappings 7 *IDMapping, recursive_read_only 8 bool
Device: container_path 1 string, host_path 2 string, permissions 3 string
Capability: add_capabilities 1 *string, drop_capabilities 2 *string
LinuxContainerSecurityContext: capabilities 1 Capability, privileged 2 bool, namespace_options 3 NamespaceOption,
  run_as_user 5 Int64Value, run_as_username 6 string, readonly_rootfs 7 bool, supplemental_groups 8 *int,
  apparmor_profile 9 string, no_new_privs 11 bool, run_as_group 12 Int64Value, masked_paths 13 *string,
  readonly_paths 14 *string, seccomp 15 SecurityProfile, apparmor 16 SecurityProfile
LinuxContainerConfig: resources 1 LinuxContainerResources, security_context 2 LinuxContainerSecurityContext
ContainerConfig: metadata 1 ContainerMetadata, image 2 ImageSpec, command 3 *string, args 4 *string,
  working_dir 5 string, envs 6 *KeyValue, mounts 7 *Mount, devices 8 *Device, labels 9 map, annotations 10 map,
  log_path 11 string, stdin 12 bool, stdin_once 13 bool, tty 14 bool, linux 15 LinuxContainerConfig
CreateContainerRequest: pod_sandbox_id 1 string, config 2 ContainerConfig, sandbox_config 3 PodSandboxConfig
CreateContainerResponse: container_id 1 string
ContainerRequest: container_id 1 string, timeout 2 int
ContainerStatusRequest: container_id 1 string, verbose 2 bool
ContainerStatus: id 1 string, state 3 int, exit_code 7 int, reason 10 string, message 11 string
ContainerStatusResponse: status 1 ContainerStatus, info 2 map
Container: id 1 string, pod_sandbox_id 2 string, state 6 int
ListContainersResponse: containers 1 *Container
UpdateContainerResourcesRequest: container_id 1 string, linux 2 LinuxContainerResources
ExecSyncRequest: container_id 1 string, cmd 2 *string, timeout 3 int
ExecSyncResponse: stdout 1 bytes, stderr 2 bytes, exit_code 3 int
ExecRequest: container_id 1 string, cmd 2 *string, tty 3 bool, stdin 4 bool, stdout 5 bool, stderr 6 bool
AttachRequest: container_id 1 string, stdin 2 bool, tty 3 bool, stdout 4 bool, stderr 5 bool
PortForwardRequest: pod_sandbox_id 1 string, port 2 *int
UrlResponse: url 1 string
UInt64Value: value 1 int
CpuUsage: usage_core_nano_seconds 2 UInt64Value
MemoryUsage: working_set_bytes 2 UInt64Value
ContainerStats: cpu 2 CpuUsage, memory 3 MemoryUsage
ContainerStatsResponse: stats 1 ContainerStats
RuntimeCondition: type 1 string, status 2 bool, reason 3 string, message 4 string
RuntimeStatus: conditions 1 *RuntimeCondition
RuntimeHandlerFeatures: recursive_read_only_mounts 1 bool, user_namespaces 2 bool
RuntimeHandler: name 1 string, features 2 RuntimeHandlerFeatures
StatusResponse: status 1 RuntimeStatus, info 2 map, runtime_handlers 3 *RuntimeHandler
VersionResponse: runtime_name 2 string, runtime_version 3 string, runtime_api_version 4 string
MapEntry: key 1 string, value 2 string
"""


def _read_table():
    messages = {}
    for line in TABLE.replace("\n  ", " ").strip().splitlines():
        name, fields = line.split(":")
        messages[name] = {}
        for field in filter(None, fields.split(",")):
            key, number, kind = field.split()
            messages[name][key] = (int(number), kind.lstrip("*"), kind.startswith("*"))
    return messages


MESSAGES = _read_table()
DEFAULTS = {"string": "", "bytes": b"", "bool": False, "int": 0, "map": {}}


def _varint(value):
    value &= (1 << 64) - 1
    data = bytearray()
    while value > 0x7F:
        data.append(value & 0x7F | 0x80)
        value >>= 7
    data.append(value)
    return bytes(data)


def _field(number, kind, value):
    if kind in ("int", "bool"):
        return _varint(number << 3) + _varint(int(value))
    if kind == "string":
        value = value.encode()
    elif kind != "bytes":
        value = encode(kind, value)
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def encode(message, values):
    data = b""
    for key, value in values.items():
        number, kind, repeated = MESSAGES[message][key]
        if kind == "map":
            kind, repeated, value = "MapEntry", True, [{"key": k, "value": v} for k, v in value.items()]
        for one in value if repeated else [value]:
            data += _field(number, kind, one)
    return data


def _read_varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def _parts(data):
    """(number, wire type, value) of every field."""
    at = 0
    while at < len(data):
        tag, at = _read_varint(data, at)
        wire = tag & 7
        if wire == 0:
            value, at = _read_varint(data, at)
        else:
            size, at = (8, at) if wire == 1 else (4, at) if wire == 5 else _read_varint(data, at)
            value, at = data[at:at + size], at + size
        yield tag >> 3, wire, value


def _signed(value):
    return value - (1 << 64) if value >> 63 else value


def _value(kind, wire, raw):
    if kind == "int":
        if wire != 2:
            return [_signed(raw)]
        packed, at = [], 0
        while at < len(raw):
            value, at = _read_varint(raw, at)
            packed.append(_signed(value))
        return packed
    if kind == "bool":
        return [bool(raw)]
    if kind == "bytes":
        return [raw]
    return [raw.decode() if kind == "string" else decode(kind, raw)]


def decode(message, data):
    fields = MESSAGES[message]
    values = {}
    for key, (_, kind, repeated) in fields.items():
        values[key] = [] if repeated else DEFAULTS[kind] if kind in DEFAULTS else None
    by_number = {number: (key, kind, repeated) for key, (number, kind, repeated) in fields.items()}
    for number, wire, raw in _parts(data):
        if number not in by_number:
            continue
        key, kind, repeated = by_number[number]
        if kind == "map":
            entry = decode("MapEntry", raw)
            values[key] = {**values[key], entry["key"]: entry["value"]}
        elif repeated:
            values[key] += _value(kind, wire, raw)
        else:
            values[key] = _value(kind, wire, raw)[-1]
    return values
