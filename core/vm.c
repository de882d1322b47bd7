/* SPDX-License-Identifier: BSD-2-Clause */
/* Making, ending and reporting of a VM. See vm.h. */
#include "core/vm.h"
#include "core/arch.h"
#include "core/console_mux.h"
#include "core/loader.h"
#include "core/log.h"
#include "core/panic.h"
#include "core/reason.h"
#include "core/scheduler.h"
#include "core/string.h"
#include "core/vcpu_requests.h"
#include "core/vm_devices.h"
#include "core/vm_share.h"
#include "core/vm_tree.h"
#include "mm/page_alloc.h"

#define VM_MEMORY_UNIT (2 * MIB)

/* What is left for shadow tables when the VM has its memory. */
static uint64_t free_for_tables(uint64_t memory)
{
	uint64_t free = page_alloc_free_of(PAGES_TABLES) << PAGE_SHIFT;

	return page_alloc_is_divided() ? free : free - memory;
}

static enum status check_shadow_memory(const struct vm_config *config,
				       const struct paging_mode *mode, uint64_t free,
				       const char **why)
{
	uint64_t asked = config->shadow_memory;
	uint64_t least, wanted;

	if (!mode->budget && asked == 0)
		return STATUS_OK;
	if (!mode->budget)
		return refuse(why, STATUS_INVALID,
			      "shadow memory of %lu bytes: paging mode %s has no shadow "
			      "tables",
			      asked, mode->name);
	least = mode->budget(config->memory, config->vcpus).least;
	if (asked > 0 && asked < least)
		return refuse(why, STATUS_INVALID,
			      "shadow memory of %lu bytes: paging mode %s needs %lu at "
			      "least, or some instructions might never complete",
			      asked, mode->name, least);
	wanted = asked > 0 ? asked : least;
	if (wanted > free)
		return refuse(why, STATUS_NO_MEMORY,
			      "%lu bytes of shadow memory asked for, %lu are free %s",
			      wanted, free,
			      page_alloc_is_divided() ? "in the pool that it comes from"
						      : "beside its memory");
	return STATUS_OK;
}

static enum status check_config(const struct vm *vm, const char **why)
{
	const struct vm_config *config = &vm->config;
	const struct paging_mode *mode = vm->mode;
	uint64_t free = page_alloc_free_of(PAGES_GUESTS) << PAGE_SHIFT;
	uint64_t copies = devices_memory(vm);

	if (!mode)
		return refuse(
			why, STATUS_INVALID,
			"unknown paging mode '%s' (there are lsp, nested, shadow and "
			"shadow-unsync)",
			config->paging);
	if (mode->missing())
		return refuse(why, STATUS_UNSUPPORTED,
			      "paging mode %s is not possible on this machine: %s",
			      mode->name, mode->missing());
	if (config->vcpus == 0 || config->vcpus > VCPU_LIMIT)
		return refuse(why, STATUS_UNSUPPORTED,
			      "%u vCPUs asked for: a VM has 1 to %u", config->vcpus,
			      VCPU_LIMIT);
	if (share_check(config, why) != STATUS_OK)
		return STATUS_INVALID;
	if (config->memory == 0 || !is_aligned(config->memory, VM_MEMORY_UNIT))
		return refuse(why, STATUS_INVALID,
			      "memory of %lu bytes: it must be a multiple of 2 MiB",
			      config->memory);
	if (config->memory > free)
		return refuse(why, STATUS_NO_MEMORY,
			      "%lu MiB of memory asked for, %lu MiB are free",
			      config->memory / MIB, free / MIB);
	if (copies > free - config->memory)
		return refuse(why, STATUS_NO_MEMORY,
			      "%lu MiB for copies of disks asked for, %lu MiB are free "
			      "beside its memory",
			      copies / MIB, (free - config->memory) / MIB);
	if (GUEST_RAM_BASE.raw + config->memory > mode->reach())
		return refuse(why, STATUS_UNSUPPORTED,
			      "%lu MiB of memory asked for: paging mode %s reaches "
			      "addresses below 0x%lx on this machine",
			      config->memory / MIB, mode->name, mode->reach());
	return check_shadow_memory(config, mode, free_for_tables(config->memory + copies),
				   why);
}

/* ---- devices ---- */

static void plic_output(void *argument, unsigned context, bool pending)
{
	struct vm *vm = argument;

	vcpu_set_external(&vm->vcpus[context], pending);
}

static void uart_transmit(void *context, uint8_t byte)
{
	struct vm *vm = context;

	mux_put(&vm->screen, byte);
}

static void add_device(struct vm *vm, struct mmio_device *device)
{
	vm->devices[vm->device_count++] = device;
}

static enum status make_devices(struct vm *vm, const struct vm_config *config,
				const char **why)
{
	if (vplic_init(&vm->plic, VM_PLIC_BASE, VPLIC_SOURCES_MAX, config->vcpus,
		       plic_output, vm) != STATUS_OK)
		return refuse(why, STATUS_INVALID, "no PLIC for %u vCPUs", config->vcpus);
	vuart_init(&vm->uart, VM_UART_BASE, vplic_line(&vm->plic, VM_UART_IRQ),
		   uart_transmit, vm);
	add_device(vm, &vm->plic.device);
	add_device(vm, &vm->uart.device);
	return devices_add(vm, config, why);
}

/* ---- making and ending ---- */

static enum status make_vcpus(struct vm *vm, gpa_t entry, gpa_t tree, const char **why)
{
	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		struct vcpu *vcpu = &vm->vcpus[i];

		vcpu->vm = vm;
		vcpu->id = i;
		vcpu->state = i == 0 ? VCPU_STARTED : VCPU_STOPPED;
		if (arch_vcpu_create(vcpu) != STATUS_OK)
			return refuse(why, STATUS_NO_MEMORY,
				      "no memory for the registers of vCPU %u", i);
		vcpu->hart = VCPU_NO_HART;
		if (i == 0)
			arch_time_begin(vcpu);
		else
			vcpu->arch.time_delta = vm->vcpus[0].arch.time_delta;
		vcpu_reset(vcpu, entry, i, tree.raw);
		if (vm->mode->vcpu_create(vcpu) != STATUS_OK)
			return refuse(why, STATUS_NO_MEMORY,
				      "no memory for the paging state of vCPU %u", i);
	}
	return STATUS_OK;
}

static enum status take_memory(struct vm *vm, const char **why)
{
	const uint64_t size = vm->config.memory;
	enum status status = guest_memory_allocate(&vm->memory, GUEST_RAM_BASE, size);

	if (status != STATUS_OK)
		return refuse(why, status,
			      "%lu MiB of memory are not free in pieces of 2 MiB or more",
			      size / MIB);
	clearing_begin(&vm->clearings[0], &vm->memory, (struct blob){0});
	return devices_take_copies(vm, vm->clearings + 1, why);
}

static enum status build(struct vm *vm, const struct vm_config *config, const char **why)
{
	struct loaded_guest loaded;
	enum status status = make_devices(vm, config, why);

	if (status == STATUS_OK)
		status = loader_load(config, &vm->memory, vm->memory.base,
				     vm->memory.size, &loaded, why);
	vm->vcpu_count = config->vcpus;
	if (status == STATUS_OK)
		status = tree_load(vm, &loaded, why);
	if (status != STATUS_OK)
		return status;
	if (vm->mode->vm_create(vm) != STATUS_OK)
		return refuse(why, STATUS_NO_MEMORY, "no memory for its paging state");
	status = make_vcpus(vm, loaded.entry, loaded.dtb, why);
	share_apply(vm, config);
	arch_fence_i();
	return status;
}

static unsigned order_for(const struct vm_config *config)
{
	const unsigned vcpus = config->vcpus < VCPU_LIMIT ? config->vcpus : VCPU_LIMIT;

	return page_order_for(offsetof(struct vm, vcpus) + vcpus * sizeof(struct vcpu));
}

void vm_init(struct vm *vm, const struct vm_config *config)
{
	vm->name = config->name;
	vm->config = *config;
	vm->detail = "";
}

struct vm *vm_allocate(const struct vm_config *config)
{
	struct vm *vm = page_alloc_zeroed(order_for(config));

	if (vm)
		vm_init(vm, config);
	return vm;
}

void vm_free(struct vm *vm)
{
	assert(!vm->is_made && !vm->is_begun);
	for (unsigned i = 0; i < VM_DISK_LIMIT; i++)
		if (vm->copies[i].size > 0)
			guest_memory_free(&vm->copies[i]);
	page_free(vm, order_for(&vm->config));
}

/* Nothing of its last life is seen in the next. */
static void begin(struct vm *vm)
{
	vm->end = VM_RUNNING;
	vm->ends = 0;
	vm->detail = "";
	vm->mode = paging_mode_find(vm->config.paging);
	vm->shadow_memory = vm->config.shadow_memory;
	vm->costs = (struct vm_costs){.ending = vm->costs.ending};
}

/* What has come of it since that time: nothing, if it went wrong. */
static enum status settle(struct vm *vm, uint64_t since, enum status status,
			  const char *why)
{
	vm->costs.making += arch_time() - since;
	if (status == STATUS_OK)
		return status;
	vm_destroy(vm);
	vm_note_end(vm, VM_STOPPED, why);
	return status;
}

enum status vm_begin(struct vm *vm)
{
	const uint64_t start = arch_time();
	const char *why = "";
	enum status status;

	begin(vm);
	status = check_config(vm, &why);
	if (status == STATUS_OK)
		status = take_memory(vm, &why);
	vm->is_begun = status == STATUS_OK;
	return settle(vm, start, status, why);
}

bool vm_is_clear(const struct vm *vm)
{
	for (unsigned i = 0; i < ARRAY_LENGTH(vm->clearings); i++)
		if (!clearing_is_done(&vm->clearings[i]))
			return false;
	return true;
}

static void count_zeroing(struct vm *vm)
{
	for (unsigned i = 0; i < ARRAY_LENGTH(vm->clearings); i++) {
		vm->costs.zeroing += vm->clearings[i].ticks;
		vm->costs.zeroed += vm->clearings[i].finished;
	}
}

enum status vm_finish(struct vm *vm)
{
	const uint64_t start = arch_time();
	const char *why = "";
	enum status status;

	assert(vm->is_begun && vm_is_clear(vm));
	count_zeroing(vm);
	memset(vm->clearings, 0, sizeof(vm->clearings));
	status = build(vm, &vm->config, &why);
	vm->is_begun = false;
	vm->is_made = status == STATUS_OK;
	return settle(vm, start, status, why);
}

/* Copies of disks that may not be whole go as the memory does. */
static void stop_clearing(struct vm *vm)
{
	for (unsigned i = 0; i < ARRAY_LENGTH(vm->clearings); i++) {
		if (!vm->clearings[i].memory)
			continue;
		clearing_cancel(&vm->clearings[i]);
		if (i > 0)
			guest_memory_free(&vm->copies[i - 1]);
	}
}

/* Devices first: others may be writing to its RAM through them. */
void vm_destroy(struct vm *vm)
{
	stop_clearing(vm);
	devices_remove(vm);
	vm->device_count = 0;
	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		vm->mode->vcpu_destroy(&vm->vcpus[i]);
		arch_vcpu_destroy(&vm->vcpus[i]);
	}
	memset(vm->vcpus, 0, vm->vcpu_count * sizeof(vm->vcpus[0]));
	vm->vcpu_count = 0;
	if (vm->mode)
		vm->mode->vm_destroy(vm);
	if (vm->memory.size > 0)
		guest_memory_free(&vm->memory);
	vm->is_begun = vm->is_made = vm->is_paused = false;
}

void vm_start(struct vm *vm)
{
	scheduler_add(&vm->vcpus[0]);
}

void vm_set_detail(struct vm *vm, const char *detail)
{
	format_text(vm->detail_text, sizeof(vm->detail_text), "%s", detail);
	vm->detail = vm->detail_text;
}

void vm_note_end(struct vm *vm, enum vm_end end, const char *detail)
{
	if (__atomic_exchange_n(&vm->ends, 1, __ATOMIC_SEQ_CST))
		return;
	vm_set_detail(vm, detail);
	__atomic_store_n(&vm->end, end, __ATOMIC_SEQ_CST);
}

void vm_end(struct vm *vm, enum vm_end end, const char *detail)
{
	vm_note_end(vm, end, detail);
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		vcpu_request(&vm->vcpus[i], REQUEST_LEAVE);
}

bool vm_is_over(struct vm *vm)
{
	return vm_has_ended(vm) && scheduler_remove(vm->vcpus, vm->vcpu_count);
}

const char *vm_end_text(enum vm_end end)
{
	static const char *const texts[] = {
		[VM_RUNNING] = "running", [VM_POWER_OFF] = "power-off",
		[VM_REBOOT] = "reboot",	  [VM_FAILURE] = "failure",
		[VM_STOPPED] = "stopped",
	};
	return texts[end];
}

const char *vm_state_text(const struct vm *vm)
{
	if (vm->is_made)
		return vm->is_paused ? "paused" : vm_end_text(vm->end);
	if (vm->is_begun ? !vm_has_ended(vm) : vm->wish == VM_WISH_START)
		return "starting";
	return vm->ends ? vm_end_text(vm->end) : "off";
}

uint64_t vm_exits(const struct vm *vm)
{
	uint64_t exits = 0;

	for (unsigned i = 0; i < vm->vcpu_count; i++)
		exits += counters_total(&vm->vcpus[i].counters);
	return exits;
}
