/* SPDX-License-Identifier: BSD-2-Clause */
/* Disks for guests. See virtio_blk.h; section numbers are those of VIRTIO 1.2. */
#include "drivers/virtio_blk.h"

#include "core/string.h"
#include "drivers/virtio_blk_host.h"

#define DEVICE_ID 2U

/* Section 5.2.3. */
#define F_SIZE_MAX (UINT64_C(1) << 1)
#define F_SEG_MAX  (UINT64_C(1) << 2)
#define F_RO	   (UINT64_C(1) << 5)
#define F_BLK_SIZE (UINT64_C(1) << 6)
#define F_FLUSH	   (UINT64_C(1) << 9)

/* A request's descriptors beside its data, and the most that the data may be. */
#define OTHER_PARTS 2U
#define SEG_MAX	    (VIRTIO_QUEUE_SIZE_MAX - OTHER_PARTS)
#define PART_MAX    UINT32_C(32768)
#define DATA_MAX    ((uint64_t)SEG_MAX * PART_MAX)

/* Section 5.2.6. */
enum {
	TYPE_IN = 0,
	TYPE_OUT = 1,
	TYPE_FLUSH = 4,
	TYPE_GET_ID = 8,
};

/* What a request comes to: a status for the guest, or none as yet. */
enum {
	DONE = VIRTIO_BLK_DONE,
	FAILED = VIRTIO_BLK_FAILED,
	UNSUPPORTED = VIRTIO_BLK_UNSUPPORTED,
	UNDER_WAY,
	WAITS,
};

struct request {
	struct virtio_blk *blk;
	const struct virtio_chain *chain;
	uint64_t sector;
	uint64_t in;  /* bytes to be written to the chain, its status apart */
	uint64_t out; /* bytes of the chain, its header apart */
	uint32_t written;
};

static bool is_read_only(const struct virtio_disk *disk)
{
	return disk->host ? !disk->host->user.is_writer : !disk->copy;
}

/* The disk at offset, and how much of `size` is in one piece there. */
static void *find_piece(const struct virtio_disk *disk, uint64_t offset, uint64_t *size)
{
	const struct guest_run *run;
	uint64_t left;

	if (!disk->copy)
		return (char *)(uintptr_t)disk->data + offset;
	run = guest_memory_run(disk->copy, GPA(offset));
	left = run->size - (offset - run->gpa.raw);
	if (*size > left)
		*size = left;
	return hpa_pointer(HPA(run->hpa.raw + (offset - run->gpa.raw)));
}

static bool find_data(const struct request *request, uint64_t size, uint64_t *offset)
{
	const uint64_t sectors = request->blk->disk.size / VIRTIO_BLK_SECTOR;

	if (size == 0 || size > DATA_MAX || size % VIRTIO_BLK_SECTOR != 0 ||
	    !range_within(request->sector, size / VIRTIO_BLK_SECTOR, 0, sectors))
		return false;
	*offset = request->sector * VIRTIO_BLK_SECTOR;
	return true;
}

/* The disk is the host's: its answer comes later. */
static unsigned send(const struct request *request, enum host_blk_kind kind,
		     uint64_t offset, uint64_t size)
{
	struct virtio_blk_host *host = request->blk->disk.host;

	switch (virtio_blk_host_begin(host, request->chain, kind, offset, size)) {
	case HOST_BLK_TAKEN:
		return UNDER_WAY;
	case HOST_BLK_WAIT:
		return WAITS;
	default:
		return FAILED;
	}
}

static unsigned carry_out_in(struct request *request)
{
	const struct virtio_blk *blk = request->blk;
	uint64_t offset, length;

	if (!find_data(request, request->in, &offset))
		return FAILED;
	if (blk->disk.host)
		return send(request, HOST_BLK_READ, offset, request->in);
	for (uint64_t done = 0; done < request->in; done += length) {
		const void *from;

		length = request->in - done;
		from = find_piece(&blk->disk, offset + done, &length);
		if (virtio_chain_write(request->chain, &blk->virtio.memory, done, from,
				       length) != STATUS_OK)
			return FAILED;
	}
	request->written = (uint32_t)request->in;
	return DONE;
}

static unsigned carry_out_out(struct request *request)
{
	const struct virtio_blk *blk = request->blk;
	uint64_t offset, length;

	if (is_read_only(&blk->disk) || !find_data(request, request->out, &offset))
		return FAILED;
	if (blk->disk.host)
		return send(request, HOST_BLK_WRITE, offset, request->out);
	for (uint64_t done = 0; done < request->out; done += length) {
		void *to;

		length = request->out - done;
		to = find_piece(&blk->disk, offset + done, &length);
		if (virtio_chain_read(request->chain, &blk->virtio.memory,
				      sizeof(struct virtio_blk_header) + done, to,
				      length) != STATUS_OK)
			return FAILED;
	}
	return DONE;
}

static unsigned carry_out_flush(struct request *request)
{
	const struct virtio_blk_host *host = request->blk->disk.host;

	/* A disk that knows of no flush has written what it says it has. */
	return host && host->disk->can_flush ? send(request, HOST_BLK_FLUSH, 0, 0) : DONE;
}

static unsigned carry_out_get_id(struct request *request)
{
	char id[VIRTIO_BLK_ID_SIZE] = {0};
	const char *name = request->blk->disk.name;

	memcpy(id, name, strnlen(name, sizeof(id)));
	if (request->in < sizeof(id) ||
	    virtio_chain_write(request->chain, &request->blk->virtio.memory, 0, id,
			       sizeof(id)) != STATUS_OK)
		return FAILED;
	request->written = sizeof(id);
	return DONE;
}

static const struct {
	uint32_t type;
	unsigned (*carry_out)(struct request *request);
} types[] = {
	{TYPE_IN, carry_out_in},
	{TYPE_OUT, carry_out_out},
	{TYPE_FLUSH, carry_out_flush},
	{TYPE_GET_ID, carry_out_get_id},
};

static unsigned carry_out(struct request *request, uint32_t type)
{
	for (size_t i = 0; i < ARRAY_LENGTH(types); i++)
		if (types[i].type == type)
			return types[i].carry_out(request);
	return UNSUPPORTED;
}

/* The status is the last byte that the device may write, wherever the data ends. */
static enum virtio_answer serve(struct virtio_device *device, unsigned queue,
				const struct virtio_chain *chain, uint32_t *written)
{
	struct request request = {.blk = (struct virtio_blk *)device, .chain = chain};
	struct virtio_blk_header header;
	unsigned result;
	uint8_t status;

	(void)queue;
	if (chain->writable_size == 0 ||
	    virtio_chain_read(chain, &device->memory, 0, &header, sizeof(header)) !=
		    STATUS_OK)
		return VIRTIO_MALFORMED;
	request.sector = header.sector;
	request.in = chain->writable_size - sizeof(status);
	request.out = chain->readable_size - sizeof(header);
	result = carry_out(&request, header.type);
	if (result == UNDER_WAY)
		return VIRTIO_UNDER_WAY;
	if (result == WAITS)
		return VIRTIO_LATER;
	status = (uint8_t)result;
	if (virtio_chain_write(chain, &device->memory, request.in, &status,
			       sizeof(status)) != STATUS_OK)
		return VIRTIO_MALFORMED;
	*written = request.written + (uint32_t)sizeof(status);
	return VIRTIO_DONE;
}

static void forget(struct virtio_device *device)
{
	const struct virtio_blk *blk = (const struct virtio_blk *)device;

	if (blk->disk.host)
		virtio_blk_host_forget(blk->disk.host);
}

static const struct virtio_class class = {
	.name = "virtio-blk",
	.id = DEVICE_ID,
	.queues = 1,
	.serve = serve,
	.forget = forget,
};

void virtio_blk_init(struct virtio_blk *blk, gpa_t base, struct irq_line irq,
		     const struct virtio_memory *memory, const struct virtio_disk *disk)
{
	virtio_init(&blk->virtio, &class, base, irq, memory);
	blk->disk = *disk;
	blk->config = (struct virtio_blk_config){
		.capacity = disk->size / VIRTIO_BLK_SECTOR,
		.size_max = PART_MAX,
		.seg_max = SEG_MAX,
		.blk_size = disk->host ? disk->host->disk->block_size : VIRTIO_BLK_SECTOR,
	};
	virtio_offer(&blk->virtio,
		     F_SIZE_MAX | F_SEG_MAX | F_BLK_SIZE | F_FLUSH |
			     (is_read_only(disk) ? F_RO : 0),
		     &blk->config, sizeof(blk->config));
}
