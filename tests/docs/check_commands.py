#!/usr/bin/env python3
"""Checks that every `troupe` command shown in README.md, docs/ and the examples of --help has words and flags that exist.

A command is a line of a bash or sh block that begins with `troupe` (after assignments such as NAME=value), or such a
line of a --help text. It is run with --help at its end, which checks each word and does nothing.
usage: check_commands.py ROOT TROUPE
"""
import pathlib
import re
import shlex
import subprocess
import sys

BLOCK = re.compile(r"^```(?:bash|sh)\n(.*?)^```", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^\s*(?:[A-Z_]+=\S+ )*(troupe .*)$", re.MULTILINE)


def commands_of(text):
    """The commands shown in `text`, each as a list of words without `troupe`, its comment and what it runs."""
    for line in COMMAND.findall(text):
        # Examples of --help have their comment behind two blanks or more.
        words = shlex.split(re.split(r"\s{2,}(?=\w)", line)[0], comments=True)[1:]
        if words and words[0] == "microbenchmark":
            continue  # a program of its own
        yield words[:words.index("--")] if "--" in words else words


def commands_of_page(text):
    for block in BLOCK.findall(text):
        yield from commands_of(block)


def run(troupe, words):
    return subprocess.run([troupe, *words, "--help"], capture_output=True, text=True, timeout=20, check=False)


def problems(root, troupe):
    shown = {}
    for page in [root / "README.md", *sorted((root / "docs").rglob("*.md"))]:
        for words in commands_of_page(page.read_text(encoding="utf-8")):
            shown.setdefault(tuple(words), page.relative_to(root).as_posix())
    names = re.findall(r"^  (\w+) ", run(troupe, []).stdout.split("Subcommands:")[1].split("\n\n")[0], re.MULTILINE)
    for name in names:
        for words in commands_of(run(troupe, [name]).stdout.split("Options:")[-1]):
            shown.setdefault(tuple(words), f"troupe {name} --help")
    if len(shown) < 20:
        yield f"only {len(shown)} commands were found: are they shown in another way now?"
    for words, where in shown.items():
        result = run(troupe, words)
        if result.returncode != 0:
            yield f"{where}: troupe {shlex.join(words)}: {result.stderr.strip()}"


def main():
    found = list(problems(pathlib.Path(sys.argv[1]), sys.argv[2]))
    print("\n".join(found) or "every command shown is one that there is")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
