/* SPDX-License-Identifier: BSD-2-Clause */
/* The list of paging modes. A new one is named here and nowhere else. */
#include "mm/paging.h"
#include "core/string.h"

static const struct paging_mode *const modes[] = {
	&paging_lsp,
	&paging_nested,
	&paging_shadow,
	&paging_shadow_unsync,
};

const struct paging_mode *paging_mode_at(unsigned index)
{
	return index < ARRAY_LENGTH(modes) ? modes[index] : NULL;
}

const struct paging_mode *paging_mode_find(const char *name)
{
	for (unsigned i = 0; i < ARRAY_LENGTH(modes); i++)
		if (strcmp(modes[i]->name, name) == 0)
			return modes[i];
	return NULL;
}
