# SPDX-License-Identifier: BSD-2-Clause
#
# The workloads for a Linux guest, one static program for riscv64 (it needs the C
# library of the cross compiler), and the runs of all benchmarks.

BENCH_ARGUMENTS ?=

WORKLOADS_CFLAGS := -static -O2 -g -std=gnu11 -D_GNU_SOURCE -I. $(WARNINGS)
WORKLOADS_SOURCES := $(wildcard guests/linux/workloads/*.c)

.PHONY: workloads
workloads: $(GUEST_BUILD)/workloads

$(GUEST_BUILD)/workloads: $(WORKLOADS_SOURCES) $(wildcard guests/linux/workloads/*.h) \
		guests/lib/marks.h core/counters.h core/types.h guests/linux/linux.mk
	@echo "  LINK    $@"
	@mkdir -p $(@D)
	$(Q)$(CROSS)gcc $(WORKLOADS_CFLAGS) $(WORKLOADS_SOURCES) -o $@

.PHONY: bench
bench: bench-ready
	@scripts/bench --seat $(SEAT) $(BENCH_ARGUMENTS)

.PHONY: bench-quick
bench-quick: bench-ready
	@scripts/bench --seat $(SEAT) --quick $(BENCH_ARGUMENTS)

# Set up first, build then: a new machine has no compiler yet.
.PHONY: bench-ready
bench-ready:
	@scripts/setup bench
	@$(MAKE) --no-print-directory all workloads $(if $(PLUGINS),plugins)
