# SPDX-License-Identifier: BSD-2-Clause
#
# The plugins for QEMU, to be included by the root Makefile: for the build host, with
# no header or library of QEMU's, whose functions are found when it loads them.

HOSTCC ?= gcc
PLUGIN_BUILD := $(BUILD)/plugins
PLUGINS := tlb instructions
PLUGIN_CFLAGS := -std=gnu11 -O2 -g -I. -fPIC -shared -fvisibility=hidden $(WARNINGS)

PLUGIN_COMMON := scripts/plugin/machine.c scripts/plugin/options.c
PLUGIN_SOURCES.tlb := $(patsubst %,scripts/plugin/%.c,tlb tlb_hart tlb_options tlb_model \
	page_walk fences)
PLUGIN_SOURCES.instructions := $(patsubst %,scripts/plugin/%.c,instructions exit_classes fences \
	page_walk)

.PHONY: plugins
plugins: $(PLUGINS:%=$(PLUGIN_BUILD)/%.so) $(PLUGIN_BUILD)/layout

define plugin
$(PLUGIN_BUILD)/$(1).so: $(PLUGIN_SOURCES.$(1)) $(PLUGIN_COMMON) \
		$$(wildcard scripts/plugin/*.h) mm/pte.h core/types.h
	@echo "  HOSTCC  $(1).so"
	@mkdir -p $$(@D)
	$(Q)$(HOSTCC) $(PLUGIN_CFLAGS) $$(filter %.c,$$^) -o $$@
endef
$(foreach name,$(PLUGINS),$(eval $(call plugin,$(name))))

# By the hypervisor's compiler and flags, as asm_offsets.h is.
$(PLUGIN_BUILD)/layout: scripts/plugin/layout.c $(wildcard arch/riscv/*.h core/*.h)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -S $< -o $@.s
	$(Q)sed -n 's/^.*"->\(.*\)".*$$/\1/p' $@.s > $@
	$(Q)rm $@.s
