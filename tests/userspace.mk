# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Userspace programs, one per directory: a new file in it needs no change here.
# Included by the Makefile.

obj := $(BUILD)/obj

# $(call objects,SOURCES)
objects = $(patsubst %.c,$(obj)/%.o,$(1))
# $(call sources,DIR): of a program, which may keep parts in subdirectories
sources = $(wildcard $(1)/*.c $(1)/*/*.c)

# The library holds what is pure and shared: provider/*.c is built into the
# kernel as well.
lib-objects := $(call objects,$(wildcard provider/*.c provider/lib/*.c))
libumem := $(if $(lib-objects),$(BUILD)/lib/libumem.a)

umem-serve-sources := $(call sources,provider/serve)
umem-provider-sources := $(call sources,provider/umem-provider)
umemctl-sources := $(call sources,tools/umemctl)
umem-bench-sources := $(call sources,tools/umem-bench)

# umem-bench has a library that Debian has no package of: fetch-hdr gets its
# sources into the cache, and $(hdr) is a link to them.  A foreign header is
# none that we can mend: -isystem, and -w for the source.
hdr := $(BUILD)/hdr
hdr-object := $(obj)/hdr/hdr_histogram.o
hdr-users := $(call objects,tools/umem-bench/hist.c tests/host/test_bench_numbers.c)

# A program whose directory is empty is not there yet.
programs := $(foreach p,umem-serve umem-provider umemctl umem-bench,$(if $($(p)-sources),$(p)))
tools := $(addprefix $(BUILD)/bin/,$(programs))

userspace-objects := $(lib-objects) $(hdr-object) \
	$(foreach p,$(programs),$(call objects,$($(p)-sources)))

# Tests: one program a file; tests/guest/lib is shared by those of the guest,
# tests/guest/tools are programs for the scripts.
# Those in Python are linked to where the others are built.
host-tests := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/host/test_*.c)) \
	$(patsubst %.py,$(BUILD)/%,$(wildcard tests/host/test_*.py))
guest-sources := $(wildcard tests/guest/*.c)
guest-tests := $(patsubst %.c,$(BUILD)/%,$(guest-sources))
guest-tools := $(patsubst tests/guest/tools/%.c,$(BUILD)/tests/bin/%,$(wildcard tests/guest/tools/*.c))
# Programs that take a directory each, for the tests in tests/stress.
stress-programs := $(patsubst tests/stress/%/,%,$(wildcard tests/stress/*/))
$(foreach p,$(stress-programs),$(eval $(p)-sources := $(call sources,tests/stress/$(p))))
guest-tools += $(addprefix $(BUILD)/tests/bin/,$(stress-programs))
guestlib-objects := $(call objects,$(wildcard tests/guest/lib/*.c))

# These are built a second time with -m32, as NAME_32.  Debian has no 32-bit
# cmocka beside the 64-bit one: they print their TAP themselves, as do the files
# that are named *_32.c and built with -m32 only.
guest-m32 := region_ioctl channel_input sim_input
guest-tests += $(patsubst %,$(BUILD)/tests/guest/%_32,$(guest-m32))

userspace-objects += $(guestlib-objects) \
	$(call objects,$(wildcard tests/host/*.c tests/guest/*.c tests/guest/tools/*.c)) \
	$(foreach p,$(stress-programs),$(call objects,$($(p)-sources)))

$(BUILD)/lib/libumem.a: $(lib-objects)
	$(call say,AR,$(@:$(CURDIR)/%=%))
	@mkdir -p $(@D) && rm -f $@
	$(Q)ar rcs $@ $^

$(obj)/%.o: %.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(hdr):
	@dir=$$(tools/umem-bench/fetch-hdr) && mkdir -p $(@D) && ln -sfn "$$dir" $@
$(hdr)/hdr_histogram.c $(hdr)/hdr_histogram.h: | $(hdr) ;
# Lint takes all that a build prints for complaints: fetch before.
lint: $(hdr)

$(hdr-users): ALL_CPPFLAGS += -isystem $(hdr)
$(hdr-users): $(hdr)/hdr_histogram.h

$(hdr-object): WARNINGS := -w
$(hdr-object): ALL_CPPFLAGS += -DHDR_MALLOC_INCLUDE='"tools/umem-bench/hdr_malloc.h"'
$(hdr-object): $(hdr)/hdr_histogram.c
	$(call say,CC,$(<:$(CURDIR)/%=%))
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/bin/umem-bench $(BUILD)/tests/host/test_bench_numbers: $(hdr-object)

define program
$(BUILD)/bin/$(1): $(call objects,$($(1)-sources)) $(libumem)
	$$(call say,LD,$$(@:$(CURDIR)/%=%))
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(ALL_CFLAGS) $$(LDFLAGS) -o $$@ $$(filter %.o %.a,$$^) $$(LDLIBS)
endef
$(foreach p,$(programs),$(eval $(call program,$(p))))

define stress-program
$(BUILD)/tests/bin/$(1): $(call objects,$($(1)-sources)) $(libumem)
	$$(call say,LD,$$(@:$(CURDIR)/%=%))
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(ALL_CFLAGS) $$(LDFLAGS) -o $$@ $$(filter %.o %.a,$$^) $$(LDLIBS)
endef
$(foreach p,$(stress-programs),$(eval $(call stress-program,$(p))))

define link-test
	$(call say,LD,$(@:$(CURDIR)/%=%))
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $(filter %.o %.a,$^) $(LDLIBS) -lcmocka
endef
define build-m32
	$(call say,CC32,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) -m32 $(ALL_CPPFLAGS) $(ALL_CFLAGS) -o $@ $<
endef

$(BUILD)/tests/host/%: $(obj)/tests/host/%.o $(libumem) | deps-test
	$(link-test)

$(BUILD)/tests/host/%: tests/host/%.py
	@mkdir -p $(@D) && ln -sfn $(CURDIR)/$< $@

$(BUILD)/tests/guest/%_32: tests/guest/%_32.c | deps-test
	$(build-m32)
$(BUILD)/tests/guest/%_32: tests/guest/%.c | deps-test
	$(build-m32)
$(BUILD)/tests/guest/%: $(obj)/tests/guest/%.o $(guestlib-objects) $(libumem) | deps-test
	$(link-test)
$(BUILD)/tests/bin/%: $(obj)/tests/guest/tools/%.o $(guestlib-objects) $(libumem) | deps-test
	$(link-test)

# cmocka's header is not in the build set.
$(filter $(obj)/tests/%,$(userspace-objects)): | deps-test

.SECONDARY: $(userspace-objects)
-include $(userspace-objects:.o=.d)
