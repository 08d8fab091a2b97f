# SPDX-License-Identifier: Apache-2.0
"""What the lints look at: every file of the project that git does not ignore.

Files not yet committed count too, so that a lint speaks before the commit does. Without git (a
source archive) the tree is walked and what .gitignore names by folder is left out.
"""
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def all_files():
    """Paths relative to ROOT, sorted."""
    listing = None
    if shutil.which("git"):
        git = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT, capture_output=True, check=False)
        listing = git.stdout.decode() if git.returncode == 0 else None
    if listing is not None:
        names = [n for n in listing.split("\0") if n]
        paths = [pathlib.PurePosixPath(n) for n in names]
    else:
        skip = ("build", ".git", "node_modules", "target", "__pycache__")
        paths = [
            pathlib.PurePosixPath(p.relative_to(ROOT).as_posix())
            for p in ROOT.rglob("*")
            if not any(part.startswith(skip) for part in p.relative_to(ROOT).parts)
        ]
    return sorted(p for p in set(paths) if (ROOT / p).is_file())


def files(*suffixes):
    return [p for p in all_files() if p.suffix in suffixes]


def read(path):
    return (ROOT / path).read_text(encoding="utf-8", errors="replace")


def finish(name, problems, looked_at):
    """Prints the findings one a line and leaves with the exit status."""
    for problem in problems:
        print(problem)
    print(f"{name}: {looked_at} files, {len(problems)} problems")
    if looked_at == 0:
        print(f"{name}: no files found: the lint itself is broken")
    sys.exit(1 if problems or looked_at == 0 else 0)
