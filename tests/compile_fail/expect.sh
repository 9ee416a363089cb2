#!/bin/sh
# expect.sh PROGRAM COMPILER FLAGS...: compiles PROGRAM. Passes when the compiler refuses it with the words of its
# `// expect: ...` line in one of the errors; a program without that line must compile.
set -u
program=$1
shift
wanted=$(sed -n 's|^// expect: ||p' "$program")
# Plain quotes from every compiler.
output=$(LC_ALL=C "$@" -fsyntax-only "$program" 2>&1)
status=$?
if [ -z "$wanted" ]; then
  [ $status -eq 0 ] && exit 0
  echo "$program must compile, but:"
  echo "$output"
  exit 1
fi
if [ $status -eq 0 ]; then
  echo "$program compiles, but must be refused with: $wanted"
  exit 1
fi
if echo "$output" | grep -F "error:" | grep -qF -- "$wanted"; then exit 0; fi
echo "$program is refused, but not with: $wanted"
echo "$output"
exit 1
