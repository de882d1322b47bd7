/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: drivers/virtio_blk.c drivers/virtio_rng.c drivers/virtio_console.c */
/* sources: drivers/virtio_mmio.c drivers/virtio_queue.c drivers/mmio.c core/random.c */
/* sources: drivers/virtio_net.c core/switch.c tests/fuzz/guarded.c */
/* sources: tests/fuzz/no_host_disks.c mm/guest_memory.c */
/* flags: -Wl,--wrap=guest_memory_read */
/* options: -max_len=768 */
/*
 * The virtio devices under a hostile driver: any registers, any bytes in the rings, and
 * rings that change while they are read. RAM ends at a guard page on both sides of its
 * two runs, which lie apart. Whatever the driver does, no byte outside its RAM and its
 * disk is touched, an exit's work is bounded, the wire says
 * what the registers say, and after a reset a good request is served.
 */
#include <stdlib.h>
#include <string.h>

#include "core/harts.h"
#include "core/panic.h"
#include "core/switch.h"
#include "drivers/virtio_blk.h"
#include "drivers/virtio_console.h"
#include "drivers/virtio_net.h"
#include "drivers/virtio_rng.h"
#include "mm/page_alloc.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/guarded.h"

#define BASE	  UINT64_C(0x10001000)
#define RAM	  UINT64_C(0x80000000)
#define RUN_SIZE  UINT64_C(0x2000)
#define RUNS	  2
#define RAM_SIZE  (RUNS * RUN_SIZE)
#define DISK_SIZE UINT64_C(0x1200)
#define STEPS_MAX 48
#define AREA	  0x600 /* of each queue: descriptors, driver's area, device's area */
#define DATA	  0xc00

static struct guarded runs[RUNS], disk_bytes;
static char before[DISK_SIZE];
static struct guest_memory ram, disk;
static union {
	struct virtio_device virtio;
	struct virtio_blk blk;
	struct virtio_rng rng;
	struct virtio_console console;
	struct virtio_net net;
} the;
static struct switch_port far; /* another's, on the network of the card */
static struct mmio_device *device = &the.virtio.device;
static bool wire;
static uint64_t written, sent; /* bytes in this exit, to RAM and to the console */
static struct input *racing;   /* where the driver's other vCPU takes its bytes */

/* ---- guest memory: each byte is guarded, and all of it is there for good ---- */

_Noreturn void assert_failed(const char *file, unsigned line, const char *text)
{
	require_failed(file, line, text);
}

uint64_t page_alloc_run(uint64_t wanted, hpa_t *start)
{
	(void)wanted;
	(void)start;
	return 0;
}

uint64_t page_alloc_free_of(enum page_kind kind)
{
	(void)kind;
	return 0;
}

void page_alloc_add(hpa_t start, uint64_t size)
{
	(void)start;
	(void)size;
	require(false);
}

static char *ram_at(uint64_t offset)
{
	hpa_t hpa;

	require(guest_memory_find(&ram, GPA(RAM + offset), 1, &hpa));
	return hpa_pointer(hpa);
}

static void clear_ram(void)
{
	for (unsigned i = 0; i < RUNS; i++)
		memset(ram_at(i * RUN_SIZE), 0, RUN_SIZE);
}

/* Between any two reads of Gnomon's the driver may write a byte somewhere. */
static void race(void)
{
	if (racing->left >= 3 && (*racing->at & 0xc0) == 0xc0) {
		uint64_t offset = input_take(racing, 2) % RAM_SIZE;

		*ram_at(offset) = (char)input_byte(racing);
	}
}

enum status __real_guest_memory_read(const struct guest_memory *memory, void *to,
				     gpa_t from, uint64_t size);
enum status __wrap_guest_memory_read(const struct guest_memory *memory, void *to,
				     gpa_t from, uint64_t size);

enum status __wrap_guest_memory_read(const struct guest_memory *memory, void *to,
				     gpa_t from, uint64_t size)
{
	const enum status status = __real_guest_memory_read(memory, to, from, size);

	require(memory == &ram);
	if (status == STATUS_OK)
		race();
	return status;
}

static enum status write_ram(void *context, gpa_t to, const void *from, uint64_t size)
{
	require(context == &ram);
	written += range_within(to.raw, size, RAM, RAM_SIZE) ? size : 0;
	return guest_memory_write(&ram, to, from, size);
}

void harts_serve(void)
{
	require(false); /* the lock was not given back */
}

/* ---- the devices ---- */

static void set_wire(struct irq_line *line, bool level)
{
	require(line->controller == &wire);
	wire = level;
}

static void transmit(void *context, uint8_t byte)
{
	require(context == &sent);
	(void)byte;
	sent++;
}

static void room(void *context)
{
	require(context == &sent);
	virtio_console_receive(&the.console, 'r');
}

/* A port's queue is large: both have theirs for good. */
void *page_alloc_zeroed(unsigned order)
{
	static char *queues[2];
	static unsigned next;
	char **queue = &queues[next++ % 2];

	if (!*queue)
		*queue = malloc(PAGE_SIZE << order);
	return *queue;
}

void page_free(void *block, unsigned order)
{
	require(block && order > 0);
}

static void wake_card(struct switch_port *port)
{
	require(port == &the.net.port);
	virtio_net_receive(&the.net);
}

/* What came of the driver's frames: each is one that a wire could carry. */
static void wake_far(struct switch_port *port)
{
	const struct switch_frame *frame;
	unsigned count = 0;

	while ((frame = switch_next(port)) != NULL) {
		require(frame->size >= SWITCH_FRAME_LEAST &&
			frame->size <= SWITCH_FRAME_MOST);
		require(count++ < SWITCH_QUEUE_LIMIT);
		switch_done(port);
	}
}

static void make_net(const struct irq_line line, const struct virtio_memory *memory)
{
	static const uint8_t mac[MAC_SIZE] = {2};

	virtio_net_init(&the.net, GPA(BASE), line, memory, mac);
	the.net.port.wake = wake_card;
	far = (struct switch_port){.wake = wake_far};
	require(switch_attach(&the.net.port, "lan") == STATUS_OK);
	require(switch_attach(&far, "lan") == STATUS_OK);
}

static void make_device(unsigned which)
{
	static const uint8_t seed[RANDOM_SEED_SIZE] = {1};
	const struct virtio_memory memory = {&ram, write_ram, &ram};
	const struct irq_line line = {set_wire, &wire, 1};
	struct virtio_disk on = {
		.name = "disk", .data = disk_bytes.end - DISK_SIZE, .size = DISK_SIZE};

	switch (which) {
	case 0:
		virtio_rng_init(&the.rng, GPA(BASE), line, &memory, seed);
		break;
	case 1:
		virtio_console_init(&the.console, GPA(BASE), line, &memory, transmit,
				    &sent);
		virtio_console_on_room(&the.console, room);
		break;
	case 4:
		make_net(line, &memory);
		break;
	case 2:
		on.copy = &disk; /* fallthrough */
	default:
		virtio_blk_init(&the.blk, GPA(BASE), line, &memory, &on);
		break;
	}
}

static uint32_t in(uint64_t offset)
{
	uint64_t value = 0;

	require(mmio_read(&device, 1, GPA(BASE + offset), 4, &value));
	return (uint32_t)value;
}

/* The most that one exit may do: its bound, the last request and the answers. */
static void check_work(void)
{
	const uint64_t most = VIRTIO_SERVE_BYTES + 128 * RAM_SIZE;
	const uint64_t answers = VIRTIO_QUEUE_LIMIT * (VIRTIO_SERVE_CHAINS + 1) * 16;

	require(written <= VIRTIO_QUEUE_LIMIT * most + answers);
	require(sent <= VIRTIO_QUEUE_LIMIT * most);
	written = sent = 0;
}

static void out(uint64_t offset, uint32_t value)
{
	require(mmio_write(&device, 1, GPA(BASE + offset), 4, value));
	switch_deliver();
	check_work();
	require(wire == (in(0x60) != 0));
	require(((in(0x70) & 0x40) != 0) == (the.virtio.wrong != NULL));
}

/* ---- the driver ---- */

static void set_up(unsigned size)
{
	static const uint16_t status[] = {0, 1, 3};

	for (size_t i = 0; i < ARRAY_LENGTH(status); i++)
		out(0x70, status[i]);
	out(0x24, 1);
	out(0x20, 1);
	out(0x70, 0xb);
	for (uint32_t queue = 0; queue < the.virtio.class->queues; queue++) {
		out(0x30, queue);
		out(0x38, size);
		out(0x80, (uint32_t)RAM + queue * AREA);
		out(0x90, (uint32_t)RAM + queue * AREA + 0x200);
		out(0xa0, (uint32_t)RAM + queue * AREA + 0x400);
		out(0x44, 1);
	}
	out(0x70, 0xf);
}

static void poke(uint64_t offset, uint64_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		*ram_at((offset + i) % RAM_SIZE) = (char)(value >> (8 * i));
}

/* Mostly an address that is RAM, and a length that is not too long. */
static void describe(struct input *input)
{
	const unsigned what = input_byte(input), index = what % 8;
	const uint64_t at = (what >> 3 & 1) * AREA + index * 16;
	const unsigned how = input_byte(input);
	uint64_t address = RAM + input_take(input, 2) % (RAM_SIZE + 64);
	uint64_t length = input_take(input, 2) % 0x1400;

	if (how & 0x10)
		address = input_take(input, 8);
	if (how & 0x20)
		length = input_take(input, 4);
	poke(at, address, 8);
	poke(at + 8, length, 4);
	poke(at + 12, how & 3, 2);
	poke(at + 14, how & 0x40 ? input_byte(input) : index + 1, 2);
}

static void offer(struct input *input)
{
	const unsigned what = input_byte(input);
	const uint64_t ring = (what >> 7) * AREA + 0x200;
	const unsigned index = (uint8_t)*ram_at(ring + 2);

	poke(ring + 4 + index % 8 * 2, what % 8, 2);
	poke(ring + 2, index + 1, 2);
}

static void put_header(struct input *input)
{
	const unsigned what = input_byte(input);

	poke(DATA, what % 16, 4);
	poke(DATA + 8, what & 0x80 ? input_take(input, 8) : what >> 4, 8);
	poke(0, RAM + DATA, 8);
	poke(8, 16, 4);
	poke(12, 1, 2);
	poke(14, 1, 2);
}

static void access(struct input *input)
{
	const unsigned what = input_byte(input), width = 1U << (what & 3);
	const uint64_t offset = input_take(input, 2) % 0x1040;
	uint64_t value = input_take(input, width);
	bool allowed = offset < 0x1000 && offset % width == 0 &&
		       (width == 4 || (offset >= 0x100 && width < 4));

	if (what & 4)
		require(mmio_read(&device, 1, GPA(BASE + offset), width, &value) ==
			allowed);
	else
		require(mmio_write(&device, 1, GPA(BASE + offset), width, value) ==
			allowed);
	check_work();
}

/* Some frame for the driver, of any size that there is. */
static void receive(struct input *input)
{
	static uint8_t bytes[SWITCH_FRAME_MOST];

	memset(bytes, input_byte(input), sizeof(bytes));
	switch_send(&far, bytes, input_take(input, 2) % (sizeof(bytes) + 1));
	switch_deliver();
	check_work();
}

static void step(struct input *input)
{
	const unsigned what = input_byte(input);

	switch (what % 8) {
	case 0:
		set_up(1U << (what >> 3 & 7));
		break;
	case 1:
	case 2:
		describe(input);
		break;
	case 3:
		offer(input);
		break;
	case 4:
		out(0x50, what >> 7);
		break;
	case 5:
		if (what & 0x80)
			poke(input_take(input, 2), input_take(input, 4), 4);
		else
			put_header(input);
		break;
	case 6:
		out(0x64, what >> 3);
		if (what & 0x80 && the.virtio.class->id == 3)
			virtio_console_receive(&the.console, (uint8_t)what);
		if (what & 0x80 && the.virtio.class->id == 1)
			receive(input);
		break;
	default:
		access(input);
		break;
	}
}

/* After all that: a reset, and one request that is as it should be. */
static void check_alive(void)
{
	const bool transmits = the.virtio.class->id == 1 || the.virtio.class->id == 3;
	const uint64_t queue = transmits ? 1 : 0, area = queue * AREA;
	const bool reads = the.virtio.class->id == 4;

	clear_ram();
	set_up(8);
	require(in(0x70) == 0xf);
	poke(area, RAM + DATA, 8);
	poke(area + 8, 16, 4);
	poke(area + 12, reads ? 2 : 1, 2);
	poke(area + 14, 1, 2);
	poke(area + 16, RAM + DATA + 0x100, 8);
	poke(area + 24, 513, 4);
	poke(area + 28, 2, 2);
	poke(area + 0x202, 1, 2);
	out(0x50, (uint32_t)queue);
	require(*ram_at(area + 0x402) == 1);
	require(in(0x70) == 0xf && in(0x60) == 1);
	if (the.virtio.class->id == 2)
		require(memcmp(ram_at(DATA + 0x100), hpa_pointer(disk.runs[0].hpa),
			       512) == 0);
}

static void make_memory(void)
{
	ram = (struct guest_memory){
		.base = GPA(RAM), .size = RAM_SIZE, .run_count = RUNS};
	for (unsigned i = 0; i < RUNS; i++)
		ram.runs[i] =
			(struct guest_run){GPA(RAM + i * RUN_SIZE),
					   pointer_hpa(runs[i].end - RUN_SIZE), RUN_SIZE};
	disk = (struct guest_memory){.size = DISK_SIZE, .run_count = 1};
	disk.runs[0] = (struct guest_run){GPA(0), pointer_hpa(disk_bytes.end - DISK_SIZE),
					  DISK_SIZE};
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	for (unsigned i = 0; i < RUNS; i++)
		runs[i] = guarded_map(RUN_SIZE);
	disk_bytes = guarded_map(DISK_SIZE);
	make_memory();
	for (uint64_t i = 0; i < DISK_SIZE; i++)
		before[i] = (char)(i * 7 + i / 512);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* The other vCPU's part is the second half. */
	struct input input = {data, size / 2}, other = {data + size / 2, size - size / 2};
	const unsigned first = input_byte(&input) % 8, which = first == 4 ? 4 : first % 4;

	clear_ram();
	memcpy(disk_bytes.end - DISK_SIZE, before, DISK_SIZE);
	wire = false;
	written = sent = 0;
	racing = &other;
	make_device(which);
	set_up(8);
	for (unsigned i = 0; i < STEPS_MAX && input.left > 0; i++)
		step(&input);
	other.left = 0;
	check_alive();
	if (which == 4) {
		switch_detach(&the.net.port);
		switch_detach(&far);
	}
	if (which != 2)
		require(memcmp(before, disk_bytes.end - DISK_SIZE, DISK_SIZE) == 0);
	return 0;
}
