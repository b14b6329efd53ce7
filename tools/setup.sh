#!/bin/sh
# setup.sh [peers|docs]: installs the Debian 12 packages that build and demo need; with `peers` also the
# libraries that tests and benches compare with, with `docs` what makes the site of the documentation.
# Does nothing where all are there.
set -eu

packages="
  g++ make cmake ninja-build pkg-config
  libtorch-dev libgloo-dev libopenblas-dev
  libvips-dev libarchive-dev zlib1g-dev
  libfaiss-dev libeigen3-dev
  libcli11-dev libfmt-dev nlohmann-json3-dev libtomlplusplus-dev
  libsqlite3-dev libcpp-httplib-dev
  libgtest-dev libbenchmark-dev
  dataset-fashion-mnist
"
# Node.js that did not come as a package serves as well.
command -v npm >/dev/null || packages="$packages nodejs npm"
case "${1:-}" in
  peers) packages="$packages python3-sklearn python3-faiss python3-torchvision python3-torch chromium" ;;
  docs) packages="$packages doxygen doxygen-awesome-css" ;;
esac

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
  echo "setup: no apt on this system; what is needed, by the names of Debian 12:" $packages >&2
  exit 0
fi

missing=""
installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' $packages 2>/dev/null || true)
for package in $packages; do
  printf '%s\n' "$installed" | grep -qxF "installed $package" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

as_root=""
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "setup: run as root, or install sudo; these packages are missing:$missing" >&2
    exit 1
  fi
  as_root="sudo"
fi

install_missing() {
  $as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -q --no-install-recommends $missing </dev/null
}

echo "setup: installing$missing"
# Package lists may be absent, or older than what the mirror holds.
if [ -z "$(find /var/lib/apt/lists -name '*Packages*' 2>/dev/null | head -n 1)" ]; then
  $as_root apt-get update -q
  install_missing
else
  install_missing || { $as_root apt-get update -q && install_missing; }
fi
