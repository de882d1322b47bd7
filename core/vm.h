/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtual machine: its memory, its vCPUs, its devices and how it ended.
 *
 * Of one configuration of a bundle, which must outlive it. It is begun, is made when its
 * memory is clear, runs, ends and is taken down, and may be made again: its name, its
 * screen and what was written to its disks stay, all other memory comes back with
 * vm_destroy. Its vCPUs run on any harts; what they share is read-only while they do, but
 * for what has a lock or says otherwise.
 */
#ifndef CORE_VM_H
#define CORE_VM_H

#include "core/bundle.h"
#include "core/clearing.h"
#include "core/console_mux.h"
#include "core/spin_lock.h"
#include "core/types.h"
#include "core/vcpu.h"
#include "drivers/vplic.h"
#include "drivers/vuart.h"
#include "mm/guest_memory.h"
#include "mm/paging.h"

#define VCPU_LIMIT	8
#define VM_VIRTIO_LIMIT 8
#define DEVICE_LIMIT	(2 + VM_VIRTIO_LIMIT)
#define VM_DETAIL_LIMIT 160

/* What guests find where; the same as on QEMU's virt machine. */
#define VM_UART_BASE GPA(0x10000000)
#define VM_UART_IRQ  10
#define VM_PLIC_BASE GPA(0x0c000000)

enum vm_end {
	VM_RUNNING,
	VM_POWER_OFF, /* the guest asked for it, with no complaint */
	VM_REBOOT,
	VM_FAILURE, /* the guest reported a failure through SRST */
	VM_STOPPED, /* Gnomon refused to run it, or to run it on */
};

/* What is to become of it once it has ended: see core/vm_life.h. */
enum vm_wish { VM_WISH_NOTHING, VM_WISH_START, VM_WISH_REMOVE };

/* Ticks of the host's time that the last life took to begin and to end. */
struct vm_costs {
	uint64_t making;  /* on the boot hart, zeroing apart */
	uint64_t zeroing; /* of all harts: its RAM, and copies of disks */
	uint64_t zeroed;  /* bytes of these */
	uint64_t ending;
};

struct vm {
	/* Of all its lives: */
	const char *name;
	struct vm_config config;
	struct screen screen;			   /* of its console */
	struct guest_memory copies[VM_DISK_LIMIT]; /* of disks; of size 0 until needed */
	enum vm_wish wish; /* the boot hart's, as the next three */
	bool is_begun;	   /* from vm_begin to vm_finish */
	bool is_made;	   /* from vm_finish to vm_destroy */
	bool is_kept;	   /* its user's, who may start it again */
	bool is_paused;	   /* the scheduler's */
	struct vm_costs costs;
	uint64_t began;	  /* host time at which it was started, for core/vm_life.c */
	unsigned reboots; /* in succession, each soon after that */
	/* Of its memory, and of the copies that are made for this life. */
	struct clearing clearings[1 + VM_DISK_LIMIT];
	/* Of one: */
	const struct paging_mode *mode;
	void *paging; /* the mode's own state of this VM */
	struct guest_memory memory;
	uint64_t shadow_memory; /* bytes, as vm_config has it */
	unsigned vcpu_count;
	struct spin_lock devices_lock; /* of all devices, around each access */
	unsigned device_count;
	struct mmio_device *devices[DEVICE_LIMIT];
	struct vuart uart;
	struct vplic plic;
	unsigned virtio_count;	  /* the last of devices */
	struct vm_virtio *virtio; /* core/vm_devices.c's; NULL: there are none */
	enum vm_end end;	  /* any hart's to write, once: see vm_end() */
	uint32_t ends;
	const char *detail; /* why, where it was stopped; "" otherwise */
	char detail_text[VM_DETAIL_LIMIT];
	/* Last, for a VM has memory for as many as it is to have. */
	struct vcpu vcpus[VCPU_LIMIT];
};

/*
 * Memory for a VM of this configuration, which need not be sound, with nothing in it as
 * yet but that; NULL: there is none. To be freed when it is not made, disks and all.
 */
struct vm *vm_allocate(const struct vm_config *config);
void vm_free(struct vm *vm);

/* The same of memory that is there, and is all zero. */
void vm_init(struct vm *vm, const struct vm_config *config);

/*
 * Take its memory, and have it cleared (core/clearing.h). When vm_is_clear(), vm_finish()
 * is to build it and load its guest, ready to run, which sees to the hart's other work
 * meanwhile (harts_attend()). On failure of either nothing of it is left but what stays,
 * and vm->end and vm->detail say what was wrong.
 */
enum status vm_begin(struct vm *vm);
bool vm_is_clear(const struct vm *vm);
enum status vm_finish(struct vm *vm);

/*
 * It is over, or never ran; every hart has forgotten its translations. Also of one that
 * is begun.
 */
void vm_destroy(struct vm *vm);

/* The first vCPU is ready to run. */
void vm_start(struct vm *vm);

/*
 * The first call decides how the VM ends, and keeps what it says in detail; its vCPUs
 * leave the guest. No lock of the scheduler's may be held, or (note) they are not told.
 */
void vm_end(struct vm *vm, enum vm_end end, const char *detail);
void vm_note_end(struct vm *vm, enum vm_end end, const char *detail);

/* Say something else instead, when it has ended. */
void vm_set_detail(struct vm *vm, const char *detail);

static inline bool vm_has_ended(const struct vm *vm)
{
	return __atomic_load_n(&vm->end, __ATOMIC_ACQUIRE) != VM_RUNNING;
}

/* True once it has ended and none of its vCPUs is on a hart, or will be. */
bool vm_is_over(struct vm *vm);

/*
 * Write to the VM's RAM from here once it runs, as from any device.
 * STATUS_INVALID if not all of it is RAM.
 */
static inline enum status vm_write(struct vm *vm, gpa_t to, const void *from,
				   uint64_t size)
{
	if (!vm->mode->write)
		return guest_memory_write(&vm->memory, to, from, size);
	if (!range_within(to.raw, size, vm->memory.base.raw, vm->memory.size))
		return STATUS_INVALID;
	vm->mode->write(vm, to, from, size);
	return STATUS_OK;
}

const char *vm_end_text(enum vm_end end);

/* What it is at this moment, in a word. */
const char *vm_state_text(const struct vm *vm);

/* VM exits of all of its vCPUs. */
uint64_t vm_exits(const struct vm *vm);

/*
 * One JSON object on the console: the exits and the state of a VM that ended; and the
 * same of one that there is not, or of none at all (""), which could not be run.
 */
void vm_report(const struct vm *vm);
void vm_report_refusal(const char *name, const char *why);

#endif
