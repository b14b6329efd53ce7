#!/bin/sh
# pendigits.sh FILE: seconds and ACC of the whole command on Pendigits (10,992 x 16, K = 10, ten
# restarts) for seeds 0 to 9. FILE is pendigits.csv with the column `label`.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
file=${1:?name pendigits.csv}
program=$here/build/release/coterie
[ -f "$file" ] || { echo "pendigits.sh: there is no $file; name the file" >&2; exit 2; }
[ -x "$program" ] || { echo "pendigits.sh: run 'make build' first" >&2; exit 2; }

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
figure() {  # figure KEY: a number of the JSON object in $result
  printf '%s' "$result" | tr -d ' \n' | sed -n "s/.*\"$1\":\([0-9.]*\).*/\1/p"
}
echo "seed seconds acc"
for seed in 0 1 2 3 4 5 6 7 8 9; do
  result=$("$program" cluster "$file" --label-column label -k 10 --method pac --seed $seed \
    --out "$scratch/run" --force --quiet --json)
  echo "$seed $(figure seconds) $(figure acc)"
done
