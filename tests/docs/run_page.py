#!/usr/bin/env python3
"""run_page.py PAGE BUILD FIXTURES: runs every block of a page of the documentation, in order, in a folder.

What a block's fence says decides what running means:

  sh      run by `sh -eu`, with the stand-ins of bin/ before everything else on PATH
  cpp     with a first line `// src/...`: a file of the source tree, laid over a copy of it and compiled as
          far as its names and types; otherwise a program, or the body of one, app.cpp
  diff    applied to that copy of the source tree; the files that it changes are compiled likewise
  cmake   a project around app.cpp, configured against the installed package, built and run
  python  run by python3
  json    parsed
  text    output, or the form of something: not run. No line of it may be a command.

The stand-ins keep the time in bounds: each says what it does instead. What was shortened is listed at
the end.
"""
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys

import pages

HERE = pathlib.Path(__file__).resolve().parent
PROJECT = "cmake_minimum_required(VERSION 3.22)\nproject(page LANGUAGES CXX)\n"
# Where a block is the body of a program, and what it takes for given.
BODY = """{includes}
#include <coterie/core/matrix.h>
#include <coterie/core/random.h>
int main() {{
  coterie::Matrix<float> features(300, 16), new_features(10, 16);
  coterie::RandomStream random(0, "features");
  for (auto* rows : {{&features, &new_features}})
    for (std::int64_t i = 0; i < rows->size(); ++i) rows->data()[i] = static_cast<float>(random.normal());
{body}
}}
"""


class Failed(Exception):
    pass


class Page:
    def __init__(self, page, build, fixtures):
        self.blocks = pages.blocks(page)
        self.build = build
        self.fixtures = fixtures
        self.folder = fixtures / "pages" / "-".join(page.relative_to(pages.SOURCE).with_suffix("").parts)
        self.tree = self.folder / "tree"
        self.shortened = self.folder / "shortened.txt"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]

    def lay_out(self):
        """The page's folder: the fixtures, and those runs that the page does not make itself."""
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.fixtures / "files", self.folder, copy_function=os.link)
        makes = set(re.findall(r"--out (\S+)", "".join(block.text for block in self.blocks)))
        for run in (self.fixtures / "runs").iterdir():
            if run.name not in makes:
                shutil.copytree(run, self.folder / run.name)
        (self.folder / "docs").symlink_to(pages.SOURCE / "docs")

    def environment(self):
        return os.environ | {
            "PATH": f"{HERE / 'bin'}:{os.environ['PATH']}",
            "COTERIE_CACHE": str(self.folder / ".cache"),
            "COTERIE_DATA": str(self.fixtures / "data"),
            "GIT_CEILING_DIRECTORIES": str(self.folder),  # The patches are not for the repository around it.
            "DOCS_PROGRAM": str(self.build / "coterie"),
            "DOCS_PORT": str(self.port),
            "DOCS_PYTHON": sys.executable,
            "DOCS_SOURCE": str(pages.SOURCE),
            "DOCS_SHORTENED": str(self.shortened),
        }

    def command(self, *words, text=None, cwd=None):
        done = subprocess.run(
            words, input=text, cwd=cwd or self.folder, env=self.environment(), text=True, errors="replace",
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        if done.returncode:
            raise Failed(f"exit code {done.returncode}\n{done.stdout[-3000:]}")

    def run(self, block):
        runner = getattr(self, "run_" + block.language, None)
        if not runner:
            raise Failed(f"a fence says what its block is: ```{block.language or '...'} is unknown here")
        runner(block.text)

    def run_sh(self, text):
        script = self.folder / ".block.sh"
        script.write_text(text)
        self.command("sh", "-eu", script)

    def run_python(self, text):
        self.command(sys.executable, "-", text=text)

    def run_json(self, text):
        try:
            json.loads(text)
        except json.JSONDecodeError as error:
            raise Failed(f"no JSON: {error}")

    def run_text(self, text):
        command = re.search(r"^(\$ |coterie |make |cmake ).*", text, flags=re.M)
        if command:
            raise Failed(f"a command stands in a block of text, which is not run: {command[0]}")

    def source_tree(self):
        if not self.tree.exists():
            shutil.copytree(pages.SOURCE / "src", self.tree / "src")
            shutil.copytree(pages.SOURCE / "tests", self.tree / "tests")
            (self.tree / "include/coterie").mkdir(parents=True)
            for layer in (self.tree / "src").iterdir():
                if layer.is_dir():
                    (self.tree / "include/coterie" / layer.name).symlink_to(layer)

    def check(self, file):
        """Compiles a file of the tree as far as its names and types, as a file of src/methods is."""
        commands = json.loads((self.build / "compile_commands.json").read_text())
        like = next(entry for entry in commands if "coterie_methods.dir" in entry["file"])
        compiler, *flags = like["command"].split(" -o ")[0].split()
        self.command(compiler, "-fsyntax-only", f"-I{self.tree}/include", f"-I{self.tree}/tests", *flags, self.tree / file)

    def run_cpp(self, text):
        place = re.match(r"// ((?:src|tests)/\S+)\n", text)
        if place:
            self.source_tree()
            file = self.tree / place[1]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
            if file.suffix == ".cpp":
                self.check(place[1])
            return
        if "int main(" not in text:
            lines = text.splitlines()
            includes = [line for line in lines if line.startswith("#include")]
            body = [line for line in lines if not line.startswith("#include")]
            text = BODY.format(includes="\n".join(includes), body="\n".join(body))
        (self.folder / "app.cpp").write_text(text)

    def run_diff(self, text):
        self.source_tree()
        self.command("git", "apply", "-", text=text, cwd=self.tree)
        for file in re.findall(r"^\+\+\+ b/(\S+\.cpp)$", text, flags=re.M):
            self.check(file)

    def run_cmake(self, text):
        if not (self.folder / "app.cpp").exists():
            raise Failed("no block of C++ stands before it")
        (self.folder / "CMakeLists.txt").write_text(PROJECT + text)
        self.command("/usr/bin/cmake", "-S", ".", "-B", "app", f"-DCMAKE_PREFIX_PATH={self.fixtures / 'prefix'}")
        self.command("/usr/bin/cmake", "--build", "app")
        self.command("app/app")


def main(page, build, fixtures):
    page = Page(pathlib.Path(page).resolve(), pathlib.Path(build).resolve(), pathlib.Path(fixtures).resolve())
    page.lay_out()
    for block in page.blocks:
        try:
            page.run(block)
        except Failed as failure:
            sys.exit(f"{block.place()}: this block of {block.language} fails\n{block.text}\n{failure}")
    run = [block for block in page.blocks if block.language != "text"]
    print(len(run), "blocks run,", len(page.blocks) - len(run), "blocks of text")
    if page.shortened.exists():
        print("shortened:", page.shortened.read_text(), sep="\n", end="")
    shutil.rmtree(page.folder)


main(*sys.argv[1:])
