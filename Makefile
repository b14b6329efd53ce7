# Two commands: `make demo` and `make test`. Each installs what is missing, builds and runs.
.DEFAULT_GOAL := help
.PHONY: help setup build demo test sanitize bench format clean

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile

setup:  ## the Debian packages that the rest needs
	@tools/setup.sh

build: setup  ## the program, as build/release/coterie
	@cmake --preset release
	@cmake --build --preset release --target coterie_program

demo: build  ## clusters Fashion-MNIST and writes a report
	@tools/demo.sh

test: setup  ## all tests of the release build; the reduced build
	@tools/check.sh release reduced

sanitize: setup  ## the fast tests under the sanitizers
	@tools/check.sh asan tsan

bench: setup  ## speed of the clustering kernels
	@cmake --preset release
	@cmake --build --preset release --target benches
	@build/release/bench/pac_bench
	@build/release/bench/fashion_bench

format:  ## clang-format over all sources
	@git ls-files '*.h' '*.cpp' | xargs clang-format -i

clean:  ## removes build folders and the demo's run
	@rm -rf build demo-run
