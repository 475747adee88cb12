#!/usr/bin/env python3
"""Makes a small package for pip, npm and apt each, with the indexes that they ask for: registry.py FOLDER ADDRESS."""
import base64
import gzip
import hashlib
import io
import json
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import zipfile

www = pathlib.Path(sys.argv[1])


def pip():
    name = "agent_package-1.0-py3-none-any.whl"
    files = {
        "agent_package/__init__.py": "def answer():\n    return 42\n",
        "agent_package-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: agent-package\nVersion: 1.0\n",
        "agent_package-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files["agent_package-1.0.dist-info/RECORD"] = "".join(f"{path},,\n" for path in files) + "agent_package-1.0.dist-info/RECORD,,\n"
    folder = www / "simple" / "agent-package"
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / name, "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
    (folder / "index.html").write_text(f'<!DOCTYPE html><a href="{name}">{name}</a>')


def npm():
    package = {"name": "agent-package", "version": "1.0.0", "main": "index.js", "scripts": {"install": "echo built > built"}}
    files = {"package/package.json": json.dumps(package), "package/index.js": "module.exports = 42;\n"}
    folder = www / "npm"
    folder.mkdir()
    tarball = folder / "agent-package-1.0.0.tgz"
    with tarfile.open(tarball, "w:gz") as tar:
        for path, text in files.items():
            info = tarfile.TarInfo(path)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
    digest = base64.b64encode(hashlib.sha512(tarball.read_bytes()).digest()).decode()
    package["dist"] = {"tarball": "http://server.test/npm/agent-package-1.0.0.tgz", "integrity": f"sha512-{digest}"}
    document = {"name": "agent-package", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": package}}
    (folder / "agent-package.json").write_text(json.dumps(document))


def apt():
    pool = www / "debian"
    pool.mkdir()
    with tempfile.TemporaryDirectory() as made:
        tree = pathlib.Path(made, "tree")
        (tree / "DEBIAN").mkdir(parents=True)
        tree.chmod(0o755)
        (tree / "DEBIAN").chmod(0o755)
        (tree / "opt").mkdir()
        control = "Package: agent-package\nVersion: 1.0\nArchitecture: all\nMaintainer: tests <tests@example.org>\nDescription: a test\n"
        (tree / "DEBIAN/control").write_text(control)
        (tree / "DEBIAN/postinst").write_text("#!/bin/sh\nchown 1000:1000 /opt/agent-file\n")
        (tree / "DEBIAN/postinst").chmod(0o755)
        (tree / "opt/agent-file").write_text("installed\n")
        subprocess.run(["dpkg-deb", "--root-owner-group", "-b", tree, pool / "agent-package.deb"], check=True, stdout=subprocess.DEVNULL)
    deb = (pool / "agent-package.deb").read_bytes()
    packages = (control + f"Filename: ./agent-package.deb\nSize: {len(deb)}\nSHA256: {hashlib.sha256(deb).hexdigest()}\n").encode()
    (pool / "Packages").write_bytes(packages)
    (pool / "Packages.gz").write_bytes(gzip.compress(packages))


for make in (pip, npm, apt):
    make()
