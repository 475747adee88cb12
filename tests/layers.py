#!/usr/bin/env python3
"""Checks the house's layers: which folder may #include which, and that no file outgrows 400 lines; that no line of a
bats file looks like an assertion but cannot fail; and that no file is opened, made or mounted by its path outside runtime/sys.

The rules are those of contrib/ARCHITECTURE.md. Prints every offending line as FILE:LINE: text, then one line
"layers: N passed, N failed, 0 skipped" (one check per file); ends with 1 if any failed.
"""
import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent
LONGEST_FILE = 400
MECHANISMS = ("namespaces", "mount", "cgroup", "security", "net", "process", "criu")

# folder → the folders (or single files) of ours that it may include, besides itself
base = {"runtime/base"}
sys_ = base | {"runtime/sys"}
mechanism = sys_ | {"oci", "runtime/bridge", "runtime/systemd"}
plan = mechanism | {"runtime/policy"} | {f"runtime/{name}" for name in MECHANISMS}
container = plan | {"runtime/plan", "runtime/init/image.h"}
ALLOWED = {
    "runtime/base": set(),
    "oci": base,
    "runtime/sys": base,
    # calls shared libraries for the static program
    "runtime/bridge": sys_,
    "runtime/systemd": sys_ | {"runtime/bridge"},
    **{f"runtime/{name}": mechanism for name in MECHANISMS},
    "runtime/policy": sys_ | {"oci"},
    "runtime/plan": plan,
    # what enters the container: no parser of JSON, only plain structs of the plan
    "runtime/init": (plan - {"runtime/policy"}) | {"runtime/plan"},
    "runtime/container": container,
    "runtime/cli": container | {"runtime/container"},
}
# plain facts of where a cgroup lies, which the cgroup mount needs
ALLOWED["runtime/mount"] = ALLOWED["runtime/mount"] | {"runtime/cgroup/plan.h"}
# plain values: what the packet filter is compiled from
ALLOWED["runtime/net"] = ALLOWED["runtime/net"] | {"runtime/policy/egress.h"}
# system libraries are wrapped in one folder each
LIBRARIES = {
    "yajl/": ("oci",),
    "seccomp.h": ("runtime/security", "runtime/cli", "oci"),
    "sys/capability.h": ("runtime/security", "oci"),
    "libmnl/": ("runtime/net",),
    "boost/": ("runtime/cli",),
    "iostream": (),
    "regex": (),
}
# Calls that take a path as text follow whatever links lie on it: only where the path is the host's own, or inside after pivot_root.
BY_PATH = re.compile(r"(?<![\w>])::(open|creat|mkdir|mknod|mount|chmod|l?chown|symlink|link|rename|unlink|truncate|fopen)\(|std::filesystem|[io]fstream|\bfopen\(")
MAY_BY_PATH = ("runtime/sys/", "oci/bundle.cpp", "runtime/cli/main.cpp", "runtime/container/store.cpp", "runtime/init/program.cpp",
               "runtime/cli/pages_main.cpp", "runtime/security/library_tables_main.cpp", "runtime/security/profiles_main.cpp")
# Newer standard libraries bring it along no more.
FIXED_WIDTH = re.compile(r"std::u?int(8|16|32|64|ptr)_t")
INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]')


def folder_of(path):
    parts = path.split("/")
    return "/".join(parts[:2]) if parts[0] == "runtime" else parts[0]


def complaint(folder, quote, included):
    if quote == '"':
        target = folder_of(included)
        if "/" not in included:
            return "include by its path from the top"
        if not (TOP / included).exists() and not (TOP / included).name.endswith(".inc"):
            return None  # made at build time
        if target not in ALLOWED and not included.startswith("seccomp-profiles"):
            return "not a folder of the house"
        if target == folder or target in ALLOWED[folder] or included in ALLOWED[folder]:
            return None
        return f"{folder} may not include {target}"
    for library, folders in LIBRARIES.items():
        matches = included.startswith(library) if library.endswith("/") else included == library
        if matches and folder not in folders:
            return f"{folder} may not use <{library}>"
    return None


def check(path):
    name = str(path.relative_to(TOP))
    folder = folder_of(name)
    lines = path.read_text(encoding="utf-8").splitlines()
    if folder not in ALLOWED:
        yield f"{name}:1: {folder} is not a folder of the house"
        return
    if len(lines) > LONGEST_FILE:
        yield f"{name}:{LONGEST_FILE + 1}: {len(lines)} lines, at most {LONGEST_FILE}"
    if path.suffix == ".h" and FIXED_WIDTH.search("\n".join(lines)) and "#include <cstdint>" not in lines:
        yield f"{name}:1: it uses std::uint32_t or the like and must include <cstdint>"
    for number, line in enumerate(lines, 1):
        found = INCLUDE.match(line)
        reason = complaint(folder, *found.groups()) if found else None
        if BY_PATH.search(line.split("//")[0]) and not name.startswith(MAY_BY_PATH):
            reason = "by path: use a descriptor and runtime/sys"
        if reason:
            yield f"{name}:{number}: {line.strip()}  ({reason})"


# bash -e passes over a negated command and over all but the last of an && list: such a line of a test never fails it.
TOOTHLESS = re.compile(r"^ +(! |\[.* \]\]? && )(?!.*(\|\||skip|return))")


def check_test(path):
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if TOOTHLESS.match(line):
            yield f"{path.relative_to(TOP)}:{number}: {line.strip()}  (cannot fail: use not, or lines of their own)"


def main():
    files = [p for top in ("oci", "runtime") for p in sorted((TOP / top).rglob("*")) if p.suffix in (".h", ".cpp", ".c")]
    files += sorted(TOP.glob("tests/*/*.bats"))
    failed = 0
    for path in files:
        offences = list(check_test(path) if path.suffix == ".bats" else check(path))
        failed += bool(offences)
        for offence in offences:
            print(offence)
    print(f"layers: {len(files) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


sys.exit(main())
