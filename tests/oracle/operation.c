/* SPDX-License-Identifier: BSD-2-Clause */
/* Random operations, and operations in words. See operation.h. */
#include "tests/oracle/operation.h"

#include "mm/access.h"
#include "tests/oracle/guest.h"
#include "tests/unit/host_ram.h"

/* Of how many in a thousand, by kind. */
static const struct {
	enum operation_kind kind;
	unsigned share;
} shares[] = {
	{OPERATION_ACCESS, 540}, {OPERATION_STORE, 200},       {OPERATION_FENCE, 80},
	{OPERATION_SATP, 60},	 {OPERATION_REMOTE_FENCE, 40}, {OPERATION_READ, 30},
	{OPERATION_MOVE, 20},	 {OPERATION_PUT, 24},	       {OPERATION_SCARCITY, 5},
	{OPERATION_RESTART, 1},
};

static unsigned below(struct generator *generator, unsigned limit)
{
	return random_below(&generator->state, limit);
}

static enum operation_kind random_kind(struct generator *generator)
{
	unsigned at = below(generator, 1000), i = 0;

	while (at >= shares[i].share)
		at -= shares[i++].share;
	if (shares[i].kind == OPERATION_RESTART && generator->lasting)
		return OPERATION_ACCESS;
	return shares[i].kind;
}

/* Mostly canonical in Sv39, and mostly where something just happened. */
static uint16_t random_address(struct generator *generator)
{
	unsigned number = below(generator, 27);
	unsigned upper = number >= 18 ? 81 : 0;

	if (generator->narrow)
		return (uint16_t)(below(generator, 2) + 3 * below(generator, 2));
	if (below(generator, 2))
		return generator->address;
	if (below(generator, 5) == 0)
		upper = 27 * below(generator, 4);
	generator->address = (uint16_t)(number + upper);
	return generator->address;
}

static uint8_t random_asid(struct generator *generator)
{
	unsigned favourites = generator->narrow ? 2 : ASID_FAVOURITES;

	if (below(generator, 2) && generator->wide)
		generator->asid = (uint8_t)below(generator, ORACLE_ASIDS);
	else if (below(generator, 2))
		generator->asid = generator->favourites[below(generator, favourites)];
	if (!generator->narrow && below(generator, 12) == 0)
		return (uint8_t)below(generator, ORACLE_ASIDS);
	return generator->asid;
}

void generator_create(struct generator *generator, uint64_t state, unsigned vcpus)
{
	*generator = (struct generator){.state = state, .vcpus = vcpus};
	generator->narrow = below(generator, 5) < 2;
	generator->wide = !generator->narrow && below(generator, 2);
	generator->lasting = below(generator, 3) > 0;
	generator->global = below(generator, 3) == 0;
	for (unsigned i = 0; i < ASID_FAVOURITES; i++)
		generator->favourites[i] = (uint8_t)below(generator, ORACLE_ASIDS);
}

/* Mostly what lets accesses through: RWX, A and D set, G clear, or mostly set. */
static uint16_t random_flags(struct generator *generator)
{
	unsigned flags = below(generator, 0x400);

	flags |= below(generator, 6) ? 0x40 : 0;
	flags |= below(generator, 5) ? 0x80 : 0;
	flags |= below(generator, 3) ? 0x0e : 0;
	if (generator->global)
		flags |= below(generator, 64) ? 0x20 : 0;
	else if (below(generator, 3))
		flags &= ~0x20u;
	return (uint16_t)flags;
}

static uint8_t random_form(struct generator *generator, unsigned table)
{
	unsigned at = below(generator, 24);

	if (at < 10)
		return FORM_LEAF;
	if (at < 22)
		/* The last tables are of level 0. */
		return table < 12 ? FORM_POINTER : FORM_LEAF;
	if (at < 23)
		return FORM_ZERO;
	return (uint8_t)below(generator, FORM_LIMIT);
}

/* The first tables of each level below the first two roots of Sv39. */
static uint8_t narrow_table(struct generator *generator)
{
	static const uint8_t tables[] = {3, 7, 7, 8, 12, 13};

	return tables[below(generator, ARRAY_LENGTH(tables))];
}

static void random_store(struct generator *generator, struct operation *operation)
{
	unsigned slot = below(generator, STORE_SLOTS), form;

	operation->a = (uint8_t)below(generator, ORACLE_TABLES);
	if (generator->narrow) {
		operation->a = narrow_table(generator);
		/* Of the root, the entry for 2 GiB. */
		slot = operation->a == 3 ? 2 : below(generator, 2);
	}
	form = random_form(generator, operation->a);
	operation->b = (uint8_t)(slot | form << 3);
	operation->c = random_flags(generator);
	if (generator->global && form == FORM_POINTER)
		operation->c &= (uint16_t)~0x20u;
	if (generator->narrow && form == FORM_POINTER)
		operation->d &= 1;
}

static void random_satp(struct generator *generator, struct operation *operation)
{
	operation->a = (uint8_t)below(generator, 8);
	/* What is odd is rare. */
	if (operation->a >= CHOOSE_UNSUPPORTED && below(generator, 6))
		operation->a = CHOOSE_SV39;
	operation->b = random_asid(generator);
	if (generator->narrow && operation->a != CHOOSE_BARE)
		operation->a = CHOOSE_SV39;
	operation->c = (uint16_t)below(generator, 64);
	if (generator->narrow || (!generator->wide && below(generator, 2)))
		operation->c = (uint16_t)below(generator, 2);
}

static void random_fence(struct generator *generator, struct operation *operation)
{
	operation->a = (uint8_t)(below(generator, 4) | below(generator, 16) << 4);
	if (below(generator, 6))
		operation->a |= 1;
	if (operation->kind == OPERATION_REMOTE_FENCE)
		operation->a |=
			(uint8_t)(below(generator, 2) << 2 | below(generator, 2) << 3);
	operation->b = random_asid(generator);
	operation->c = random_address(generator);
}

/* A supervisor mostly has SUM set, so that it reaches users' pages too. */
static void random_access(struct generator *generator, struct operation *operation)
{
	operation->a = (uint8_t)(below(generator, 2) ? ACCESS_LOAD : below(generator, 3));
	if (below(generator, 4))
		operation->b |= 2;
	if (below(generator, 3))
		operation->b &= 0xfe;
	operation->c = random_address(generator);
}

struct operation operation_random(struct generator *generator)
{
	struct operation operation = {
		.kind = (uint8_t)random_kind(generator),
		.vcpu = (uint8_t)below(generator, generator->vcpus),
		.a = (uint8_t)below(generator, 0x100),
		.b = (uint8_t)below(generator, 0x100),
		.d = (uint16_t)below(generator, 0x10000),
	};

	switch (operation_kind(&operation)) {
	case OPERATION_STORE:
		random_store(generator, &operation);
		break;
	case OPERATION_SATP:
		random_satp(generator, &operation);
		break;
	case OPERATION_FENCE:
	case OPERATION_REMOTE_FENCE:
		random_fence(generator, &operation);
		break;
	case OPERATION_ACCESS:
	case OPERATION_READ:
		random_access(generator, &operation);
		break;
	default:
		break;
	}
	return operation;
}

/* ---- in words ---- */

static void print_fence(FILE *out, const struct operation *operation)
{
	struct fence fence = guest_make_fence(operation);

	fprintf(out, " of");
	if (fence.has_address)
		fprintf(out, " 0x%lx and %lu bytes", fence.start.raw, fence.size);
	else
		fprintf(out, " all addresses");
	if (fence.has_asid)
		fprintf(out, ", ASID 0x%x", fence.asid);
	if (operation_kind(operation) == OPERATION_REMOTE_FENCE)
		fprintf(out, ", to vCPUs 0x%x", FENCE_TARGETS(operation));
}

static void print_access(FILE *out, const struct operation *operation)
{
	static const char *const kinds[] = {"fetch", "load", "store"};
	struct access access = guest_make_access(operation, false);

	fprintf(out, " %s at 0x%lx%s%s%s (satp Bare: 0x%lx)", kinds[access.kind],
		access.gva.raw, access.user ? " user" : "", access.sum ? " SUM" : "",
		access.mxr ? " MXR" : "", guest_make_access(operation, true).gva.raw);
}

void operation_print(FILE *out, const struct operation *operation)
{
	static const char *const names[] = {"store",   "satp",	  "fence", "remote fence",
					    "access",  "read",	  "move",  "put",
					    "restart", "scarcity"};
	enum operation_kind kind = operation_kind(operation);

	fprintf(out, "vcpu %u: %s", operation->vcpu, names[kind]);
	if (kind == OPERATION_STORE)
		fprintf(out, " 0x%lx, table %u slot %u", guest_make_pte(operation),
			operation->a % ORACLE_TABLES, STORE_SLOT(operation));
	else if (kind == OPERATION_SATP)
		fprintf(out, " 0x%lx", guest_choose_satp(operation));
	else if (kind == OPERATION_FENCE || kind == OPERATION_REMOTE_FENCE)
		print_fence(out, operation);
	else if (kind == OPERATION_ACCESS || kind == OPERATION_READ)
		print_access(out, operation);
	else if (kind == OPERATION_SCARCITY)
		fprintf(out, ", %u pages", operation->a % 4);
	else if (kind == OPERATION_MOVE)
		fprintf(out, " to hart %u", operation->a % 4);
	fprintf(out, "\n");
}
