#!/usr/bin/env python3
"""Shows that every checker accepts a good tree and refuses a bad one."""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True

import check_format  # noqa: E402
import check_headers  # noqa: E402
import check_layering  # noqa: E402
import check_links  # noqa: E402
import check_scripts  # noqa: E402
import check_tidy  # noqa: E402
import check_words  # noqa: E402

TOOLS = pathlib.Path(__file__).resolve().parent


class TreeTest(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory())).resolve()

    def write(self, name, content, mode=0o644):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        path.chmod(mode)
        return path

    def compile_commands(self, *sources):
        entries = [{"directory": str(self.root), "file": name, "output": "a.o",
                    "command": f"ccache clang++-14 -std=c++20 -I{self.root} -o a.o -c {self.root / name}"}
                   for name in sources]
        self.write("build/compile_commands.json", json.dumps(entries))
        return self.root / "build"

    def assert_refused(self, problems, *words):
        self.assertTrue(any(all(word in problem for word in words) for problem in problems), (words, problems))


class Format(TreeTest):
    def setUp(self):
        super().setUp()
        shutil.copy(TOOLS.parent / ".clang-format", self.root)

    def test_accepts_formatted(self):
        self.write("common/a.h", "#pragma once\n\nint F(int* a);\n")
        self.assertEqual(check_format.problems(self.root), [])

    def test_refuses_unformatted_and_mends_it(self):
        self.write("common/a.h", "#pragma once\nint   F( int *a ) ;\n")
        self.assert_refused(check_format.problems(self.root), "common/a.h", "not formatted")
        check_format.problems(self.root, fix=True)
        self.assertEqual(check_format.problems(self.root), [])


class Words(TreeTest):
    def test_accepts_paths_of_every_machine(self):
        self.write("a.md", "See /usr/lib, ../work/x, build/work/y, ${base}/work/z and https://example.org/.\n")
        self.assertEqual(check_words.problems(self.root), [])

    def test_refuses_paths_of_one_machine_and_private_hosts(self):
        # Put together here, so that this file passes the check itself.
        for bad in ("/wo" + "rk/main", "'/ro" + "ot/.cache'", "https://pypi.regis" + "try.example/simple",
                    "http://10." + "0.0.7:8080/"):
            self.write("a.md", f"first line\n{bad}\n")
            self.assert_refused(check_words.problems(self.root), "a.md:2")


class Scripts(TreeTest):
    def test_accepts_what_parses(self):
        self.write("a.sh", "#!/usr/bin/env bash\nif true; then echo; fi\n", 0o755)
        self.write("b.py", "print(1)\n")
        self.assertEqual(check_scripts.problems(self.root), [])

    def test_refuses_what_does_not_parse(self):
        self.write("run", "#!/usr/bin/env bash\nif true; then echo\n", 0o755)
        self.write("b.py", "print(1\n")
        self.assert_refused(check_scripts.problems(self.root), "run", "syntax error")
        self.assert_refused(check_scripts.problems(self.root), "b.py:1")

    def test_refuses_a_script_that_cannot_be_executed(self):
        self.write("a.sh", "#!/usr/bin/env bash\n")
        self.assert_refused(check_scripts.problems(self.root), "a.sh", "not executable")


class Links(TreeTest):
    def test_accepts_links_that_lead_somewhere(self):
        self.write("docs/b.md", "# The `head`, again\n")
        self.write("a.md", "[b](docs/b.md#the-head-again) [c](https://example.org/x) `[d](no.md)`\n# Here\n[e](#here)\n")
        self.assertEqual(check_links.problems(self.root), [])

    def test_refuses_links_to_nothing(self):
        self.write("a.md", "# Here\n[b](docs/b.md) [c](#there)\n")
        problems = check_links.problems(self.root)
        self.assert_refused(problems, "docs/b.md", "no such file")
        self.assert_refused(problems, "#there", "no such heading")

    def test_accepts_names_of_files_that_exist_and_of_other_trees(self):
        self.write("head/actor_table.h", "// See docs/b.md, head/ and actor_table.h; and sys/types.h, build/x/y.h.\n")
        self.write("docs/b.md", "`head/actor_table` decides; a new command is `head/<name>.cc`.\n")
        self.assertEqual(check_links.problems(self.root), [])

    def test_refuses_names_of_files_that_are_gone(self):
        self.write("head/a.cc", "int x;  // as in head/call_frame.h\n// and frames.h\n")
        self.write("docs/b.md", "`head/ref_table` counts.\n")
        problems = check_links.problems(self.root)
        self.assert_refused(problems, "head/a.cc:1", "head/call_frame.h")
        self.assert_refused(problems, "head/a.cc:2", "frames.h")
        self.assert_refused(problems, "docs/b.md:1", "head/ref_table")


class Layering(TreeTest):
    def test_accepts_edges_that_point_down(self):
        self.write("common/include/troupe/ids.h", "#include <array>\n#include <cereal/cereal.hpp>\n")
        self.write("client/include/troupe/troupe.h", "#include <troupe/ids.h>\n#include <sys/types.h>\n")
        self.write("ipc/a.cc", '#include "common/status.h"\n#include <boost/interprocess/mapped_region.hpp>\n')
        self.write("rpc/a.cc", '#include <grpcpp/grpcpp.h>\n')
        self.write("cli/a.cc", '#include <troupe/troupe.h>\n#include "rpc/client.h"\n')
        self.write("examples/a.cc", "#include <troupe/troupe.h>\n")
        self.write("tests/unit/rpc/a_test.cc", '#include "rpc/client.h"\n#include <grpcpp/grpcpp.h>\n')
        self.write("head/CMakeLists.txt", "target_link_libraries(troupe_head\n  PUBLIC troupe_rpc troupe_warnings)\n")
        self.assertEqual(check_layering.problems(self.root), [])

    def test_refuses_every_forbidden_include(self):
        self.write("client/include/troupe/troupe.h", "")
        for folder, include in (("head", '"raylet/a.h"'), ("raylet", '"head/a.h"'), ("raylet", '"client/a.h"'),
                                ("raylet", "<troupe/troupe.h>"), ("common", '"ipc/a.h"'), ("proto", '"common/a.h"'),
                                ("client", '"rpc/a.h"'), ("client", '"worker/a.h"'), ("worker", '"raylet/a.h"'),
                                ("ipc", '"object_store/a.h"'), ("scheduler", '"proto/a.h"'), ("cli", '"client/a.h"'),
                                ("examples", '"client/a.h"'), ("head", "<grpcpp/grpcpp.h>"), ("head", '"grpc/grpc.h"'),
                                ("client", "<boost/interprocess/mapped_region.hpp>"),
                                ("ipc", "<google/protobuf/message_lite.h>"), ("tests/integration", "<grpcpp/grpcpp.h>")):
            bad = self.write(f"{folder}/bad.cc", f"#include {include}\n")
            self.assert_refused(check_layering.problems(self.root), f"{folder}/bad.cc", include)
            bad.unlink()

    def test_refuses_third_parties_in_public_headers(self):
        for include in ("<spdlog/spdlog.h>", "<sqlite3.h>", '"common/status.h"', "<boost/asio.hpp>"):
            self.write("common/include/troupe/a.h", f"#include {include}\n")
            self.assert_refused(check_layering.problems(self.root), "public header", include)

    def write_raylet(self, core_source):
        self.write("raylet/CMakeLists.txt", "add_library(troupe_raylet_core STATIC\n  convert.cc links/router.cc)\n")
        self.write("raylet/convert.cc", '#include "raylet/convert.h"\n')
        self.write("raylet/convert.h", "")
        self.write("raylet/ports/outbox.h", '#include "raylet/convert.h"\n')
        self.write("raylet/workers/actor_host.h", '#include "raylet/ports/outbox.h"\n')
        self.write("raylet/workers/process.h", "#include <boost/asio.hpp>\n")
        self.write("raylet/workers/process.cc", '#include "raylet/workers/process.h"\n')
        self.write("raylet/raylet.cc", '#include "raylet/workers/process.h"\n#include <boost/asio.hpp>\n')
        self.write("raylet/links/router.cc", core_source)

    def test_accepts_rooms_that_point_down_and_a_core_behind_ports(self):
        self.write_raylet('#include "raylet/workers/actor_host.h"\n#include "rpc/turn_batch.h"\n')
        self.assertEqual(check_layering.problems(self.root), [])

    def test_refuses_rooms_that_point_up(self):
        self.write_raylet("")
        for name, include in (("workers/a.cc", "links/router.h"), ("ports/a.h", "workers/actor_host.h"),
                              ("leases/a.h", "workers/actor_host.h"), ("objects/a.h", "links/router.h"),
                              ("convert.h", "ports/outbox.h"), ("links/a.cc", "raylet.h"), ("kitchen/a.h", "convert.h")):
            bad = self.write(f"raylet/{name}", f'#include "raylet/{include}"\n')
            self.assert_refused(check_layering.problems(self.root), f"raylet/{name}")
            bad.unlink()

    def test_refuses_a_core_that_reaches_past_its_ports(self):
        for include in ("<boost/asio/io_context.hpp>", '"rpc/client.h"', '"raylet/workers/process.h"', "<unistd.h>"):
            self.write_raylet(f"#include {include}\n")
            self.assert_refused(check_layering.problems(self.root), "raylet/links/router.cc", include)
        self.write_raylet('#include "raylet/ports/outbox.h"\n')
        self.write("raylet/ports/outbox.h", "#include <boost/asio/io_context.hpp>\n")
        self.assert_refused(check_layering.problems(self.root), "raylet/ports/outbox.h", "core")

    def test_refuses_forbidden_links(self):
        self.write("client/CMakeLists.txt", "target_link_libraries(troupe_client PRIVATE troupe_ipc troupe_rpc gRPC::grpc++)")
        problems = check_layering.problems(self.root)
        self.assert_refused(problems, "troupe_client must not link troupe_rpc")
        self.assert_refused(problems, "gRPC::grpc++")


class Headers(TreeTest):
    def test_accepts_headers_that_stand_alone(self):
        self.write("common/a.cc", "")
        self.write("common/include/troupe/a.h", "#pragma once\n#include <string>\nstd::string A();\n")
        self.assertEqual(check_headers.problems(self.root, self.compile_commands("common/a.cc")), [])

    def test_refuses_a_header_that_needs_another_first(self):
        self.write("common/a.cc", "")
        self.write("common/a.h", "#pragma once\nstd::string A();\n")
        self.assert_refused(check_headers.problems(self.root, self.compile_commands("common/a.cc")), "common/a.h")

    def test_refuses_a_public_header_that_needs_a_private_one(self):
        self.write("common/a.cc", "")
        self.write("common/private.h", "#pragma once\n")
        self.write("common/include/troupe/a.h", '#pragma once\n#include "common/private.h"\n')
        problems = check_headers.problems(self.root, self.compile_commands("common/a.cc"))
        self.assertEqual(len(problems), 1)
        self.assert_refused(problems, "common/include/troupe/a.h")


class Tidy(TreeTest):
    def setUp(self):
        super().setUp()
        shutil.copy(TOOLS.parent / ".clang-tidy", self.root)

    def git(self, *words):
        subprocess.run(["git", "-C", self.root, "-c", "user.name=a", "-c", "user.email=a@example.org", *words],
                       check=True, capture_output=True)

    def problems(self):
        base = check_tidy.default_base(self.root)
        build = self.compile_commands("common/a.cc")
        commands = {self.root / "common/a.cc": []}
        sources = check_tidy.sources_to_check(self.root, check_tidy.changed_since(self.root, base), commands)
        return check_tidy.problems(self.root, build, sources)

    def test_accepts_good_and_refuses_bad_in_source_and_header(self):
        self.git("init", "-q", "-b", "main")
        good = '#include "common/a.h"\n\nbool P() { return true; }\n'
        self.write("common/a.h", "#pragma once\nbool P();\n")
        self.write("common/a.cc", good)
        self.git("add", "common")
        self.git("commit", "-q", "-m", "first")
        self.assertEqual(self.problems(), [])
        self.write("common/a.cc", good.replace("true", "1"))
        self.assert_refused(self.problems(), "common/a.cc", "modernize-use-bool-literals")
        self.write("common/a.cc", good)
        self.write("common/a.h", "#pragma once\nbool P();\nstruct S {\n  S(int a);\n};\n")
        self.assert_refused(self.problems(), "common/a.h", "google-explicit-constructor")


class Check(TreeTest):
    def run_check(self, *arguments):
        shutil.copytree(TOOLS, self.root / "tools", dirs_exist_ok=True)
        return subprocess.run([self.root / "tools/check", *arguments], capture_output=True, text=True)

    def test_passes_what_passes(self):
        self.assertEqual(self.run_check("words", "links").returncode, 0)

    def test_fails_when_one_checker_fails_and_still_runs_the_rest(self):
        self.write("a.md", "[b](b.md)\n")
        done = self.run_check("links", "words")
        self.assertEqual(done.returncode, 1)
        self.assertIn("words:", done.stdout)
        self.assertIn("FAILED: links", done.stderr)

    def test_refuses_an_unknown_checker(self):
        self.assertEqual(self.run_check("no_such").returncode, 2)


if __name__ == "__main__":
    unittest.main()
