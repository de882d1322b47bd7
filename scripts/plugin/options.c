/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers of options, and the end of results. See options.h. */
#include "scripts/plugin/options.h"

#include <errno.h>
#include <stdlib.h>

bool option_number(const char *text, uint64_t most, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 0);
	return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0 &&
	       *value <= most;
}

void results_close(FILE *out, const char *plugin)
{
	bool lost = ferror(out) != 0;

	if (fclose(out) != 0 || lost)
		fprintf(stderr, "%s plugin: the results could not be written\n", plugin);
}
