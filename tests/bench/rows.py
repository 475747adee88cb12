#!/usr/bin/env python3
"""Times everything but a plain `run`: each verb apart, exec, many containers, limits, growth. run.sh calls it.

  rows.py --work DIR --json FILE [--svg FILE] [--rounds N] [--rows 'verbs run many limit growth'] NAME=/path/of/runtime …

DIR/bundle is a bundle of a static busybox. All runtimes take turns in one loop, so that what disturbs the machine
disturbs them all. Prints one table; FILE gets a list of {"row", "name", "median_us", "p90_us", "samples"}. Needs root.
"""
import argparse
import copy
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time

MANY = 100
BESIDE = 1000


class Runtime:
    def __init__(self, name, path, work):
        self.name, self.path = name, path
        self.base = [path, "--root", f"{work}/state/{name}"]
        if os.path.basename(path).startswith("agentsafe"):
            self.base += ["--policy", "oci"]

    def spawn(self, *words):
        actions = [(os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                   (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)]
        return os.posix_spawn(self.path, self.base + list(words), os.environ, file_actions=actions)

    def timed(self, *words):
        """Microseconds from spawn to the end; a failure ends the benchmark."""
        began = time.monotonic_ns()
        status = os.waitpid(self.spawn(*words), 0)[1]
        took = (time.monotonic_ns() - began) // 1000
        if status != 0:
            raise RuntimeError(f"{self.name} {' '.join(words)}: wait status {status:#x}")
        return took

    def works(self, *words):
        process = subprocess.run(self.base + list(words), stdin=subprocess.DEVNULL, capture_output=True, check=False)
        return process.returncode == 0

    def state(self, name):
        out = subprocess.run(self.base + ["state", name], capture_output=True, check=False).stdout
        return json.loads(out)["status"] if out else "gone"


class Bench:
    def __init__(self, options, runtimes):
        self.work, self.rounds, self.runtimes = options.work, options.rounds, runtimes
        self.bundle = f"{options.work}/bundle"
        with open(f"{self.bundle}/config.json", encoding="utf-8") as file:
            self.plain = json.load(file)
        self.samples = {}  # (row, name) -> microseconds

    def add(self, row, runtime, value):
        self.samples.setdefault((row, runtime.name), []).append(value)

    def write(self, config):
        with open(f"{self.bundle}/config.json", "w", encoding="utf-8") as file:
            json.dump(config, file)

    def configured(self, *args, **changes):
        config = copy.deepcopy(self.plain)
        if args:
            config["process"]["args"] = list(args)
        for key, value in changes.items():
            config["linux"][key] = value
        self.write(config)
        return config

    def each(self, function, rounds=None, row="", runtimes=None):
        """Every runtime in turn, `rounds` times, another one first each time; one that cannot is left out."""
        left = list(runtimes or self.runtimes)
        for turn in range(rounds or self.rounds):
            for runtime in left[turn % max(1, len(left)):] + left[:turn % max(1, len(left))]:
                try:
                    function(runtime)
                except RuntimeError as error:
                    print(f"  {row}: {error}; left out", file=sys.stderr)
                    runtime.works("delete", "--force", f"bench-{runtime.name}")
                    left.remove(runtime)

    # --- rows -----------------------------------------------------------------------------------------------------
    def verbs(self):
        self.configured("/bin/sleep", "1000")

        def once(runtime):
            name = f"bench-{runtime.name}"
            self.add("create", runtime, runtime.timed("create", "--bundle", self.bundle, name))
            self.add("start", runtime, runtime.timed("start", name))
            self.add("state", runtime, runtime.timed("state", name))
            self.add("exec", runtime, runtime.timed("exec", name, "/bin/true"))
            runtime.timed("kill", name, "KILL")
            for _ in range(1000):
                if runtime.state(name) == "stopped":
                    break
                time.sleep(0.005)
            self.add("delete", runtime, runtime.timed("delete", name))

        self.each(once, row="verbs")

    def run_row(self, row):
        def once(runtime):
            self.add(row, runtime, runtime.timed("run", "--bundle", self.bundle, f"bench-{runtime.name}"))
        self.each(lambda runtime: runtime.timed("run", "--bundle", self.bundle, f"bench-{runtime.name}"), 1, row)
        self.each(once, row=row)

    def run(self):
        self.configured("/bin/true")
        self.run_row("run")
        if any(r.name == "agentsafe" for r in self.runtimes):
            path = next(r.path for r in self.runtimes if r.name == "agentsafe")
            profile = json.loads(subprocess.run([path, "seccomp", "--json", "show", "agent-default"], check=True,
                                                capture_output=True).stdout)
            self.configured("/bin/true", seccomp=profile)
            self.run_row("run, seccomp (agent-default)")
        maps = [{"containerID": 0, "hostID": 100000, "size": 65536}]
        config = self.configured("/bin/true", uidMappings=maps, gidMappings=maps)
        config["linux"]["namespaces"].append({"type": "user"})
        self.write(config)
        self.run_row("run, user namespace")
        config["mounts"].append({"destination": "/tmp", "type": "bind", "source": f"{self.bundle}/rootfs/tmp", "options": ["bind", "idmap"]})
        self.write(config)
        self.run_row("run, user namespace, idmapped bind")

    def many(self):
        self.configured("/bin/true")

        def in_a_row(runtime):
            began = time.monotonic_ns()
            for i in range(MANY):
                runtime.timed("run", "--bundle", self.bundle, f"row-{runtime.name}-{i}")
            self.add(f"{MANY} in a row", runtime, (time.monotonic_ns() - began) // 1000)

        def at_once(runtime):
            began = time.monotonic_ns()
            pids = [runtime.spawn("run", "--bundle", self.bundle, f"once-{runtime.name}-{i}") for i in range(MANY)]
            bad = sum(os.waitpid(pid, 0)[1] != 0 for pid in pids)
            self.add(f"{MANY} at once", runtime, (time.monotonic_ns() - began) // 1000)
            if bad:
                raise RuntimeError(f"{runtime.name}: {bad} of {MANY} at once failed")

        self.each(in_a_row, 3, "in a row")
        self.each(at_once, 3, "at once")

    def thousand(self):
        self.each(self.beside, 1, "beside", [r for r in self.runtimes if r.name in ("agentsafe", "crun")])

    def beside(self, runtime):
        """`run` beside BESIDE created containers, and before them and after them beside none; runc is left out: its waiting
        inits would take 10 GB."""
        half = (self.rounds + 1) // 2
        self.runs("run beside no other", runtime, half)
        self.configured("/bin/sleep", "1000")
        try:
            for i in range(BESIDE):
                runtime.timed("create", "--bundle", self.bundle, f"beside-{i}")
            self.runs(f"run beside {BESIDE} others", runtime, self.rounds)
        finally:
            for i in range(BESIDE):
                runtime.works("delete", "--force", f"beside-{i}")
        self.runs("run beside no other", runtime, half)

    def runs(self, row, runtime, rounds):
        self.configured("/bin/true")
        for _ in range(rounds):
            self.add(row, runtime, runtime.timed("run", "--bundle", self.bundle, f"last-{runtime.name}"))

    def limit(self):
        """The smallest memory limit in KiB with which /bin/true ends well three times; not a time."""
        for runtime in self.runtimes:
            for kib in (64, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 4096, 8192, 16384):
                self.configured("/bin/true", resources={**self.plain["linux"].get("resources", {}), "memory": {"limit": kib * 1024}})
                if all(runtime.works("run", "--bundle", self.bundle, f"limit-{runtime.name}") for _ in range(3)):
                    self.add("smallest memory limit, KiB", runtime, kib)
                    break
                runtime.works("delete", "--force", f"limit-{runtime.name}")

    def growth(self):
        rootfs = f"{self.bundle}/rootfs"
        os.makedirs(f"{rootfs}/many", exist_ok=True)
        os.makedirs(f"{rootfs}/etc", exist_ok=True)
        for i in range(1000):
            open(f"{rootfs}/many/{i}", "w", encoding="utf-8").close()
        for count in (100, 1000):
            config = self.configured("/bin/true")
            config["mounts"] += [{"destination": f"/many/{i}", "type": "bind", "source": f"{rootfs}/many/{i}",
                                  "options": ["bind", "ro"]} for i in range(count)]
            self.write(config)
            self.run_growth(f"run, {count} bind mounts")
        self.configured("/bin/true", maskedPaths=[f"/many/{i}" for i in range(200)])
        self.run_growth("run, 200 masked paths")
        config = self.configured("/bin/true")
        config["process"]["env"] += [f"VARIABLE_{i}={'x' * 60}" for i in range(500)]
        self.write(config)
        self.run_growth("run, 500 variables")
        self.configured("/bin/true")
        with open(f"{rootfs}/etc/passwd", "w", encoding="utf-8") as file:
            file.write("root:x:0:0:root:/root:/bin/sh\n")
            file.writelines(f"user{i}:x:{i}:{i}::/home/user{i}:/bin/sh\n" for i in range(1000, 11000))
        self.run_growth("run, passwd of 10000 lines")
        os.unlink(f"{rootfs}/etc/passwd")

    def run_growth(self, row):
        rounds, self.rounds = self.rounds, max(3, self.rounds // 4)
        self.run_row(row)
        self.rounds = rounds


def at(samples, share):
    return sorted(samples)[int(share * (len(samples) - 1) + 0.5)]


def table(bench):
    names = [r.name for r in bench.runtimes]
    print(f"{'':30}" + "".join(f"{name:>12}" for name in names) + "".join(f"{'x ' + name:>12}" for name in names[1:]))
    for row in dict.fromkeys(key[0] for key in bench.samples):
        middle = {name: statistics.median(bench.samples[row, name]) for name in names if (row, name) in bench.samples}
        unit = 1 if "KiB" in row else 1000
        cells = [f"{middle[n] / unit:12.2f}" if n in middle else f"{'-':>12}" for n in names]
        ratios = [f"{middle[names[0]] / middle[n]:12.2f}" if n in middle and names[0] in middle else f"{'-':>12}"
                  for n in names[1:]]
        print(f"{row:30}" + "".join(cells + ratios))


def svg(bench, row, path):
    """How the times of one row are distributed: the share of runs (up) that took no longer than the time (right)."""
    drawn = {name: sorted(values) for (of, name), values in bench.samples.items() if of == row}
    longest = max(at(values, 0.98) for values in drawn.values()) / 1000
    colours = ["#0a7", "#d60", "#36c", "#a3a", "#777"]
    width, height, left, low = 640, 320, 50, 280
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" font-size="12">',
             f'<rect width="{width}" height="{height}" fill="#fff"/>',
             f'<path d="M{left} 20V{low}H620" fill="none" stroke="#333"/>',
             f'<text x="{left}" y="14">{row}: share of runs that took no longer</text>']
    for i in range(6):
        x, milliseconds = left + i * 110, longest * i / 5
        parts.append(f'<text x="{x}" y="{low + 18}" text-anchor="middle">{milliseconds:.1f} ms</text>')
    for share in (0, 0.5, 1):
        parts.append(f'<text x="{left - 6}" y="{low - share * 250 + 4}" text-anchor="end">{share:.0%}</text>')
    for colour, (name, values) in zip(colours, drawn.items()):
        points = [(left + min(value / 1000 / longest, 1) * 550, low - (i + 1) / len(values) * 250)
                  for i, value in enumerate(values)]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(f'<text x="{points[len(points) // 2][0] + 6:.1f}" y="{40 + 16 * colours.index(colour)}" fill="{colour}">{name}</text>')
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(parts + ["</svg>", ""]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", required=True)
    parser.add_argument("--json", required=True)
    parser.add_argument("--svg")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--rows", default="verbs run many thousand limit growth")
    parser.add_argument("runtimes", nargs="+", metavar="NAME=/path")
    options = parser.parse_args()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # for runtimes that keep one per mount
    runtimes = [Runtime(*word.split("=", 1), options.work) for word in options.runtimes]
    bench = Bench(options, runtimes)
    for row in options.rows.split():
        {"verbs": bench.verbs, "run": bench.run, "many": bench.many, "thousand": bench.thousand, "limit": bench.limit, "growth": bench.growth}[row]()
    bench.write(bench.plain)
    table(bench)
    with open(options.json, "w", encoding="utf-8") as file:
        json.dump([{"row": row, "name": name, "median_us": statistics.median(values), "p90_us": at(values, 0.9),
                    "samples": values} for (row, name), values in bench.samples.items()], file, indent=0)
    if options.svg:
        svg(bench, "run", options.svg)
    for runtime in runtimes:
        shutil.rmtree(f"{options.work}/state/{runtime.name}", ignore_errors=True)


main()
