"""Pages of the documentation and their fenced blocks."""
import pathlib
import re
import sys
from dataclasses import dataclass

SOURCE = pathlib.Path(__file__).resolve().parents[2]


@dataclass
class Block:
    page: pathlib.Path
    line: int  # of the block's first line
    language: str
    text: str

    def place(self):
        return f"{self.page.relative_to(SOURCE)}:{self.line}"


def pages():
    """Every Markdown page: the README, HACKING, the changelog, docs/, the cards of the methods."""
    top = [SOURCE / name for name in ("README.md", "HACKING.md", "CHANGELOG.md")]
    return top + sorted((SOURCE / "docs").rglob("*.md")) + sorted((SOURCE / "src").rglob("*.md"))


def blocks(page):
    """The page's blocks in order. Ends the program where one is indented: a fence says what it is."""
    found, fence, before = [], None, ""
    for number, line in enumerate(page.read_text().splitlines(), 1):
        if line.startswith("```"):
            if fence is None:
                fence = Block(page, number + 1, line[3:].strip(), "")
            else:
                found.append(fence)
                fence = None
        elif fence is not None:
            fence.text += line + "\n"
        elif re.match(r"    \S", line) and before == "":
            sys.exit(f"{page.relative_to(SOURCE)}:{number}: a block without fence; write ```sh or the like")
        before = line.strip()
    return found
