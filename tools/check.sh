#!/bin/sh
# check.sh PRESET...: builds each preset, runs its tests and ends with the figures of all.
# A preset that fails does not keep the next from running.
set -eu
cd "$(dirname "$0")/.."

failed=""
for preset in "$@"; do
  echo "== $preset"
  mkdir -p "build/$preset"
  log="build/$preset/ctest.log"
  rm -f "$log"
  begin=$(date +%s)
  if cmake --preset "$preset" && cmake --build --preset "$preset" --target tests; then
    echo "built in $(($(date +%s) - begin)) s"
    ctest --preset "$preset" --output-log "$log" </dev/null || failed="$failed $preset"
  else
    failed="$failed $preset(build)"
  fi
done

for preset in "$@"; do
  echo "== $preset"
  awk '/tests passed|Total Test time/; /^The following tests FAILED/ { failed = 1 } failed' \
    "build/$preset/ctest.log" 2>/dev/null | grep . || echo "no tests ran"
done
if [ -n "$failed" ]; then
  echo "failed:$failed"
  exit 1
fi
