# Two commands: `make demo` and `make test`. Each installs what is missing, builds and runs.
.DEFAULT_GOAL := help
.PHONY: help setup peers build demo docs docs-test test browser sanitize sanitize-base bench format clean

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile

setup:  ## the Debian packages that the rest needs
	@tools/setup.sh

peers:  ## the same, and the libraries that tests and benches compare with
	@tools/setup.sh peers

build: setup  ## the program, as build/release/coterie
	@cmake --preset release
	@cmake --build --preset release --target coterie_program

demo: build  ## clusters Fashion-MNIST and writes a report
	@tools/demo.sh

docs: build  ## the documentation, as build/docs/index.html
	@tools/setup.sh docs
	@tools/docs.sh

test: peers  ## all tests of the release build; the reduced build
	@tools/setup.sh docs
	@tools/check.sh release reduced

docs-test: peers  ## every block of the documentation, run
	@tools/setup.sh docs
	@cmake --preset release -DCOTERIE_DOCS_TESTS=ON
	@cmake --build --preset release
	@ctest --preset release -R '^Docs'

browser: peers  ## the report and the annotator in Chromium
	@cmake --preset release -DCOTERIE_BROWSER_TESTS=ON
	@cmake --build --preset release --target coterie_program
	@ctest --preset release -R Browser

sanitize: peers  ## the fast tests under the sanitizers; takes an hour
	@tools/check.sh asan tsan

sanitize-base: peers  ## the same for the layers below libtorch alone
	@tools/check.sh asan-base

bench: peers  ## speed: kernels, other libraries beside, sizes, threads, ten million rows
	@tools/bench.sh

format:  ## clang-format over all sources
	@git ls-files '*.h' '*.cpp' | xargs clang-format -i

clean:  ## removes build folders and the demo's run
	@rm -rf build demo-run
