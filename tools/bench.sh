#!/bin/sh
# Builds and runs every bench; about half an hour on two cores. bench/pac_against_paper needs
# Pendigits: PENDIGITS names the csv (docs/data.md says what it holds).
set -eu
cd "$(dirname "$0")/.."
cmake --preset release
cmake --build --preset release --target benches coterie_program

run() {
  echo
  echo "== $*"
  "$@"
}
run build/release/bench/kmeans_against_peers
run build/release/bench/tsne_against_peer
if [ -f "${PENDIGITS:-}" ]; then
  run build/release/bench/pac_against_paper "$PENDIGITS"
else
  echo "pac_against_paper is left out: set PENDIGITS to pendigits.csv"
fi
run build/release/bench/pac_bench
run build/release/bench/fashion_bench
run build/release/bench/sizes
run build/release/bench/scaling 100000 pac kmeans fcm pam spectral nmf finch gmm
run build/release/bench/scaling 20000 agglomerative rcc
run build/release/bench/consensus_million
run build/release/bench/autoencoder_step
run build/release/bench/train_step
run build/release/bench/pac_large
COTERIE_TIMED=1 COTERIE_PROGRAM=build/release/coterie run node tests/browser/report_test.mjs
