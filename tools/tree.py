"""The files of a tree, the flags that compile them, and how a checker reports: what the check_*.py share."""
import argparse
import concurrent.futures
import json
import os
import pathlib
import shlex
import subprocess
import sys

CPP = (".h", ".cc")


def files(root, suffixes=None):
    """Paths relative to `root`, sorted: what git tracks or would add; every file where there is no git."""
    if (root / ".git").exists():
        listed = subprocess.run(["git", "-C", root, "ls-files", "-co", "--exclude-standard", "-z"],
                                check=True, capture_output=True, text=True).stdout
        found = {pathlib.Path(name) for name in listed.split("\0") if name}
    else:
        found = {path.relative_to(root) for path in root.rglob("*")}
    return sorted(path for path in found
                  if (root / path).is_file() and (suffixes is None or path.suffix in suffixes))


def text(path):
    return path.read_text(encoding="utf-8", errors="replace")


def compile_commands(build):
    """{absolute source path: [compiler and its arguments, without input and output]} of a CMake build folder."""
    database = build / "compile_commands.json"
    if not database.is_file():
        sys.exit(f"{database} does not exist: configure first, for example with 'cmake --preset dev'")
    commands = {}
    for entry in json.loads(database.read_text(encoding="utf-8")):
        source = pathlib.Path(entry["directory"], entry["file"]).resolve()
        words = entry.get("arguments") or shlex.split(entry["command"])
        if pathlib.Path(words[0]).name == "ccache":
            words = words[1:]
        end = words.index("-o") if "-o" in words else words.index("-c")
        commands[source] = words[:end]
    return commands


def problems_in_parallel(check, items):
    """Runs `check(item)`, which returns a list of problems and mostly waits for a compiler, on every core."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return [problem for found in pool.map(check, items) for problem in found]


def arguments(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent)
    return parser


def report(problems):
    """Prints the problems; returns the exit status that they mean."""
    for problem in problems:
        print(problem)
    return 1 if problems else 0
