#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Proves the package and the container image on a Debian of their own, as root: in minutes.

    tests/packaging/prove.py [--build BUILD] [--keep FOLDER]

A Debian is made by debootstrap (kept in FOLDER for the next time), the package installed into a
copy of it, and booted with systemd as the first process (systemd-nspawn). Then, with the
service's own walls around it: the admin socket lets root in, a deploy answers through the socket
that systemd holds, restarts while clients ask fail none of them, a killed server comes back, a
wrong configuration stops it for good and says why, and a purge leaves nothing that runs. Then the
container image: started as no root, on a root that cannot be written.

Each step prints what it took; the last line counts them.
"""
import argparse
import concurrent.futures
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGING = ROOT / "deploy" / "packaging"
WAIT_SECONDS = 240 # a busy machine boots slowly
RESTARTS = 10
PORT = 8080
IMAGE_USER = 10001


class Failed(Exception):
    pass


def run(*command, check=True, **options):
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False, **options)
    if check and done.returncode != 0:
        words = " ".join(map(str, command))[:200]
        raise Failed(f"{words} left with {done.returncode}:\n{done.stdout}")
    return done.stdout


def wait_until(condition, what):
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise Failed(f"not within {WAIT_SECONDS} s: {what}")
        time.sleep(0.05)


ASK = """
import http.client, sys
c = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=30)
c.request("GET", sys.argv[2])
a = c.getresponse()
print(a.status, a.read().decode(errors="replace"))
"""


class Inside:
    """The namespaces of a process: what runs there, and what answers there."""

    def __init__(self, pid, root):
        self.pid = pid
        self.root = root

    def run(self, *command, check=True):
        return run("nsenter", "-t", self.pid, "-a", *command, check=check,
                   env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"})

    def ask(self, path):
        # The host's Python in the guest's network: the guest has none.
        return run("nsenter", "-t", self.pid, "-n", sys.executable, "-c", ASK, PORT, path,
                   check=False)


def module(scratch):
    target = scratch / "hello.wasm"
    run("wat2wasm", "--enable-tail-call", "-o", target, ROOT / "tests/guests/e2e_text.wat")
    return target


def debian(kept):
    base = kept / "debian"
    if not (base / "usr/bin/apt-get").exists():
        run("debootstrap", "--variant=minbase", "--include=systemd,systemd-sysv,dbus,iproute2",
            "bookworm", base)
    return base


@contextlib.contextmanager
def booted(root):
    with open(root.parent / "boot.log", "wb") as log:
        machine = subprocess.Popen(
            ["systemd-nspawn", "--register=no", "--keep-unit", "-q", "-b", "-D", root,
             "--private-network"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        children = pathlib.Path(f"/proc/{machine.pid}/task/{machine.pid}/children")
        wait_until(lambda: children.read_text().split(), "nspawn starts a machine")
        inside = Inside(int(children.read_text().split()[0]), root)
        wait_until(lambda: inside.run("systemctl", "is-active", "skerry", check=False).strip()
                   == "active", "skerry.service is active")
        yield inside
    finally:
        machine.terminate()
        machine.wait(WAIT_SECONDS)


# ---- the package -------------------------------------------------------------------------------

def main_pid(inside):
    return int(inside.run("systemctl", "show", "-P", "MainPID", "skerry"))


def step_walls(inside):
    status = inside.run("cat", f"/proc/{main_pid(inside)}/status")
    facts = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    if facts["Uid"].split()[0] == "0" or facts["NoNewPrivs"] != "1" or facts["Seccomp"] != "2" \
            or int(facts["CapBnd"], 16) != 0:
        raise Failed(f"the service has more than its unit says: {status}")


def step_deploy(inside):
    inside.run("skerry", "deploy", "/root/hello.wasm", "-n", "hello")
    answer = inside.ask("/f/default/hello/")
    if not answer.startswith("200 "):
        raise Failed(f"what was deployed answers {answer!r}")


def step_restart(inside):
    """Clients keep asking while it restarts: their connections wait in systemd's socket."""
    stop = threading.Event()

    def client():
        count = 0
        while not stop.is_set():
            answer = inside.ask("/f/default/hello/")
            if not answer.startswith("200 "):
                raise Failed(f"during a restart: {answer!r}")
            count += 1
        return count

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        clients = [pool.submit(client) for _ in range(2)]
        try:
            for _ in range(RESTARTS):
                # By hand it may be done so often; systemd's own counter is for what crashes.
                inside.run("systemctl", "reset-failed", "skerry.service", "skerry.socket")
                inside.run("systemctl", "restart", "skerry.service")
        finally:
            stop.set()
        asked = sum(future.result() for future in clients)
    return f"{RESTARTS} restarts, {asked} requests, 0 failed"


def step_killed(inside):
    before = main_pid(inside)
    inside.run("sh", "-c", f"kill -KILL {before}")
    wait_until(lambda: main_pid(inside) not in (0, before), "a killed server has a successor")
    step_answers(inside)


def step_answers(inside):
    answer = inside.ask("/f/default/hello/")
    if not answer.startswith("200 "):
        raise Failed(f"after all that: {answer!r}")


def step_reload(inside):
    inside.run("systemctl", "reload", "skerry")
    wait_until(lambda: '"event":"reload"' in inside.run("journalctl", "-u", "skerry", "--no-pager"),
               "the log tells of a reload")


def step_invalid(inside):
    """No loop of starts: it says why, once."""
    config = inside.root / "etc/skerry/skerry.yaml"
    right = config.read_text()
    config.write_text(right + "limts: {}\n")
    inside.run("systemctl", "restart", "skerry.service", check=False)
    wait_until(lambda: inside.run("systemctl", "is-failed", "skerry", check=False).strip()
               == "failed", "the service has failed")
    said = inside.run("journalctl", "-u", "skerry", "--no-pager", "-n", "20")
    if "limits" not in said or "status=3" not in said:
        raise Failed(f"the journal does not say why: {said}")
    config.write_text(right)
    inside.run("systemctl", "reset-failed", "skerry.service", "skerry.socket")
    inside.run("systemctl", "restart", "skerry.socket", "skerry.service")
    step_answers(inside)


def step_purge(inside):
    inside.run("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "purge", "-q", "-y", "skerry")
    if inside.run("systemctl", "is-active", "skerry.service", "skerry.socket",
                  check=False).split() != ["inactive", "inactive"]:
        raise Failed("something of a purged package still runs")
    if not (inside.root / "var/lib/skerry/FORMAT").exists():
        raise Failed("a purge took the tenants' data")


STEPS = (step_walls, step_deploy, step_restart, step_killed, step_reload, step_invalid, step_purge)


# ---- the image ---------------------------------------------------------------------------------

ENTER = f"""
set -eu
mount --make-rprivate /
mount --bind "$1" "$1"
mount -t tmpfs tmpfs "$1/tmp"
mount --bind "$2" "$1/var/lib/skerry"
mount -t proc proc "$1/proc"
mount -t tmpfs tmpfs "$1/dev"
for device in null zero urandom random; do
    touch "$1/dev/$device"
    mount --bind /dev/$device "$1/dev/$device"
done
mount -o remount,ro,bind "$1"
ip link set lo up
exec unshare --root "$1" --setuid {IMAGE_USER} --setgid {IMAGE_USER} \\
    env -i PATH=/usr/bin SKERRY_DATA_DIR=/var/lib/skerry /usr/bin/skerry serve
"""


def image_config(archive):
    """What the image says of how it is run."""
    with tarfile.open(archive) as tar:
        def blob(digest):
            return json.load(tar.extractfile("blobs/" + digest.replace(":", "/")))
        index = json.load(tar.extractfile("index.json"))
        return blob(blob(index["manifests"][0]["digest"])["config"]["digest"])["config"]


def prove_image(scratch, deb):
    out = scratch / "image"
    run(PACKAGING / "build-image", deb, out)
    if (out / "skerry.oci").exists():
        config = image_config(out / "skerry.oci")
        if config["User"] != f"{IMAGE_USER}:{IMAGE_USER}":
            raise Failed(f"the image runs as {config['User']}")
    root, data = scratch / "container", scratch / "volume"
    root.mkdir()
    data.mkdir()
    os.chown(data, IMAGE_USER, IMAGE_USER)
    run("tar", "-C", root, "--numeric-owner", "-xpf", out / "image" / "root.tar")
    with open(scratch / "container.log", "wb") as log:
        container = subprocess.Popen(
            ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child",
             "sh", "-c", ENTER, "sh", root, data], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        children = pathlib.Path(f"/proc/{container.pid}/task/{container.pid}/children")
        wait_until(lambda: b"\nready\n" in (scratch / "container.log").read_bytes(),
                   f"ready: {(scratch / 'container.log').read_text()}")
        inside = Inside(int(children.read_text().split()[0]), root)
        status = pathlib.Path(f"/proc/{inside.pid}/status").read_text()
        if f"Uid:\t{IMAGE_USER}" not in status or "CapEff:\t0000000000000000" not in status:
            raise Failed(f"the container has more than it was given: {status}")
        run("skerry", "deploy", scratch / "hello.wasm", "-n", "hello", "--admin-socket",
            data / "admin.sock", executable=root / "usr/bin/skerry")
        step_answers(inside)
        os.kill(inside.pid, signal.SIGTERM)
        if container.wait(WAIT_SECONDS) != 0:
            raise Failed(f"the container left with {container.returncode}")
    finally:
        container.kill()
        container.wait()
    return f"{(out / 'image' / 'root.tar').stat().st_size >> 20} MiB"


# ---- all of it ---------------------------------------------------------------------------------

def told(name, function, *arguments):
    began = time.monotonic()
    said = function(*arguments)
    detail = f": {said}" if isinstance(said, str) else ""
    print(f"{time.monotonic() - began:7.1f} s  {name}{detail}", flush=True)
    return said


def build_package(build, out):
    """Twice: the same build gives the same bytes."""
    for folder in (out / "a", out / "b"):
        run(PACKAGING / "build-deb", "--build", build, folder)
    (deb,) = (out / "a").glob("skerry_*.deb")
    if deb.read_bytes() != (out / "b" / deb.name).read_bytes():
        raise Failed("the same build gave another package")


def install(base, root, deb):
    run("cp", "-a", base, root)
    shutil.copy(deb, root / "root/skerry.deb")
    run("chroot", root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-q", "-y",
        "--no-install-recommends", "/root/skerry.deb")


def prove(build, kept, scratch):
    wasm = module(scratch)
    told("package, twice the same", build_package, build, scratch / "deb")
    (deb,) = (scratch / "deb" / "a").glob("skerry_*.deb")
    base = kept / "debian"
    told("Debian", debian, kept)
    root = scratch / "root"
    told("install", install, base, root, deb)
    shutil.copy(wasm, root / "root/hello.wasm")
    with booted(root) as inside:
        for step in STEPS:
            told(step.__name__, step, inside)
    told("image", prove_image, scratch, deb)
    print(f"{len(STEPS) + 4} passed, 0 failed, 0 skipped")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--keep", type=pathlib.Path)
    options = parser.parse_args()
    lacking = [tool for tool in ("dh", "debootstrap", "systemd-nspawn", "nsenter", "wat2wasm")
               if shutil.which(tool) is None]
    if lacking or os.geteuid() != 0:
        print(f"skip: wants root and {' '.join(lacking) or 'no more'}")
        sys.exit(77)
    with tempfile.TemporaryDirectory(prefix="skerry-prove-") as name:
        scratch = pathlib.Path(name)
        kept = options.keep or scratch
        kept.mkdir(exist_ok=True)
        try:
            prove(options.build.resolve(), kept.resolve(), scratch)
        except Failed as error:
            print(error)
            sys.exit(1)


if __name__ == "__main__":
    main()
