# SPDX-License-Identifier: BSD-2-Clause
#
# The bundled bare-metal guests, to be included by the root Makefile.
#
# Builds build/guests/NAME.elf and NAME.bin (flat, for RAM base + 2 MiB) for each
# name in GUESTS, out of guests/lib and guests/NAME. Compiled for rv64imac with
# the lp64 ABI, so that C code never uses the FP registers the checks watch;
# assembly may name them.

CROSS ?= riscv64-linux-gnu-
GUEST_CC ?= $(CROSS)gcc
GUEST_OBJCOPY ?= $(CROSS)objcopy
GUEST_BUILD ?= build/guests
GUESTS := hello conformance hostile bench tenant ticks walks race

GUEST_FLAGS := -mabi=lp64 -mcmodel=medany -I. -g -ffreestanding -fno-pic \
	-fno-stack-protector -fno-common -fno-asynchronous-unwind-tables
GUEST_AFLAGS := -march=rv64imafdc_zicsr_zifencei $(GUEST_FLAGS)
GUEST_CFLAGS := -march=rv64imac_zicsr_zifencei $(GUEST_FLAGS) -O2 -std=gnu11 \
	-fno-tree-loop-distribute-patterns -Wall -Wextra -Wshadow -Wundef -Wvla \
	-Wmissing-prototypes -Wstrict-prototypes -Wconversion -Wsign-conversion -Werror
GUEST_LDFLAGS := -nostdlib -static -no-pie -Wl,--build-id=none -Wl,--no-relax \
	-Wl,-z,max-page-size=4096 -Wl,--no-warn-rwx-segments -T guests/lib/guest.ld

guest_objects = $(patsubst guests/%,$(GUEST_BUILD)/%.o, \
	$(wildcard guests/lib/*.c guests/lib/*.S guests/$(1)/*.c guests/$(1)/*.S))

.PHONY: guests
guests: $(GUESTS:%=$(GUEST_BUILD)/%.bin)

$(GUEST_BUILD)/%.c.o: guests/%.c guests/guests.mk
	@echo "  CC      $<"
	@mkdir -p $(@D)
	$(Q)$(GUEST_CC) $(GUEST_CFLAGS) -MMD -MP -c $< -o $@

$(GUEST_BUILD)/%.S.o: guests/%.S guests/guests.mk
	@echo "  AS      $<"
	@mkdir -p $(@D)
	$(Q)$(GUEST_CC) $(GUEST_AFLAGS) -MMD -MP -c $< -o $@

$(GUEST_BUILD)/%.bin: $(GUEST_BUILD)/%.elf
	$(Q)$(GUEST_OBJCOPY) -O binary $< $@

define guest_link
$(GUEST_BUILD)/$(1).elf: $(call guest_objects,$(1)) guests/lib/guest.ld
	@echo "  LINK    $$@"
	$$(Q)$$(GUEST_CC) $$(GUEST_AFLAGS) $$(GUEST_LDFLAGS) $(call guest_objects,$(1)) -o $$@
-include $(patsubst %.o,%.d,$(call guest_objects,$(1)))
endef
$(foreach guest,$(GUESTS),$(eval $(call guest_link,$(guest))))
