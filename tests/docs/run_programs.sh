#!/usr/bin/env bash
# Runs the programs that README.md and docs/ show, and the example, each on a cluster of its own, and looks at what they
# print.
# usage: run_programs.sh BIN_DIR
set -euo pipefail

bin="$1"
work="$(mktemp -d "${TMPDIR:-/tmp}/troupe-docs.XXXXXX")"
trap 'rm -rf -- "$work"' EXIT
unset TROUPE_ADDRESS TROUPE_HOME
export TROUPE_SESSION_ROOT="$work/session" TROUPE_TOKEN_FILE="$work/token"

fail() {
  echo "run_programs: $*" >&2
  exit 1
}

# shows COUNT PATTERN: the last run must have printed so many lines that match.
shows() {
  local found
  found="$(grep -cE "$2" "$work/out" || true)"
  ((found == $1)) || fail "$program printed $found lines that match '$2', not $1:"$'\n'"$(<"$work/out")"
}

# run STATUS PROGRAM [ARGUMENTS...]
run() {
  local wanted="$1" status=0
  program="${*:2}"
  "$bin/$2" "${@:3}" >"$work/out" 2>&1 || status=$?
  ((status == wanted)) || fail "$program ended with status $status, not $wanted:"$'\n'"$(<"$work/out")"
}

run 0 hello
shows 1 '^count: 3$'
shows 1 '^pi: 3\.1[34]'

run 0 guide
shows 1 '^restarts: a new incarnation$'

run 0 game_of_life --games 4 --size 24 --steps 30 --batch 7 --blocks 5
shows 4 'steps/s .* cells/s  correct$'

# A start that is given, and the frames: a glider is back after 4 steps for each cell of the grid's side.
printf '.*....\n..*...\n***...\n......\n......\n......\n' >"$work/glider"
run 0 game_of_life --mode blocks --blocks 3 --start "$work/glider" --steps 24 --batch 12 --frames
shows 1 '^blocks: generation 12, 5 alive$'
shows 3 '^blocks: generation (0|12|24),'
shows 1 ' [0-9]+ steps/s .* correct$'
tail -n 8 "$work/out" | head -n 6 | cmp - "$work/glider" || fail 'the glider is not back'

run 2 game_of_life --mode nonsense
run 2 game_of_life --size 0
run 1 game_of_life --start "$work/none"
shows 1 "cannot read $work/none"
run 1 game_of_life --address 127.0.0.1:1
shows 1 'no node of the cluster at 127.0.0.1:1'
