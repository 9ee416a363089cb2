#!/usr/bin/env python3
"""format: every C++ file is as clang-format-14 would write it"""
import subprocess
import sys

import tree

FORMATTER = "clang-format-14"


def problems(root, fix=False):
    def check(path):
        mode = ["-i"] if fix else ["--dry-run", "--Werror"]
        done = subprocess.run([FORMATTER, "--style=file", *mode, path], cwd=root, capture_output=True, text=True)
        if done.returncode == 0:
            return []
        where = (done.stderr.splitlines() or [str(path)])[0].split(" error:")[0]
        return [f"{where} is not formatted; run 'tools/check --fix format'"]
    return tree.problems_in_parallel(check, tree.files(root, tree.CPP))


if __name__ == "__main__":
    parser = tree.arguments(__doc__)
    parser.add_argument("--fix", action="store_true", help="format the files instead")
    given = parser.parse_args()
    sys.exit(tree.report(problems(given.root, given.fix)))
