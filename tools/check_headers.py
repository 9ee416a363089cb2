#!/usr/bin/env python3
"""headers: every header compiles by itself, the public ones with nothing but themselves and cereal"""
import pathlib
import subprocess
import sys

import tree

PUBLIC = ("client/include", "common/include", "jobs/include")
NOT_OURS_TO_COMPILE = ("tests/package/", "tests/compile_fail/")
# The flags of these folders' sources serve a header whose own folder compiles nothing.
FALLBACK_FOLDERS = ("client", "common")


def flags_for(root, header, commands):
    """The flags of a source in the header's own folder, or the nearest one above it; best one that includes it."""
    folders = [*header.parents[:-1], *map(pathlib.Path, FALLBACK_FOLDERS)]
    for folder in folders:
        near = [source for source in sorted(commands) if source.is_relative_to((root / folder).resolve())]
        including = (source for source in near if f'#include "{header}"' in tree.text(source))
        if near:
            return commands[next(including, near[0])]
    return ["c++", "-std=c++20"]


def compile_alone(root, header, words):
    # From standard input, so that the header is an included file: #pragma once in a main file is a warning.
    done = subprocess.run([*words, "-fsyntax-only", "-x", "c++", "-"], cwd=root, capture_output=True, text=True,
                          input=f'#include "{(root / header).resolve()}"\n')
    if done.returncode == 0:
        return None
    errors = [line for line in done.stderr.splitlines() if "error" in line]
    return f"{header} does not compile by itself: {(errors or [done.stderr])[0]}"


def problems(root, build):
    commands = tree.compile_commands(build)
    compiler = next(iter(commands.values()), ["c++"])[0]
    public_folders = [f"-I{root / folder}" for folder in PUBLIC if (root / folder).is_dir()]

    def check(header):
        ways = [flags_for(root, header, commands) + public_folders]
        if header.as_posix().startswith(PUBLIC):
            ways.append([compiler, "-std=c++20", *public_folders])
        return [problem for words in ways if (problem := compile_alone(root, header, words))]

    headers = [path for path in tree.files(root, (".h",)) if not path.as_posix().startswith(NOT_OURS_TO_COMPILE)]
    return tree.problems_in_parallel(check, headers)


if __name__ == "__main__":
    parser = tree.arguments(__doc__)
    parser.add_argument("--build", type=pathlib.Path, required=True, help="a configured CMake build folder")
    given = parser.parse_args()
    sys.exit(tree.report(problems(given.root, given.build)))
