#!/usr/bin/env python3
"""layering: folders include and link only what lies below them; third parties stay where they belong"""
import pathlib
import re
import sys

import tree

# What the sources of a folder may include and link, besides their own folder.
ALLOWED = {
    "common": set(),
    "proto": set(),
    "ipc": {"common"},
    "object_store": {"common", "ipc"},
    "rpc": {"common", "proto"},
    "scheduler": {"common"},
    "head": {"common", "proto", "rpc", "scheduler"},
    # jobs/package.h: the format in which programs travel, shared by whoever packs and whoever unpacks.
    "raylet": {"common", "proto", "rpc", "ipc", "scheduler", "object_store", "jobs"},
    "client": {"common", "proto", "ipc", "object_store"},
    "worker": {"common", "proto", "ipc", "object_store", "client"},
    "jobs": {"common", "proto", "rpc"},
    "cli": {"common", "proto", "rpc", "jobs", "public client"},
    "examples": {"public common", "public client", "public jobs"},
}
# Only these folders, and the tests that mirror them, may include what starts with the key.
ONLY_IN = {
    "grpc": {"rpc"},
    "boost/interprocess/": {"ipc", "object_store"},
    "google/protobuf/": {"proto", "rpc", "head", "raylet", "client", "worker", "jobs", "cli"},
    "sqlite3.h": {"head"},
}
TARGETS_ONLY_IN = {"grpc": {"rpc"}, "sqlite": {"head"}}
# The rooms of raylet/, each with those whose headers it may include. "base" is what all of them know (ROOM_BASE); "top"
# is the other files of the folder itself, which put the rooms together.
ROOM_BASE = {"cluster_view", "convert", "errors", "node_identity"}
ROOMS = {
    "base": set(),
    "ports": {"base"},
    "programs": {"base", "ports"},
    "leases": {"base", "ports", "programs"},
    "workers": {"base", "ports", "programs", "leases"},
    "objects": {"base", "ports", "programs"},
    "logs": {"base", "ports", "programs", "workers"},
    "links": {"base", "ports", "programs", "leases", "workers", "objects", "logs"},
    "top": {"base", "ports", "programs", "leases", "workers", "objects", "logs", "links"},
}
# What decides in a raylet sees the world through ports: neither the sources of this library nor the headers that they
# include may include what starts with one of these.
CORE_LIBRARY = re.compile(r"\badd_library\s*\(\s*troupe_raylet_core\s+STATIC\s+([^)]*)\)")
NOT_IN_CORE = ("boost/asio", "rpc/", "common/asio_event_loop.h", "common/exit_watch.h", "common/pidfd.h", "sys/wait.h",
               "sys/socket.h", "unistd.h", "spawn.h")
ALLOWED_IN_CORE = {"rpc/turn_batch.h"}  # a header without gRPC
PUBLIC_HEADER = re.compile(r"(\w+)/include/(troupe/.*)")
PUBLIC_MAY_INCLUDE = re.compile(
    r"<(troupe/.*|cereal/.*|[a-z_0-9]+|(sys|linux)/\w+\.h|(fcntl|pthread|sched|signal|time|unistd)\.h)>")
INCLUDE = re.compile(r"^\s*#\s*include\s*([\"<][^\">]+[\">])", re.MULTILINE)
LINK = re.compile(r"\btarget_link_libraries\s*\(\s*([\w-]+)\s+([^)]*)\)")


def owner(path):
    """The folder whose rules hold for a file: a unit test or fuzz target has those of the folder it mirrors."""
    parts = path.parts
    mirrors = len(parts) > 3 and parts[0] == "tests" and parts[1] in ("unit", "fuzz")
    return parts[2] if mirrors else parts[0]


def home(name, public_headers):
    """The folder of ours that `#include "name"` reads from, or None for a third party's header."""
    if name in public_headers:
        return f"public {public_headers[name]}"
    first = name.split("/")[0]
    return first if "/" in name and first in ALLOWED else None


def may_use(folder, used):
    allowed = ALLOWED[folder]
    bare = used.removeprefix("public ")
    return bare == folder or used in allowed or bare in allowed


def include_problems(root):
    public_headers = {match[2]: match[1] for path in tree.files(root, (".h",))
                      if (match := PUBLIC_HEADER.fullmatch(path.as_posix()))}
    for path in tree.files(root, tree.CPP):
        folder = owner(path)
        is_public = PUBLIC_HEADER.fullmatch(path.as_posix())
        for include in INCLUDE.findall(tree.text(root / path)):
            name = include[1:-1]
            used = home(name, public_headers)
            if used and folder in ALLOWED and path.parts[0] != "tests" and not may_use(folder, used):
                yield f"{path}: {folder}/ must not include {include}: {used} is not below it"
            for start, folders in ONLY_IN.items():
                if name.startswith(start) and folder not in folders:
                    yield f"{path}: {include} may be included only in {', '.join(sorted(folders))}"
            if is_public and not (PUBLIC_MAY_INCLUDE.fullmatch(include) or name in public_headers):
                yield f"{path}: a public header must not include {include}: users have only troupe/ and cereal/"


def room(path):
    """The room of a file of raylet/."""
    if len(path.parts) > 2:
        return path.parts[1]
    return "base" if path.stem in ROOM_BASE else "top"


def room_problems(root):
    for path in tree.files(root, tree.CPP):
        if path.parts[0] != "raylet":
            continue
        if room(path) not in ROOMS:
            yield f"{path}: raylet/ has no room {room(path)}"
            continue
        for include in INCLUDE.findall(tree.text(root / path)):
            used = pathlib.PurePath(include[1:-1])
            if used.parts[0] != "raylet" or room(used) == room(path):
                continue
            if room(used) not in ROOMS[room(path)]:
                yield f"{path}: {room(path)} must not include {include}: {room(used)} is not below it"


def core_problems(root):
    """What the raylet's core includes, from its sources on."""
    lists = root / "raylet" / "CMakeLists.txt"
    found = CORE_LIBRARY.search(tree.text(lists)) if lists.exists() else None
    sources = {f"raylet/{name}" for name in found[1].split()} if found else set()
    seen, to_do = set(sources), sorted(sources)
    while to_do:
        name = to_do.pop(0)
        path = root / name
        for include in INCLUDE.findall(tree.text(path)) if path.exists() else []:
            used = include[1:-1]
            if used.startswith(NOT_IN_CORE) and used not in ALLOWED_IN_CORE:
                yield f"{name}: the raylet's core must not include {include}: it sees the world through raylet/ports/"
            if not used.startswith("raylet/") or used in seen:
                continue
            source = used.removesuffix(".h") + ".cc"
            if (root / source).exists() and source not in sources:
                yield f"{name}: the raylet's core must not include {include}: {source} is not of troupe_raylet_core"
            seen.add(used)
            to_do.append(used)


def link_problems(root):
    for path in tree.files(root):
        folder = path.parts[0]
        if path.name != "CMakeLists.txt" or folder not in ALLOWED:
            continue
        for target, libraries in LINK.findall(tree.text(root / path)):
            for library in libraries.split():
                used = library.removeprefix("troupe_")
                if used != library and used in ALLOWED and not may_use(folder, used) and not may_use(folder, f"public {used}"):
                    yield f"{path}: {target} must not link {library}: {used}/ is not below {folder}/"
                for word, folders in TARGETS_ONLY_IN.items():
                    if word in library.lower() and folder not in folders:
                        yield f"{path}: {target} links {library}, which belongs only in {', '.join(sorted(folders))}"


def problems(root):
    return [*include_problems(root), *room_problems(root), *core_problems(root), *link_problems(root)]


if __name__ == "__main__":
    sys.exit(tree.report(problems(tree.arguments(__doc__).parse_args().root)))
