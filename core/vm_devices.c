/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making a VM's virtio devices, and taking them away. See vm_devices.h.
 *
 * What is made is kept in pages of Gnomon's own, and the copies of disks in memory that
 * is given out as guests' RAM is: it may be scattered, and is as large as a disk.
 */
#include "core/vm_devices.h"

#include "core/console_mux.h"
#include "core/random.h"
#include "core/reason.h"
#include "core/string.h"
#include "core/vm_host_disk.h"
#include "drivers/virtio_blk.h"
#include "drivers/virtio_console.h"
#include "drivers/virtio_net.h"
#include "drivers/virtio_rng.h"
#include "mm/page_alloc.h"

#define COPY_UNIT (2 * MIB)

struct vm_net {
	struct virtio_net net;
	struct vm *vm;
};

struct vm_virtio {
	struct virtio_blk disks[VM_DISK_LIMIT];
	struct virtio_blk_host *hosts[VM_DISK_LIMIT]; /* NULL: not on the host's */
	struct virtio_rng rng;
	struct virtio_console console;
	bool has_console;
	struct vm_net nets[VM_NET_LIMIT];
};

struct adding {
	struct vm *vm;
	struct virtio_memory memory;
	const char **why;
};

/* An index of two bytes is written in one step: other vCPUs may be reading it. */
static enum status write_memory(void *context, gpa_t to, const void *from, uint64_t size)
{
	struct vm *vm = context;
	uint16_t value;
	hpa_t hpa;

	if (vm->mode->write || size != sizeof(value) ||
	    !is_aligned(to.raw, sizeof(value)) ||
	    !guest_memory_find(&vm->memory, to, size, &hpa))
		return vm_write(vm, to, from, size);
	memcpy(&value, from, sizeof(value));
	__atomic_store_n((uint16_t *)hpa_pointer(hpa), value, __ATOMIC_RELEASE);
	return STATUS_OK;
}

static void transmit(void *context, uint8_t byte)
{
	struct vm *vm = context;

	mux_put(&vm->screen, byte);
}

static gpa_t base_of(unsigned index)
{
	return GPA(VM_VIRTIO_BASE + index * VIRTIO_MMIO_SIZE);
}

/* Its place in the order of devices says where it is and how it interrupts. */
static gpa_t next_base(const struct vm *vm)
{
	return base_of(vm->virtio_count);
}

static struct irq_line next_line(struct vm *vm)
{
	return vplic_line(&vm->plic, VM_VIRTIO_IRQ + vm->virtio_count);
}

static void add(struct vm *vm, struct virtio_device *device)
{
	vm->devices[vm->device_count++] = &device->device;
	vm->virtio_count++;
}

/* ---- disks ---- */

static bool is_to_be_copied(const struct vm *vm, unsigned index)
{
	return vm->config.disks[index].is_copied && vm->copies[index].size == 0;
}

static uint64_t size_of_copy(const struct disk_config *config)
{
	return align_up(config->image.size, COPY_UNIT);
}

uint64_t devices_memory(const struct vm *vm)
{
	uint64_t size = 0;

	for (unsigned i = 0; i < vm->config.disk_count; i++)
		if (is_to_be_copied(vm, i))
			size += size_of_copy(&vm->config.disks[i]);
	return size;
}

static enum status check_disk(const struct disk_config *config, const char **why)
{
	if (config->host || config->image.size % VIRTIO_BLK_SECTOR == 0)
		return STATUS_OK;
	return refuse(why, STATUS_INVALID,
		      "disk '%s' of %lu bytes: it must be a multiple of %u", config->name,
		      config->image.size, VIRTIO_BLK_SECTOR);
}

/* It is made once: what the VM has written there is found by its next life. */
enum status devices_take_copies(struct vm *vm, struct clearing *clearings,
				const char **why)
{
	for (unsigned i = 0; i < vm->config.disk_count; i++) {
		const struct disk_config *config = &vm->config.disks[i];
		struct guest_memory *copy = &vm->copies[i];
		enum status status = check_disk(config, why);

		if (status != STATUS_OK)
			return status;
		if (!is_to_be_copied(vm, i))
			continue;
		status = guest_memory_allocate(copy, GPA(0), size_of_copy(config));
		if (status != STATUS_OK)
			return refuse(why, status,
				      "disk '%s': no memory for a copy of %lu bytes that "
				      "can be written",
				      config->name, config->image.size);
		clearing_begin(&clearings[i], copy, config->image);
	}
	return STATUS_OK;
}

static enum status add_host_disk(const struct adding *adding,
				 const struct disk_config *config, unsigned index)
{
	struct vm *vm = adding->vm;
	struct virtio_blk *blk = &vm->virtio->disks[index];
	struct virtio_disk disk = {.name = config->name};
	enum status status = vm_host_disk_make(vm, blk, config, &disk.host, adding->why);

	if (status != STATUS_OK)
		return status;
	vm->virtio->hosts[index] = disk.host;
	disk.size = disk.host->user.sectors * HOST_BLK_SECTOR;
	virtio_blk_init(blk, next_base(vm), next_line(vm), &adding->memory, &disk);
	add(vm, &blk->virtio);
	return STATUS_OK;
}

static enum status add_disk(const struct adding *adding, const struct disk_config *config,
			    unsigned index)
{
	struct vm *vm = adding->vm;
	struct virtio_disk disk = {.name = config->name,
				   .data = config->image.data,
				   .size = config->image.size};

	if (config->host)
		return add_host_disk(adding, config, index);
	if (config->is_copied)
		disk.copy = &vm->copies[index];
	virtio_blk_init(&vm->virtio->disks[index], next_base(vm), next_line(vm),
			&adding->memory, &disk);
	add(vm, &vm->virtio->disks[index].virtio);
	return STATUS_OK;
}

/* ---- the others ---- */

static enum status add_rng(const struct adding *adding)
{
	struct vm *vm = adding->vm;
	uint8_t seed[RANDOM_SEED_SIZE];

	if (!entropy_take(seed, sizeof(seed)))
		return refuse(adding->why, STATUS_UNSUPPORTED,
			      "device rng: this machine's device tree has no rng-seed to "
			      "draw from");
	virtio_rng_init(&vm->virtio->rng, next_base(vm), next_line(vm), &adding->memory,
			seed);
	memset(seed, 0, sizeof(seed));
	add(vm, &vm->virtio->rng.virtio);
	return STATUS_OK;
}

/* A guest that has a driver for it at work listens there. */
static enum mux_taken input(void *context, uint8_t byte)
{
	struct virtio_console *console = context;

	if (!virtio_console_is_open(console))
		return MUX_PASSED_ON;
	return virtio_console_receive(console, byte) ? MUX_TAKEN : MUX_FULL;
}

static enum status add_console(const struct adding *adding)
{
	struct vm *vm = adding->vm;

	virtio_console_init(&vm->virtio->console, next_base(vm), next_line(vm),
			    &adding->memory, transmit, vm);
	add(vm, &vm->virtio->console.virtio);
	vm->virtio->has_console = true;
	virtio_console_on_room(&vm->virtio->console, mux_room);
	mux_attach(&vm->screen, input, &vm->virtio->console);
	return STATUS_OK;
}

/* ---- network cards ---- */

/* Frames came, from whatever VM's hart: into this one's RAM, under its own locks. */
static void wake(struct switch_port *port)
{
	struct vm_net *at =
		(struct vm_net *)((char *)port - offsetof(struct vm_net, net.port));

	spin_lock_take(&at->vm->devices_lock);
	virtio_net_receive(&at->net);
	spin_lock_give(&at->vm->devices_lock);
}

/* The same whenever a VM of that name has so many: by FNV-1a, and locally administered.
 */
static void make_mac(const char *name, unsigned index, uint8_t mac[MAC_SIZE])
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ index;

	for (; *name; name++)
		hash = (hash ^ (uint8_t)*name) * UINT64_C(0x100000001b3);
	for (unsigned i = 0; i < MAC_SIZE; i++)
		mac[i] = (uint8_t)(hash >> 8 * i);
	mac[0] = (uint8_t)((mac[0] & 0xfc) | 2);
}

static enum status add_net(const struct adding *adding, const struct vm_config *config,
			   unsigned index)
{
	struct vm *vm = adding->vm;
	struct vm_net *at = &vm->virtio->nets[index];
	uint8_t mac[MAC_SIZE];
	enum status status;

	make_mac(config->name, index, mac);
	virtio_net_init(&at->net, next_base(vm), next_line(vm), &adding->memory,
			config->macs ? config->macs + index * MAC_SIZE : mac);
	at->vm = vm;
	at->net.port.wake = wake;
	at->net.port.name = vm->name;
	status = switch_attach(&at->net.port, config->networks[index]);
	if (status == STATUS_INVALID)
		return refuse(adding->why, status,
			      "network '%s': another card there has the address %012lx",
			      config->networks[index], at->net.port.mac);
	if (status != STATUS_OK)
		return refuse(
			adding->why, status,
			"network '%s': no memory for a port, or none of the %u is free",
			config->networks[index], SWITCH_PORT_LIMIT);
	add(vm, &at->net.virtio);
	return STATUS_OK;
}

/* ---- all of them ---- */

enum status devices_add(struct vm *vm, const struct vm_config *config, const char **why)
{
	const struct adding adding = {
		.vm = vm,
		.memory = {.ram = &vm->memory, .write = write_memory, .context = vm},
		.why = why,
	};
	enum status status = STATUS_OK;

	if (config->disk_count == 0 && config->devices == 0 && config->net_count == 0)
		return STATUS_OK;
	vm->virtio = page_alloc_zeroed(page_order_for(sizeof(*vm->virtio)));
	if (!vm->virtio)
		return refuse(why, STATUS_NO_MEMORY, "no memory for its virtio devices");
	for (unsigned i = 0; status == STATUS_OK && i < config->disk_count; i++)
		status = add_disk(&adding, &config->disks[i], i);
	if (status == STATUS_OK && (config->devices & VM_DEVICE_RNG))
		status = add_rng(&adding);
	if (status == STATUS_OK && (config->devices & VM_DEVICE_CONSOLE))
		status = add_console(&adding);
	for (unsigned i = 0; status == STATUS_OK && i < config->net_count; i++)
		status = add_net(&adding, config, i);
	return status;
}

void devices_remove(struct vm *vm)
{
	if (!vm->virtio)
		return;
	for (unsigned i = 0; i < VM_NET_LIMIT; i++)
		switch_detach(&vm->virtio->nets[i].net.port);
	for (unsigned i = 0; i < VM_DISK_LIMIT; i++)
		if (vm->virtio->hosts[i])
			vm_host_disk_free(vm->virtio->hosts[i]);
	page_free(vm->virtio, page_order_for(sizeof(*vm->virtio)));
	vm->virtio = NULL;
	vm->virtio_count = 0;
}

size_t devices_describe(const struct vm *vm, struct guest_fdt_device *into)
{
	for (unsigned i = 0; i < vm->virtio_count; i++)
		into[i] = (struct guest_fdt_device){
			.name = "virtio_mmio",
			.compatible = "virtio,mmio",
			.base = base_of(i),
			.size = VIRTIO_MMIO_SIZE,
			.interrupt = VM_VIRTIO_IRQ + i,
		};
	return vm->virtio_count;
}
