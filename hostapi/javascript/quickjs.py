#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Finds what the JavaScript engine is built from, or says what is missing.

    quickjs.py BUILD_FOLDER

QuickJS-ng, zlib and brotli come from crates that carry their whole source; versions and hashes are
pinned here. cargo unpacks them below the build folder; nothing of Rust is compiled, so what the
crates need for that is left out. Prints four lines: QuickJS' folder, the library of what clang's
code for Wasm calls, zlib's folder, and brotli's. Otherwise one line on stderr that says what is
missing, and the exit status is 1.
"""
import json
import pathlib
import shutil
import subprocess
import sys

# Crate, version, hash, the folder that is wanted of it, a file that is there then.
CRATES = [
    ("rquickjs-sys", "0.14.0", "cee271d0eeba64f0915b846cb7ae02e16faf3dfdffdca91731101d9d30fe3423",
     "quickjs", "quickjs.c"),
    ("libz-sys", "1.1.33", "fee3f59f4321dab0c78d828942e7aa09d0bd8ad6e78a501977e6bf3d02938045",
     "src/zlib", "inflate.c"),
    ("compu-brotli-sys", "1.2.1",
     "8e5441340e35589c9723079f484dd22c1d76956c11bded050db8bebc9eab4895",
     "brotli/c", "include/brotli/encode.h"),
]
# What their build scripts, which are not run, and their parts in Rust would need.
STUBS = {"cc": "1.99.0", "libc": "0.2.999", "pkg-config": "0.3.99", "vcpkg": "0.2.99"}
MANIFEST = """[package]
name = "{name}"
version = "{version}"
[lib]
path = "none.rs"
{more}"""
NEEDS = ("[dependencies]\n"
         + "".join(f'{name} = {{ version = "={version}", default-features = false }}\n'
                   for name, version, *_ in CRATES)
         + "[patch.crates-io]\n" + "".join(f'{name} = {{ path = "{name}" }}\n' for name in STUBS))


def missing(what):
    print(f"JavaScript functions are left out: {what}", file=sys.stderr)
    sys.exit(1)


def write_package(folder, name, version, more):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "Cargo.toml").write_text(MANIFEST.format(name=name, version=version, more=more))
    (folder / "none.rs").write_text("")


def unpack(build):
    """The crates' sources, fetched once."""
    vendored = build / "vendor"
    folders = [vendored / name / folder for name, _, _, folder, _ in CRATES]
    if all((folder / row[4]).exists() for folder, row in zip(folders, CRATES)):
        return folders
    if shutil.which("cargo") is None:
        missing("cargo is not installed (Debian: apt-get install cargo)")
    for name, version in STUBS.items():
        write_package(build / name, name, version, "")
    write_package(build, "quickjs", "0.0.0", NEEDS)
    (build / "Cargo.lock").unlink(missing_ok=True)
    done = subprocess.run(["cargo", "vendor", "--quiet", str(vendored)], cwd=build,
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        missing(f"cargo cannot fetch what it is made of: {done.stderr.strip()}")
    for name, version, digest, _, _ in CRATES:
        found = json.loads((vendored / name / ".cargo-checksum.json").read_text())["package"]
        if found != digest:
            shutil.rmtree(vendored)
            missing(f"{name} {version} has the hash {found}, not the one that is pinned")
    return folders


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
    quickjs, zlib, brotli = unpack(pathlib.Path(sys.argv[1]))
    print(quickjs, builtins, zlib, brotli, sep="\n")


if __name__ == "__main__":
    main()
