/* SPDX-License-Identifier: BSD-2-Clause */
/* A hart and its models. See tlb_hart.h. */
#include "scripts/plugin/tlb_hart.h"

#include <string.h>

#include "scripts/plugin/machine.h"

bool hart_create(struct hart *hart, const struct models *models)
{
	struct physical_memory memory = {.load = machine_load};
	bool created = true;

	hart->configured = models;
	for (unsigned i = 0; i < models->count; i++)
		created = tlb_model_create(&hart->models[i],
					   &models->named[i].configuration, memory) &&
			  created;
	return created;
}

void hart_begin(struct hart *hart)
{
	hart->stale[0] = hart->stale[1] = true;
	memset(hart->checks, 0, sizeof(hart->checks));
	for (unsigned i = 0; i < hart->configured->count; i++) {
		memset(hart->models[i].counts, 0, sizeof(hart->models[i].counts));
		tlb_model_flush(&hart->models[i]);
	}
}

void hart_fence(struct hart *hart, const struct tlb_fence *fence)
{
	for (unsigned i = 0; i < hart->configured->count; i++)
		tlb_model_fence(&hart->models[i], fence);
}

/*
 * With V = 1, satp is the guest's own, and vsatp what it was when V became 1; with
 * VTVM = 1 satp cannot be read, and vsatp has not changed since. With TVM = 1 it
 * cannot be read from S-mode either: it is what M-mode wrote last.
 */
void hart_read_regime(struct hart *hart, bool is_virtual)
{
	struct regime *regime = &hart->regimes[is_virtual];

	if (!hart->stale[is_virtual])
		return;
	hart->stale[is_virtual] = false;
	hart->code = NULL;
	regime->is_virtual = is_virtual;
	if (!machine_read(REGISTER_SATP, &regime->satp)) {
		regime->satp = hart->machine_satp;
		if (is_virtual)
			machine_read(REGISTER_VSATP, &regime->satp);
	}
	if (is_virtual)
		machine_read(REGISTER_HGATP, &regime->hgatp);
}

static void compare(struct checks *checks, enum tlb_event event, hpa_t ours, hpa_t theirs)
{
	bool wrong = ours.raw != theirs.raw;

	checks->compared++;
	checks->wrong_hits += wrong && event == TLB_HIT;
	checks->wrong_misses += wrong && event != TLB_HIT;
}

void hart_feed(struct hart *hart, bool is_virtual, gva_t gva, enum tlb_access kind,
	       uint64_t physical)
{
	for (unsigned i = 0; i < hart->configured->count; i++) {
		hpa_t hpa;
		enum tlb_event event = tlb_model_access(
			&hart->models[i], &hart->regimes[is_virtual], gva, kind, &hpa);

		if (physical != NO_PHYSICAL && event != TLB_INCOMPLETE &&
		    event != TLB_UNTRANSLATED)
			compare(&hart->checks[i][is_virtual], event, hpa, HPA(physical));
	}
}

static void write_list(FILE *out, const char *name, const uint64_t *values,
		       unsigned count)
{
	fprintf(out, ", \"%s\": [", name);
	for (unsigned i = 0; i < count; i++)
		fprintf(out, "%s%lu", i ? ", " : "", (unsigned long)values[i]);
	fputc(']', out);
}

static void write_model(FILE *out, const struct hart *hart, unsigned i,
			const struct origin *origin)
{
	const struct tlb_counts *counts = &hart->models[i].counts[origin->is_virtual];
	const struct checks *checks = &hart->checks[i][origin->is_virtual];
	const struct {
		const char *name;
		uint64_t value;
	} numbers[] = {
		{"region", origin->region},
		{"hart", origin->hart},
		{"virtual", origin->is_virtual},
		{"instructions", origin->instructions},
		{"untranslated", counts->untranslated},
		{"rewalks", counts->rewalks},
		{"incomplete", counts->incomplete},
		{"loads", counts->loads},
		{"g_loads", counts->g_loads},
		{"compared", checks->compared},
		{"wrong_hits", checks->wrong_hits},
		{"wrong_misses", checks->wrong_misses},
	};

	fprintf(out, "{\"model\": \"%s\"", hart->configured->named[i].name);
	for (unsigned n = 0; n < ARRAY_LENGTH(numbers); n++)
		fprintf(out, ", \"%s\": %lu", numbers[n].name,
			(unsigned long)numbers[n].value);
	write_list(out, "accesses", counts->accesses, TLB_ACCESSES);
	write_list(out, "misses", counts->misses, TLB_ACCESSES);
	write_list(out, "by_loads", counts->by_loads, WALK_LOADS_LIMIT + 1);
	write_list(out, "by_level", counts->by_level, PAGE_LEVELS);
	fputs("}\n", out);
}

void hart_write(FILE *out, const struct hart *hart, const struct origin *origin)
{
	for (unsigned i = 0; i < hart->configured->count; i++)
		write_model(out, hart, i, origin);
}
