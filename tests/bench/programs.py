#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Builds the real programs of `tests/bench/engine.py --real`: libraries people use, each with a
workload of about a second, as WASI commands.

    tests/bench/programs.py [--build DIR] [NAME ...]

The workloads are programs/*.c. The libraries' sources come from packages on Rust's registry, which
carry them for their bindings: `cargo vendor` fetches them into DIR/programs/vendor, no cargo build
script runs, and each package must have the checksum written here. clang-19 compiles them with
Debian's wasi-libc and libclang-rt-19-dev-wasm32. What is built already is kept as long as it is
newer than this file and the workloads.

Each program's output is written here as well: an engine that prints anything else has failed.
"""
import argparse
import concurrent.futures
import dataclasses
import os
import pathlib
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import support  # noqa: E402

HERE = support.ROOT / "tests" / "bench" / "programs"
COMPILER = ["clang-19", "--target=wasm32-wasi", "-O2", "-w", "-Wl,-z,stack-size=1048576",
            f"-I{HERE}/include", f"-I{HERE}"]

# package: version, checksum
PACKAGES = {
    "libcmark-sys": ("0.1.0", "764d58775039a6852421350aaa8124cdd42d0cd16bb0669bddeb035ea12c7065"),
    "libsqlite3-sys": ("0.31.0",
                       "ad8935b44e7c13394a179a438e0cebba0fe08fe01b54f152e29a93b5cf993fd4"),
    "lua-src": ("547.0.0", "1edaf29e3517b49b8b746701e5648ccb5785cde1c119062cbabbc5d5cd115e42"),
    "pcre2-sys": ("0.2.9", "550f5d18fb1b90c20b87e161852c10cde77858c3900c5059b5ad2a1449f11d8a"),
    "rquickjs-sys": ("0.9.0", "7fed0097b0b4fbb2a87f6dd3b995a7c64ca56de30007eb7e867dfdfc78324ba5"),
    "yyjson-sys": ("0.1.0", "4ed7a5810c650d227cae9d2cb1c73cf0d6d5901181cb2a53dc07007dfcead82c"),
    "zstd-sys": ("2.0.13", "38ff0f21cfee8f97d94cef41359e0c89aa6113028ab0291aa8ca0038995a95aa"),
}


@dataclasses.dataclass
class Program:
    """Sources are patterns below the package; those that end in a name of `without` are not
    compiled. The folders with sources are also those with headers."""
    package: str | None
    sources: list
    flags: list
    output: str
    without: tuple = ()

    def files(self, vendor):
        found = [path for pattern in self.sources
                 for path in sorted((vendor / self.package).glob(pattern))]
        return [path for path in found if path.name not in self.without]


PROGRAMS = {
    "lua": Program(
        "lua-src", ["lua-5.4.7/*.c"],
        ["-D_WASI_EMULATED_SIGNAL", "-lwasi-emulated-signal", "-Dluai_makeseed(state)=1",
         "-Dl_randomizePivot()=1"],
        "556638\t300001.0\t188891",
        ("linit.c", "liolib.c", "loadlib.c", "loslib.c", "lua.c", "luac.c")),
    "sqlite": Program(
        "libsqlite3-sys", ["sqlite3/sqlite3.c"],
        ["-DSQLITE_OS_OTHER", "-DSQLITE_THREADSAFE=0", "-DSQLITE_TEMP_STORE=3",
         "-DSQLITE_OMIT_LOAD_EXTENSION"],
        "3705 18525348.0 name19995 name100 374 name16 374 name38 374 1067136724675.0 24 "
        "3209409.0"),
    "quickjs": Program(
        "rquickjs-sys", ["quickjs/" + name for name in (
            "cutils.c", "libbf.c", "libregexp.c", "libunicode.c", "quickjs.c")],
        ["-D_GNU_SOURCE"],
        "119393,49995000,5000,111127776111,1175969724"),
    "json": Program("yyjson-sys", ["yyjson/src/yyjson.c"], [], "598178 2794e030"),
    "markdown": Program(
        "libcmark-sys", ["cmark/src/*.c"], [f"-I{HERE}/include/cmark"],
        "396410 3167f557",
        ("main.c",)),
    "zstd": Program(
        "zstd-sys", [f"zstd/lib/{part}/*.c" for part in ("common", "compress", "decompress")],
        ["-DZSTD_DISABLE_ASM"],
        "403853 baea21e5 358056 efbd26ab 347508 b2b3c373"),
    "regex": Program(
        "pcre2-sys", ["upstream/src/*.c"],
        ["-DPCRE2_CODE_UNIT_WIDTH=8", "-DPCRE2_STATIC", "-DHAVE_CONFIG_H", "-DSUPPORT_PCRE2_8",
         "-DSUPPORT_UNICODE", "-DHAVE_MEMMOVE"],
        "2697 15717c51 765 07aed745 2697 d8697cce 742 07bd3769 1202 e49bd931 1308 c5ec336c "
        "1370 f78766eb",
        ("pcre2_jit_match.c", "pcre2_jit_misc.c", "pcre2_ucptables.c", "pcre2_jit_compile.c")),
    "simd": Program(None, [], ["-msimd128"], "9826fafc 7b258efd b45562a7 1"),
}


def vendored(folder):
    """The folder with the packages, fetched if need be; each is what PACKAGES says."""
    vendor = folder / "vendor"
    manifest = "[package]\nname = \"programs\"\nversion = \"0.0.0\"\n[dependencies]\n" + "".join(
        f"{name} = {{ version = \"={version}\", default-features = false }}\n"
        for name, (version, _) in PACKAGES.items())
    if not vendor.is_dir() or (folder / "Cargo.toml").read_text() != manifest:
        (folder / "src").mkdir(exist_ok=True)
        (folder / "src" / "lib.rs").touch()
        (folder / "Cargo.toml").write_text(manifest)
        subprocess.run(["cargo", "vendor", "--quiet"], cwd=folder, check=True,
                       stdout=subprocess.DEVNULL)
    for name, (_, checksum) in PACKAGES.items():
        text = (vendor / name / ".cargo-checksum.json").read_text()
        if f'"package":"{checksum}"' not in text:
            support.die(f"{vendor / name}: not the package with checksum {checksum}")
    return vendor


def compile_program(name, program, folder):
    target = folder / f"{name}.wasm"
    if program.package is None:
        files = []
    else:
        files = program.files(vendored(folder))
        if not files:
            support.die(f"{program.package}: no sources in it")
    headers = sorted({f"-I{path.parent}" for path in files} |
                     {f"-I{path.parent.parent}/include" for path in files})
    unfinished = target.with_suffix(".new")
    done = subprocess.run(
        [*COMPILER, f"-fuse-ld={shutil.which('wasm-ld-19') or 'lld'}", *headers,
         str(HERE / f"{name}.c"), *map(str, files), *program.flags, "-o", str(unfinished)],
        stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        support.die(f"{name} does not compile:\n{done.stderr}")
    unfinished.rename(target)


def is_new(target):
    newest = max(path.stat().st_mtime for path in [pathlib.Path(__file__), *HERE.rglob("*.*")])
    return target.is_file() and target.stat().st_mtime > newest


def build(build_folder, names=None):
    """{name: (file, the output it must have)} of the programs, built where they are not."""
    folder = pathlib.Path(build_folder) / "programs"
    folder.mkdir(parents=True, exist_ok=True)
    names = names or list(PROGRAMS)
    old = [name for name in names if not is_new(folder / f"{name}.wasm")]
    if any(PROGRAMS[name].package for name in old):
        vendored(folder)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda name: compile_program(name, PROGRAMS[name], folder), old))
    return {name: (str(folder / f"{name}.wasm"), PROGRAMS[name].output) for name in names}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=str(support.ROOT / "build"))
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(PROGRAMS))
    options = parser.parse_args()
    for path, _ in build(options.build, options.names).values():
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
