#!/usr/bin/env bash
# From a fresh checkout to a running cluster: builds Troupe, starts a head and two nodes on this machine,
# plays the Game of Life on them and checks the result, then stops everything.
# usage: quickstart.sh
set -euo pipefail

top="$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")"
bin="$top/build/release/bin"

say() { printf '\n== %s\n' "$*"; }

build() {
  "$top/deploy/install-deps.sh" --build-only
  (cd "$top" && cmake --preset release -Wno-dev >/dev/null)
  cmake --build "$top/build/release" --target troupe troupe-head troupe-raylet game_of_life
}

# Prints one member of the JSON object on standard input.
member() { python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }

# Nodes stop before the head, so that each can take its leave of it.
stop_all() {
  local status=$? directory
  say 'Stopping'
  for directory in "$session/node" "$session/head"; do
    [[ -d "$directory" ]] || continue
    "$bin/troupe" stop --session-dir "$directory" || status=1
  done
  if ((status == 0)); then
    rm -rf -- "$session"
    say 'Done: everything ran and everything is stopped'
  else
    echo "quickstart: failed; the logs are in $session" >&2
  fi
  exit "$status"
}

say 'Building'
build

session="$(mktemp -d "${TMPDIR:-/tmp}/troupe-quickstart.XXXXXX")"
export TROUPE_SESSION_ROOT="$session" TROUPE_TOKEN_FILE="$session/token"
trap stop_all EXIT

say 'Starting a head with the first node'
started="$("$bin/troupe" start --head --port 0 --num-cpus 2 --session-dir "$session/head" --json)"
address="$(member address <<<"$started")"
TROUPE_TOKEN_FILE="$(member token_file <<<"$started")"
echo "head at $address"

say 'Starting a second node'
"$bin/troupe" start --address "$address" --num-cpus 2 --session-dir "$session/node"

say 'What runs'
"$bin/troupe" status --address "$address"

say 'A game whose rows live in four processes, every tenth generation'
"$bin/game_of_life" --address "$address" --mode blocks --size 20 --steps 40 --batch 10 --frames

say 'The Game of Life in four ways, on actors of both nodes'
"$bin/game_of_life" --address "$address" --mode all
