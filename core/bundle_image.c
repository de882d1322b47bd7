/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Images of a bundle: where their data is, in the tree or behind it. Every number that
 * says so is input; what comes out lies in the bundle. See bundle_reading.h.
 */
#include "core/bundle_reading.h"
#include "core/device_tree.h"
#include "core/reason.h"
#include "core/string.h"

/* One of the numbers that place external data; all of them are 32 bits wide. */
static enum status image_number(const struct reading *reading, int image,
				const char *property, uint64_t *value)
{
	const void *fdt = reading->bundle->base;
	enum status status = device_tree_number(fdt, image, property, value);

	if (status == STATUS_CORRUPT)
		return refuse(reading->why, status,
			      "configuration '%s': image '%s': %s is no number",
			      reading->name, device_tree_name(fdt, image), property);
	return status;
}

/* Where external data begins: from the bundle's start, or its tree's end. */
static enum status external_start(const struct reading *reading, int image,
				  uint64_t *start)
{
	enum status status = image_number(reading, image, "data-position", start);

	if (status != STATUS_NOT_FOUND)
		return status;
	status = image_number(reading, image, "data-offset", start);
	if (status != STATUS_OK)
		return status;
	if (__builtin_add_overflow(
		    *start, align_up(fdt_totalsize(reading->bundle->base), 4), start))
		*start = UINT64_MAX;
	return STATUS_OK;
}

static enum status external_data(const struct reading *reading, int image,
				 struct blob *blob)
{
	const struct bundle *bundle = reading->bundle;
	const char *image_name = device_tree_name(bundle->base, image);
	uint64_t start, size, end;
	enum status status = external_start(reading, image, &start);

	if (status == STATUS_OK)
		status = image_number(reading, image, "data-size", &size);
	if (status == STATUS_NOT_FOUND)
		return refuse(reading->why, status,
			      "configuration '%s': image '%s' has no data", reading->name,
			      image_name);
	if (status != STATUS_OK)
		return status;
	if (__builtin_add_overflow(start, size, &end))
		end = UINT64_MAX;
	if (end > bundle->size)
		return refuse(reading->why, STATUS_CORRUPT,
			      "configuration '%s': image '%s' reaches %lu bytes past the "
			      "end of the bundle",
			      reading->name, image_name, end - bundle->size);
	*blob = (struct blob){.data = (const char *)bundle->base + start, .size = size};
	return STATUS_OK;
}

static enum status image_data(const struct reading *reading, int image, struct blob *blob)
{
	int length;
	const void *data = fdt_getprop(reading->bundle->base, image, "data", &length);

	if (!data)
		return external_data(reading, image, blob);
	*blob = (struct blob){.data = data, .size = (uint64_t)length};
	return STATUS_OK;
}

static enum status check_compression(const struct reading *reading, int image)
{
	const void *fdt = reading->bundle->base;
	const char *compression = "?";
	enum status status = device_tree_string(fdt, image, "compression", &compression);

	if (status == STATUS_NOT_FOUND ||
	    (status == STATUS_OK && strcmp(compression, "none") == 0))
		return STATUS_OK;
	return refuse(reading->why, STATUS_UNSUPPORTED,
		      "configuration '%s': image '%s' has compression '%s'; only 'none' "
		      "can be loaded",
		      reading->name, device_tree_name(fdt, image), compression);
}

enum status reading_find(const struct reading *reading, const char *name, int *image)
{
	const void *fdt = reading->bundle->base;
	int images = fdt_subnode_offset(fdt, 0, "images");

	*image = images < 0 ? images : fdt_subnode_offset(fdt, images, name);
	if (*image < 0)
		return refuse(reading->why, STATUS_NOT_FOUND,
			      "configuration '%s': the bundle has no image '%s'",
			      reading->name, name);
	return STATUS_OK;
}

enum status reading_image(const struct reading *reading, const char *name,
			  struct blob *blob)
{
	int image;
	enum status status = reading_find(reading, name, &image);

	if (status == STATUS_OK)
		status = check_compression(reading, image);
	if (status == STATUS_OK)
		status = image_data(reading, image, blob);
	if (status == STATUS_OK && blob->size == 0)
		return refuse(reading->why, STATUS_INVALID,
			      "configuration '%s': image '%s' is empty", reading->name,
			      name);
	return status;
}
