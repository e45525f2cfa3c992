# Cairn's front door. CMake does the building (CMakePresets.json); this file says what a person can ask for.
#
#   make            the release binary, build/release/cairn
#   make demo       install what is missing, build, run the main job on a disk image made here, open the page
#   make check      install what is missing, pass all tests
#   make bench      print the rates and ratios of docs/benchmarks.md on data made here
#   make install    PREFIX (default /usr/local) and DESTDIR are honoured
#   make clean

PREFIX ?= /usr/local
DESTDIR ?=

.PHONY: all demo check bench install clean
all:
	@tools/setup.sh --need build
	cmake --preset release -DCMAKE_INSTALL_PREFIX=$(PREFIX)
	cmake --build --preset release --target cairn

demo:
	@tools/setup.sh build demo
	@$(MAKE) --no-print-directory all
	@tools/demo/run.sh build/release/cairn

check:
	@tools/setup.sh build demo check
	@tools/check.sh

bench:
	@tools/setup.sh build demo bench
	@$(MAKE) --no-print-directory all
	@bench/run.sh build/release

install: all
	DESTDIR=$(DESTDIR) cmake --install build/release --prefix $(PREFIX)

clean:
	rm -rf build web/dist web/node_modules
