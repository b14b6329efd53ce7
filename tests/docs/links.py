#!/usr/bin/env python3
"""Looks for dead links: links.py (those of the Markdown pages) or links.py SITE (of the HTML in a folder).

Addresses of other machines are left alone: nothing here asks the network.
"""
import html.parser
import pathlib
import re
import sys
import urllib.parse

import pages


def anchor(heading):
    """What GitHub makes of a heading."""
    text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def outside_code(text):
    text = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    return re.sub(r"`[^`]*`", "", text)


def markdown_targets(page):
    return re.findall(r"\]\(([^)\s]+)\)", outside_code(page.read_text()))


def markdown_anchors(page):
    plain = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.M | re.S)
    return {anchor(h) for h in re.findall(r"^#+ (.*)$", plain, flags=re.M)}


class Html(html.parser.HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.targets, self.names = [], set()
        self.feed(page.read_text())

    def handle_starttag(self, tag, attributes):
        for key, value in attributes:
            if key in ("href", "src") and value:
                self.targets.append(value)
            elif key in ("id", "name") and value:
                self.names.add(value)


def dead_links(files, targets_of, anchors_of):
    for page in files:
        for target in targets_of(page):
            # Doxygen names a list of nested classes that it leaves out where all of them are private.
            if re.match(r"[a-z]+:", target) or target == "#nested-classes":
                continue
            path, _, name = target.partition("#")
            to = (page.parent / urllib.parse.unquote(path)).resolve() if path else page
            if not to.exists() or (name and to.suffix == page.suffix and name not in anchors_of(to)):
                yield f"{page}: {target}"


def main(site=None):
    if site:
        read = {page.resolve(): Html(page) for page in pathlib.Path(site).rglob("*.html")}
        dead = list(dead_links(read, lambda p: read[p].targets, lambda p: read[p].names))
    else:
        read = pages.pages()
        dead = list(dead_links(read, markdown_targets, markdown_anchors))
    if not read:
        sys.exit("no pages were found")
    for link in dead:
        print("dead link in", link)
    print(len(read), "pages,", len(dead), "dead links")
    sys.exit(bool(dead))


main(*sys.argv[1:])
