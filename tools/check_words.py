#!/usr/bin/env python3
"""words: no file names a place that exists only on its author's machine or network"""
import re
import sys

import tree

FORBIDDEN = [
    (re.compile(r"(?<![\w.}/])/(work|root|home)/[\w.]"), "a path of one machine"),
    (re.compile(r"https?://[^/\s]*\b(registry|artifactory|nexus|mirror)\b", re.IGNORECASE), "a package registry's host"),
    (re.compile(r"https?://(10|192\.168|172\.(1[6-9]|2\d|3[01]))\.[\d.]+"), "an address of a private network"),
]


def problems(root):
    found = []
    for path in tree.files(root):
        for number, line in enumerate(tree.text(root / path).splitlines(), start=1):
            found += [f"{path}:{number}: {what}: {match[0]}"
                      for pattern, what in FORBIDDEN if (match := pattern.search(line))]
    return found


if __name__ == "__main__":
    sys.exit(tree.report(problems(tree.arguments(__doc__).parse_args().root)))
