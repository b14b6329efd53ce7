#!/bin/sh
# Makes the pictures of docs/images that the program draws by itself, on Fashion-MNIST.
set -eu
cd "$(dirname "$0")/.."

run=build/docs-pictures-run
build/release/coterie views fashion-mnist --preset digits --rows 4 --columns 8 --seed 2 --out docs/images/views.png
build/release/coterie cluster fashion-mnist -k 10 --method ae --epochs 2 --out "$run" --force --no-report
build/release/coterie nearest "$run" --out docs/images/nearest.png
rm -rf "$run"
