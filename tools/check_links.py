#!/usr/bin/env python3
"""links: links and anchors of Markdown pages lead somewhere, and files that pages and comments name exist"""
import re
import sys

import tree

FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
INLINE_CODE = re.compile(r"`[^`\n]*`")
LINK = re.compile(r"\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")
ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
COMMENT = {".h": re.compile(r"//.*"), ".cc": re.compile(r"//.*"), ".proto": re.compile(r"//.*"),
           ".py": re.compile(r"(?:^|\s)#.*"), ".sh": re.compile(r"(?:^|\s)#.*"), ".md": re.compile(r".*")}
# "head/actor_table", "client/frames.h"; not the end of a longer path, and no pattern.
PATH = re.compile(r"(?<![\w/.~$}>…-])([a-z_]+)/([\w-]+(?:/[\w-]+)*(?:\.[a-z]+)?)/?(?![\w*<{$/-])")
# A header or a source without its folder.
NAME = re.compile(r"(?<![\w/.\-<*])([a-z]\w*\.(?:h|cc|proto))(?![\w/*])")
HEADING = re.compile(r"^#+ +(.*?) *#*$", re.MULTILINE)


def anchors(markdown):
    """The anchors that GitHub gives the headings of a page."""
    seen = {}
    for heading in HEADING.findall(FENCED.sub("", markdown)):
        slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        repeated = seen.get(slug, 0)
        seen[slug] = repeated + 1
        yield f"{slug}-{repeated}" if repeated else slug


def problem_of_link(root, page, link):
    name, _, anchor = link.partition("#")
    target = (root / name.lstrip("/") if name.startswith("/") else root / page.parent / name) if name else root / page
    if not target.exists():
        return f"{page}: links to {link}, but there is no such file"
    if anchor and target.suffix == ".md" and anchor not in anchors(tree.text(target)):
        return f"{page}: links to {link}, but that page has no such heading"
    return None


def names_something(root, folder, rest):
    """Whether folder/rest is a file or folder of the tree, or the common stem of some, as in head/actor_table."""
    path = root / folder / rest
    return path.exists() or (not path.suffix and any(path.parent.glob(path.name + ".*")))


def problems_of_names(root, files):
    """Paths and header names in prose and comments. A first part that is no folder of the tree is none of ours."""
    folders = {path.parts[0] for path in files if len(path.parts) > 1}
    names = {path.name for path in files}
    for file in files:
        if file.suffix not in COMMENT:
            continue
        for number, line in enumerate(tree.text(root / file).splitlines(), 1):
            comment = " ".join(COMMENT[file.suffix].findall(line))
            for folder, rest in PATH.findall(comment):
                if folder in folders and not names_something(root, folder, rest):
                    yield f"{file}:{number}: names {folder}/{rest}, which does not exist"
            for name in NAME.findall(comment):
                if name not in names:
                    yield f"{file}:{number}: names {name}, but no file is called that"


def problems(root):
    found = []
    for page in tree.files(root, (".md",)):
        prose = INLINE_CODE.sub("", FENCED.sub("", tree.text(root / page)))
        links = [link for link in LINK.findall(prose) if not ELSEWHERE.match(link)]
        found += [problem for link in links if (problem := problem_of_link(root, page, link))]
    return found + list(problems_of_names(root, tree.files(root)))


if __name__ == "__main__":
    sys.exit(tree.report(problems(tree.arguments(__doc__).parse_args().root)))
