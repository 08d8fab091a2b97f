#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The Debian package of this build: clean by lintian, complete, and its service starts.

    package.py BUILD    nothing is compiled; without debhelper or lintian it is skipped

What would take systemd as the first process, a whole Debian and a container is in prove.py, beside
it: that is run by hand or at night.
"""
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGING = ROOT / "deploy" / "packaging"
READY_SECONDS = 60
# What the package is for; a file that is missing here fails, one more does not.
FILES = ("usr/bin/skerry", "etc/skerry/skerry.yaml", "lib/systemd/system/skerry.service",
         "lib/systemd/system/skerry.socket", "usr/lib/sysusers.d/skerry.conf",
         "usr/share/man/man1/skerry.1.gz", "usr/share/man/man5/skerry.yaml.5.gz",
         "usr/share/man/man5/function.yaml.5.gz",
         "usr/share/bash-completion/completions/skerry",
         "usr/share/zsh/vendor-completions/_skerry",
         "usr/share/fish/vendor_completions.d/skerry.fish", "usr/share/doc/skerry/NOTICE")
EXPOSURE_MAX = 2.1      # systemd-analyze security: 10 is everything; of it 0.4 are namespaces


class Failed(Exception):
    pass


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False, **options)
    if done.returncode != 0:
        raise Failed(f"{command[0]} left with {done.returncode}:\n{done.stdout}")
    return done.stdout


def check_contents(scratch, build):
    out = scratch / "out"
    run(PACKAGING / "build-deb", "--build", build, out)
    (deb,) = out.glob("skerry_*.deb")
    said = run("lintian", "--pedantic", "--allow-root", "--fail-on", "error,warning,info,pedantic",
               *out.glob("*.changes"))
    if said.strip():
        raise Failed(f"lintian: {said}")
    tree = scratch / "tree"
    run("dpkg-deb", "-x", deb, tree)
    for name in FILES:
        if not (tree / name).is_file():
            raise Failed(f"the package has no {name}")
    return tree


def check_unit(scratch, tree):
    """As systemd reads it, with the program where it was unpacked."""
    units = scratch / "units"
    shutil.copytree(tree / "lib/systemd/system", units)
    service = units / "skerry.service"
    service.write_text(service.read_text().replace("/usr/bin/skerry", f"{tree}/usr/bin/skerry"))
    said = run("systemd-analyze", "verify", "--man=no", service)
    ours = [line for line in said.splitlines() if "skerry" in line]
    if ours:
        raise Failed("systemd-analyze verify: " + "\n".join(ours))
    run("systemd-analyze", "security", "--offline=true",
        f"--threshold={int(EXPOSURE_MAX * 10)}", service)


def check_service(scratch, tree):
    """Started as the unit says, by a service manager of a few lines: this one."""
    with socket.socket() as listening, \
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as words:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        address = "127.0.0.1:%d" % listening.getsockname()[1]
        words.bind(str(scratch / "notify"))
        words.settimeout(READY_SECONDS)
        config = scratch / "skerry.yaml"
        config.write_text((tree / "etc/skerry/skerry.yaml").read_text()
                          .replace("127.0.0.1:8080", address)
                          .replace("/run/skerry", str(scratch)))
        environment = dict(os.environ, SKERRY_DATA_DIR=str(scratch / "data"),
                           NOTIFY_SOCKET=str(scratch / "notify"), LISTEN_FDS="1")
        # The socket has to be descriptor 3, and LISTEN_PID the number of who execs.
        command = ["sh", "-c", 'exec 3<&"$1" && shift && LISTEN_PID=$$ exec "$@"', "sh",
                   str(listening.fileno()), str(tree / "usr/bin/skerry"), "serve",
                   "--config", str(config)]
        with open(scratch / "log", "wb") as log, \
                subprocess.Popen(command, env=environment, stdout=log, stderr=log,
                                 pass_fds=[listening.fileno()]) as process:
            try:
                ready = words.recv(4096).decode()
                if "READY=1" not in ready.splitlines():
                    raise Failed(f"it says {ready!r} before it is ready")
                with socket.create_connection(listening.getsockname(), READY_SECONDS) as client:
                    client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                    answer = client.recv(64)
                if not answer.startswith(b"HTTP/1.1 404"):
                    raise Failed(f"a request through the socket that was handed over: {answer!r}")
            finally:
                process.terminate()
                process.wait(READY_SECONDS)
            if process.returncode != 0:
                raise Failed(f"it left with {process.returncode}")
            if not words.recv(4096).startswith(b"STOPPING=1"):
                raise Failed("it did not say that it stops")


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    lacking = [tool for tool in ("dh", "lintian", "systemd-analyze") if shutil.which(tool) is None]
    if lacking:
        print(f"skip: tests/install brings {' '.join(lacking)}")
        sys.exit(77)
    with tempfile.TemporaryDirectory(prefix="skerry-package-") as name:
        scratch = pathlib.Path(name)
        try:
            tree = check_contents(scratch, build)
            check_unit(scratch, tree)
            check_service(scratch, tree)
        except (Failed, OSError, subprocess.TimeoutExpired) as error:
            log = scratch / "log"
            print(error, log.read_text(errors="replace") if log.exists() else "", sep="\n")
            sys.exit(1)
    print("3 passed, 0 failed, 0 skipped")


if __name__ == "__main__":
    main()
