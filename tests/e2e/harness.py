# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests stand on: a server of one's own, clients for both planes, guests.

A `Server` is `skerry serve` on random ports with a data directory of its own, in a session of its
own, so that a whole tree can be killed and nothing of anybody else's is ever touched. stop()
insists on a clean exit, and that no sanitizer has written a word.
"""
import concurrent.futures
import contextlib
import functools
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
GUESTS = ROOT / "tests" / "guests"
SHARED = pathlib.Path(os.environ.get("SKERRY_SHARED", ROOT.parent / "shared"))
SANITIZED = "ASAN_OPTIONS" in os.environ
PATIENCE = 4 if SANITIZED else 1    # factor on time limits
START_SECONDS = 15 * PATIENCE
STOP_SECONDS = 20 * PATIENCE

_scratch = tempfile.TemporaryDirectory(prefix="skerry-e2e-")
SCRATCH = pathlib.Path(_scratch.name)


def skerry_path():
    return os.environ.get("SKERRY", str(ROOT / "build" / "skerry"))


def has_javascript():
    """Was this build made where cargo, wasi-libc and libclang-rt-19-dev-wasm32 were?"""
    done = subprocess.run([skerry_path(), "version"], capture_output=True, text=True, check=True)
    return "no JavaScript" not in done.stdout


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_until(condition, seconds, what):
    """Polls until condition() is true; its last value is returned."""
    deadline = time.monotonic() + seconds * PATIENCE
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds * PATIENCE} s: {what}")
        time.sleep(0.005)


# ---- guests -----------------------------------------------------------------------------------

@functools.lru_cache(maxsize=None)
def guest(name):
    """The bytes of tests/guests/e2e_<name>.wat, translated by wat2wasm."""
    return wat((GUESTS / f"e2e_{name}.wat").read_text(), name=name)


def wat(text, *features, name="inline"):
    source = SCRATCH / f"{name}-{threading.get_ident()}.wat"
    target = source.with_suffix(".wasm")
    source.write_text(text)
    if shutil.which("wat2wasm") is None:
        raise unittest.SkipTest("wat2wasm is not installed (apt-get install wabt)")
    subprocess.run(["wat2wasm", "--enable-tail-call", *features, "-o", target, source], check=True)
    return target.read_bytes()


def c_guest(name, text):
    """A function in C, with the header for guests."""
    clang, linker = shutil.which("clang-19"), shutil.which("wasm-ld-19")
    if clang is None or linker is None:
        raise unittest.SkipTest("clang-19 and lld-19 are not installed")
    target = SCRATCH / name
    target.with_suffix(".c").write_text(text)
    subprocess.run([clang, "--target=wasm32", "-O2", "-Wall", "-Wextra", "-Werror",
                    "-ffreestanding", "-I", ROOT / "hostapi" / "guest", "-c",
                    "-o", target.with_suffix(".o"), target.with_suffix(".c")], check=True)
    subprocess.run([linker, "--no-entry", "-o", target.with_suffix(".wasm"),
                    target.with_suffix(".o")], check=True)
    return target.with_suffix(".wasm").read_bytes()


TEXT_MARK = b"text-00000000"


def text_guest(text):
    """A function that answers `text` (13 bytes), the name of one deploy among many."""
    text = text.encode() if isinstance(text, str) else text
    assert len(text) == len(TEXT_MARK)
    module = guest("text")
    assert module.count(TEXT_MARK) == 1
    return module.replace(TEXT_MARK, text)


def write_guest(name, module):
    path = SCRATCH / f"{name}.wasm"
    path.write_bytes(module)
    return str(path)


def shared_module(name):
    path = SHARED / "modules" / name
    if not path.exists():
        raise unittest.SkipTest(f"no {path} (set SKERRY_SHARED)")
    return path


# ---- HTTP -------------------------------------------------------------------------------------

class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers      # http.client.HTTPMessage
        self.body = body

    @property
    def text(self):
        return self.body.decode("utf-8", errors="replace")

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {dict(self.headers)} {self.body[:500]!r}"


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def exchange(connection, method, target, body=None, headers=None):
    connection.request(method, target, body=body, headers=headers or {})
    response = connection.getresponse()
    return Answer(response.status, response.headers, response.read())


def raw(port, data, seconds=10):
    """Sends bytes, closes the sending side's turn, and returns all that comes back."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds * PATIENCE) as s:
        with contextlib.suppress(ConnectionError):
            s.sendall(data)
        received = b""
        with contextlib.suppress(ConnectionError, socket.timeout):
            while chunk := s.recv(65536):
                received += chunk
        return received


# ---- processes --------------------------------------------------------------------------------

def children_of(pid):
    """Direct children, as {pid: command line}."""
    found = {}
    tasks = []
    with contextlib.suppress(OSError):  # ENOENT, or ESRCH from one that ends just now
        tasks = os.listdir(f"/proc/{pid}/task")
    for task in tasks:
        with contextlib.suppress(OSError):
            for child in pathlib.Path(f"/proc/{pid}/task/{task}/children").read_text().split():
                with contextlib.suppress(OSError):
                    line = pathlib.Path(f"/proc/{child}/cmdline").read_bytes()
                    found[int(child)] = line.replace(b"\0", b" ").decode(errors="replace").strip()
    return found


def pids_of(control, verb):
    """Children of a server that were started with this verb."""
    return [p for p, line in children_of(control).items() if line.split()[1:2] == [verb]]


def memory_mib(pid, key="VmRSS"):
    """What /proc says of a process; 0 of one that has gone."""
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    found = re.search(rf"^{key}:\s+(\d+) kB", status, re.M)
    return int(found[1]) / 1024 if found else 0.0


def tree_of(pid):
    found = [pid]
    for child in children_of(pid):
        found += tree_of(child)
    return found


def memory_has(pid, text):
    """Is it anywhere in what the process may read?"""
    found = False
    maps = pathlib.Path(f"/proc/{pid}/maps").read_text()
    with open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for first, last in re.findall(r"^(\w+)-(\w+) r", maps, re.M):
            at, end = int(first, 16), int(last, 16)
            while at < end and not found:
                try:
                    memory.seek(at)
                    piece = memory.read(min(end - at, 1 << 24))
                except (OSError, ValueError, OverflowError):
                    break
                if not piece:
                    break
                found = text in piece
                at += len(piece)
    return found


class Server:
    def __init__(self, workers=2, config=None, data=None, arguments=(), prefix=()):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="s", dir=SCRATCH))
        self.data = pathlib.Path(data) if data else self.home / "data"
        self.socket = str(self.home / "admin.sock")
        self.port = free_port()
        self.arguments = ["--data", str(self.data), "--listen", f"127.0.0.1:{self.port}",
                          "--admin-socket", self.socket, "--workers", str(workers)]
        self.workers = workers
        if config is not None:
            path = self.home / "skerry.yaml"
            path.write_text(config)
            self.arguments += ["--config", str(path)]
        self.arguments += arguments
        self.prefix = list(prefix)
        self.process = None
        self.output = []
        self.log_path = self.home / "log"

    # -- life --

    def environment(self):
        environment = dict(os.environ)
        environment.update(SKERRY_DATA_DIR=str(self.data), XDG_CONFIG_HOME=str(self.home),
                           SKERRY_URL=f"unix:{self.socket}")
        environment.pop("SKERRY_TOKEN", None)
        environment.pop("SKERRY_TENANT", None)
        return environment

    def spawn(self):
        """Starts without waiting for readiness."""
        command = self.prefix + [skerry_path(), "serve"] + self.arguments
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
                env=self.environment(), start_new_session=True)
        self.ready = threading.Event()
        self.output = []
        threading.Thread(target=self._read, args=(self.process.stdout,), daemon=True).start()

    def _read(self, stream):
        for line in stream:
            text = line.decode(errors="replace").rstrip("\n")
            self.output.append(text)
            if text.strip() == "ready":
                self.ready.set()

    def start(self):
        self.spawn()
        deadline = time.monotonic() + START_SECONDS
        while not self.ready.wait(0.01):
            if self.process.poll() is not None:
                raise AssertionError(f"serve left with {self.process.returncode}: {self.story()}")
            if time.monotonic() > deadline:
                self.kill_tree()
                raise AssertionError(f"not ready after {START_SECONDS} s: {self.story()}")
        return self

    def stop(self):
        """SIGTERM, and all is well."""
        if self.process is None:
            return
        tree = tree_of(self.process.pid)
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill_tree()
            raise AssertionError(f"SIGTERM was not enough: {self.story()}") from None
        finally:
            self.process = None
        left = [p for p in tree if os.path.exists(f"/proc/{p}/exe")]
        wait_until(lambda: not [p for p in left if os.path.exists(f"/proc/{p}/exe")], 5,
                   f"processes left behind: {left}")
        self.check_log()
        if status != 0:
            raise AssertionError(f"serve ended with status {status}: {self.story()}")

    def kill_tree(self):
        """kill -9 of everything this server started, as a power cut would."""
        if self.process is None:
            return
        for pid in tree_of(self.process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None
        self.check_log()

    def check_log(self):
        log = self.log()
        for word in ("AddressSanitizer", "LeakSanitizer", "runtime error:", "ASSERT", "Assertion",
                     '"event":"wall"'):
            if word in log:
                raise AssertionError(f"{word} in the server's log:\n{log[-8000:]}")

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def guest_log(self, name, tenant="default", query="?limit=10000"):
        """What the function logged and how it failed, a JSON object a line."""
        answer = self.admin("GET", f"/v1/tenants/{tenant}/functions/{name}/logs{query}")
        if answer.status != 200:
            raise AssertionError(f"log of {tenant}/{name}: {answer}")
        return answer.text

    def story(self):
        return "\n".join(self.output[-20:]) + "\n" + self.log()[-4000:]

    def worker_pids(self):
        return self.pids_of("worker")

    def pids_of(self, verb):
        return pids_of(self.process.pid, verb)

    # -- clients --

    def admin(self, method, target, body=None, headers=None, seconds=60):
        connection = UnixConnection(self.socket, seconds * PATIENCE)
        with contextlib.closing(connection):
            return exchange(connection, method, target, body, headers)

    def put(self, name, module, tenant="default", query=""):
        return self.admin("PUT", f"/v1/tenants/{tenant}/functions/{name}{query}", module,
                          {"Content-Type": "application/wasm"})

    def deploy(self, name, module, tenant="default"):
        """Deploys and insists on success."""
        answer = self.put(name, module, tenant)
        if answer.status not in (200, 201):
            raise AssertionError(f"deploy of {tenant}/{name}: {answer}")
        return answer

    def connect(self, seconds=60):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds * PATIENCE)

    def get(self, name, target="/", tenant="default", method="GET", body=None, headers=None,
            seconds=60):
        """A request by path: /f/{tenant}/{name}{target}."""
        with contextlib.closing(self.connect(seconds)) as connection:
            return exchange(connection, method, f"/f/{tenant}/{name}{target}", body, headers)

    def get_host(self, name, target="/", tenant="default", method="GET", body=None):
        """The same by host: {name}.{tenant}.localhost."""
        with contextlib.closing(self.connect()) as connection:
            return exchange(connection, method, target, body,
                            {"Host": f"{name}.{tenant}.localhost:{self.port}"})

    def cli(self, *arguments, check=None, stdin=None):
        done = subprocess.run([skerry_path(), *arguments], env=self.environment(),
                              stdin=stdin or subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=120 * PATIENCE, check=False)
        if check is not None and done.returncode != check:
            raise AssertionError(f"skerry {' '.join(arguments)}: status {done.returncode}\n"
                                 f"{done.stdout}{done.stderr}")
        return done

    def functions(self, tenant="default"):
        """Names the admin API lists, as a set."""
        answer = self.admin("GET", f"/v1/tenants/{tenant}/functions")
        if answer.status == 404:
            return set()
        listing = answer.json
        rows = listing.get("functions", listing) if isinstance(listing, dict) else listing
        return {row["function"] if "function" in row else row["name"] for row in rows}

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, value, trace):
        if kind is None:
            self.stop()
            return
        story = self.story()
        self.kill_tree()
        value.add_note(f"---- the server said ----\n{story}")


class ServerTest(unittest.TestCase):
    """One server for all tests of a class."""
    config = None
    workers = 2
    server = None

    @classmethod
    def setUpClass(cls):
        cls.server = Server(workers=cls.workers, config=cls.config).start()
        # Also if what a class does after this is skipped or fails.
        cls.addClassCleanup(cls.server.stop)

    def problem(self, answer, status, code=None):
        """An RFC 9457 answer with a code, and never more of the guest than that."""
        self.assertEqual(answer.status, status, answer)
        self.assertTrue(answer.headers.get("content-type", "").startswith(
            "application/problem+json"), answer)
        detail = answer.json
        self.assertTrue(detail.get("code"), answer)
        if code is not None:
            self.assertEqual(detail["code"], code, answer)
        return detail


def in_parallel(count, function):
    """Runs function(i) for i < count at the same time; results in order."""
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return list(pool.map(function, range(count)))


class Load:
    """Threads that ask without pause until told to stop, and remember how it went."""

    def __init__(self, threads, ask):
        self.ask = ask              # returns anything; an exception is a failure
        self.results = []
        self.failures = []
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self._run) for _ in range(threads)]

    def _run(self):
        while not self.stopping.is_set():
            started = time.monotonic()
            try:
                self.results.append((started, self.ask()))
            except Exception as failure:  # pylint: disable=broad-except
                self.failures.append((started, failure))

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join()
