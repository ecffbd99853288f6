"""Build the sdist and the wheel of this checkout, and check both as a user would use them.

python tools/dist.py [--tag v0.1.0]

Results go to dist/. Needs the packages build and twine; everything else comes from the package index.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from zipfile import ZipFile

ROOT = Path(__file__).resolve().parents[1]
DIST = ROOT / "dist"
NOT_SHIPPED = (".github/", ".gitignore", ".pre-commit-config.yaml")
"""What only a git checkout can use."""
NETWORK = "zoo:nasnet-cifar"
USER = """
import hmcos

plan: hmcos.Plan = hmcos.schedule("zoo:nasnet-cifar", target="hmcos")
peak: int = plan.peak
order: tuple[int, ...] = plan.order
proved: bool = plan.status is hmcos.Status.OPTIMAL
problem: hmcos.Problem = hmcos.lower("zoo:nasnet-cifar")
"""
"""A user's program; a type checker accepts it in its strict mode only if it sees the types of the package."""
UNTYPED = "peak: str = hmcos.schedule('zoo:nasnet-cifar').peak"
"""And this line it must refuse."""


def run(*command: str | Path, cwd: Path = ROOT, env: Mapping[str, str] | None = None) -> str:
    """Return what a command prints.

    Raises:
        SystemExit: it fails; tells the command and all that it printed.
    """
    words = [str(word) for word in command]
    ended = subprocess.run(
        words, cwd=cwd, env=env, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    if ended.returncode:
        sys.exit(f"{' '.join(words)} ended with {ended.returncode}\n{ended.stdout}{ended.stderr}")
    return ended.stdout


def require(holds: object, message: str) -> None:
    """End the program with a message unless a condition holds."""
    if not holds:
        sys.exit(f"make dist: {message}")


def same(what: str, found: set[str], expected: set[str]) -> None:
    """End the program unless an archive holds exactly the expected files."""
    missing, extra = sorted(expected - found), sorted(found - expected)
    require(not missing and not extra, f"{what}: missing {missing[:9]}, not expected {extra[:9]}")


def bare_environment(**more: str) -> dict[str, str]:
    """Return the variables of this process without those that would let Python see this checkout."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))}
    return kept | more


def build() -> tuple[Path, Path]:
    """Return the sdist and the wheel, newly built; the wheel is built from the sdist."""
    for old in (*DIST.glob("hmcos-*.tar.gz"), *DIST.glob("hmcos-*.whl")):
        old.unlink()
    run(sys.executable, "-m", "build", "--outdir", DIST, env=bare_environment())
    (sdist,), (wheel,) = DIST.glob("hmcos-*.tar.gz"), DIST.glob("hmcos-*.whl")
    return sdist, wheel


def shipped() -> set[str] | None:
    """Return all files that a release ships, as git knows them; None outside of a git checkout."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        return None
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    return {name for name in listed if (ROOT / name).is_file() and not name.startswith(NOT_SHIPPED)}


def package_files() -> dict[str, bytes]:
    """Return the files of the package in this checkout and their contents."""
    files = (path for path in (ROOT / "src").rglob("*") if path.is_file())
    return {
        path.relative_to(ROOT / "src").as_posix(): path.read_bytes()
        for path in files
        if "__pycache__" not in path.parts and ".egg-info" not in path.as_posix()
    }


def check_sdist(sdist: Path, folder: Path) -> None:
    """Check that the sdist holds what a release ships, and that its tests of documents and package pass."""
    with tarfile.open(sdist) as packed:
        # It was built a moment ago; Python before 3.11.4 has no filter for files of strangers.
        safe: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        packed.extractall(folder, **safe)
    (top,) = folder.iterdir()
    found = {path.relative_to(top).as_posix() for path in top.rglob("*") if path.is_file()} - {"PKG-INFO"}
    expected = shipped()
    if expected is not None:
        same(sdist.name, found, expected)
    tests = ("tests/project/test_packaging.py", "tests/project/test_docs.py", "tests/models/test_examples.py")
    run(sys.executable, "-m", "pytest", *tests, cwd=top, env=bare_environment(PYTHONPATH=str(top / "src")))


def check_wheel(wheel: Path) -> None:
    """Check that the wheel holds the files of the package, byte for byte, and nothing else but metadata."""
    with ZipFile(wheel) as packed:
        held = {name: packed.read(name) for name in packed.namelist() if ".dist-info/" not in name}
    files = package_files()
    same(wheel.name, set(held), set(files))
    differing = [name for name, content in files.items() if held[name] != content]
    require(not differing, f"{wheel.name}: not as in the checkout: {differing[:9]}")
    require("hmcos/py.typed" in held, f"{wheel.name}: py.typed is missing: type checkers would see no types")


def empty_environment(folder: Path, wheel: Path) -> Path:
    """Return the folder of programs of a new environment that holds the wheel and what it needs, no pip."""
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    python = programs / "python"
    pip = (sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check")
    run(*pip, "install", wheel, env=bare_environment())
    run(*pip, "check", env=bare_environment())
    return programs


def check_installed(programs: Path, version: str, folder: Path) -> None:
    """Check the installed package from outside of the checkout: version, a schedule, its data files."""
    env = bare_environment()
    said = run(programs / "hmcos", "--version", cwd=folder, env=env)
    require(version in said, f"hmcos --version says {said!r}, the wheel is {version}")
    command = (programs / "hmcos", "schedule", NETWORK, "--target", "hmcos", "-o", "out", "--json")
    record = json.loads(run(*command, cwd=folder, env=env))
    require(record["status"] == "optimal", f"hmcos schedule {NETWORK} says {record['status']}")
    written = {path.name for path in (folder / "out").iterdir()}
    require({"nasnet-cifar.onnx", "plan.json"} <= written, f"hmcos schedule wrote {sorted(written)}")
    code = "import hmcos; print(hmcos.__path__[0])"
    package = Path(run(programs / "python", "-I", "-c", code, cwd=folder, env=env).strip())
    require(package.is_relative_to(programs.parent), f"hmcos was imported from {package}")
    for target in sorted(path.stem for path in package.rglob("targets/*.toml")):
        code = f"import hmcos; assert hmcos.load_target({target!r}).name == {target!r}"
        run(programs / "python", "-I", "-c", code, cwd=folder, env=env)


def check_types(programs: Path, folder: Path) -> None:
    """Check that a type checker sees the types of the installed package, and refuses their misuse."""
    settings = {"typeCheckingMode": "strict", "include": ["*.py"]}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    (folder / "user.py").write_text(USER)
    pyright = (sys.executable, "-m", "pyright", "--pythonpath", programs / "python")
    run(*pyright, cwd=folder, env=bare_environment())
    (folder / "misuse.py").write_text(f"import hmcos\n\n{UNTYPED}\n")
    words = [str(word) for word in pyright]
    refused = subprocess.run(words, cwd=folder, env=bare_environment(), capture_output=True, check=False)
    require(b"reportAssignmentType" in refused.stdout, "py.typed has no effect: a wrong type was accepted")


def check_tag(tag: str, version: str) -> None:
    """Check that a tag names the version that it releases, and that the changelog speaks of it."""
    require(tag == f"v{version}", f"tag {tag} does not belong to version {version}: it has to be v{version}")
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    stands = re.search(rf"^#+ .*\b{re.escape(version)}\b", changes, re.MULTILINE)
    require(stands, f"CHANGELOG.md has no heading for {version}")


def main(arguments: Sequence[str]) -> None:
    """Build and check; the first check that fails ends the program."""
    parser = argparse.ArgumentParser(description="Build the sdist and the wheel, and check both.")
    parser.add_argument("--tag", help="check that this tag belongs to the version, such as v0.1.0")
    tag = parser.parse_args(arguments).tag
    sdist, wheel = build()
    version = wheel.name.split("-")[1]
    if tag:
        check_tag(tag, version)
    run(sys.executable, "-m", "twine", "check", "--strict", sdist, wheel)
    check_wheel(wheel)
    with tempfile.TemporaryDirectory(prefix="hmcos-dist-") as name:
        folder = Path(name)
        for part in ("sdist", "work", "types"):
            (folder / part).mkdir()
        check_sdist(sdist, folder / "sdist")
        programs = empty_environment(folder / "environment", wheel)
        check_installed(programs, version, folder / "work")
        check_types(programs, folder / "types")
    for made in (sdist, wheel):
        print(f"{made.relative_to(ROOT)}: {made.stat().st_size:,} bytes, checked")


if __name__ == "__main__":
    main(sys.argv[1:])
