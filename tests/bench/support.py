# SPDX-License-Identifier: Apache-2.0
"""What the HTTP benches share: machine facts, servers pinned to a core, what a process
costs by /proc, and runs of `skerry loadtest`.

Everything a bench starts it also stops, by process id; ports are free ones of the
loopback address; data lives in a temporary directory.
"""
import contextlib
import json
import os
import pathlib
import platform
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
READY_SECONDS = 20


def machine_facts():
    model = "unknown CPU"
    for line in open("/proc/cpuinfo", encoding="utf-8"):
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "load_1m": round(os.getloadavg()[0], 2),
    }


def print_facts():
    facts = machine_facts()
    print(f"machine: {facts['cpu']}, {facts['cores']} cores, Linux {facts['kernel']}, "
          f"load {facts['load_1m']} before the run")


def die(text):
    sys.exit(f"{pathlib.Path(sys.argv[0]).name}: {text}")


def verdict(good):
    return "met" if good else "MISSED"


def find_program(build, name):
    """A program of the build directory, wherever meson put it."""
    for place in (name, f"tests/bench/{name}", f"server/{name}"):
        path = pathlib.Path(build) / place
        if path.is_file():
            return str(path.resolve())
    die(f"{build}/{name} is not built; run `meson compile -C {build}`")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def pick_cores():
    """One core for the server, one for the client; the same if there is only one."""
    cores = sorted(os.sched_getaffinity(0))
    return cores[0], cores[-1]


class Server:
    """A process pinned to one core, with all its children."""

    def __init__(self, name, arguments, port, core):
        self.name = name
        self.port = port
        self.process = subprocess.Popen(
            arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            preexec_fn=lambda: os.sched_setaffinity(0, {core}))
        deadline = time.monotonic() + READY_SECONDS
        while not self.listens():
            if self.process.poll() is not None:
                die(f"{name} ended with {self.process.returncode} instead of serving: "
                    f"{' '.join(arguments)}")
            if time.monotonic() > deadline:
                self.stop()
                die(f"{name} does not listen on port {port} after {READY_SECONDS} s")
            time.sleep(0.002)
        self.ready_at = time.monotonic()

    def unpin(self):
        """Lets the processes run on any core; those they start later too."""
        cores = os.sched_getaffinity(os.getpid())
        for pid in self.pids():
            os.sched_setaffinity(pid, cores)

    def listens(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def pids(self):
        return [self.process.pid] + descendants(self.process.pid)

    def cpu_seconds(self):
        """User and system time of the whole tree, so far."""
        return sum(cpu_seconds(pid) for pid in self.pids())


class SkerryServer(Server):
    """`skerry serve` with one worker; on a data directory of its own if none is given, with the
    text of a skerry.yaml if there is one, more arguments, below the words of a program that starts
    others."""

    def __init__(self, skerry, core, data=None, config=None, prefix=(), workers=1, more=()):
        self.given = data is not None
        self.data = data or tempfile.mkdtemp(prefix="skerry-bench-")
        self.admin_socket = f"{self.data}/admin.sock"
        self.said = b""
        port = free_port()
        arguments = [*prefix, skerry, "serve", "--data", self.data, "--listen", f"127.0.0.1:{port}",
                     "--admin-socket", self.admin_socket, "--workers", str(workers), *more]
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            if config is not None:
                file.write(config)
                file.flush()
                arguments += ["--config", file.name]
            super().__init__("skerry", arguments, port, core)

    def listens(self):
        """It says so, on a line of its own; the port takes connections long before."""
        if select.select([self.process.stdout], [], [], 0)[0]:
            self.said += os.read(self.process.stdout.fileno(), 4096)
        return self.said.endswith(b"\nready\n")

    def stop(self):
        super().stop()
        if not self.given:
            shutil.rmtree(self.data, ignore_errors=True)

    def workers(self):
        """Children that serve requests."""
        return [pid for pid in descendants(self.process.pid)
                if command(pid).split()[1:2] == ["worker"]]


class Connection:
    """A kept HTTP/1.1 connection, with no more of HTTP than the server's answers need (the
    standard library's client is slower than the server, and hidden by http.py here)."""

    def __init__(self, family, address):
        self.socket = socket.socket(family)
        self.socket.settimeout(120)
        self.socket.connect(address)
        if family == socket.AF_INET:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def exchange(self, method, path, body=b""):
        """The status, the headers' block in lower case, and the body."""
        self.socket.sendall(f"{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: "
                            f"{len(body)}\r\n\r\n".encode() + body)
        data = b""
        while b"\r\n\r\n" not in data:
            data += self.receive()
        head, _, content = data.partition(b"\r\n\r\n")
        head = head.decode("latin-1").lower()
        count = int(head.split("content-length:", 1)[1].split("\r\n", 1)[0])
        while len(content) < count:
            content += self.receive()
        return int(head.split(" ", 2)[1]), head, content

    def receive(self):
        data = self.socket.recv(65536)
        if not data:
            die("the server closed a connection")
        return data


class Admin(Connection):
    """The admin API over its socket; one connection for each thread."""

    def __init__(self, path):
        super().__init__(socket.AF_UNIX, path)

    def deploy(self, tenant, function, module, query=""):
        status, _, text = self.exchange(
            "PUT", f"/v1/tenants/{tenant}/functions/{function}{query}", module)
        if status not in (200, 201):
            die(f"deploying {tenant}/{function}: {status} {text.decode()}")

    def limit(self, tenant, limits):
        status, _, text = self.exchange("PUT", f"/v1/tenants/{tenant}/limits", limits.encode())
        if status != 200:
            die(f"limits of tenant {tenant}: {status} {text.decode()}")


def command(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8").replace("\0", " ")
    except OSError:
        return ""


def descendants(pid):
    found = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            children = pathlib.Path(f"/proc/{pid}/task/{task}/children").read_text("ascii")
            for child in map(int, children.split()):
                found += [child] + descendants(child)
    except OSError:
        pass
    return found


def cpu_seconds(pid):
    """To the nanosecond where the kernel counts so, of threads that still are; else to its tick."""
    with contextlib.suppress(OSError):
        return sum(int(path.read_text().split()[0]) for path in
                   pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return 0
    fields = stat.rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


def memory_kib(pids):
    """Sums of smaps_rollup, and the page tables of /proc/PID/status."""
    wanted = {"Rss": 0, "Pss": 0, "Private_Dirty": 0, "VmPTE": 0}
    for pid in pids:
        for name in ("smaps_rollup", "status"):
            for line in open(f"/proc/{pid}/{name}", encoding="utf-8"):
                key, _, value = line.partition(":")
                if key in wanted:
                    wanted[key] += int(value.split()[0])
    return wanted


def pin(core, niceness=0):
    """For what is about to be started; who may not go before others stays where he is."""
    os.sched_setaffinity(0, {core})
    with contextlib.suppress(PermissionError):
        os.nice(niceness)


FIRST_HELP = "worker and victim before all else on a machine that is busy (SCHED_FIFO, as root)"


def go_first(pid, wanted=True):
    """The kernel lets nothing go before it that is not as urgent."""
    if wanted:
        os.sched_setscheduler(pid, os.SCHED_FIFO, os.sched_param(1))


@contextlib.contextmanager
def first(wanted):
    """The same for what is started meanwhile."""
    go_first(0, wanted)
    try:
        yield
    finally:
        if wanted:
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def loadtest(skerry, core, *arguments, niceness=0):
    """Runs the load generator on its core; returns its JSON report."""
    done = subprocess.run(
        [skerry, "loadtest", *arguments, "--json"], stdout=subprocess.PIPE,
        preexec_fn=lambda: pin(core, niceness), check=False)
    if done.returncode != 0:
        die(f"`skerry loadtest {' '.join(arguments)}` ended with {done.returncode}")
    return json.loads(done.stdout)
