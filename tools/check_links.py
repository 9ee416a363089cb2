#!/usr/bin/env python3
"""links: every relative link of a Markdown page leads to a file, and every #anchor to a heading"""
import re
import sys

import tree

FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
INLINE_CODE = re.compile(r"`[^`\n]*`")
LINK = re.compile(r"\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")
ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
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


def problems(root):
    found = []
    for page in tree.files(root, (".md",)):
        prose = INLINE_CODE.sub("", FENCED.sub("", tree.text(root / page)))
        links = [link for link in LINK.findall(prose) if not ELSEWHERE.match(link)]
        found += [problem for link in links if (problem := problem_of_link(root, page, link))]
    return found


if __name__ == "__main__":
    sys.exit(tree.report(problems(tree.arguments(__doc__).parse_args().root)))
