/* SPDX-License-Identifier: BSD-2-Clause */
/* The options of a model. See tlb_options.h. */
#include "scripts/plugin/tlb_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool set_field(struct tlb_configuration *configuration, const char *name,
		      unsigned value)
{
	const struct {
		const char *name;
		unsigned *field;
	} numbers[] = {
		{"entries", &configuration->entries},
		{"ways", &configuration->ways},
		{"pointers", &configuration->pointers},
		{"gpointers", &configuration->gstage_pointers},
		{"gleaves", &configuration->gstage_leaves},
	};

	for (unsigned i = 0; i < ARRAY_LENGTH(numbers); i++) {
		if (!strcmp(name, numbers[i].name)) {
			*numbers[i].field = value;
			return true;
		}
	}
	if (!strcmp(name, "split"))
		configuration->split = value;
	else if (!strcmp(name, "gpages"))
		configuration->gstage_pages = value;
	else
		return false;
	return true;
}

const char *named_model_read(char *text, struct named_model *model)
{
	char *state, *word = strtok_r(text, ":", &state), *equals;

	if (!word)
		return "a model without a name";
	snprintf(model->name, sizeof(model->name), "%s", word);
	model->configuration = (struct tlb_configuration){.entries = 64, .ways = 4};
	while ((word = strtok_r(NULL, ":", &state))) {
		equals = strchr(word, '=');
		if (!equals)
			return "a model's field without a value";
		*equals = '\0';
		if (!set_field(&model->configuration, word, (unsigned)atoi(equals + 1)))
			return "a field that no model has";
	}
	return tlb_configuration_mistake(&model->configuration);
}
