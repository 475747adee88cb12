"""Runs the cases of cases_*.py; see run.sh. A case is a function case_WHAT_IS_CLAIMED(cri); it is run with the runtime under
test and with the reference at the same time. It fails when it raises under the runtime under test, or when what it returns
differs from what it returned under the reference. One whose parameter is called `only_sut` is not compared."""
import concurrent.futures
import inspect
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import traceback

import cases_host
import cases_pod
import cases_policy
import cases_security
from engine import Engine
from harness import ENGINES, Skip

MODULES = (cases_pod, cases_security, cases_host, cases_policy)
RESULTS = {"passed": 0, "failed": 0, "skipped": 0}


def report(word, claim, remark="", detail=""):
    RESULTS[word] += 1
    print(f"{'not ok' if word == 'failed' else 'ok'} {claim}{' ' + remark if remark else ''}", flush=True)
    for line in detail.strip().splitlines()[-25:]:
        print("    " + line, flush=True)


def verdict(claim, left):
    report("failed" if left else "passed", claim, detail="\n".join(map(str, left)))


def attempt(case, cri):
    """(what it returned, error text or Skip)"""
    try:
        try:
            return case(cri), None
        finally:
            cri.tidy()
    except Skip as skip:
        return None, skip
    except Exception:  # noqa: a case may fail in any way
        return None, traceback.format_exc()


def run_case(engine, driver, parent, claim, case):
    suffix = "" if driver == "cgroupfs" else "-systemd"
    started = time.monotonic()
    name = claim.replace(" ", "-")[:40] + suffix
    alone = "ALONE" in os.environ or "only_sut" in inspect.signature(case).parameters
    with concurrent.futures.ThreadPoolExecutor(2) as both:
        sut = both.submit(attempt, case, engine.cri("sut" + suffix, parent, name + "-s"))
        reference = None if alone else both.submit(attempt, case, engine.cri("runc" + suffix, parent, name + "-r"))
        got, error = sut.result()
        wanted, reference_error = reference.result() if reference else (got, None)
    claim = f"{driver}: {claim}"
    took = f"({(time.monotonic() - started) * 1000:.0f} ms)"
    if isinstance(error, Skip):
        report("skipped", claim, f"# skip {error}")
    elif error:
        report("failed", claim, took, f"{error}\nthe reference: {reference_error or wanted}")
    elif reference_error is None and got != wanted:
        report("failed", claim, took, f"returned:  {got}\nreference: {wanted}")
    else:
        fails = " (the reference fails here: %s)" % str(reference_error).strip().splitlines()[-1]
        report("passed", claim, took + (fails if reference_error else ""))


def chosen(patterns):
    for module in MODULES:
        for name, case in vars(module).items():
            claim = name.removeprefix("case_").replace("_", " ")
            if name.startswith("case_") and (not patterns or any(re.search(p, claim) for p in patterns)):
                yield claim, case


def has_systemd_driver(runtime):
    features = subprocess.run([runtime, "features"], capture_output=True, text=True).stdout
    try:
        return bool(json.loads(features)["linux"]["cgroup"]["systemd"]) and os.path.isdir("/run/systemd/system")
    except (ValueError, KeyError):
        return False


def drivers(runtime):
    if "DRIVERS" in os.environ:
        return os.environ["DRIVERS"].split()
    return ["cgroupfs", "systemd"] if has_systemd_driver(runtime) else ["cgroupfs"]


def cgroups_left(parent):
    return [folder for folder, _, _ in os.walk("/sys/fs/cgroup") if f"/{parent}/" in folder]


def remove_cgroups(parent):
    for folder, _, _ in os.walk("/sys/fs/cgroup", topdown=False):
        if folder.endswith("/" + parent):
            os.rmdir(folder)


def mounts(folder):
    with open("/proc/self/mounts") as file:
        return [line.split()[1] for line in file if folder in line.split()[1] and "/pods/" not in line]


def run_cases(engine, tag, patterns):
    jobs = int(os.environ.get("JOBS", os.cpu_count() or 1))
    for driver in drivers(engine.runtime):
        parent = f"/agentsafe-cri-{tag}" if driver == "cgroupfs" else f"agentsafe-cri{tag}.slice"
        cases = list(chosen(patterns))
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            for done in [pool.submit(run_case, engine, driver, parent, claim, case) for claim, case in cases
                         if not getattr(case, "serial", False)]:
                done.result()
        for claim, case in cases:
            if getattr(case, "serial", False):
                run_case(engine, driver, parent, claim, case)
        verdict(f"{driver}: no pod is left after the cases", engine.pods_left())
        verdict(f"{driver}: no state of a container is left", engine.state_left())
        verdict(f"{driver}: no cgroup of a container is left", cgroups_left(parent.strip("/")))
        remove_cgroups(parent.strip("/"))
        if driver == "systemd":
            subprocess.run(["systemctl", "stop", parent], check=False)


def prepare_host():
    """What containerd keeps outside of its folders is kept where it is forgotten; and a loopback of our own."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with open("/proc/sys/net/ipv4/ip_forward", "w") as file:
        file.write("1")
    for folder in ("/run/containerd", "/run/netns", "/run/agentsafe-cri-addresses", "/var/lib/cni"):
        os.makedirs(folder, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], check=True)
        subprocess.run(["mount", "--make-shared", folder], check=True)


def main():
    folder = tempfile.mkdtemp(prefix="agentsafe-cri-", dir=os.environ.get("TMPDIR"))
    os.chmod(folder, 0o711)  # the root of a user namespace has to pass
    os.makedirs(folder + "/logs")
    tag = folder.rsplit("-", 1)[1].replace("_", "x")
    slow = "QEMU" in open("/proc/cpuinfo").read()
    engine = Engine(folder, os.environ["RUNTIME"], os.environ["REFERENCE"], slow)
    ENGINES[engine.socket] = engine
    prepare_host()
    try:
        engine.start()
        engine.import_image()
        run_cases(engine, tag, sys.argv[1:])
        verdict("no shim is left", engine.shims_left())
        verdict("no mount is left", mounts(folder + "/state"))
    finally:
        engine.stop()
        for pid in engine.shims_left():
            os.kill(pid, 9)
        if "KEEP" in os.environ:
            print("cri: logs in " + folder)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    print("cri: %(passed)d passed, %(failed)d failed, %(skipped)d skipped" % RESULTS)
    sys.exit(1 if RESULTS["failed"] else 0)


main()
