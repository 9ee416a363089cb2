#!/usr/bin/env python3
"""Shows that check_programs.py accepts exact copies and excerpts, and refuses everything else."""
import pathlib
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
import check_programs  # noqa: E402  (after the line that keeps it from writing into the source tree)

PROGRAM = "int main() {\n  return 0;\n}\n"
MARK = "<!-- from: examples/a.cc -->\n"
PARTS = "void F() {\n  int a = 1;\n\n  if (a) {\n    G();\n  }\n}\n"
EXCERPT = "<!-- excerpt: examples/b.cc -->\n"


class CheckPrograms(unittest.TestCase):
    def problems(self, page, name="README.md"):
        with tempfile.TemporaryDirectory() as directory:
            root = pathlib.Path(directory)
            (root / "examples").mkdir()
            (root / "docs").mkdir()
            (root / "examples/a.cc").write_text(PROGRAM)
            (root / "examples/b.cc").write_text(PARTS)
            (root / name).write_text(page)
            return list(check_programs.problems(root))

    def test_accepts_an_exact_copy(self):
        self.assertEqual(self.problems(f"text\n\n{MARK}```cpp\n{PROGRAM}```\n"), [])

    def test_accepts_a_fragment_and_other_languages(self):
        self.assertEqual(self.problems("```cpp\nauto a = f();\n```\n```bash\nint main()\n```\n"), [])

    def test_refuses_a_changed_line(self):
        page = f"{MARK}```cpp\n{PROGRAM.replace('0', '1')}```\n"
        self.assertIn("line 2 of the block", self.problems(page)[0])
        self.assertIn("line 2 of the block", self.problems(page, "docs/page.md")[0])

    def test_refuses_a_shortened_copy(self):
        self.assertIn("the block has 2 lines", self.problems(f"{MARK}```cpp\nint main() {{\n  return 0;\n```\n")[0])

    def test_refuses_a_missing_source(self):
        self.assertIn("does not exist", self.problems(f"<!-- from: examples/c.cc -->\n```cpp\n{PROGRAM}```\n")[0])

    def test_refuses_a_program_without_a_mark(self):
        self.assertIn("without", self.problems(f"```cpp\n{PROGRAM}```\n")[0])

    def test_refuses_a_mark_that_marks_nothing(self):
        self.assertIn("does not stand", self.problems(f"{MARK}\n```cpp\nauto a = f();\n```\n")[0])

    def excerpt(self, text):
        return self.problems(f"{EXCERPT}```cpp\n{text}```\n")

    def test_accepts_an_excerpt_with_and_without_its_indentation(self):
        self.assertEqual(self.excerpt(PARTS), [])
        self.assertEqual(self.excerpt("  int a = 1;\n\n  if (a) {\n    G();\n  }\n"), [])
        self.assertEqual(self.excerpt("int a = 1;\n\nif (a) {\n  G();\n}\n"), [])

    def test_refuses_an_excerpt_with_a_changed_line(self):
        self.assertIn("is no excerpt", self.excerpt("int a = 2;\n\nif (a) {\n")[0])

    def test_refuses_an_excerpt_that_leaves_out_a_line(self):
        self.assertIn("is no excerpt", self.excerpt("int a = 1;\nif (a) {\n")[0])

    def test_refuses_an_excerpt_with_another_indentation_inside(self):
        self.assertIn("is no excerpt", self.excerpt("if (a) {\nG();\n}\n")[0])

    def test_refuses_an_excerpt_that_begins_or_ends_within_a_line(self):
        self.assertIn("is no excerpt", self.excerpt("a = 1;\n")[0])
        self.assertIn("is no excerpt", self.excerpt("int a =\n")[0])

    def test_refuses_an_empty_excerpt(self):
        self.assertIn("is no excerpt", self.excerpt("")[0])
        self.assertIn("is no excerpt", self.excerpt("\n")[0])

    def test_refuses_an_excerpt_of_a_missing_source(self):
        self.assertIn("does not exist", self.problems("<!-- excerpt: examples/c.cc -->\n```cpp\nF();\n```\n")[0])

    def test_refuses_an_excerpt_mark_that_marks_nothing(self):
        self.assertIn("does not stand", self.problems(f"{EXCERPT}\n```cpp\nint a = 1;\n```\n")[0])

    def test_refuses_an_unmarked_block_in_the_guide(self):
        page = "```cpp\nint a = 1;\n```\n"
        self.assertIn("without", self.problems(page, "docs/programming-guide.md")[0])
        self.assertEqual(self.problems(EXCERPT + page, "docs/programming-guide.md"), [])


if __name__ == "__main__":
    unittest.main()
