/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading bundles: FIT images, as the Flattened Image Tree specification (and
 * U-Boot's mkimage, with and without -E) lays them out.
 *
 * libfdt stays inside the tree; bundle_image.c keeps image data inside the bundle, and
 * bundle_devices.c reads what a VM has beside its kernel and its memory. No state.
 */
#include "core/bundle.h"

#include "core/bundle_reading.h"
#include "core/device_tree.h"
#include "core/reason.h"
#include "core/string.h"

static int configurations(const void *fdt)
{
	return fdt_subnode_offset(fdt, 0, "configurations");
}

/*
 * The index of the child with this name; the number of children if none has it.
 * Without a parent there are none (libfdt would take the root for a child).
 */
static unsigned child_index(const void *fdt, int parent, const char *name)
{
	unsigned index = 0;
	int node;

	if (parent < 0)
		return 0;
	fdt_for_each_subnode(node, fdt, parent)
	{
		if (name && strcmp(device_tree_name(fdt, node), name) == 0)
			break;
		index++;
	}
	return index;
}

static enum status check_default(const void *fdt, const char **why)
{
	const char *name;
	int node = configurations(fdt);
	enum status status = device_tree_string(fdt, node, "default", &name);

	if (status == STATUS_NOT_FOUND)
		return STATUS_OK;
	if (status != STATUS_OK)
		return refuse(why, status, "the bundle's default is no string");
	if (child_index(fdt, node, name) == child_index(fdt, node, NULL))
		return refuse(why, STATUS_NOT_FOUND,
			      "the bundle has no configuration '%s', its default", name);
	return STATUS_OK;
}

enum status bundle_open(struct bundle *bundle, const void *base, uint64_t size,
			const char **why)
{
	enum status status = device_tree_check(base, size, "the bundle", why);

	if (status != STATUS_OK)
		return status;
	*bundle = (struct bundle){.base = base, .size = size};
	if (bundle_count(bundle) == 0)
		return refuse(why, STATUS_CORRUPT,
			      "the bundle has no VM under /configurations");
	return check_default(base, why);
}

/* Where the data of an image ends, in the tree or behind it; 0: nowhere. */
static uint64_t image_end(const void *fdt, int image)
{
	uint64_t start, size, end;

	if (device_tree_number(fdt, image, "data-size", &size) != STATUS_OK)
		return 0;
	if (device_tree_number(fdt, image, "data-position", &start) != STATUS_OK) {
		if (device_tree_number(fdt, image, "data-offset", &start) != STATUS_OK)
			return 0;
		if (__builtin_add_overflow(start, align_up(fdt_totalsize(fdt), 4),
					   &start))
			return UINT64_MAX;
	}
	return __builtin_add_overflow(start, size, &end) ? UINT64_MAX : end;
}

uint64_t bundle_extent(const void *tree)
{
	uint64_t extent = fdt_totalsize(tree);
	int image, images = fdt_subnode_offset(tree, 0, "images");

	if (images < 0)
		return extent;
	fdt_for_each_subnode(image, tree, images)
	{
		uint64_t end = image_end(tree, image);

		if (end > extent)
			extent = end;
	}
	return extent;
}

unsigned bundle_count(const struct bundle *bundle)
{
	return child_index(bundle->base, configurations(bundle->base), NULL);
}

unsigned bundle_default(const struct bundle *bundle)
{
	int node = configurations(bundle->base);
	const char *name;

	if (device_tree_string(bundle->base, node, "default", &name) != STATUS_OK)
		return 0;
	return child_index(bundle->base, node, name);
}

/* The image that this property of the configuration names; none leaves *blob. */
static enum status image_of(const struct reading *reading, const char *property,
			    struct blob *blob)
{
	const char *name;
	enum status status =
		device_tree_string(reading->bundle->base, reading->node, property, &name);

	if (status == STATUS_NOT_FOUND)
		return STATUS_OK;
	if (status != STATUS_OK)
		return refuse(reading->why, status,
			      "configuration '%s': %s does not name one image",
			      reading->name, property);
	return reading_image(reading, name, blob);
}

static enum status read_images(const struct reading *reading, struct vm_config *config)
{
	enum status status = image_of(reading, "kernel", &config->kernel);

	if (status == STATUS_OK)
		status = image_of(reading, "ramdisk", &config->ramdisk);
	if (status == STATUS_OK)
		status = image_of(reading, "fdt", &config->fdt);
	if (status == STATUS_OK && !config->kernel.data)
		return refuse(reading->why, STATUS_NOT_FOUND,
			      "configuration '%s' names no kernel", reading->name);
	return status;
}

/* A number from 1 to limit; *value stays where the configuration is silent. */
static enum status number_of(const struct reading *reading, const char *property,
			     uint64_t limit, uint64_t *value)
{
	enum status status =
		device_tree_number(reading->bundle->base, reading->node, property, value);

	if (status == STATUS_NOT_FOUND)
		return STATUS_OK;
	if (status != STATUS_OK)
		return refuse(reading->why, status, "configuration '%s': %s is no number",
			      reading->name, property);
	if (*value == 0 || *value > limit)
		return refuse(reading->why, STATUS_INVALID,
			      "configuration '%s': %s cannot be %lu", reading->name,
			      property, *value);
	return STATUS_OK;
}

static enum status text_of(const struct reading *reading, const char *property,
			   const char **value)
{
	enum status status =
		device_tree_string(reading->bundle->base, reading->node, property, value);

	if (status == STATUS_OK || status == STATUS_NOT_FOUND)
		return STATUS_OK;
	return refuse(reading->why, status, "configuration '%s': %s is no string",
		      reading->name, property);
}

static enum status read_weight(const struct reading *reading, struct vm_config *config)
{
	uint64_t weight = config->weight;
	enum status status =
		number_of(reading, "gnomon,weight", BUNDLE_MOST_WEIGHT, &weight);

	if (status == STATUS_OK && weight < BUNDLE_LEAST_WEIGHT)
		return refuse(reading->why, STATUS_INVALID,
			      "configuration '%s': gnomon,weight cannot be %lu",
			      reading->name, weight);
	config->weight = (unsigned)weight;
	return status;
}

static enum status read_reboot(const struct reading *reading, struct vm_config *config)
{
	const char *what = "stop";
	enum status status = text_of(reading, "gnomon,on-reboot", &what);

	if (status != STATUS_OK)
		return status;
	config->restarts = strcmp(what, "restart") == 0;
	if (config->restarts || strcmp(what, "stop") == 0)
		return STATUS_OK;
	return refuse(reading->why, STATUS_INVALID,
		      "configuration '%s': gnomon,on-reboot is '%s', neither stop nor "
		      "restart",
		      reading->name, what);
}

static enum status read_pins(const struct reading *reading, struct vm_config *config)
{
	int length;
	const fdt32_t *cells =
		fdt_getprop(reading->bundle->base, reading->node, "gnomon,pin", &length);

	if (!cells)
		return STATUS_OK;
	if (length == 0 || length % (int)sizeof(*cells) != 0 ||
	    length > VM_PIN_LIMIT * (int)sizeof(*cells))
		return refuse(
			reading->why, STATUS_INVALID,
			"configuration '%s': gnomon,pin is no list of 1 to %u cells",
			reading->name, VM_PIN_LIMIT);
	config->pin_count = (unsigned)length / sizeof(*cells);
	for (unsigned i = 0; i < config->pin_count; i++)
		config->pins[i] = fdt32_to_cpu(cells[i]);
	return STATUS_OK;
}

static enum status read_settings(const struct reading *reading, struct vm_config *config)
{
	uint64_t vcpus = config->vcpus;
	enum status status =
		number_of(reading, "gnomon,memory", UINT64_MAX, &config->memory);

	if (status == STATUS_OK)
		status = number_of(reading, "gnomon,shadow-memory", UINT64_MAX,
				   &config->shadow_memory);
	if (status == STATUS_OK)
		status = number_of(reading, "gnomon,vcpus", UINT32_MAX, &vcpus);
	if (status == STATUS_OK)
		status = text_of(reading, "gnomon,paging", &config->paging);
	if (status == STATUS_OK)
		status = text_of(reading, "gnomon,bootargs", &config->bootargs);
	config->vcpus = (unsigned)vcpus;
	if (status == STATUS_OK)
		status = read_weight(reading, config);
	if (status == STATUS_OK)
		status = read_reboot(reading, config);
	if (status == STATUS_OK)
		status = read_pins(reading, config);
	return status == STATUS_OK ? reading_devices(reading, config) : status;
}

static int configuration_node(const void *fdt, unsigned index)
{
	int node;

	/* bundle_open() saw that there is a parent. */
	fdt_for_each_subnode(node, fdt, configurations(fdt))
	{
		if (index-- == 0)
			break;
	}
	return node;
}

enum status bundle_vm(const struct bundle *bundle, unsigned index,
		      struct vm_config *config, const char **why)
{
	struct reading reading = {.bundle = bundle, .why = why};
	enum status status;

	reading.node = configuration_node(bundle->base, index);
	if (reading.node < 0)
		return refuse(why, STATUS_NOT_FOUND, "the bundle has no VM number %u",
			      index);
	reading.name = device_tree_name(bundle->base, reading.node);
	*config = (struct vm_config){
		.name = reading.name,
		.memory = BUNDLE_DEFAULT_MEMORY,
		.vcpus = BUNDLE_DEFAULT_VCPUS,
		.weight = BUNDLE_DEFAULT_WEIGHT,
		.paging = "lsp",
		.bootargs = "",
	};
	status = read_images(&reading, config);
	return status == STATUS_OK ? read_settings(&reading, config) : status;
}
