#!/usr/bin/env python3
"""Checks that every program shown in README.md and docs/ is one that the build compiles.

    <!-- from: examples/hello/hello.cc -->
    ```cpp
    ...the file, byte for byte...
    ```

    <!-- excerpt: examples/guide/guide.cc -->
    ```cpp
    ...lines that follow each other in the file, without the indentation that all of them share...
    ```

A C++ block with a main() but without a mark fails too: nothing would show that it still compiles. So does, on the
pages of MARKED_PAGES, any C++ block without a mark.
usage: check_programs.py ROOT
"""
import pathlib
import re
import sys
import textwrap

MARK = re.compile(r"<!-- (from|excerpt): (\S+) -->\s*")
OPENING_FENCE = re.compile(r"```(\S*)\s*")
CLOSING_FENCE = "```"
MARKED_PAGES = {"docs/programming-guide.md"}


def blocks(lines):
    """Yields (line number, language, match of the mark on the line before or None, text) of each fenced block."""
    opened = None
    for number, line in enumerate(lines):
        if opened is None:
            fence = OPENING_FENCE.fullmatch(line)
            if fence:
                mark = MARK.fullmatch(lines[number - 1]) if number > 0 else None
                opened = (number, fence[1], mark)
        elif line.rstrip() == CLOSING_FENCE:
            start, language, mark = opened
            yield start + 1, language, mark, "".join(text + "\n" for text in lines[start + 1:number])
            opened = None


def first_difference(shown, actual):
    for number, (left, right) in enumerate(zip(shown.splitlines(), actual.splitlines()), start=1):
        if left != right:
            return f"line {number} of the block is {left!r}, in the file {right!r}"
    return f"the block has {len(shown.splitlines())} lines, the file {len(actual.splitlines())}"


def is_excerpt(shown, actual):
    """Whether the lines of `shown` follow each other somewhere in `actual`, but for indentation that all share."""
    lines = actual.splitlines()
    wanted = textwrap.dedent(shown).splitlines()
    if not any(line.strip() for line in wanted):
        return False
    return any(textwrap.dedent("\n".join(lines[start:start + len(wanted)])).splitlines() == wanted
               for start in range(len(lines) - len(wanted) + 1))


def problem_of_block(root, page, language, mark, text):
    if mark is None:
        if language == "cpp" and re.search(r"\bint main\(", text):
            return "a program without '<!-- from: FILE -->' on the line before it"
        if language == "cpp" and page in MARKED_PAGES:
            return "a C++ block without '<!-- excerpt: FILE -->' on the line before it"
        return None
    kind, source = mark.groups()
    if not (root / source).is_file():
        return f"is from {source}, which does not exist"
    actual = (root / source).read_text(encoding="utf-8")
    if kind == "from" and text != actual:
        return f"differs from {source}: {first_difference(text, actual)}; copy the file into the block"
    if kind == "excerpt" and not is_excerpt(text, actual):
        return f"is no excerpt of {source}: its lines do not follow each other there; copy them again"
    return None


def problems_of_page(root, page):
    lines = page.read_text(encoding="utf-8").splitlines()
    found = list(blocks(lines))
    name = page.relative_to(root).as_posix()
    for number, language, mark, text in found:
        if problem := problem_of_block(root, name, language, mark, text):
            yield f"{name}:{number}: {problem}"
    marks = sum(1 for line in lines if MARK.fullmatch(line))
    if marks != sum(1 for _, _, mark, _ in found if mark):
        yield f"{name}: a 'from' or 'excerpt' mark does not stand on the line before a fenced block"


def problems(root):
    for page in [root / "README.md", *sorted((root / "docs").rglob("*.md"))]:
        if page.is_file():
            yield from problems_of_page(root, page)


def main():
    found = list(problems(pathlib.Path(sys.argv[1])))
    print("\n".join(found) or "every program shown is one that is built")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
