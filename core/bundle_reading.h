/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files that read bundles share: a reading gathers what every step needs to know
 * and to complain. Whatever is refused is said in *reading->why. No state.
 */
#ifndef CORE_BUNDLE_READING_H
#define CORE_BUNDLE_READING_H

#include "core/bundle.h"

struct reading {
	const struct bundle *bundle;
	int node; /* of the configuration */
	const char *name;
	const char **why;
};

/* The node of the image called so. */
enum status reading_find(const struct reading *reading, const char *name, int *image);

/* The same image's data, whole and not empty, and wholly in the bundle. */
enum status reading_image(const struct reading *reading, const char *name,
			  struct blob *blob);

/* Disks, network cards and other devices of the configuration. */
enum status reading_devices(const struct reading *reading, struct vm_config *config);

#endif
