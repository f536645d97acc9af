# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Everything is built below $(BUILD); the sources stay clean.
#   build/bin, build/lib        tools, libumem.a
#   build/KERNEL/               modules, in a tree of links to the sources
#   build/tests/                test programs

# Where modules are for: a name in tests/vm/kernels, or a version below
# /lib/modules.  A machine with its own headers builds for itself, but checks
# and the demo run in VMs and so always mean a stock kernel.
vm-goals := check check-% stress fuzz soak demo bench lint kernel-% vm-%
ifeq ($(origin KERNEL),undefined)
  KERNEL := $(shell [ -e /lib/modules/$$(uname -r)/build ] && uname -r || echo 6.1)
  ifneq ($(filter $(vm-goals),$(MAKECMDGOALS)),)
    KERNEL := 6.1
  endif
endif
stock := $(wildcard tests/vm/kernels/$(KERNEL).sh)

BUILD ?= build
override BUILD := $(abspath $(BUILD))
MODULES := $(BUILD)/$(KERNEL)
export UMEM_BUILD := $(BUILD)
export UMEM_KERNEL := $(KERNEL)

V ?= 0
Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),@:,@printf '  %-7s %s\n' '$(1)' '$(2)')

CC ?= gcc
WARNINGS := -Wall -Wextra -Werror
CFLAGS ?= -O2 -g
ALL_CFLAGS = -std=gnu11 $(WARNINGS) $(CFLAGS) -pthread
# Headers are named from the top ("provider/wire.h") or from their directory.
ALL_CPPFLAGS = -D_GNU_SOURCE -I. -Iuapi -Iprovider -Iprovider/lib $(CPPFLAGS)
LDLIBS = -Wl,--as-needed -lrdmacm -libverbs -ljson-c -lm

.PHONY: all modules tools tests clean help install where
all: modules tools

include tests/userspace.mk

# ---- packages: a no-op of some milliseconds when all are there

deps := $(addprefix deps-,build headers vm bench test lint)
.PHONY: $(deps)
$(deps): deps-%:
	@tests/vm/deps $*

$(userspace-objects): | deps-build

# ---- modules

# Kbuild writes its objects beside the sources, so it gets links to them.
# Links of files that are gone go too, else an old object would be linked.
mirror = \
	mkdir -p $(1) && find $(1) -xtype l -delete && \
	for f in ./Kbuild $$(find kernel provider uapi -name '*.[ch]'); do \
		[ -e $(1)/$$f ] || { mkdir -p $(1)/$${f%/*} && \
		ln -s $(CURDIR)/$$f $(1)/$$f; } || exit 1; \
	done
kdir = $(or $(KDIR),/lib/modules/$(KERNEL)/build)
# A kernel of the lab may need tools that this machine does not have.
lab := $(if $(KDIR),,$(stock))
kmake = $(if $(lab),tests/vm/kernel --make $(KERNEL),$(MAKE) --no-print-directory -C $(kdir))

# The lock is for two makes at once in one checkout.
modules: $(if $(stock),deps-headers) deps-build
	$(call say,KBUILD,$(MODULES))
	@mkdir -p $(MODULES)
	$(if $(lab),,@[ -d "$(kdir)" ] || { \
		echo "make: no kernel headers for KERNEL=$(KERNEL) ($(kdir)); install them or say KERNEL=6.1" >&2; exit 1; })
	+$(Q)exec 9>$(MODULES)/.lock && flock 9 && $(call mirror,$(MODULES)) && \
	$(kmake) M=$(MODULES) \
		$(if $(filter 1,$(V)),V=1) $(if $(stock),UMEM_WERROR=y) $(UMEM_KBUILD) modules

tools: $(tools)
tests: $(host-tests) $(guest-tests) $(guest-tools)

# ---- checks

.PHONY: check check-host check-guest check-debug check-debug-slice stress fuzz soak lint demo bench
check:
	+@MAKE='$(MAKE)' tests/check

check-host: deps-test $(host-tests)
	@tests/host/run $(if $(T),$(T),$(host-tests))

check-guest: deps-test modules tools tests
	@tests/vm/check-guest --kernel $(KERNEL) \
		$(if $(SLICE),--slice $(SLICE)) $(if $(RESULTS),--results $(RESULTS)) $(T)

# The same on the debug kernel, which is built the first time.
check-debug:
	+@$(MAKE) --no-print-directory KERNEL=debug check-guest

# Five minutes of it, other ones for each commit.
commit = $(or $(shell git rev-parse --short=12 HEAD 2>/dev/null),none)
check-debug-slice:
	+@$(MAKE) --no-print-directory SLICE=$(commit)/300 check-debug

# All of it, and the long stress and fuzz; hours.
soak:
	+@$(MAKE) --no-print-directory check-debug
	+@$(MAKE) --no-print-directory stress
	+@$(MAKE) --no-print-directory fuzz

# The same tests as in check-guest, longer, and with a seed. What they do not use
# may be left out; a time limit that fits comes from here.
SEED ?=
ROUND ?=
SECONDS ?= 120
CALLS ?= 1000000
stress: export UMEM_TEST_SEED = $(SEED)
stress: export UMEM_TEST_ROUND = $(ROUND)
stress: export UMEM_TEST_SECONDS = $(SECONDS)
stress: export UMEM_TEST_TIMEOUT = $(shell echo $$((5 * $(SECONDS) + 180)))
stress: deps-test modules tools tests
	@tests/vm/check-guest --kernel $(KERNEL) $(if $(T),$(T),stress/stress_*)

fuzz: export UMEM_TEST_SEED = $(SEED)
fuzz: export UMEM_TEST_CALLS = $(CALLS)
fuzz: export UMEM_TEST_TIMEOUT = $(shell echo $$(($(CALLS) / 200 + 180)))
# A 50th of the calls on the debug kernel, which is then asked for leaks.
fuzz: deps-test modules tools tests
	@tests/vm/check-guest --kernel $(KERNEL) stress/fuzz
	$(if $(filter debug,$(KERNEL)),,+@$(MAKE) --no-print-directory check-debug T=stress/fuzz)

lint: deps-build deps-test deps-lint $(if $(stock),deps-headers)
	+@MAKE='$(MAKE)' tests/lint/run $(T)

demo: deps-test modules tools
	@tests/vm/demo

# BENCH= are options of tests/vm/bench; QUICK=1 measures less touches.
bench: deps-bench modules tools
	@tests/vm/bench --kernel $(KERNEL) $(if $(QUICK),--touches 2048) $(BENCH)

# ---- the rest

PREFIX ?= /usr/local
DESTDIR ?=
install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/include/linux
	install $(tools) $(DESTDIR)$(PREFIX)/bin
	install -m 644 uapi/linux/*.h $(DESTDIR)$(PREFIX)/include/linux
	install -d $(DESTDIR)$(PREFIX)/share/man/man8
	install -m 644 $(wildcard docs/man/*.8) $(DESTDIR)$(PREFIX)/share/man/man8
	@# Debian's headers ask for a signature and have no key.
	+$(kmake) M=$(MODULES) CONFIG_MODULE_SIG_ALL= \
		$(if $(DESTDIR),INSTALL_MOD_PATH=$(DESTDIR)) modules_install

where:
	@echo $(MODULES)

clean:
	rm -rf $(BUILD)

help:
	@echo 'make [all]         modules and tools'
	@echo 'make modules       build/KERNEL/*.ko'
	@echo 'make tools         build/bin/*;  make build/bin/umemctl for one'
	@echo 'make tests         the test programs'
	@echo 'make check         what CI runs; the last line is "N passed, N failed"'
	@echo 'make check KERNEL=7.3   lint, host and guest tests for that kernel'
	@echo 'make check-host    unit tests                       [T=test_name]'
	@echo 'make check-guest   tests in virtual machines        [T=name or pattern]'
	@echo 'make check-debug   the same on a kernel with KASAN, lockdep, ... [SLICE=KEY/SECONDS]'
	@echo 'make check-debug-slice  five minutes of it, chosen by the commit'
	@echo 'make soak          all that takes hours'
	@echo 'make stress        all at once on one region  [SEED=, SECONDS=120, ROUND=, T=]'
	@echo 'make fuzz          random calls                       [SEED=, CALLS=1000000]'
	@echo 'make lint          checkpatch, sparse, W=1, gcc and clang, ... [T=check]'
	@echo 'make demo          remote memory between two virtual machines'
	@echo 'make bench         what a touch of a page costs, in instructions [QUICK=1, BENCH=]'
	@echo 'make where         print the directory of the modules'
	@echo 'make install       modules, tools and headers       [PREFIX=, DESTDIR=]'
	@echo 'make clean         remove the build directory (the cache stays)'
	@echo
	@echo 'KERNEL=NAME   a kernel of the lab ($(patsubst tests/vm/kernels/%.sh,%,$(wildcard tests/vm/kernels/*.sh))) or a version of this machine; now $(KERNEL)'
	@echo 'KDIR=DIR      its headers, where they are not found'
	@echo 'BUILD=DIR     another build directory; now $(BUILD)'
	@echo 'V=1           show the commands'
	@echo 'UMEM_DEPS=skip  install no packages'
	@echo
	@echo 'tests/vm/run --help   boot a virtual machine yourself'
	@echo 'tests/new NAME        begin a new test'
