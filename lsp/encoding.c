/* SPDX-License-Identifier: BSD-2-Clause */
/* The choice of what "unsynced" looks like. See encoding.h. */
#include "lsp/encoding.h"
#include "core/string.h"

/* The first is the one that any machine can have, and the default. */
static const struct {
	const char *name;
	enum detour detour;
} known[] = {
	{"reflect", DETOUR_NONE},
	{"poison", DETOUR_ACCESS_FAULT},
	{"hole", DETOUR_GSTAGE},
};

struct encoding encoding = {.name = "reflect"};

/* False if this machine cannot have it. */
static bool is_possible(unsigned index)
{
	return known[index].detour == DETOUR_NONE ||
	       arch_detour_page(known[index].detour).raw != 0;
}

static void choose(unsigned index)
{
	hpa_t page;

	encoding = (struct encoding){
		.name = known[index].name,
		.detour = known[index].detour,
	};
	if (encoding.detour == DETOUR_NONE)
		return;
	page = arch_detour_page(encoding.detour);
	encoding.delegates = true;
	encoding.pointer = pte_make(page.raw, PTE_V);
	encoding.leaf = pte_make(page.raw, PTE_V | PTE_R | PTE_W | PTE_X | PTE_A | PTE_D);
}

enum status encoding_choose(const char *name)
{
	for (unsigned i = 0; i < ARRAY_LENGTH(known); i++) {
		if (strcmp(known[i].name, name) != 0)
			continue;
		if (!is_possible(i))
			return STATUS_UNSUPPORTED;
		choose(i);
		return STATUS_OK;
	}
	return STATUS_INVALID;
}
