#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Finds what the JavaScript engine is built from, or says what is missing.

    quickjs.py BUILD_FOLDER

QuickJS-ng comes from the crate that carries its whole source; version and hash are pinned here.
cargo unpacks it below the build folder; nothing of Rust is compiled, so what the crate needs for
that is left out. Prints two lines: QuickJS' folder, and the library of what clang's code for Wasm
calls. Otherwise one line on stderr that says what is missing, and the exit status is 1.
"""
import json
import pathlib
import shutil
import subprocess
import sys

CRATE = "rquickjs-sys"
VERSION = "0.14.0"
SHA256 = "cee271d0eeba64f0915b846cb7ae02e16faf3dfdffdca91731101d9d30fe3423"
MANIFEST = """[package]
name = "{name}"
version = "{version}"
[lib]
path = "none.rs"
{more}"""
NEEDS = f"""[dependencies]
{CRATE} = "={VERSION}"
[patch.crates-io]
cc = {{ path = "cc" }}
"""


def missing(what):
    print(f"JavaScript functions are left out: {what}", file=sys.stderr)
    sys.exit(1)


def write_package(folder, name, version, more):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "Cargo.toml").write_text(MANIFEST.format(name=name, version=version, more=more))
    (folder / "none.rs").write_text("")


def unpack(build):
    """The crate's source, fetched once."""
    vendored = build / "vendor"
    source = vendored / CRATE / "quickjs"
    if (source / "quickjs.c").exists():
        return source
    if shutil.which("cargo") is None:
        missing("cargo is not installed (Debian: apt-get install cargo)")
    write_package(build / "cc", "cc", "1.99.0", "")  # its build script's, which is not run
    write_package(build, "quickjs", "0.0.0", NEEDS)
    done = subprocess.run(["cargo", "vendor", "--quiet", str(vendored)], cwd=build,
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        missing(f"cargo cannot fetch {CRATE} {VERSION}: {done.stderr.strip()}")
    found = json.loads((vendored / CRATE / ".cargo-checksum.json").read_text())["package"]
    if found != SHA256:
        shutil.rmtree(vendored)
        missing(f"{CRATE} {VERSION} has the hash {found}, not the one that is pinned")
    return source


def find_builtins():
    """Where clang would look, and where Debian has put it."""
    found = subprocess.run(["clang-19", "--target=wasm32-wasi", "--print-libgcc-file-name"],
                           capture_output=True, text=True, check=False).stdout.strip()
    beside = pathlib.Path(found).parent if found else pathlib.Path("/nowhere")
    for folder in (beside, *pathlib.Path("/usr/lib/llvm-19").glob("lib/clang/19*/lib/*")):
        for path in sorted(folder.glob("libclang_rt.builtins*.a")):
            if "wasm32" in path.name or folder.name in ("wasi", "wasm32-unknown-wasi"):
                return path
    return missing("the library of wasm32 is not installed "
                   "(Debian: apt-get install libclang-rt-19-dev-wasm32)")


def main():
    for tool, package in (("clang-19", "clang-19"), ("wasm-ld-19", "lld-19")):
        if shutil.which(tool) is None:
            missing(f"{tool} is not installed (Debian: apt-get install {package})")
    if not pathlib.Path("/usr/lib/wasm32-wasi/libc.a").exists():
        missing("the C library of wasm32 is not installed (Debian: apt-get install wasi-libc)")
    builtins = find_builtins()
    print(unpack(pathlib.Path(sys.argv[1])))
    print(builtins)


if __name__ == "__main__":
    main()
