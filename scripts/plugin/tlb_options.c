/* SPDX-License-Identifier: BSD-2-Clause */
/* The options of a model. See tlb_options.h. */
#include "scripts/plugin/tlb_options.h"

#include <string.h>

#include "scripts/plugin/options.h"

#define MOST_ENTRIES (1u << 20)

static const char *set_number(unsigned *field, const char *text)
{
	uint64_t value;

	if (!option_number(text, MOST_ENTRIES, &value))
		return "a model's field is no number up to 1048576";
	*field = (unsigned)value;
	return NULL;
}

static const char *set_switch(bool *field, const char *text)
{
	if (strcmp(text, "0") != 0 && strcmp(text, "1") != 0)
		return "a model's field that is neither 0 nor 1";
	*field = *text == '1';
	return NULL;
}

static const char *set_field(struct tlb_configuration *configuration, const char *name,
			     const char *text)
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

	for (unsigned i = 0; i < ARRAY_LENGTH(numbers); i++)
		if (!strcmp(name, numbers[i].name))
			return set_number(numbers[i].field, text);
	if (!strcmp(name, "split"))
		return set_switch(&configuration->split, text);
	if (!strcmp(name, "gpages"))
		return set_switch(&configuration->gstage_pages, text);
	return "a field that no model has";
}

/* Names stand in the results, which have no escapes. */
static const char *set_name(struct models *models, struct named_model *model,
			    const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+/_-";

	if (*name == '\0')
		return "a model without a name";
	if (name[strspn(name, allowed)] != '\0' || strlen(name) >= sizeof(model->name))
		return "a model's name that is too long, or has odd characters";
	for (unsigned i = 0; i < models->count; i++)
		if (!strcmp(models->named[i].name, name))
			return "two models of one name";
	strcpy(model->name, name);
	return NULL;
}

static const char *read_model(struct models *models, char *text,
			      struct named_model *model)
{
	const char *mistake = set_name(models, model, strsep(&text, ":"));
	char *word, *equals;

	model->configuration = (struct tlb_configuration){.entries = 64, .ways = 4};
	while (!mistake && (word = strsep(&text, ":"))) {
		equals = strchr(word, '=');
		if (!equals)
			return "a model's field without a value";
		*equals = '\0';
		mistake = set_field(&model->configuration, word, equals + 1);
	}
	return mistake ? mistake : tlb_configuration_mistake(&model->configuration);
}

const char *models_add(struct models *models, char *text)
{
	const char *mistake;

	if (models->count == MODELS_LIMIT)
		return "more models than there can be";
	mistake = read_model(models, text, &models->named[models->count]);
	if (!mistake)
		models->count++;
	return mistake;
}
