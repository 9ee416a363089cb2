#!/usr/bin/env bash
# Installs a built tree into an empty prefix, then builds and runs the project in outside/ with nothing but that prefix.
# usage: run.sh BUILD_DIR CXX_COMPILER
set -euo pipefail

build="$1"
compiler="$2"
here="$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"
work="$(mktemp -d "${TMPDIR:-/tmp}/troupe-package.XXXXXX")"

clean_up() {
  [[ ! -x "$work/prefix/bin/troupe" || ! -d "$work/session" ]] || "$work/prefix/bin/troupe" stop --all || true
  rm -rf -- "$work"
}
trap clean_up EXIT

# A daemon of another session, or a library found by luck, must not help.
unset TROUPE_ADDRESS LD_LIBRARY_PATH
export TROUPE_SESSION_ROOT="$work/session" TROUPE_TOKEN_FILE="$work/token" PATH="$work/prefix/bin:$PATH"

cmake --install "$build" --prefix "$work/prefix" >"$work/install.log" || { cat "$work/install.log"; exit 1; }
cmake -S "$here/outside" -B "$work/build" -G Ninja -DCMAKE_PREFIX_PATH="$work/prefix" \
  -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_BUILD_TYPE=Release
cmake --build "$work/build"
if grep -rlF "$(dirname "$(dirname "$here")")/" "$work/prefix/lib" --include='*.cmake'; then
  echo 'package: the files above name the source tree, so they are of no use elsewhere' >&2
  exit 1
fi

output="$("$work/build/counter")"
if [[ "$output" != 'the counter stands at 42' ]]; then
  echo "package: the outside program printed '$output' instead of 'the counter stands at 42'" >&2
  exit 1
fi
