/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: drivers/virtio_blk.c drivers/virtio_blk_host.c drivers/virtio_mmio.c */
/* sources: drivers/virtio_queue.c drivers/mmio.c mm/guest_memory.c */
/* sources: drivers/host_blk.c drivers/host_virtio.c drivers/host_queue.c */
/* sources: tests/unit/fake_host_disk.c tests/unit/fake_pages.c tests/unit/host_ram.c */
/* options: -max_len=256 */
/*
 * A disk of the host's that answers late, in any order, short, falsely, twice or never,
 * that writes what it likes into its used ring and does not stop when it is reset; and
 * two guests that have a part of it each, ask, reset their devices, end and come again.
 * No guest sees a byte of the other's, on its part or in a buffer; each request is
 * answered once at most, and in the end is answered, or was forgotten; and a disk that
 * has stopped leaves all of its memory.
 */
#include <string.h>

#include "drivers/host_mmio.h"
#include "drivers/virtio_blk_host.h"
#include "drivers/virtio_registers.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/fake_host_disk.h"
#include "tests/unit/fake_pages.h"

#define GUESTS	  2U
#define STEPS_MAX 96U
#define BASE	  UINT64_C(0x10001000)
#define RAM	  UINT64_C(0x80000000)
#define RAM_SIZE  0x8000U
#define PATIENCE  100U
#define PART	  24U /* sectors of a guest's part */

/* Where a guest has its ring and its requests. */
#define ENTRIES	 64U
#define REQUESTS 16U
#define AVAIL	 0x400U
#define USED	 0x600U
#define HEADERS	 0x900U
#define STATUS	 0xb00U
#define DATA	 0x1000U
#define PIECE	 0x400U /* bytes of data of each request */
#define PENDING	 0xeeU

struct guest {
	struct virtio_blk_host host; /* first, so that one pointer serves for both */
	struct virtio_blk blk;
	struct guest_memory memory;
	unsigned asked; /* since the last reset */
	char *ram;
};

/* The disk's contents at first, and for good where no guest has a part. */
#define BLANK 0x11
static uint8_t nobodys[(FAKE_DISK_SECTORS - GUESTS * PART) * HOST_BLK_SECTOR];

static struct host_blk disk;
static struct guest guests[GUESTS];
static char rams[GUESTS][RAM_SIZE] __attribute__((aligned(16)));

void harts_serve(void)
{
	require(false); /* a lock was not given back */
}

static void set_wire(struct irq_line *line, bool level)
{
	(void)line;
	(void)level;
}

static enum status write_ram(void *context, gpa_t to, const void *from, uint64_t size)
{
	struct guest *guest = context;

	if (!range_within(to.raw, size, RAM, RAM_SIZE))
		return STATUS_INVALID;
	memcpy(guest->ram + (to.raw - RAM), from, size);
	return STATUS_OK;
}

static void answered(struct host_blk_user *user, unsigned slot, bool is_done)
{
	virtio_blk_host_answered((struct virtio_blk_host *)user, slot, is_done);
}

static void room(struct host_blk_user *user)
{
	virtio_blk_host_room((struct virtio_blk_host *)user);
}

/* ---- the guests' driver ---- */

/* What the guest has on its part and writes there; its other bytes are below 0x40. */
static uint8_t mark(const struct guest *guest)
{
	return (uint8_t)(0xc0 + (guest - guests));
}

static void out(struct guest *guest, uint64_t offset, uint32_t value)
{
	struct mmio_device *device = &guest->blk.virtio.device;

	require(mmio_write(&device, 1, GPA(BASE + offset), 4, value));
}

static void set_up(struct guest *guest)
{
	memset(guest->ram, 0, DATA);
	memset(guest->ram + STATUS, 0, REQUESTS);
	guest->asked = 0;
	out(guest, VIRTIO_STATUS, 3);
	out(guest, VIRTIO_DRIVER_FEATURES_SEL, 1);
	out(guest, VIRTIO_DRIVER_FEATURES, 1);
	out(guest, VIRTIO_STATUS, 0xb);
	out(guest, VIRTIO_QUEUE_NUM, ENTRIES);
	out(guest, VIRTIO_QUEUE_DESC_LOW, RAM);
	out(guest, VIRTIO_QUEUE_DRIVER_LOW, RAM + AVAIL);
	out(guest, VIRTIO_QUEUE_DEVICE_LOW, RAM + USED);
	out(guest, VIRTIO_QUEUE_READY, 1);
	out(guest, VIRTIO_STATUS, 0xf);
}

static void describe(struct guest *guest, unsigned index, uint64_t offset,
		     uint32_t length, unsigned flags, unsigned next)
{
	const struct virtio_descriptor descriptor = {RAM + offset, length,
						     (uint16_t)flags, (uint16_t)next};

	memcpy(guest->ram + index * sizeof(descriptor), &descriptor, sizeof(descriptor));
}

static uint16_t used_count(const struct guest *guest)
{
	uint16_t count;

	memcpy(&count, guest->ram + USED + 2, sizeof(count));
	return count;
}

static uint8_t *status_of(struct guest *guest, unsigned n)
{
	return (uint8_t *)guest->ram + STATUS + n;
}

static void offer(struct guest *guest, unsigned head)
{
	const uint16_t entry = (uint16_t)head, end = (uint16_t)++guest->asked;

	memcpy(guest->ram + AVAIL + 4 + (end - 1U) % ENTRIES * 2, &entry, sizeof(entry));
	memcpy(guest->ram + AVAIL + 2, &end, sizeof(end));
	out(guest, VIRTIO_QUEUE_NOTIFY, 0);
}

/* The n-th request, unless it is still under way. */
static void ask(struct guest *guest, unsigned n, uint32_t type, uint64_t sector,
		uint32_t size)
{
	const struct virtio_blk_header header = {.type = type, .sector = sector};
	const unsigned head = 3 * n;

	if (*status_of(guest, n) == PENDING)
		return;
	*status_of(guest, n) = PENDING;
	memcpy(guest->ram + HEADERS + n * sizeof(header), &header, sizeof(header));
	memset(guest->ram + DATA + n * PIECE, mark(guest), PIECE);
	describe(guest, head, HEADERS + n * sizeof(header), sizeof(header),
		 VIRTIO_DESCRIPTOR_NEXT, head + (size > 0 ? 1 : 2));
	describe(guest, head + 1, DATA + n * PIECE, size,
		 VIRTIO_DESCRIPTOR_NEXT | (type == 1 ? 0 : VIRTIO_DESCRIPTOR_WRITE),
		 head + 2);
	describe(guest, head + 2, STATUS + n, 1, VIRTIO_DESCRIPTOR_WRITE, 0);
	offer(guest, head);
}

static void ask_some(struct guest *guest, struct input *input)
{
	static const uint32_t types[] = {0, 1, 4, 0, 1, 8, 0, 3};
	const unsigned what = input_byte(input), where = input_byte(input);

	ask(guest, what % REQUESTS, types[what >> 4 & 7], where % (PART + 2),
	    types[what >> 4 & 7] == 4 ? 0 : (1 + (where >> 7)) * 512);
}

/* ---- VMs that end and come ---- */

static void come(struct guest *guest)
{
	const struct virtio_disk on = {
		.name = "disk", .size = PART * HOST_BLK_SECTOR, .host = &guest->host};
	const struct virtio_memory memory = {&guest->memory, write_ram, guest};
	const struct irq_line line = {set_wire, guest, 1};

	memset(&guest->host, 0, sizeof(guest->host));
	guest->host.user = (struct host_blk_user){
		.first = (uint64_t)(guest - guests) * PART,
		.sectors = PART,
		.is_writer = true,
		.owner = guest,
		.answered = answered,
		.room = room,
	};
	guest->host.disk = &disk;
	guest->host.blk = &guest->blk;
	virtio_blk_init(&guest->blk, GPA(BASE), line, &memory, &on);
	/* It is refused a disk that is out of use, and has the one it had. */
	(void)host_blk_join(&disk, &guest->host.user);
	memset(guest->ram, 0, RAM_SIZE);
	set_up(guest);
}

static void go(struct guest *guest)
{
	host_blk_leave(&disk, &guest->host.user);
	memset(guest->ram, 0x3c, RAM_SIZE); /* whatever comes later would show */
}

/* ---- the disk ---- */

/* Into its used ring, past all rules: the index, or an entry. */
static void scribble(struct input *input)
{
	const unsigned where = input_byte(input), value = input_byte(input);
	struct fake_host_queue *queue = &fake_disk.queues[0];
	uint16_t *used = fake_host_queue_area(queue, FAKE_USED);

	if (where & 1)
		used[1] = (uint16_t)(queue->used += value & 3);
	else
		used[2 + where / 2 % (4 * HOST_BLK_SLOTS)] = (uint16_t)value;
	fake_disk.interrupt |= VIRTIO_INTERRUPT_USED;
}

static void answer(struct input *input)
{
	const unsigned how = input_byte(input);

	fake_disk.status = how & 0x80 ? 1 : 0;
	fake_disk.short_by = how & 0x40 ? 1 : 0;
	fake_disk.writes_nothing = how & 0x20;
	if (fake_disk.asked > 0 && fake_disk.ready)
		fake_host_disk_answer(how % 16 % fake_disk.asked);
}

static void lie(struct input *input)
{
	static const uint32_t lengths[] = {513, 1025, 1, 0, 512, 1026, UINT32_MAX, 514};
	const unsigned what = input_byte(input);

	if (fake_disk.ready)
		fake_host_disk_lie(what % 32, lengths[what >> 5], 1);
}

/* ---- steps ---- */

static void step(struct input *input)
{
	const unsigned what = input_byte(input);
	struct guest *guest = &guests[what >> 7];

	switch (what % 16) {
	case 0:
		out(guest, VIRTIO_STATUS, 0);
		set_up(guest);
		break;
	case 1:
		go(guest);
		come(guest);
		break;
	case 2:
		lie(input);
		break;
	case 3:
		if (fake_disk.ready)
			scribble(input);
		break;
	case 4:
		fake_disk.never_resets = what & 0x40;
		break;
	case 5:
		if ((what & 0x60) == 0x60) {
			fake_disk.driver_status |= VIRTIO_STATUS_NEEDS_RESET;
			fake_disk.interrupt |= VIRTIO_INTERRUPT_CONFIG;
		}
		break;
	case 6:
		fake_disk.time += what >> 4;
		host_blk_look(&disk);
		break;
	case 7:
	case 8:
		host_blk_serve(&disk);
		break;
	case 9:
	case 10:
	case 11:
		answer(input);
		break;
	default:
		ask_some(guest, input);
		break;
	}
}

static void check(struct guest *guest)
{
	const uint8_t others = mark(&guests[guest == guests]);

	require(used_count(guest) <= guest->asked);
	require(!memchr(guest->ram + DATA, others, RAM_SIZE - DATA));
	for (unsigned i = 0; i < REQUESTS; i++)
		require(*status_of(guest, i) == PENDING || *status_of(guest, i) <= 2);
	/* What fails on the guest's side of things is another target's. */
	require(!guest->blk.virtio.wrong);
}

static void check_all(void)
{
	for (unsigned i = 0; i < GUESTS; i++) {
		const uint8_t *part = fake_disk.data + i * PART * HOST_BLK_SECTOR;

		check(&guests[i]);
		require(!memchr(part, mark(&guests[!i]), PART * HOST_BLK_SECTOR));
	}
	require(memcmp(fake_disk.data + sizeof(fake_disk.data) - sizeof(nobodys), nobodys,
		       sizeof(nobodys)) == 0);
}

/* Whatever the disk has done: after so much time nothing is under way any more. */
static void check_end(void)
{
	const uint64_t all = fake_pages_taken();

	for (unsigned i = 0; i < 2 * REQUESTS; i++) {
		fake_disk.time += PATIENCE + 1;
		host_blk_look(&disk);
	}
	check_all();
	for (unsigned i = 0; i < GUESTS; i++) {
		require(used_count(&guests[i]) == guests[i].asked);
		for (unsigned n = 0; n < REQUESTS; n++)
			require(*status_of(&guests[i], n) != PENDING);
		go(&guests[i]);
	}
	host_blk_end(&disk);
	require(fake_pages_taken() == (fake_disk.driver_status != 0 ? all : 0));
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	memset(nobodys, BLANK, sizeof(nobodys));
	for (unsigned i = 0; i < GUESTS; i++) {
		guests[i].ram = rams[i];
		guests[i].memory = (struct guest_memory){
			.base = GPA(RAM), .size = RAM_SIZE, .run_count = 1};
		guests[i].memory.runs[0] =
			(struct guest_run){GPA(RAM), pointer_hpa(rams[i]), RAM_SIZE};
	}
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, size};
	struct host_virtio virtio;

	fake_pages_create();
	fake_host_disk_create();
	memset(fake_disk.data, BLANK, sizeof(fake_disk.data));
	fake_disk.queue_most = input_byte(&input) & 1 ? 8 : 16;
	require(host_virtio_find(&virtio, FAKE_DISK_BASE) == STATUS_OK);
	require(!host_blk_init(&disk, &virtio, PATIENCE));
	fake_disk.holds = true;
	for (unsigned i = 0; i < GUESTS; i++)
		come(&guests[i]);
	for (unsigned i = 0; i < STEPS_MAX && input.left > 0; i++) {
		step(&input);
		check_all();
	}
	check_end();
	fake_pages_destroy();
	return 0;
}
