#!/bin/sh
# expect.sh PROGRAM COMPILER FLAGS...: compiles PROGRAM. Passes when the compiler refuses it, its first error has the
# words of the program's `// expect: ...` line, and it prints no more lines than `// lines: ...` says, by default 50.
# A program without `// expect:` must compile. `// flags: ...` are added to the compiler's.
set -u
program=$1
shift
# said NAME: what the program's line of that name says.
said() { sed -n "s|^// $1: ||p" "$program"; }
wanted=$(said expect)
most=$(said lines)
flags=$(said flags)
# Plain quotes from every compiler. The program's flags are words of their own.
# shellcheck disable=SC2086
output=$(LC_ALL=C "$@" $flags -fsyntax-only "$program" 2>&1)
status=$?
complain() {
  echo "$program $*"
  echo "$output"
  exit 1
}
if [ -z "$wanted" ]; then
  [ $status -eq 0 ] || complain "must compile, but:"
  exit 0
fi
[ $status -ne 0 ] || complain "compiles, but must be refused with: $wanted"
echo "$output" | grep -m 1 -F "error:" | grep -qF -- "$wanted" || complain "is refused, but not first of all with: $wanted"
lines=$(echo "$output" | wc -l)
[ "$lines" -le "${most:-50}" ] || complain "is refused in $lines lines; no more than ${most:-50} are allowed"
