#!/bin/sh
# Builds the site of the documentation, build/docs/index.html. Ends with 1 where Doxygen warns of anything
# or a link leads nowhere.
set -eu
cd "$(dirname "$0")/.."

rm -rf build/docs
doxygen docs/Doxyfile
python3 tests/docs/links.py build/docs
echo "$PWD/build/docs/index.html"
