#!/bin/sh
# Builds the site of the documentation, build/docs/index.html. Ends with 1 where Doxygen warns of anything,
# a page has no place in the navigation, or a link leads nowhere.
set -eu
cd "$(dirname "$0")/.."

rm -rf build/docs
doxygen docs/Doxyfile
# Doxygen takes parts off the path of an include, and puts none before it.
sed -i 's|<code>#include &lt;|&coterie/|' build/docs/*.html
for page in build/docs/md_*.html; do
  name=$(basename "$page" .html)
  if ! grep -qF "@ref $name\"" docs/layout.xml; then
    echo "docs/layout.xml leaves out $name" >&2
    exit 1
  fi
done
python3 tests/docs/links.py build/docs
echo "$PWD/build/docs/index.html"
