/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: lsp/[b-z]*.c mm/guest_memory.c mm/guest_store.c */
/* sources: core/json.c core/log.c tests/oracle/fresh_asids.c tests/oracle/guest.c */
/* sources: tests/oracle/model.c tests/oracle/operation.c tests/oracle/run.c */
/* sources: tests/oracle/access.c tests/oracle/engine*.c tests/oracle/machine.c */
/* sources: tests/unit/fake_arch.c tests/unit/fake_pages.c tests/unit/host_ram.c */
/* flags: -fno-sanitize-coverage=trace-cmp -Wl,--wrap=leaf_mark */
/* flags: -fsanitize-ignorelist=tests/fuzz/oracle.ignore */
/* options: -max_len=168 */
/*
 * The oracle with operations that a fuzzer writes, where tests/oracle/ has random
 * ones: the first eight bytes choose the machine, each eight more are one
 * operation, as they are.
 */
#include <string.h>

#include "core/types.h"
#include "tests/fuzz/fuzz.h"
#include "tests/oracle/run.h"

#define OPERATION_LIMIT 20
#define BUDGET_LEAST	17

static struct oracle_setting setting_of(const uint8_t *bytes)
{
	static const uint8_t asid_bits[] = {16, 4, 2, 1, 0};
	unsigned vcpus = 1u + bytes[1] % ORACLE_VCPU_LIMIT;

	return (struct oracle_setting){
		.engine = &engine_lsp,
		.profile = oracle_profiles[bytes[0] % 3],
		.asid_bits = asid_bits[bytes[2] % ARRAY_LENGTH(asid_bits)],
		.vcpus = vcpus,
		.vms = vcpus > 1 && (bytes[3] & 1) ? 2 : 1,
		.budget = bytes[4] & 1 ? BUDGET_LEAST + bytes[4] / 8u : 0,
		.strength = bytes[5] & 1 ? MODEL_ISA : MODEL_PROMISE,
	};
}

/* Missing bytes are 0, and what is left of an operation is one too. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct operation words[1 + OPERATION_LIMIT] = {0};
	struct oracle_counts counts = {0};
	struct oracle_setting setting;
	uint8_t machine[sizeof(words[0])];

	if (size > sizeof(words))
		return -1;
	if (size > 0)
		memcpy(words, bytes, size);
	memcpy(machine, words, sizeof(machine));
	setting = setting_of(machine);
	oracle_run(&setting, &words[1],
		   size > sizeof(words[0]) ? (size - 1) / sizeof(words[0]) : 0, &counts);
	return 0;
}
