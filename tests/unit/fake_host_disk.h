/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtio device of the host's behind host_mmio_read() and host_mmio_write(): a disk,
 * modern and honest unless a test has it otherwise, that answers at once or when it is
 * told to, in any order, and may say what is not so. With another id and `forgets`, the
 * registers and queues of any device, of which the test is the rest. And the time.
 */
#ifndef TESTS_UNIT_FAKE_HOST_DISK_H
#define TESTS_UNIT_FAKE_HOST_DISK_H

#include "core/types.h"

#define FAKE_DISK_BASE	  UINT64_C(0x10008000)
#define FAKE_DISK_SECTORS 64U
#define FAKE_DISK_ASKED	  64U

#define FAKE_DISK_QUEUES 2U

/* As the driver has told the device of it. */
struct fake_host_queue {
	uint32_t size;
	uint32_t area[3][4]; /* as the registers lie: low and high halves first */
	uint16_t seen, used;
};

struct fake_host_disk {
	/* A test's to change. */
	uint32_t magic, version, id;
	uint64_t features;
	uint32_t queue_most;
	uint32_t size_max, block_size;
	uint64_t sectors;
	const char *serial;
	bool refuses_features;
	bool never_resets;
	bool holds;	     /* no answer before fake_host_disk_answer() */
	bool forgets;	     /* what it is asked: the test knows it otherwise */
	uint8_t status;	     /* of what it answers */
	bool writes_nothing; /* whatever it says */
	uint64_t time;	     /* what arch_time() is */
	uint32_t short_by;   /* bytes less than it wrote */
	/* What came of it. */
	uint8_t data[FAKE_DISK_SECTORS * 512];
	unsigned flushes, notified, largest;
	unsigned asked; /* chains that wait for an answer */
	uint16_t heads[FAKE_DISK_ASKED];
	/* Registers. */
	uint32_t driver_status, features_sel, driver_sel, interrupt;
	uint64_t driver_features;
	uint32_t queue_sel;
	uint32_t ready;					 /* queues, one bit each */
	struct fake_host_queue queues[FAKE_DISK_QUEUES]; /* the disk's is the first */
};

extern struct fake_host_disk fake_disk;

void fake_host_disk_create(void);

/* Carry out and answer the n-th of those that wait. */
void fake_host_disk_answer(unsigned n);

/* An entry of the disk's used ring as it is, and an index that is so much further. */
void fake_host_disk_lie(uint32_t id, uint32_t length, uint16_t further);

/* The same of any queue. */
void fake_host_queue_put(struct fake_host_queue *queue, uint32_t id, uint32_t length,
			 uint16_t further);

enum fake_host_area { FAKE_DESCRIPTORS, FAKE_AVAILABLE, FAKE_USED };
void *fake_host_queue_area(const struct fake_host_queue *queue,
			   enum fake_host_area which);

#endif
