/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading bundles: FIT images, as the Flattened Image Tree specification (and
 * U-Boot's mkimage, with and without -E) lays them out.
 *
 * libfdt stays inside the tree; this file keeps image data inside the bundle.
 * A reading gathers what every step needs to know and to complain. No state.
 */
#include "core/bundle.h"

#include "core/device_tree.h"
#include "core/reason.h"
#include "core/string.h"
#include "core/switch.h"

struct reading {
	const struct bundle *bundle;
	int node; /* of the configuration */
	const char *name;
	const char **why;
};

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

static enum status find_image(const struct reading *reading, const char *name, int *image)
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

/* The image called so, whole and not empty. */
static enum status named_image(const struct reading *reading, const char *name,
			       struct blob *blob)
{
	int image;
	enum status status = find_image(reading, name, &image);

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
	return named_image(reading, name, blob);
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

/*
 * The index-th text of a property that is a list of them, each ending in a NUL. NULL:
 * there is no such one, or what is there ends in none.
 */
static const char *listed(const struct reading *reading, const char *property, int index)
{
	return fdt_stringlist_get(reading->bundle->base, reading->node, property, index,
				  NULL);
}

/* How many texts; none where the configuration is silent. */
static enum status count_of(const struct reading *reading, const char *property,
			    int *count)
{
	*count = fdt_stringlist_count(reading->bundle->base, reading->node, property);
	if (*count == -FDT_ERR_NOTFOUND)
		*count = 0;
	if (*count < 0)
		return refuse(reading->why, STATUS_CORRUPT,
			      "configuration '%s': %s is no list of strings",
			      reading->name, property);
	return STATUS_OK;
}

static struct disk_config *find_disk(struct vm_config *config, const char *name)
{
	for (unsigned i = 0; i < config->disk_count; i++)
		if (strcmp(config->disks[i].name, name) == 0)
			return &config->disks[i];
	return NULL;
}

/* The part of the host's disk that an image stands for. */
static enum status read_part(const struct reading *reading, int image,
			     struct disk_config *disk)
{
	const void *fdt = reading->bundle->base;
	enum status offset =
		device_tree_number(fdt, image, "gnomon,offset", &disk->offset);
	enum status size = device_tree_number(fdt, image, "gnomon,size", &disk->size);

	if ((offset != STATUS_OK && offset != STATUS_NOT_FOUND) ||
	    (size != STATUS_OK && size != STATUS_NOT_FOUND) ||
	    disk->size > UINT64_MAX - disk->offset)
		return refuse(reading->why, STATUS_CORRUPT,
			      "configuration '%s': image '%s': gnomon,offset and "
			      "gnomon,size are no part of a disk",
			      reading->name, disk->name);
	disk->is_read_only = fdt_getprop(fdt, image, "gnomon,read-only", NULL);
	return STATUS_OK;
}

static enum status read_disk(const struct reading *reading, struct disk_config *disk)
{
	int image;
	enum status host, status = find_image(reading, disk->name, &image);

	if (status != STATUS_OK)
		return status;
	host = device_tree_string(reading->bundle->base, image, "gnomon,host-disk",
				  &disk->host);
	if (host == STATUS_NOT_FOUND)
		return named_image(reading, disk->name, &disk->image);
	if (host != STATUS_OK)
		return refuse(reading->why, host,
			      "configuration '%s': image '%s': gnomon,host-disk is no "
			      "string",
			      reading->name, disk->name);
	return read_part(reading, image, disk);
}

static enum status read_disks(const struct reading *reading, struct vm_config *config)
{
	int count;
	enum status status = count_of(reading, "gnomon,disks", &count);

	if (status == STATUS_OK && count > VM_DISK_LIMIT)
		return refuse(reading->why, STATUS_UNSUPPORTED,
			      "configuration '%s': a VM can have %u disks, not %d",
			      reading->name, VM_DISK_LIMIT, count);
	for (int i = 0; status == STATUS_OK && i < count; i++) {
		struct disk_config *disk = &config->disks[i];

		disk->name = listed(reading, "gnomon,disks", i);
		status = read_disk(reading, disk);
		config->disk_count++;
	}
	return status;
}

static enum status read_disk_copies(const struct reading *reading,
				    struct vm_config *config)
{
	int count;
	enum status status = count_of(reading, "gnomon,disk-copy", &count);

	for (int i = 0; status == STATUS_OK && i < count; i++) {
		const char *name = listed(reading, "gnomon,disk-copy", i);
		struct disk_config *disk = find_disk(config, name);

		if (!disk)
			return refuse(reading->why, STATUS_NOT_FOUND,
				      "configuration '%s': gnomon,disk-copy: '%s' is "
				      "none of its disks",
				      reading->name, name);
		if (disk->host)
			return refuse(reading->why, STATUS_INVALID,
				      "configuration '%s': gnomon,disk-copy: '%s' is on "
				      "a disk of the host's",
				      reading->name, name);
		disk->is_copied = true;
	}
	return status;
}

static enum status read_devices(const struct reading *reading, struct vm_config *config)
{
	static const struct {
		const char *name;
		unsigned device;
	} kinds[] = {{"rng", VM_DEVICE_RNG}, {"console", VM_DEVICE_CONSOLE}};
	int count;
	enum status status = count_of(reading, "gnomon,devices", &count);

	for (int i = 0; status == STATUS_OK && i < count; i++) {
		const char *name = listed(reading, "gnomon,devices", i);
		size_t kind = 0;

		while (kind < ARRAY_LENGTH(kinds) && strcmp(kinds[kind].name, name) != 0)
			kind++;
		if (kind == ARRAY_LENGTH(kinds))
			return refuse(reading->why, STATUS_UNSUPPORTED,
				      "configuration '%s': gnomon,devices: no device "
				      "'%s' (there are rng and console)",
				      reading->name, name);
		config->devices |= kinds[kind].device;
	}
	return status;
}

/* An address of a card's own: not 0, and no group's. */
static bool is_mac(const uint8_t *mac)
{
	return switch_mac(mac) != 0 && !(mac[0] & 1);
}

static enum status read_macs(const struct reading *reading, struct vm_config *config)
{
	int length = 0;

	config->macs = fdt_getprop(reading->bundle->base, reading->node, "gnomon,net-mac",
				   &length);
	if (!config->macs)
		return STATUS_OK;
	if ((uint64_t)length != config->net_count * MAC_SIZE)
		return refuse(
			reading->why, STATUS_INVALID,
			"configuration '%s': gnomon,net-mac has %d bytes, not %u for "
			"each of its networks",
			reading->name, length, MAC_SIZE);
	for (unsigned i = 0; i < config->net_count; i++)
		if (!is_mac(config->macs + i * MAC_SIZE))
			return refuse(reading->why, STATUS_INVALID,
				      "configuration '%s': gnomon,net-mac: number %u is "
				      "no address of a single card",
				      reading->name, i);
	return STATUS_OK;
}

static enum status read_networks(const struct reading *reading, struct vm_config *config)
{
	int count;
	enum status status = count_of(reading, "gnomon,net", &count);

	if (status != STATUS_OK)
		return status;
	if (count > VM_NET_LIMIT)
		return refuse(
			reading->why, STATUS_UNSUPPORTED,
			"configuration '%s': a VM can have %u network cards, not %d",
			reading->name, VM_NET_LIMIT, count);
	for (int i = 0; i < count; i++)
		config->networks[config->net_count++] = listed(reading, "gnomon,net", i);
	return read_macs(reading, config);
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
		status = read_pins(reading, config);
	if (status == STATUS_OK)
		status = read_disks(reading, config);
	if (status == STATUS_OK)
		status = read_disk_copies(reading, config);
	if (status == STATUS_OK)
		status = read_devices(reading, config);
	if (status == STATUS_OK)
		status = read_networks(reading, config);
	return status;
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
