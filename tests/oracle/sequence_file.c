/* SPDX-License-Identifier: BSD-2-Clause */
/* Sequences in files. See sequence_file.h. */
#include "tests/oracle/sequence_file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const char *const oracle_strengths[] = {
	[MODEL_PROMISE] = "promise", [MODEL_ISA] = "isa", NULL};

int oracle_find_name(const char *const *names, const char *name)
{
	for (int i = 0; names[i]; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}

void sequence_print_setting(FILE *out, const struct oracle_setting *setting)
{
	fprintf(out,
		"mode %s profile %s asid_bits %u vms %u vcpus %u budget %" PRIu64
		" model %s\n",
		setting->engine->name, setting->profile, setting->asid_bits, setting->vms,
		setting->vcpus, setting->budget, oracle_strengths[setting->strength]);
}

bool sequence_save(const char *name, const struct oracle_setting *setting,
		   const struct operation *operations, size_t count)
{
	FILE *file = fopen(name, "w");

	if (!file)
		return false;
	sequence_print_setting(file, setting);
	for (size_t i = 0; i < count; i++) {
		uint64_t word;

		memcpy(&word, &operations[i], sizeof(word));
		fprintf(file, "%016" PRIx64 " ", word);
		operation_print(file, &operations[i]);
	}
	return fclose(file) == 0;
}

static bool read_setting(FILE *file, struct oracle_setting *setting)
{
	char mode[16], profile[16], strength[16];
	int profile_at, strength_at;

	if (fscanf(file,
		   "mode %15s profile %15s asid_bits %u vms %u vcpus %u budget %" SCNu64
		   " model %15s\n",
		   mode, profile, &setting->asid_bits, &setting->vms, &setting->vcpus,
		   &setting->budget, strength) != 7)
		return false;
	setting->engine = oracle_engine_find(mode);
	profile_at = oracle_find_name(oracle_profiles, profile);
	strength_at = oracle_find_name(oracle_strengths, strength);
	if (!setting->engine || profile_at < 0 || strength_at < 0)
		return false;
	setting->profile = oracle_profiles[profile_at];
	setting->strength = (enum model_strength)strength_at;
	return setting->vms >= 1 && setting->vms <= ORACLE_VM_LIMIT &&
	       setting->vcpus >= setting->vms && setting->vcpus <= ORACLE_VCPU_LIMIT;
}

bool sequence_read(FILE *file, struct oracle_setting *setting,
		   struct operation **operations, size_t *count)
{
	uint64_t word;

	*operations = NULL;
	*count = 0;
	if (!read_setting(file, setting))
		return false;
	while (fscanf(file, "%16" SCNx64 "%*[^\n]\n", &word) == 1) {
		*operations = realloc(*operations, (*count + 1) * sizeof(**operations));
		if (!*operations)
			abort();
		memcpy(&(*operations)[(*count)++], &word, sizeof(word));
	}
	return true;
}
