#!/usr/bin/env python3
"""scripts: every shell and Python script parses, and what starts with #! can be executed"""
import os
import subprocess
import sys

import tree


def shell_problems(root, path):
    done = subprocess.run(["bash", "-n", path], cwd=root, capture_output=True, text=True)
    return done.stderr.splitlines()


def python_problems(root, path):
    try:
        compile(tree.text(root / path), str(path), "exec")
    except SyntaxError as error:
        return [f"{path}:{error.lineno}: {error.msg}"]
    return []


def problems(root):
    found = []
    for path in tree.files(root):
        with open(root / path, "rb") as file:
            first_line = file.readline(200)
        interpreter = first_line if first_line.startswith(b"#!") else b""
        if path.suffix == ".sh" or interpreter.rstrip().endswith((b"bash", b"/sh")):
            found += shell_problems(root, path)
        if path.suffix == ".py" or b"python" in interpreter:
            found += python_problems(root, path)
        if interpreter and not os.access(root / path, os.X_OK):
            found.append(f"{path}: starts with #! but is not executable; run 'chmod +x {path}'")
    return found


if __name__ == "__main__":
    sys.exit(tree.report(problems(tree.arguments(__doc__).parse_args().root)))
