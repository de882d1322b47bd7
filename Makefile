# SPDX-License-Identifier: BSD-2-Clause
#
# Build, run and test Gnomon. `make help` lists what can be made and set.
# Objects lie under build/ beside their sources' names; what has to be installed
# or fetched first, scripts/setup does, and says so.

CROSS    ?= riscv64-linux-gnu-
COMPILER ?= gcc
PAGING   ?= lsp
MACHINE  ?= virt
SEAT     ?= $(if $(filter sifive_u,$(MACHINE)),m,hs)
MEMORY   ?= 512M
BUNDLE   ?=
BUNDLE_ADDRESS ?= 0
V        ?= 0
TEST_JOBS ?= $(shell nproc)
BUILD    := build
OUT      := $(BUILD)/$(COMPILER)
PYTHON   := /usr/bin/python3
Q        := $(if $(filter 0,$(V)),@)

LIBFDT_ROOT := build/debian/trixie-riscv64/usr
LIBFDT      := $(LIBFDT_ROOT)/lib/riscv64-linux-gnu/libfdt.a

CC.gcc    := $(CROSS)gcc
CC.clang  := clang --target=riscv64-linux-gnu -mno-implicit-float -mno-relax -fuse-ld=lld \
	-Wno-unused-command-line-argument
CC        := $(or $(CC.$(COMPILER)),$(error COMPILER is gcc or clang))
OBJCOPY   := $(CROSS)objcopy
OBJDUMP   := $(CROSS)objdump

ifeq ($(shell echo '$(BUNDLE_ADDRESS)' | grep -xE '0|0x[0-9a-fA-F]{1,15}[08]|0x0'),)
$(error BUNDLE_ADDRESS is a hexadecimal number and a multiple of 8, such as 0x80a00000)
endif

TARGET  := -march=rv64gc -mabi=lp64d -mcmodel=medany -fpie
INCLUDE := -I. -I$(OUT) -DBUNDLE_ADDRESS=$(BUNDLE_ADDRESS) \
	-isystem arch/riscv/include/freestanding \
	-isystem $(LIBFDT_ROOT)/include
WARNINGS := -Wall -Wextra -Werror -Wshadow -Wundef -Wvla -Wmissing-prototypes \
	-Wstrict-prototypes -Wconversion -Wsign-conversion
CFLAGS  := $(TARGET) -std=gnu11 -O2 -g -ffreestanding -fno-builtin -fno-common \
	-fno-stack-protector -fno-strict-aliasing -fno-asynchronous-unwind-tables \
	-fvisibility=hidden \
	$(WARNINGS) $(INCLUDE)
# Not t2 to t6, a6 and a7: what C leaves alone, the fast trap vector need not save.
CFLAGS += $(foreach n,7 16 17 28 29 30 31,-ffixed-x$(n))
CFLAGS.gcc := -fno-tree-loop-distribute-patterns
CFLAGS  += $(CFLAGS.$(COMPILER))
# What no exit of a busy guest comes by is made small, and all else fast; small also are
# the drivers of the host's virtio devices, which copy, and wait for the device.
SELDOM  := $(wildcard core/bundle*.c core/canary.c core/console_*.c core/device_tree.c \
	core/elf.c core/gnomon.c core/guest_fdt*.c core/host_*.c core/json.c \
	core/loader.c core/log.c core/machine.c core/monitor*.c core/options.c core/report.c \
	core/selftest.c core/vm.c core/vm_*.c core/uplink.c core/vms.c drivers/host_*.c \
	arch/riscv/checklist.c lsp/budget.c)
# libfdt's static functions in its header are not ours to warn about.
LDFLAGS := -nostdlib -pie -Wl,--no-dynamic-linker -Wl,-z,text -Wl,--build-id=none \
	-Wl,-z,max-page-size=4096 -Wl,--no-relax -Wl,--no-eh-frame-hdr \
	-Wl,-T,arch/riscv/link.ld

# Whether that is so, one object says for each compiler.
SOURCES := $(filter-out arch/riscv/asm_offsets.c arch/riscv/vector_% arch/riscv/exit_fast% \
		arch/riscv/probe% arch/riscv/held.S arch/riscv/switch.S, \
		$(wildcard arch/riscv/*.[cS])) \
	arch/riscv/vector_$(COMPILER).c \
	$(wildcard core/*.c core/sbi/*.c mm/*.c lsp/*.c drivers/*.c)
ALL_OBJECTS := $(SOURCES:%=$(OUT)/%.o)

# What differs between the seats: files of their own, and those that see the hart by
# their seat_trap.h.
SEAT_SOURCES = $(wildcard arch/riscv/$(1)/*.[cS] arch/riscv/exit_fast*.[cS] arch/riscv/probe*.[cS]) \
	arch/riscv/held.S arch/riscv/switch.S
HS_OBJECTS := $(patsubst %,$(OUT)/hs/%.o,$(call SEAT_SOURCES,hs))
M_OBJECTS  := $(patsubst %,$(OUT)/m/%.o,$(call SEAT_SOURCES,m))

# The two builds differ in this object, and in nothing else.
RELEASE_OBJECT := $(OUT)/core/check_release.c.o
DEBUG_OBJECT   := $(OUT)/core/check_debug.c.o
OBJECTS        := $(filter-out $(DEBUG_OBJECT),$(ALL_OBJECTS))
DEBUG_OBJECTS  := $(filter-out $(RELEASE_OBJECT),$(ALL_OBJECTS))

HYPERVISORS := $(patsubst %,$(BUILD)/%.bin,gnomon gnomon-debug gnomon-m gnomon-m-debug)

.PHONY: all
all: $(HYPERVISORS) guests

include guests/guests.mk
include guests/hostile/hostile.mk
include guests/linux/linux.mk
include tests/unit/unit.mk
include tests/fuzz/fuzz.mk
include tests/oracle/oracle.mk
include scripts/plugin/plugin.mk

# ---- the hypervisor ----

# Not by date: the other compiler's image may be the newer one.
$(HYPERVISORS): $(BUILD)/%.bin: $(OUT)/%.bin always
	$(Q)cmp -s $< $@ || { cp $< $@ && cp $(OUT)/$*.elf $(BUILD)/$*.elf; }

always:

$(OUT)/%.bin: $(OUT)/%.elf
	$(Q)$(OBJCOPY) -O binary $< $@
	@echo "  $*: $$(stat -c %s $@) bytes"

$(OUT)/gnomon.elf: $(OBJECTS) $(HS_OBJECTS)
$(OUT)/gnomon-debug.elf: $(DEBUG_OBJECTS) $(HS_OBJECTS)
$(OUT)/gnomon-m.elf: $(OBJECTS) $(M_OBJECTS)
$(OUT)/gnomon-m-debug.elf: $(DEBUG_OBJECTS) $(M_OBJECTS)
$(HYPERVISORS:$(BUILD)/%.bin=$(OUT)/%.elf): $(LIBFDT) arch/riscv/link.ld scripts/check-no-float
	@echo "  LINK    $@"
	$(Q)scripts/check-no-float $(OBJDUMP) $(filter %.c.o,$^)
	$(Q)$(CC) $(TARGET) $(LDFLAGS) $(filter %.o,$^) $(LIBFDT) -o $@

$(OUT)/%.c.o: %.c $(LIBFDT) Makefile
	@echo "  CC      $<"
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -MMD -MP -c $< -o $@

$(OUT)/%.S.o: %.S $(OUT)/asm_offsets.h Makefile
	@echo "  AS      $<"
	@mkdir -p $(@D)
	$(Q)$(CC) $(TARGET) $(INCLUDE) -MMD -MP -c $< -o $@

# Only this one depends on what the variable is.
$(OUT)/arch/riscv/place.c.o: $(OUT)/bundle-address
$(OUT)/bundle-address: always
	@mkdir -p $(@D)
	@echo '$(BUNDLE_ADDRESS)' | cmp -s - $@ || echo '$(BUNDLE_ADDRESS)' > $@

$(SELDOM:%=$(OUT)/%.o): CFLAGS += -Os

define seat_rules
$(OUT)/$(1)/%.c.o: %.c $(OUT)/asm_offsets.h $(LIBFDT) Makefile
	@echo "  CC      $$<"
	@mkdir -p $$(@D)
	$(Q)$(CC) $(CFLAGS) -Iarch/riscv/$(1) -MMD -MP -c $$< -o $$@

$(OUT)/$(1)/%.S.o: %.S $(OUT)/asm_offsets.h Makefile
	@echo "  AS      $$<"
	@mkdir -p $$(@D)
	$(Q)$(CC) $(TARGET) $(INCLUDE) -Iarch/riscv/$(1) -MMD -MP -c $$< -o $$@
endef
$(foreach seat,hs m,$(eval $(call seat_rules,$(seat))))

$(OUT)/asm_offsets.h: arch/riscv/asm_offsets.c $(LIBFDT) Makefile
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -MMD -MP -MT $@ -MF $(OUT)/asm_offsets.d -S $< -o $(OUT)/asm_offsets.s
	$(Q)sed -n 's/^.*"->\([A-Z0-9_]*\) \([0-9]*\)".*$$/\#define \1 \2/p' \
		$(OUT)/asm_offsets.s > $@

-include $(ALL_OBJECTS:.o=.d) $(HS_OBJECTS:.o=.d) $(M_OBJECTS:.o=.d) $(OUT)/asm_offsets.d

$(LIBFDT):
	scripts/setup build

# ---- running and testing ----

.PHONY: setup
setup:
	@scripts/setup run

# Set up first, build then: a new machine has no compiler yet.
.PHONY: run
run: setup
	@$(MAKE) --no-print-directory $(BUILD)/gnomon$(if $(filter m,$(SEAT)),-m).bin
	@scripts/gnomon run --seat $(SEAT) --machine $(MACHINE) --paging $(PAGING) --memory $(MEMORY)

.PHONY: demo
demo: setup
	@$(MAKE) --no-print-directory $(BUILD)/gnomon$(if $(filter m,$(SEAT)),-m).bin
	@scripts/demo --seat $(SEAT)

.PHONY: visionfive2
visionfive2:
	@scripts/setup visionfive2
	@$(MAKE) --no-print-directory $(BUILD)/gnomon-m.bin
	@MEMORY='$(MEMORY)' scripts/visionfive2 $(BUILD)/visionfive2 $(BUNDLE)

.PHONY: test
test:
	@scripts/setup test
	@$(MAKE) --no-print-directory all workloads plugins unit-tests oracle-programs fuzz-programs
	@$(MAKE) --no-print-directory COMPILER=clang build/clang/gnomon.bin build/clang/gnomon-m.bin
	@$(PYTHON) -m pytest -p no:cacheprovider -q -n $(TEST_JOBS) --dist loadfile tests

# Flags as the objects are made with, but for what clang does not know.
.PHONY: check
check: $(OUT)/asm_offsets.h
	@CROSS='$(CROSS)' HOSTCC='$(HOSTCC)' \
		CLANG_TARGET='$(filter-out -fuse-ld=lld,$(wordlist 2,9,$(CC.clang)))' \
		HYPERVISOR_FLAGS='$(filter-out $(CFLAGS.gcc),$(CFLAGS))' \
		GUEST_FLAGS='$(filter-out $(CFLAGS.gcc),$(GUEST_CFLAGS))' \
		LINUX_FLAGS='$(WORKLOADS_CFLAGS)' \
		HOST_FLAGS='$(filter-out -fsanitize% -fno-sanitize%,$(UNIT_CFLAGS))' \
		scripts/check-static $(FILES)

.PHONY: clean
clean:
	rm -rf $(BUILD)/gcc $(BUILD)/clang $(BUILD)/unit $(BUILD)/guests \
		$(foreach image,$(HYPERVISORS),$(image) $(image:.bin=.elf)) $(FUZZ_TARGETS) $(ORACLE_BUILD) $(PLUGIN_BUILD) \
		$(BUILD)/mutation

.PHONY: help
help:
	@echo 'Targets:'
	@echo '  all    (default) the hypervisor for each seat, build/gnomon.bin and build/gnomon-m.bin,'
	@echo '         debug builds, which check translation tables after each exit, and the'
	@echo '         bundled guests'
	@echo '  run    install what is missing, build, and boot Debian to a shell in a VM'
	@echo '  demo       two VMs in one terminal: see "Several VMs" in the README'
	@echo '  visionfive2  what a VisionFive 2 boots, in build/visionfive2/: see docs/visionfive2.md'
	@echo '  test   install what is missing, build with gcc and clang, run all tests'
	@echo '  unit-tests  build the host tests alone (build/unit/*)'
	@echo '  fuzz   long runs of the fuzz targets (build/fuzz/work/ keeps what they find)'
	@echo '  fuzz-programs  build the fuzz targets alone (build/fuzz/*)'
	@echo '  oracle  random guests against the model of a TLB, one sequence for each of SEEDS'
	@echo '  oracle-programs  build the oracle alone (build/oracle/{fast,sanitized}/oracle)'
	@echo '  hostile  every attack of the hostile guest with each of SEEDS (1-20)'
	@echo '  plugins  the TLB model and the instruction counts, for QEMU (build/plugins/*.so)'
	@echo '  mutation  break the engine on purpose, and see that the tests notice'
	@echo '  bench  measure everything in every paging mode, with results in build/bench/, or'
	@echo '         with SEAT=m in build/bench-m/'
	@echo '  bench-quick  the same at the smallest sizes, in less than 3 minutes, with results in'
	@echo '         build/bench-quick/ or build/bench-m-quick/'
	@echo '  bench-ready  install, fetch and build what these two need'
	@echo '  check  static analysis: cppcheck, the analyzer of clang, every header by itself'
	@echo '  guests the bundled bare-metal guests (build/guests/*.bin)'
	@echo '  workloads  the workloads for a Linux guest alone (build/guests/workloads)'
	@echo '  setup  install and fetch what `run` needs, and no more'
	@echo '  clean  remove what was built; what was fetched stays (rm -r build for that)'
	@echo '  help   this text'
	@echo 'Variables:'
	@echo '  PAGING=MODE         paging mode of `run`: lsp, nested, shadow or shadow-unsync (lsp)'
	@echo '  SEAT=hs|m           where Gnomon of `run` and `bench` is: in HS-mode, or in M-mode, where harts'
	@echo '                      need no H extension (hs)'
	@echo '  MACHINE=virt|sifive_u  what `run` emulates; sifive_u, whose chip has no H extension,'
	@echo '                      for SEAT=m, the default there (virt)'
	@echo '  MEMORY=512M         memory of the guest of `run` and of `visionfive2`'
	@echo '  BUNDLE=FILE.itb     what `visionfive2` runs, if it is not Debian'
	@echo '  BUNDLE_ADDRESS=0    where the bundle is in memory, on boards on which neither a first'
	@echo '                      stage nor the device tree says it (0: nowhere)'
	@echo '  SEEDS=1-1000        seeds of `oracle` and `hostile`'
	@echo '  OPERATIONS=20000    operations of each sequence of `oracle`'
	@echo '  ORACLE_ARGUMENTS=   more options of `oracle` (see build/oracle/fast/oracle --help)'
	@echo '  MUTANT=TEXT         only the mutants of `mutation` with this in their name'
	@echo '  TEST_JOBS=N         files of tests that `test` runs at once (one for each processor)'
	@echo '  RUNS=10000000       executions of each target of `fuzz`'
	@echo '  FUZZ=fuzz_NAME      only this target of `fuzz`'
	@echo '  BENCH_ARGUMENTS=    more options of `bench` (see scripts/bench --help)'
	@echo '  COMPILER=gcc|clang  compiler of the hypervisor (gcc)'
	@echo '  CROSS=PREFIX        prefix of the cross tools (riscv64-linux-gnu-)'
	@echo '  QEMU=FILE           emulator to use, whatever the behaviour probe says'
	@echo '  DEBIAN_MIRROR=URL   where the apt configuration names no Debian mirror'
	@echo '  V=1                 show the commands'
