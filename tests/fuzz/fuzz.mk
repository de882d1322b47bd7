# SPDX-License-Identifier: BSD-2-Clause
#
# The fuzz targets, to be included by the root Makefile behind tests/unit/unit.mk:
# one program for each tests/fuzz/fuzz_*.c, which says in its own first lines what
# it is made of, how it is compiled beyond that, and how it is run:
#   /* sources: core/bundle.c tests/fuzz/guarded.c */
#   /* libs: -lfdt */
#   /* flags: -fno-sanitize-coverage=trace-cmp */
#   /* options: -max_len=1024 */
# libFuzzer with the address and undefined-behaviour sanitizers; clang only.

RUNS ?= 10000000
FUZZ ?=
FUZZ_BUILD := $(BUILD)/fuzz
FUZZ_TARGETS := $(patsubst tests/fuzz/%.c,$(FUZZ_BUILD)/%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_CFLAGS := -std=gnu11 -O2 -g -I. -isystem $(HOST_LIBFDT)/include $(WARNINGS) \
	-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
	-fsanitize-coverage-ignorelist=tests/fuzz/coverage.ignore -fno-omit-frame-pointer

.PHONY: fuzz-programs
fuzz-programs: $(FUZZ_TARGETS)

define fuzz_program
$(FUZZ_BUILD)/$(1): tests/fuzz/$(1).c $(call unit_line,sources,tests/fuzz/$(1).c) \
		tests/fuzz/coverage.ignore $$(wildcard tests/*/*.h arch/riscv/*.h core/*.h) \
		$$(wildcard core/sbi/*.h drivers/*.h lsp/*.h mm/*.h)
	@echo "  FUZZ    $(1)"
	@mkdir -p $$(@D)
	$(Q)clang $(FUZZ_CFLAGS) $(call unit_line,flags,tests/fuzz/$(1).c) tests/fuzz/$(1).c \
		$(call unit_line,sources,tests/fuzz/$(1).c) -o $$@ -lcmocka \
		$(call unit_line,libs,tests/fuzz/$(1).c)
endef
$(foreach target,$(notdir $(FUZZ_TARGETS)),$(eval $(call fuzz_program,$(target))))

# Long runs, one after the other; FUZZ=fuzz_NAME for one of them.
.PHONY: fuzz
fuzz: fuzz-programs
	@$(PYTHON) tests/fuzz/fuzzing.py --runs $(RUNS) $(FUZZ)
