#!/usr/bin/env bash
# Installs a built tree into an empty prefix, moves that elsewhere, and then builds and runs the project in outside/ with
# nothing but the moved prefix.
# usage: run.sh BUILD_DIR CXX_COMPILER
set -euo pipefail

build="$1"
compiler="$2"
here="$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"
work="$(mktemp -d "${TMPDIR:-/tmp}/troupe-package.XXXXXX")"
prefix="$work/moved"

# A daemon of another session, or a program or library found by luck, must not help; and none but our own is stopped.
unset TROUPE_ADDRESS TROUPE_HOME LD_LIBRARY_PATH
system_path="$PATH"
export TROUPE_SESSION_ROOT="$work/session" TROUPE_TOKEN_FILE="$work/token" PATH="$prefix/bin:$PATH"

clean_up() {
  [[ ! -x "$prefix/bin/troupe" || ! -d "$TROUPE_SESSION_ROOT" ]] || "$prefix/bin/troupe" stop --all || true
  rm -rf -- "$work"
}
trap clean_up EXIT

fail() {
  echo "package: $*" >&2
  exit 1
}

# expect TEXT COMMAND...: the command must succeed and print TEXT somewhere on standard output.
expect() {
  local text="$1" output
  shift
  output="$("$@")" || fail "$* failed (status $?)"
  [[ "$output" == *"$text"* ]] || fail "$* printed '$output', which lacks '$text'"
}

cmake --install "$build" --prefix "$work/prefix" >"$work/install.log" || { cat "$work/install.log"; exit 1; }
mv "$work/prefix" "$prefix"
cmake -S "$here/outside" -B "$work/build" -G Ninja -DCMAKE_PREFIX_PATH="$prefix" \
  -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_BUILD_TYPE=Release
cmake --build "$work/build"
top="$(dirname "$(dirname "$here")")"
! grep -rlF -e "$top/" -e "$work/prefix" --include='*.cmake' "$prefix" ||
  fail 'the files above name the source tree or the place of the installation, so they are of no use elsewhere'
! ldd "$work/build/counter" | grep grpc || fail 'a program that only uses Troupe::troupe loads gRPC'

# Alone, on a cluster, and submitted to it. The daemons are those of the prefix: found without PATH, for the package knows
# where it was found, and by PATH once the prefix has moved again.
expect 'the counter stands at 42' env PATH="$system_path" "$work/build/counter"
mv "$prefix" "$work/elsewhere"
! env PATH="$system_path" "$work/build/counter" >"$work/lost" 2>&1 || fail 'a program found daemons that are not there'
grep -q "it is not in .*$prefix/bin" "$work/lost" || fail "the error does not name $prefix/bin: $(cat "$work/lost")"
expect 'the counter stands at 42' env PATH="$work/elsewhere/bin:$system_path" "$work/build/counter"
mv "$work/elsewhere" "$prefix"
troupe start --head --num-cpus 2 --object-store-memory 64MiB --json >"$work/started.json"
pid="$(sed -n 's/.*"raylet_pid": \([0-9]*\).*/\1/p' "$work/started.json")"
[[ "$(readlink "/proc/$pid/exe")" == "$prefix/bin/troupe-raylet" ]] || fail "the raylet is $(readlink "/proc/$pid/exe")"
expect 'the counter stands at 42' env TROUPE_ADDRESS="$(sed -n 's/.*"address": "\(.*\)".*/\1/p;T;q' "$work/started.json")" "$work/build/counter"
expect 'the counter stands at 42' "$work/build/submit" "$work/build/counter"
expect 'the counter stands at 42' troupe submit -- "$work/build/counter"
expect 'SUCCEEDED' troupe job list
expect '1_1_actor_calls_sync' troupe microbenchmark --filter '^1_1_actor_calls_sync$' --seconds 0.05
troupe stop
