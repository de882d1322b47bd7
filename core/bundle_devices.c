/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The devices that a configuration of a bundle asks for. See bundle_reading.h and, for
 * the properties, bundle.h.
 */
#include "core/bundle_reading.h"
#include "core/device_tree.h"
#include "core/reason.h"
#include "core/string.h"
#include "core/switch.h"

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
	enum status host, status = reading_find(reading, disk->name, &image);

	if (status != STATUS_OK)
		return status;
	host = device_tree_string(reading->bundle->base, image, "gnomon,host-disk",
				  &disk->host);
	if (host == STATUS_NOT_FOUND)
		return reading_image(reading, disk->name, &disk->image);
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

enum status reading_devices(const struct reading *reading, struct vm_config *config)
{
	enum status status = read_disks(reading, config);

	if (status == STATUS_OK)
		status = read_disk_copies(reading, config);
	if (status == STATUS_OK)
		status = read_devices(reading, config);
	if (status == STATUS_OK)
		status = read_networks(reading, config);
	return status;
}
