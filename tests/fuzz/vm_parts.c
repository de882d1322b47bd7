/* SPDX-License-Identifier: BSD-2-Clause */
/* What a VM is made of. See vm_parts.h. */
#include "tests/fuzz/vm_parts.h"

#include <string.h>

#include "core/arch.h"
#include "core/clearing.h"
#include "core/harts.h"
#include "core/scheduler.h"
#include "core/switch.h"
#include "core/vcpu_requests.h"
#include "core/vm.h"
#include "mm/page_alloc.h"
#include "tests/fuzz/fuzz.h"

#define DEVICES_ORDER 3 /* at most; device trees have more room */

struct vm_parts vm_parts;

/* Nothing runs here. */
uint32_t harts_running(void)
{
	return 3;
}

/* A vCPU may run somewhere. */
void scheduler_place(struct vcpu *vcpu, unsigned weight, uint32_t harts)
{
	(void)vcpu;
	require(weight > 0 && (harts & harts_running()) != 0);
}

void scheduler_add(struct vcpu *vcpu)
{
	(void)vcpu;
}

bool scheduler_remove(struct vcpu *vcpus, unsigned count)
{
	(void)vcpus;
	(void)count;
	return true;
}

bool vcpu_request(struct vcpu *vcpu, enum vcpu_request request)
{
	(void)vcpu;
	(void)request;
	return false;
}

void vcpu_set_external(struct vcpu *vcpu, bool level)
{
	(void)vcpu;
	(void)level;
}

void *page_alloc_zeroed(unsigned order)
{
	if (order <= DEVICES_ORDER) {
		require(!vm_parts.devices);
		vm_parts.devices = calloc(1, PAGE_SIZE << order);
		return vm_parts.devices;
	}
	require(!vm_parts.tree && order < PAGE_ORDER_LIMIT);
	if (PAGE_SIZE << order > TREE_ROOM)
		return NULL;
	vm_parts.tree = vm_parts.room.end - (PAGE_SIZE << order);
	return vm_parts.tree;
}

void page_free(void *block, unsigned order)
{
	if (order <= DEVICES_ORDER) {
		require(block == vm_parts.devices);
		vm_parts.devices = NULL;
		free(block);
		return;
	}
	require(block == vm_parts.tree &&
		vm_parts.room.end - vm_parts.tree == (long)(PAGE_SIZE << order));
	vm_parts.tree = NULL;
}

uint64_t page_alloc_free_of(enum page_kind kind)
{
	(void)kind;
	return FREE_MEM >> PAGE_SHIFT;
}

enum status switch_attach(struct switch_port *port, const char *network)
{
	require(port->wake && strlen(network) < SIZE_MAX);
	port->network = network;
	vm_parts.ports++;
	return STATUS_OK;
}

void switch_detach(struct switch_port *port)
{
	vm_parts.ports -= port->network != NULL;
	port->network = NULL;
}

/* Nothing runs, so no frame is under way. */
void switch_send(struct switch_port *from, const void *frame, size_t size)
{
	(void)from;
	(void)frame;
	(void)size;
	require(false);
}

const struct switch_frame *switch_next(const struct switch_port *port)
{
	(void)port;
	require(false);
	return NULL;
}

void switch_done(struct switch_port *port)
{
	(void)port;
	require(false);
}

bool page_alloc_is_divided(void)
{
	return false;
}

enum status guest_memory_allocate(struct guest_memory *guest, gpa_t base, uint64_t size)
{
	require(size > 0 && size <= FREE_MEM && is_aligned(size, 2 * MIB));
	*guest = (struct guest_memory){.base = base, .size = size};
	vm_parts.live++;
	return STATUS_OK;
}

void guest_memory_free(struct guest_memory *guest)
{
	require(vm_parts.live > 0);
	vm_parts.live--;
	guest->size = 0;
}

/* Whoever writes has made sure before that it is RAM, and can read all of it. */
enum status guest_memory_write(struct guest_memory *guest, gpa_t to, const void *from,
			       uint64_t size)
{
	static char sink[VM_PARTS_WRITE_MAX];

	require(range_within(to.raw, size, guest->base.raw, guest->size));
	if (from == vm_parts.tree && vm_parts.tree) {
		vm_parts.check_tree(guest, to, size);
		return STATUS_OK;
	}
	require(size <= sizeof(sink));
	memcpy(sink, from, size);
	return STATUS_OK;
}

enum status guest_memory_zero(struct guest_memory *guest, gpa_t to, uint64_t size)
{
	require(range_within(to.raw, size, guest->base.raw, guest->size));
	return STATUS_OK;
}

void vcpu_reset(struct vcpu *vcpu, gpa_t entry, uint64_t a0, uint64_t a1)
{
	vcpu->arch.pc = entry.raw;
	vcpu->arch.x[10] = a0;
	vcpu->arch.x[11] = a1;
}

static uint64_t far_reach(void)
{
	return UINT64_MAX;
}

static const char *nothing_missing(void)
{
	return NULL;
}

static const char *everything_missing(void)
{
	return "all of it";
}

static struct paging_isa plain_isa(void)
{
	return (struct paging_isa){.svade = true, .cache_management = true};
}

static struct paging_budget small_budget(uint64_t ram, unsigned vcpus)
{
	require(ram > 0 && vcpus > 0);
	return (struct paging_budget){.least = LEAST_SHADOW, .usual = ram / 8};
}

static enum status create_nothing(struct vm *of)
{
	(void)of;
	return STATUS_OK;
}

static void destroy_nothing(struct vm *of)
{
	(void)of;
}

static enum status create_nothing_of(struct vcpu *of)
{
	(void)of;
	return STATUS_OK;
}

static void destroy_nothing_of(struct vcpu *of)
{
	(void)of;
}

/* One mode with a budget, one without, and one this machine does not have. */
static const struct paging_mode modes[] = {
	{
		.name = "lsp",
		.missing = nothing_missing,
		.reach = far_reach,
		.isa = plain_isa,
		.budget = small_budget,
		.vm_create = create_nothing,
		.vm_destroy = destroy_nothing,
		.vcpu_create = create_nothing_of,
		.vcpu_destroy = destroy_nothing_of,
	},
	{
		.name = "nested",
		.missing = nothing_missing,
		.reach = far_reach,
		.isa = plain_isa,
		.vm_create = create_nothing,
		.vm_destroy = destroy_nothing,
		.vcpu_create = create_nothing_of,
		.vcpu_destroy = destroy_nothing_of,
	},
	{
		.name = "absent",
		.missing = everything_missing,
		.vm_destroy = destroy_nothing,
	},
};

const struct paging_mode *paging_mode_find(const char *name)
{
	for (unsigned i = 0; i < ARRAY_LENGTH(modes); i++)
		if (strcmp(name, modes[i].name) == 0)
			return &modes[i];
	return NULL;
}

size_t arch_guest_extensions(const struct paging_isa *isa, const char **names,
			     size_t limit)
{
	static const char *const all[] = {"i", "m", "zicbom", "zicboz"};

	(void)isa;
	require(limit >= ARRAY_LENGTH(all));
	memcpy(names, all, sizeof(all));
	return ARRAY_LENGTH(all);
}

const char *arch_guest_mmu_type(void)
{
	return "riscv,sv39";
}

uint64_t arch_time(void)
{
	return 1000;
}

enum status arch_vcpu_create(struct vcpu *vcpu)
{
	(void)vcpu;
	return STATUS_OK;
}

void arch_vcpu_destroy(struct vcpu *vcpu)
{
	(void)vcpu;
}

void arch_time_begin(struct vcpu *vcpu)
{
	vcpu->arch.time_delta = -arch_time();
}

void arch_reservation_drop(void)
{
}

void arch_fence_i(void)
{
}

void arch_guest_interrupt_set(struct vcpu *vcpu, enum guest_interrupt which, bool pending)
{
	(void)vcpu;
	(void)which;
	require(!pending);
}

/* No device is at work before the VM runs. */
const struct guest_run *guest_memory_run(const struct guest_memory *guest, gpa_t gpa)
{
	(void)guest;
	(void)gpa;
	require(false);
}

bool guest_memory_find(const struct guest_memory *guest, gpa_t gpa, uint64_t size,
		       hpa_t *hpa)
{
	(void)guest;
	(void)gpa;
	(void)size;
	(void)hpa;
	require(false);
}

enum status guest_memory_read(const struct guest_memory *guest, void *to, gpa_t from,
			      uint64_t size)
{
	(void)guest;
	(void)to;
	(void)from;
	(void)size;
	require(false);
}

/* Nor are there other harts. */
void harts_serve(void)
{
}

void harts_attend(void)
{
}

/* What a disk's copy begins with can be read, and has room. */
void clearing_begin(struct clearing *clearing, const struct guest_memory *memory,
		    struct blob content)
{
	const volatile char *bytes = content.data;

	require(!clearing->memory && content.size <= memory->size);
	for (uint64_t i = 0; i < content.size; i++)
		(void)bytes[i];
	*clearing = (struct clearing){.memory = memory, .finished = memory->size};
}

bool clearing_is_done(const struct clearing *clearing)
{
	return !clearing->memory || clearing->finished == clearing->memory->size;
}

void clearing_cancel(struct clearing *clearing)
{
	clearing->memory = NULL;
}

/* Nor is anything typed. */
void mux_room(void *context)
{
	(void)context;
	require(false);
}

void mux_attach(struct screen *screen,
		enum mux_taken (*input)(void *context, uint8_t byte), void *context)
{
	(void)screen;
	(void)input;
	(void)context;
}

/* No guest runs, so that none prints. */
void mux_put(struct screen *screen, uint8_t byte)
{
	(void)screen;
	(void)byte;
	require(false);
}
