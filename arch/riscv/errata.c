/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The errata that Gnomon knows. See errata.h.
 *
 * Which harts have them: SiFive's errata sheets, as Linux's arch/riscv/errata applies
 * them. The later U74 of the JH7110 (mimpid 0x04210427) has neither.
 */
#include "arch/riscv/errata.h"
#include "arch/riscv/fence.h"
#include "core/arch.h"
#include "core/gnomon.h"
#include "core/log.h"
#include "core/reason.h"
#include "core/string.h"

#define SIFIVE		    0x489
#define SIFIVE_3_SERIES	    1
#define SIFIVE_7_SERIES	    UINT64_C(0x8000000000000007)
#define FENCE_REGISTERS	    (UINT32_C(31) << 15 | UINT32_C(31) << 20) /* rs1 and rs2 */
#define IMPLEMENTATION_DATE 0xffffff				      /* of mimpid */

/* From the one implementation to the other, by the bits that count. */
static const struct {
	enum erratum erratum;
	struct hart_identity first;
	uint64_t mask, last;
} known[] = {
	{ERRATUM_CIP_453, {SIFIVE, SIFIVE_7_SERIES, 0x20181004}, UINT64_MAX, 0x20191105},
	{ERRATUM_CIP_1200, {SIFIVE, SIFIVE_7_SERIES, 0}, IMPLEMENTATION_DATE, 0x200630},
	{ERRATUM_CIP_1200, {SIFIVE, SIFIVE_3_SERIES, 0}, IMPLEMENTATION_DATE, 0x200630},
};

/* In the range, and mended. */
static const struct {
	enum erratum erratum;
	uint64_t implementation;
} exceptions[] = {
	{ERRATUM_CIP_1200, 0x01200626},
};

static const struct {
	const char *name;
	const char *measure;
} described[] = {
	[ERRATUM_CIP_453] = {"cip-453", "addresses of fetches that fault are mended"},
	[ERRATUM_CIP_1200] = {"cip-1200", "every fence is a full one"},
};

bool errata_fetch_address;

static bool is_exception(enum erratum erratum, uint64_t implementation)
{
	for (unsigned i = 0; i < ARRAY_LENGTH(exceptions); i++)
		if (exceptions[i].erratum == erratum &&
		    exceptions[i].implementation == implementation)
			return true;
	return false;
}

uint32_t errata_of(const struct hart_identity *identity)
{
	uint32_t errata = 0;

	for (unsigned i = 0; i < ARRAY_LENGTH(known); i++) {
		const struct hart_identity *first = &known[i].first;
		uint64_t implementation = identity->implementation & known[i].mask;

		if (identity->vendor == first->vendor &&
		    identity->architecture == first->architecture &&
		    implementation >= first->implementation &&
		    implementation <= known[i].last &&
		    !is_exception(known[i].erratum, identity->implementation))
			errata |= UINT32_C(1) << known[i].erratum;
	}
	return errata;
}

static bool find_name(const char *name, size_t length, uint32_t *errata)
{
	for (unsigned i = 0; i < ARRAY_LENGTH(described); i++)
		if (strlen(described[i].name) == length &&
		    memcmp(described[i].name, name, length) == 0) {
			*errata |= UINT32_C(1) << i;
			return true;
		}
	return false;
}

bool errata_parse(const char *names, uint32_t *errata)
{
	*errata = 0;
	while (*names) {
		const char *comma = strchr(names, ',');
		size_t length = comma ? (size_t)(comma - names) : strlen(names);

		if (!find_name(names, length, errata))
			return false;
		names += length + (comma ? 1 : 0);
	}
	return true;
}

/* They are of 4 bytes at any multiple of 2. */
static void widen_fences(void)
{
	const size_t count = ((uintptr_t)fences_end - (uintptr_t)fences_start) /
			     sizeof(fences_start[0]);

	for (size_t i = 0; i < count; i++) {
		uint16_t *half = (uint16_t *)((uintptr_t)&fences_start[i] +
					      (uintptr_t)(intptr_t)fences_start[i]);
		uint32_t fence = (uint32_t)half[0] | (uint32_t)half[1] << 16;

		fence &= ~FENCE_REGISTERS;
		half[0] = (uint16_t)fence;
		half[1] = (uint16_t)(fence >> 16);
	}
	arch_fence_i();
}

static void log_errata(const struct hart_identity *identity, uint32_t errata)
{
	for (unsigned i = 0; i < ARRAY_LENGTH(described); i++)
		if (errata >> i & 1)
			log_line("errata: %s: %s", described[i].name,
				 described[i].measure);
	if (errata == 0)
		log_line("errata: none known of vendor 0x%lx, architecture 0x%lx, "
			 "implementation 0x%lx",
			 identity->vendor, identity->architecture,
			 identity->implementation);
}

void errata_begin(const struct hart_identity *identity)
{
	uint32_t errata = errata_of(identity), pretended;
	const char *why;

	if (!errata_parse(gnomon_pretended_errata(), &pretended)) {
		refuse(&why, STATUS_INVALID,
		       "boot arguments: errata=%s: there are cip-453 and cip-1200",
		       gnomon_pretended_errata());
		gnomon_refuse(why);
	}
	errata |= pretended;
	if (errata & 1u << ERRATUM_CIP_1200)
		widen_fences();
	errata_fetch_address = (errata & 1u << ERRATUM_CIP_453) != 0;
	log_errata(identity, errata);
}
