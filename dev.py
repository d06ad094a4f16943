#!/usr/bin/env python3
"""Everything a developer runs: ``python3 dev.py serve``, ``test``, ``lint`` …

Owns ``.venv``: made from the hashed ``requirements.lock``, with the distributions of this
checkout installed editable. Needs nothing but Python and pip, so it imports the standard library
only and must not import the distributions. A stamp in ``.venv`` says what it was made from: while
that holds, a start takes no set-up time and no network.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements.lock"
STAMP = VENV / "made-from"
WINDOWS = os.name == "nt"
PYTHONS = ((3, 11), (3, 12), (3, 13))
# Often enough to see that a step lives, seldom enough to read the rest.
PROGRESS_EVERY_S = 5.0
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM_PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
)
# The second package is for the emoji in messages, the third for Cyrillic and other scripts.
DEBIAN_BROWSER = ("chromium", "fonts-noto-color-emoji", "fonts-noto-core")
UNANNOTATED = ("--allow-untyped-defs", "--allow-incomplete-defs", "--allow-untyped-calls")
# One after another. The tests of a file stay together: they share a server. Kills and power cuts
# have a server each, whose many starts would slow browsers down.
TEST_RUNS = (
    ("-n=auto", "--maxprocesses=4", "--dist=loadfile", "-m=not crash and not alone"),
    ("-n=auto", "--maxprocesses=4", "--dist=worksteal", "-m=crash and not alone"),
    ("-m=alone",),
)
# So many failures of a run may be chance, and are tried once more; more than that are not.
TRIED_AGAIN = 5
DEBIAN_NODE = ("nodejs", "npm")


class Stopped(Exception):
    """A step failed; the text says what to do."""


def main(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code."""
    command, rest = _parse(arguments)
    use_a_supported_python(arguments)
    try:
        return COMMANDS[command][0](rest)
    except Stopped as stopped:
        print(f"dev.py: {stopped}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parse(arguments: Sequence[str]) -> tuple[str, list[str]]:
    listing = "\n".join(f"  {name:8}{text}" for name, (_, text) in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="dev.py",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="python3 dev.py COMMAND [ARGUMENTS]",
        description=f"commands:\n{listing}",
    )
    parser.add_argument(
        "command", choices=list(COMMANDS), help=argparse.SUPPRESS, metavar="COMMAND"
    )
    return parser.parse_args(arguments[:1]).command, list(arguments[1:])


def use_a_supported_python(arguments: Sequence[str]) -> None:
    """Go on in a supported Python if this one is not and another is installed."""
    if sys.version_info[:2] in PYTHONS:
        return
    for major, minor in PYTHONS:
        other = shutil.which(f"python{major}.{minor}")
        if other and _answers(other, "-c", "pass"):
            os.execv(other, [other, str(ROOT / "dev.py"), *arguments])
    have = ".".join(map(str, sys.version_info[:2]))
    sys.exit(f"dev.py: needs Python 3.11, 3.12 or 3.13; this is {have}.")


# Commands


def serve(arguments: list[str]) -> int:
    """Serve from this checkout; arguments go to ``dash-messenger serve``."""
    set_up()
    return become([program("dash-messenger"), "serve", *arguments])


def test(arguments: list[str]) -> int:
    """Run all tests, with every core those that may run beside others; or pytest as it is told."""
    set_up()
    os.environ["DASH_MESSENGER_CHROMIUM"] = find_chromium()
    if arguments:
        return become([program("python"), "-m", "pytest", *arguments])
    passed = [passes(run) for run in TEST_RUNS]
    return 0 if all(passed) else 1


def passes(run: Sequence[str]) -> bool:
    """Whether all tests of a run pass; few that fail are tried again, with nothing beside them.

    Both outcomes are printed: what passed at the second time depends on what else the machine does.
    """
    with tempfile.TemporaryDirectory() as cache:
        pytest = [program("python"), "-m", "pytest", "-o", f"cache_dir={cache}"]
        if succeeds([*pytest, *run, "--durations=10"]):
            return True
        failed = failed_tests(Path(cache))
        if not 0 < len(failed) <= TRIED_AGAIN:
            return False
        say("\n  ".join(["once more, with nothing beside them:", *failed]))
        return succeeds([*pytest, *failed])


def failed_tests(cache: Path) -> list[str]:
    """What failed in the last run of pytest with this cache."""
    found = cache / "v/cache/lastfailed"
    return sorted(json.loads(found.read_text())) if found.exists() else []


def lint(arguments: list[str]) -> int:
    """Run every static check, the later ones too when an earlier one complains."""
    set_up()
    fix = "--fix" in arguments
    tests = distribution_tests()
    # Modules are named from their folder of tests on, as its conftest.py lets them be imported.
    os.environ["MYPYPATH"] = os.pathsep.join(tests)
    checks = [
        ["ruff", "check", *(["--fix"] if fix else [])],
        ["ruff", "format", *([] if fix else ["--check"])],
        ["mypy"],
        # Tests may leave out annotations; what they do is checked all the same.
        *(["mypy", *UNANNOTATED, folder] for folder in ("bench", "tests")),
        *(["mypy", *UNANNOTATED, "--explicit-package-bases", folder] for folder in tests),
        ["lint-imports", "--no-logo"],
        ["codespell"],
        *(deptry_of(folder) for folder in distributions()),
    ]
    failed = []
    for name, *options in checks:
        say(" ".join([name, *options]))
        if not succeeds([program(name), *options]):
            failed.append(name)
    say(f"complaints from: {', '.join(failed)}" if failed else "all checks passed")
    return 1 if failed else 0


def distribution_tests() -> list[str]:
    """The test folders of the distributions that have any."""
    found = (folder / "tests" for folder in distributions())
    return [str(tests.relative_to(ROOT)) for tests in found if any(tests.rglob("*.py"))]


def deptry_of(folder: Path) -> list[str]:
    """The check that a distribution declares what it imports and imports what it declares."""
    options = ["--no-ansi", "--extend-exclude", ".*/tests/"]
    return ["deptry", *options, "--config", str(folder / "pyproject.toml"), str(folder)]


def lock(arguments: list[str]) -> int:
    """Write requirements.lock again from requirements.in; ``--upgrade`` takes newer versions."""
    set_up()
    own = [f"--no-emit-package={name_of(folder)}" for folder in distributions()]
    command = [
        *[program("uv"), "pip", "compile", "--quiet", "--universal", "--python-version=3.11"],
        *["--generate-hashes", "--no-emit-index-url", "--no-annotate", "--no-header"],
        *[*own, *arguments, "--output-file", LOCK.name, "requirements.in"],
    ]
    with step("Resolving requirements.in"):
        run(command)
    return 0


def bench(arguments: list[str]) -> int:
    """Run one benchmark of bench/ by name, or list them."""
    scripts = {p.stem: p.read_text() for p in sorted((ROOT / "bench").glob("*.py"))}
    names = [name for name, text in scripts.items() if "__main__" in text]
    if not arguments or arguments[0] not in names:
        print("benchmarks:", *names)
        return 2 if arguments else 0
    set_up()
    if "from browser import" in scripts[arguments[0]]:
        os.environ["DASH_MESSENGER_CHROMIUM"] = find_chromium()
    return become([program("python"), str(ROOT / "bench" / f"{arguments[0]}.py"), *arguments[1:]])


def bundle(arguments: list[str]) -> int:
    """Build the web components; ``--check`` fails when the committed ones differ."""
    find_node()
    webui = ROOT / "webui"
    with step("Installing the build tools of webui/"):
        run([find("npm"), "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=webui)
    action = "check" if "--check" in arguments else "build"
    with step(f"npm run {action}"):
        run([find("npm"), "run", "--silent", action], cwd=webui)
    return 0


def docs(arguments: list[str]) -> int:
    """Write what is generated from the code; ``--check`` fails when it is stale."""
    set_up()
    os.chdir(ROOT)
    run([program("python"), "webui/tools/wire_types.py", *arguments])
    return become([program("python"), "-m", "docs.generate", *arguments])


COMMANDS = {
    "serve": (serve, "serve from this checkout (--host --port --data --demo)"),
    "test": (test, "run all tests, or those that arguments to pytest name (-m unit)"),
    "lint": (lint, "ruff, mypy, import contracts, spelling, dependencies (--fix)"),
    "bench": (bench, "run a benchmark: bench NAME [--json]"),
    "bundle": (bundle, "build the web components from webui/src (--check)"),
    "docs": (docs, "write the parts of docs/ and webui/src/net that are generated (--check)"),
    "lock": (lock, "write requirements.lock from requirements.in (--upgrade)"),
}


# The environment


def set_up() -> None:
    """Make ``.venv`` what requirements.lock and the distributions say, if it is not."""
    wanted = fingerprint()
    if STAMP.is_file() and STAMP.read_text() == wanted:
        return
    with one_at_a_time():
        if STAMP.is_file() and STAMP.read_text() == wanted:
            return
        began_s = time.monotonic()
        if not _answers(program("python"), "-c", f"import sys; sys.exit({_is_other_python()})"):
            shutil.rmtree(VENV, ignore_errors=True)
            with step("Making .venv"):
                run([sys.executable, "-m", "venv", "--without-pip", str(VENV)])
        STAMP.unlink(missing_ok=True)
        install_locked()
        install_distributions()
        STAMP.write_text(wanted)
        say(f"Set up in {time.monotonic() - began_s:.0f} s")


def fingerprint() -> str:
    """What ``.venv`` depends on: this Python, this place, the lock, the distributions."""
    parts = [str(sys.version_info[:2]).encode(), str(ROOT).encode(), LOCK.read_bytes()]
    parts += [(folder / "pyproject.toml").read_bytes() for folder in distributions()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def distributions() -> list[Path]:
    """The folders of the distributions, core first."""
    rest = [ROOT / "webui", *sorted((ROOT / "plugins").glob("*"))]
    return [ROOT / "core", *(f for f in rest if (f / "pyproject.toml").is_file())]


def name_of(folder: Path) -> str:
    """The name of a distribution; Python 3.11's tomllib would do, but this file starts on less."""
    found = re.search(r'^name = "([^"]+)"', (folder / "pyproject.toml").read_text(), re.M)
    if found is None:
        raise Stopped(f"{folder}/pyproject.toml has no name")
    return found.group(1)


def install_locked() -> None:
    """Install what requirements.lock names: by uv, itself installed by pip; else all by pip."""
    with step("Installing uv, which installs the rest"):
        ready = _answers(program("uv"), "--version") or install_by_pip(locked_lines("uv"))
    with step("Installing what requirements.lock names"):
        # Compiled now, so that the first start need not do it.
        compiled = [*uv("sync"), "--compile-bytecode"]
        if ready and succeeds([*compiled, "--require-hashes", str(LOCK)]):
            return
        say("uv could not; trying pip, which takes some minutes")
        if not install_by_pip(LOCK.read_text()):
            raise Stopped("could not install what requirements.lock names; see above.")


def install_distributions() -> None:
    """Install the distributions of this checkout so that an edit counts at once."""
    own = [part for folder in distributions() for part in ("-e", str(folder))]
    options = ["--no-deps", "--no-build-isolation", *own]
    with step("Installing the distributions of this checkout"):
        if not succeeds([*uv("install"), "--offline", *options]):
            run([*pip(), "install", "--quiet", *options])


def install_by_pip(requirements: str) -> bool:
    """Install lines with hashes, and say whether it worked."""
    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder, "requirements.txt")
        lines.write_text(requirements)
        wanted = ["--require-hashes", "--no-deps", "--requirement", str(lines)]
        quiet = ["--quiet", "--disable-pip-version-check", "--no-warn-script-location"]
        return succeeds([*pip(), "install", *quiet, *wanted])


def locked_lines(name: str) -> str:
    """The lines of requirements.lock for one package, hashes and all."""
    found = re.search(rf"^{name}==(?:.*\\\n)*.*\n", LOCK.read_text(), re.M)
    if found is None:
        raise Stopped(f"requirements.lock has no {name}")
    return found.group()


def uv(action: str) -> list[str]:
    """The words that begin a uv command on ``.venv``."""
    return [program("uv"), "pip", action, "--quiet", "--python", program("python")]


def pip() -> list[str]:
    """The words that begin a pip command on ``.venv``, by the pip at hand or a bundled one."""
    if _answers(sys.executable, "-m", "pip", "--version"):
        return [sys.executable, "-m", "pip", "--python", program("python")]
    run([program("python"), "-m", "ensurepip", "--default-pip"])
    return [program("python"), "-m", "pip"]


def program(name: str) -> str:
    """The path of a program of ``.venv``."""
    return str(VENV / "Scripts" / f"{name}.exe") if WINDOWS else str(VENV / "bin" / name)


# Browser and Node


def find_chromium() -> str:
    """The path of a Chromium or Chrome, installed if need be; empty for Playwright's own."""
    chosen = os.environ.get("DASH_MESSENGER_CHROMIUM")
    if chosen:
        return chosen
    if debian_as_root():
        apt(DEBIAN_BROWSER)
    for name in (*CHROMIUM_NAMES, *CHROMIUM_PLACES):
        found = shutil.which(name)
        if found:
            return found
    with step("Installing Playwright's Chromium"):
        run([program("python"), "-m", "playwright", "install", "chromium"])
    return ""


def find_node() -> None:
    """Have Node and npm on the path.

    Raises:
        Stopped: they are missing and cannot be installed here.
    """
    if not shutil.which("npm") and debian_as_root():
        apt(DEBIAN_NODE)
    if not shutil.which("npm"):
        raise Stopped("building the web components needs Node.js 18 or newer with npm.")


def debian_as_root() -> bool:
    """Whether apt may be used here."""
    if WINDOWS or os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    release = Path("/etc/os-release")
    return release.is_file() and re.search(r"^ID=debian$", release.read_text(), re.M) is not None


def apt(packages: Sequence[str]) -> None:
    """Install those of Debian's packages that are missing; what fails is reported, not raised."""
    missing = [name for name in packages if not Path(f"/var/lib/dpkg/info/{name}.list").is_file()]
    if not missing:
        return
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with step(f"Installing {', '.join(missing)} by apt"):
        subprocess.run(["apt-get", "update", "-qq"], env=quiet)
        options = ["-y", "-qq", "--no-install-recommends", "-o=Dpkg::Use-Pty=0"]
        done = subprocess.run(
            ["apt-get", "install", *options, *missing], env=quiet, stdout=subprocess.DEVNULL
        )
    if done.returncode:
        say("apt could not install them")


# Processes


def become(command: Sequence[str]) -> int:
    """Run a command in place of this one, so that Ctrl+C and signals are its own."""
    os.environ["VIRTUAL_ENV"] = str(VENV)
    os.environ["PATH"] = os.pathsep.join([str(Path(program("python")).parent), os.environ["PATH"]])
    os.chdir(ROOT)
    if not WINDOWS:
        sys.stdout.flush()
        os.execv(command[0], list(command))
    running = subprocess.Popen(command)
    while True:
        with contextlib.suppress(KeyboardInterrupt):
            return running.wait()


def run(command: Sequence[str], cwd: Path = ROOT) -> None:
    """Run a command.

    Raises:
        Stopped: it failed.
    """
    if subprocess.run(command, cwd=cwd).returncode:
        raise Stopped("failed: " + " ".join(command))


def succeeds(command: Sequence[str]) -> bool:
    """Run a command and say whether it worked."""
    return subprocess.run(command, cwd=ROOT).returncode == 0


def _answers(*command: str) -> bool:
    """Whether a command can be run and is content, without a word on the terminal."""
    try:
        return subprocess.run(command, capture_output=True).returncode == 0
    except OSError:
        return False


def _is_other_python() -> str:
    return f"sys.version_info[:2] != {tuple(sys.version_info[:2])}"


def find(name: str) -> str:
    """The path of a program.

    Raises:
        Stopped: there is none.
    """
    found = shutil.which(name)
    if found is None:
        raise Stopped(f"{name} is not installed")
    return found


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Wait for another dev.py that is setting up the same checkout."""
    if WINDOWS:
        yield
        return
    import fcntl

    key = hashlib.sha256(str(ROOT).encode()).hexdigest()[:16]
    with Path(tempfile.gettempdir(), f"dash-messenger-{os.getuid()}-{key}").open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say("Waiting for another dev.py that sets up this checkout")
            fcntl.flock(held, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def step(title: str) -> Iterator[None]:
    """Say what is being done, and every few seconds that it still is."""
    say(f"{title} …")
    began_s = time.monotonic()
    done = threading.Event()

    def report() -> None:
        while not done.wait(PROGRESS_EVERY_S):
            say(f"  {time.monotonic() - began_s:.0f} s …")

    reporter = threading.Thread(target=report, daemon=True)
    reporter.start()
    try:
        yield
    finally:
        done.set()
        reporter.join()


def say(text: str) -> None:
    """A line for the person at the terminal, apart from what programs print."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
