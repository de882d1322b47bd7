# SPDX-License-Identifier: BSD-2-Clause
#
# The oracle, to be included by the root Makefile, built twice: fast, and with the
# address and undefined-behaviour sanitizers.
#   make oracle SEEDS=1-5000 [OPERATIONS=20000] [ORACLE_ARGUMENTS=...]
# shares the seeds out among the processors.

ORACLE_BUILD   := $(BUILD)/oracle
ORACLE_SOURCES := $(wildcard tests/oracle/*.c) \
	$(filter-out lsp/asid.c,$(LSP_ENGINE)) $(wildcard lsp/protect*.c) mm/guest_store.c \
	mm/guest_memory.c core/json.c core/log.c \
	$(FAKE_ARCH) tests/unit/fake_pages.c tests/unit/host_ram.c
ORACLE_CFLAGS  := -std=gnu11 -g -I. $(WARNINGS) -Wno-error=maybe-uninitialized
# Between what it has read and what it sets, others store: tests/oracle/access.c.
ORACLE_LIBS    := -Wl,--wrap=leaf_mark -lcmocka
SANITIZE       := -O1 -fsanitize=address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer

SEEDS            ?= 1-1000
OPERATIONS       ?= 20000
ORACLE_ARGUMENTS ?=

.PHONY: oracle-programs
oracle-programs: $(ORACLE_BUILD)/fast/oracle $(ORACLE_BUILD)/sanitized/oracle

$(ORACLE_BUILD)/fast/%.o: ORACLE_OPTIONS := -O2
$(ORACLE_BUILD)/sanitized/%.o $(ORACLE_BUILD)/sanitized/oracle: ORACLE_OPTIONS := $(SANITIZE)

define oracle_program
$(ORACLE_BUILD)/$(1)/%.o: %.c tests/oracle/oracle.mk
	@mkdir -p $$(@D)
	$$(Q)$$(HOSTCC) $$(ORACLE_CFLAGS) $$(ORACLE_OPTIONS) -MMD -MP -c $$< -o $$@

$(ORACLE_BUILD)/$(1)/oracle: $$(ORACLE_SOURCES:%.c=$(ORACLE_BUILD)/$(1)/%.o)
	@echo "  HOSTLD  $$@"
	$$(Q)$$(HOSTCC) $$(ORACLE_OPTIONS) $$^ -o $$@ $$(ORACLE_LIBS)
endef
$(foreach variant,fast sanitized,$(eval $(call oracle_program,$(variant))))
-include $(foreach variant,fast sanitized,$(ORACLE_SOURCES:%.c=$(ORACLE_BUILD)/$(variant)/%.d))

.PHONY: oracle
oracle: $(ORACLE_BUILD)/fast/oracle
	$(Q)$< --seeds $(SEEDS) --jobs $$(nproc) --operations $(OPERATIONS) $(ORACLE_ARGUMENTS)

# Whether the tests would notice: the engine broken on purpose, in many ways.
MUTANT          ?=
MUTATION_ORACLE := --seeds 1-120 --operations 8000
MUTATION_TABLE  := $(BUILD)/mutation/table.md

.PHONY: mutation
mutation: $(ORACLE_BUILD)/fast/oracle unit-tests
	$(Q)mkdir -p $(BUILD)/mutation
	$(Q)$(PYTHON) tests/mutation/mutate.py --compiler '$(HOSTCC)' \
		--flags '$(ORACLE_CFLAGS) -O2' --objects $(ORACLE_BUILD)/fast \
		--libs '$(ORACLE_LIBS)' --unit $(UNIT_BUILD) --unit-flags '$(UNIT_CFLAGS)' \
		--last docs/mutation.md --build $(BUILD)/mutation --table $(MUTATION_TABLE) \
		$(if $(MUTANT),--only '$(MUTANT)') --oracle '$(MUTATION_ORACLE)'
