# SPDX-License-Identifier: BSD-3-Clause
# A thin face over meson. `make help` lists the targets.
#
# NO_INSTALL=1     leaves the system's packages alone
# MESON_ARGS=...   goes to `meson setup` of build/

PCAP ?=
FUZZ_SECONDS ?= 20
BENCH_PACKETS ?= 1000000 10000000
SAMPLE := tests/captures/sample.pcap
JABIRU := build/app/sensor/jabiru
JABIRU_BENCH := build/app/bench/jabiru-bench
DEPS := $(if $(filter-out 0,$(NO_INSTALL)),,install-deps)
export PCAP IFACE

.DEFAULT_GOAL := help
.PHONY: help run build test sanitize fuzz lint format bench install install-deps clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 16

ifneq ($(strip $(IFACE)),)
run: build
	@echo "Reading $$IFACE until Ctrl-C, then the report. It takes root."
	@./$(JABIRU) run --port "net_af_packet0,iface=$$IFACE"
else
run: build ## replay the sample capture, or PCAP=file; read an interface with IFACE=eth0
	@./$(JABIRU) replay "$${PCAP:-$(SAMPLE)}"
	@echo
	@echo "To read your own capture:  make run PCAP=file"
	@echo "To read an interface:      make run IFACE=eth0   (as root, until Ctrl-C)"
endif

build: $(DEPS) ## build everything into build/
	@[ -f build/build.ninja ] || meson setup $(MESON_ARGS) build
	@meson compile -C build

test: build ## build, then run every suite
	@.ci/test build

lint: build ## the lint suite only
	@.ci/test build --suite lint

sanitize: $(DEPS) ## units and replays under address and undefined-behaviour sanitizers (clang)
	@[ -f build-sanitize/build.ninja ] || \
		meson setup --native-file .ci/sanitize.ini build-sanitize
	@meson compile -C build-sanitize
	@.ci/test build-sanitize --suite unit --suite replay --suite ctl --timeout-multiplier 4

fuzz: $(DEPS) ## each fuzz target for FUZZ_SECONDS=20 on its seeds (clang)
	@[ -f build-fuzz/build.ninja ] || meson setup --native-file .ci/fuzz.ini build-fuzz
	@meson compile -C build-fuzz
	@.ci/test build-fuzz --suite fuzz --test-args=-max_total_time=$(FUZZ_SECONDS)

bench: build ## cycles a packet by jabiru-bench, then RUNS=10 timed replays of made captures
	@tests/perf/bench.sh $(JABIRU_BENCH)
	@tests/replay/bench.sh $(JABIRU) build/tests/builder/make_load $(BENCH_PACKETS)

format: $(DEPS) ## write C files as the lint suite wants them
	@tests/lint/format.sh . --fix

install: build ## install below DESTDIR
	@meson install -C build --no-rebuild

install-deps: ## install the Debian packages that are missing (.ci/packages)
	@.ci/install-deps

clean: ## remove the build directories
	rm -rf build build-sanitize build-fuzz
