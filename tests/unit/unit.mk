# SPDX-License-Identifier: BSD-2-Clause
#
# The host tests, to be included by the root Makefile: one program for each
# tests/unit/test_*.c, which names the sources it tests in its own first lines:
#   /* sources: lsp/walker.c mm/guest_memory.c */
#   /* libs: -lfdt */
# Compiled with the address and undefined-behaviour sanitizers, or what is named:
#   /* sanitizers: thread */

HOSTCC ?= gcc
UNIT_BUILD := $(BUILD)/unit
UNIT_TESTS := $(patsubst tests/unit/%.c,$(UNIT_BUILD)/%,$(wildcard tests/unit/test_*.c))
UNIT_CFLAGS := -std=gnu11 -O1 -g -I. -isystem $(BUILD)/host-libfdt/include $(WARNINGS) -Wno-error=maybe-uninitialized \
	-fno-sanitize-recover=all -fno-omit-frame-pointer
UNIT_SANITIZERS := address,undefined

# Who names fake_arch.c gets all the files it is made of.
FAKE_ARCH := $(patsubst %,tests/unit/fake_%.c,arch entries gstage tlb vector walk)

# Who names lsp/lsp.c gets all of lazy shadow paging, its checks included.
LSP_ENGINE := $(patsubst %,lsp/%.c,asid budget check check_tables check_window encoding fence fill fill_known globals lsp \
	path space sync table tree walker)

# Who names drivers/uart.c gets the drivers of its table.
UART_DRIVERS := $(wildcard drivers/uart*.c)

# Who names drivers/host_blk.c gets all of the driver of the host's disks.
HOST_BLK := $(wildcard drivers/host_blk*.c)

# Who names core/console_mux.c gets the console below it, and what formats its lines.
CONSOLE := $(wildcard core/console*.c) core/log.c

# Not this machine's own libfdt, but the version that Gnomon links.
HOST_LIBFDT := $(BUILD)/host-libfdt

# Each once, whoever else brings it.
unit_line = $(sort $(subst -lfdt,$(HOST_LIBFDT)/libfdt.a,$(subst \
	tests/unit/fake_arch.c,$(FAKE_ARCH),$(subst core/console_mux.c,$(CONSOLE),$(subst \
	lsp/lsp.c,$(LSP_ENGINE),$(subst drivers/uart.c,$(UART_DRIVERS),$(subst \
	drivers/host_blk.c,$(HOST_BLK),$(shell \
	sed -n 's|^/\* $(1): \(.*\) \*/$$|\1|p' $(2)))))))))

.PHONY: unit-tests
unit-tests: $(UNIT_TESTS)

# An object is made once for all programs with the same sanitizers. What a program is
# linked of stands in its .link, where tests/mutation finds it too.
comma := ,
unit_directory = $(UNIT_BUILD)/$(subst $(comma),-,$(1))

define unit_program
SANITIZERS.$(1) := $(or $(call unit_line,sanitizers,tests/unit/$(1).c),$(UNIT_SANITIZERS))
OBJECTS.$(1) := $$(patsubst %.c,$$(call unit_directory,$$(SANITIZERS.$(1)))/%.o, \
	$$(wildcard tests/unit/$(1).c $(call unit_line,sources,tests/unit/$(1).c)))

$(UNIT_BUILD)/$(1): $$(OBJECTS.$(1))
	@echo "  HOSTLD  $(1)"
	@echo '-fsanitize=$$(SANITIZERS.$(1)) $$^ -lcmocka $(call unit_line,libs,tests/unit/$(1).c)' \
		> $$@.link
	$(Q)$(HOSTCC) @$$@.link -o $$@

-include $$(OBJECTS.$(1):.o=.d)
endef
$(foreach test,$(notdir $(UNIT_TESTS)),$(eval $(call unit_program,$(test))))

define unit_object
$(call unit_directory,$(1))/%.o: %.c tests/unit/unit.mk
	@mkdir -p $$(@D)
	$(Q)$(HOSTCC) $(UNIT_CFLAGS) -fsanitize=$(1) -MMD -MP -c $$< -o $$@
endef
$(foreach variant,$(sort $(foreach test,$(notdir $(UNIT_TESTS)),$(SANITIZERS.$(test)))), \
	$(eval $(call unit_object,$(variant))))
