#!/usr/bin/env python3
"""tidy: clang-tidy-14 has nothing against the sources that changed since --base"""
import pathlib
import re
import subprocess
import sys

import tree

TIDY = "clang-tidy-14"
# How far back a checkout looks that is not ahead of its upstream, such as a fresh clone.
COMMITS_WITHOUT_UPSTREAM = 5


def git(root, *words):
    done = subprocess.run(["git", "-C", root, *words], capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else ""


def default_base(root):
    head = git(root, "rev-parse", "HEAD")
    for upstream in ("@{upstream}", "origin/HEAD", "origin/main"):
        base = git(root, "merge-base", "HEAD", upstream)
        if base and base != head:
            return base
    recent = git(root, "rev-list", f"--max-count={COMMITS_WITHOUT_UPSTREAM}", "--first-parent", "HEAD").split()
    if not recent:
        sys.exit(f"{root} has no git history to tell what changed; give a commit with --base in a clone")
    # The first commit has no parent; everything has changed since the empty tree.
    return git(root, "rev-parse", "--verify", "--quiet", f"{recent[-1]}^") or git(root, "hash-object", "-t", "tree", "/dev/null")


def changed_since(root, base):
    names = git(root, "diff", "--name-only", "--diff-filter=d", base).split("\n")
    names += git(root, "ls-files", "-o", "--exclude-standard").split("\n")
    return {pathlib.Path(name) for name in names if name.endswith(tree.CPP)}


def source_that_shows(root, header, sources):
    """The source through which clang-tidy sees a header: its own, else one that includes it."""
    own = root / header.with_suffix(".cc")
    if own in sources:
        return own
    name = header.as_posix().split("include/", 1)[-1]
    including = re.compile(rf'#include ["<]{re.escape(name)}[">]')
    return next((source for source in sources if including.search(tree.text(source))), None)


def sources_to_check(root, changed, commands):
    """Sources of the product; the tests are held to the compilers' warnings."""
    ours = [source for source in sorted(commands)
            if source.is_relative_to(root) and source.relative_to(root).parts[0] not in ("build", "tests")]
    chosen = {root / path for path in changed if path.suffix == ".cc"} & set(ours)
    for header in sorted(path for path in changed if path.suffix == ".h" and path.parts[0] != "tests"):
        chosen.add(source_that_shows(root, header, ours))
    return sorted(source for source in chosen if source)


def problems(root, build, sources):
    def check(source):
        done = subprocess.run([TIDY, "-p", build, "--quiet", source], cwd=root, capture_output=True, text=True)
        found = [line for line in done.stdout.splitlines() if re.search(r": (error|warning): ", line)]
        if done.returncode != 0 and not found:
            found = [f"{source}: {TIDY} failed: {(done.stdout + done.stderr).strip()[-300:]}"]
        return found
    return sorted(set(tree.problems_in_parallel(check, sources)))


def main():
    parser = tree.arguments(__doc__)
    parser.add_argument("--build", type=pathlib.Path, required=True, help="a configured CMake build folder")
    parser.add_argument("--base", help="a commit; by default where this branch left its upstream")
    given = parser.parse_args()
    root = given.root.resolve()
    base = given.base or default_base(root)
    sources = sources_to_check(root, changed_since(root, base), tree.compile_commands(given.build))
    print(f"      {len(sources)} sources differ from {base[:12]}")
    return tree.report(problems(root, given.build, sources))


if __name__ == "__main__":
    sys.exit(main())
