/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The registers of a virtio-mmio device, and the serving of its queues. See
 * virtio_mmio.h.
 *
 * Registers are 4 bytes wide and only so accessible, the configuration space also by 1
 * and 2; any other access gets a bus error. What the specification leaves to a driver's
 * good manners (the order of status bits, queues that change while ready) is ignored
 * here if it comes; what it cannot mean to be served makes the device need a reset.
 */
#include "drivers/virtio_mmio.h"

#include "core/string.h"
#include "drivers/virtio_registers.h"

#define VENDOR_ID UINT32_C(0x4e4d4e47) /* "GNMN" */

#define STATUS_OF_DRIVER                                                                 \
	(VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER | VIRTIO_STATUS_DRIVER_OK |    \
	 VIRTIO_STATUS_FEATURES_OK | VIRTIO_STATUS_FAILED)

/* ---- interrupts, failure and reset ---- */

static void raise_interrupt(struct virtio_device *device, uint32_t cause)
{
	device->interrupt_status |= cause;
	irq_line_set(&device->irq, true);
}

static void acknowledge(struct virtio_device *device, uint32_t causes)
{
	device->interrupt_status &= ~causes;
	if (device->interrupt_status == 0)
		irq_line_set(&device->irq, false);
}

/* Section 2.1.2: the driver is told, if it had got so far. */
static void fail(struct virtio_device *device, const char *wrong)
{
	device->wrong = wrong;
	device->status |= VIRTIO_STATUS_NEEDS_RESET;
	device->unfinished = 0;
	if (device->status & VIRTIO_STATUS_DRIVER_OK)
		raise_interrupt(device, VIRTIO_INTERRUPT_CONFIG);
}

static void forget(struct virtio_device *device)
{
	if (device->class->forget)
		device->class->forget(device);
}

static void reset(struct virtio_device *device)
{
	forget(device);
	device->driver_features = 0;
	device->status = 0;
	device->device_features_sel = device->driver_features_sel = 0;
	device->queue_sel = 0;
	device->unfinished = 0;
	device->wrong = NULL;
	memset(device->queues, 0, sizeof(device->queues));
	acknowledge(device, UINT32_MAX);
}

/* ---- serving ---- */

/* The chain that device->chain is; false: no more of this queue for now. */
static bool serve_chain(struct virtio_device *device, unsigned index)
{
	uint32_t written = 0;

	switch (device->class->serve(device, index, &device->chain, &written)) {
	case VIRTIO_DONE:
		break;
	case VIRTIO_LATER:
		return false;
	case VIRTIO_UNDER_WAY:
		virtio_queue_take(&device->queues[index]);
		return true;
	case VIRTIO_MALFORMED:
		fail(device, "a request has a shape that the device does not know");
		return false;
	}
	if (virtio_queue_answer(&device->queues[index], &device->memory, &device->chain,
				written) == STATUS_OK) {
		virtio_queue_take(&device->queues[index]);
		return true;
	}
	fail(device, "a request cannot be answered");
	return false;
}

/* An interrupt that the driver did not want is still how it comes to call again. */
static void serve_queue(struct virtio_device *device, unsigned index)
{
	struct virtio_queue *queue = &device->queues[index];
	const uint16_t before = queue->next_used;
	const char *wrong = NULL;
	uint64_t bytes = 0;

	device->unfinished &= ~(1U << index);
	for (unsigned chains = 0;
	     virtio_queue_next(queue, &device->memory, &device->chain, &wrong);
	     chains++) {
		if (chains == VIRTIO_SERVE_CHAINS || bytes >= VIRTIO_SERVE_BYTES) {
			device->unfinished |= 1U << index;
			break;
		}
		if (!serve_chain(device, index))
			break;
		bytes += device->chain.readable_size + device->chain.writable_size;
	}
	if (wrong)
		fail(device, wrong);
	if (queue->next_used != before &&
	    (device->unfinished || !virtio_queue_is_silent(queue, &device->memory)))
		raise_interrupt(device, VIRTIO_INTERRUPT_USED);
}

bool virtio_is_live(const struct virtio_device *device, unsigned queue)
{
	return queue < device->class->queues && device->queues[queue].is_ready &&
	       (device->status & (VIRTIO_STATUS_DRIVER_OK | VIRTIO_STATUS_NEEDS_RESET)) ==
		       VIRTIO_STATUS_DRIVER_OK;
}

void virtio_serve(struct virtio_device *device, unsigned queue)
{
	if (virtio_is_live(device, queue))
		serve_queue(device, queue);
}

void virtio_complete(struct virtio_device *device, unsigned index,
		     const struct virtio_chain *chain, uint32_t written)
{
	struct virtio_queue *queue = &device->queues[index];

	if (!virtio_is_live(device, index))
		return;
	if (virtio_queue_answer(queue, &device->memory, chain, written) != STATUS_OK)
		fail(device, "a request cannot be answered");
	else if (!virtio_queue_is_silent(queue, &device->memory))
		raise_interrupt(device, VIRTIO_INTERRUPT_USED);
}

/* ---- registers ---- */

static struct virtio_queue *selected(struct virtio_device *device)
{
	return device->queue_sel < device->class->queues
		       ? &device->queues[device->queue_sel]
		       : NULL;
}

static uint32_t half(uint64_t value, uint32_t sel)
{
	return sel < 2 ? (uint32_t)(value >> (32 * sel)) : 0;
}

static void set_half(uint64_t *value, unsigned sel, uint32_t to)
{
	const unsigned shift = 32 * sel;

	*value = (*value & ~(UINT64_C(0xffffffff) << shift)) | (uint64_t)to << shift;
}

static uint32_t read_register(struct virtio_device *device, uint64_t offset)
{
	const struct virtio_queue *queue = selected(device);

	switch (offset) {
	case VIRTIO_MAGIC_VALUE:
		return VIRTIO_MAGIC;
	case VIRTIO_VERSION:
		return VIRTIO_MODERN;
	case VIRTIO_DEVICE_ID:
		return device->class->id;
	case VIRTIO_VENDOR_ID:
		return VENDOR_ID;
	case VIRTIO_DEVICE_FEATURES:
		return half(device->features, device->device_features_sel);
	case VIRTIO_QUEUE_NUM_MAX:
		return queue ? VIRTIO_QUEUE_SIZE_MAX : 0;
	case VIRTIO_QUEUE_READY:
		return queue && queue->is_ready;
	case VIRTIO_INTERRUPT_STATUS:
		return device->interrupt_status;
	case VIRTIO_STATUS:
		return device->status;
	case VIRTIO_SHM_LEN_LOW:
	case VIRTIO_SHM_LEN_HIGH:
	case VIRTIO_SHM_BASE_LOW:
	case VIRTIO_SHM_BASE_HIGH:
		return UINT32_MAX; /* there is no shared memory */
	default:
		return 0; /* ConfigGeneration too: the configuration never changes */
	}
}

static void write_driver_features(struct virtio_device *device, uint32_t value)
{
	if (device->driver_features_sel < 2 &&
	    !(device->status & VIRTIO_STATUS_FEATURES_OK))
		set_half(&device->driver_features, device->driver_features_sel, value);
}

/* Section 3.1.1: features the device cannot have are refused by FEATURES_OK staying 0. */
static void write_status(struct virtio_device *device, uint32_t value)
{
	const uint64_t accepted = device->driver_features;

	if (value == 0) {
		reset(device);
		return;
	}
	value &= STATUS_OF_DRIVER;
	if ((accepted & ~device->features) || !(accepted & VIRTIO_F_VERSION_1))
		value &= ~VIRTIO_STATUS_FEATURES_OK;
	if (!((device->status | value) & VIRTIO_STATUS_FEATURES_OK))
		value &= ~VIRTIO_STATUS_DRIVER_OK;
	device->status |= value;
}

static void write_queue_ready(struct virtio_device *device, struct virtio_queue *queue,
			      uint32_t value)
{
	const char *wrong;

	if (value == 0) {
		forget(device);
		queue->is_ready = false;
		return;
	}
	if (queue->is_ready)
		return;
	wrong = virtio_queue_enable(queue, &device->memory);
	if (wrong)
		fail(device, wrong);
}

/* Of the selected queue; but for QueueReady they are fixed while it is ready. */
static void write_queue(struct virtio_device *device, uint64_t offset, uint32_t value)
{
	struct virtio_queue *queue = selected(device);

	if (!queue)
		return;
	if (offset == VIRTIO_QUEUE_READY) {
		write_queue_ready(device, queue, value);
		return;
	}
	if (queue->is_ready)
		return;
	switch (offset) {
	case VIRTIO_QUEUE_NUM:
		queue->size = value;
		break;
	case VIRTIO_QUEUE_DESC_LOW:
	case VIRTIO_QUEUE_DESC_HIGH:
		set_half(&queue->descriptor_area, offset == VIRTIO_QUEUE_DESC_HIGH,
			 value);
		break;
	case VIRTIO_QUEUE_DRIVER_LOW:
	case VIRTIO_QUEUE_DRIVER_HIGH:
		set_half(&queue->driver_area, offset == VIRTIO_QUEUE_DRIVER_HIGH, value);
		break;
	case VIRTIO_QUEUE_DEVICE_LOW:
	case VIRTIO_QUEUE_DEVICE_HIGH:
		set_half(&queue->device_area, offset == VIRTIO_QUEUE_DEVICE_HIGH, value);
		break;
	}
}

/* The acknowledgement is also where work goes on that one exit was too short for. */
static void write_interrupt_ack(struct virtio_device *device, uint32_t value)
{
	const unsigned unfinished = device->unfinished;

	acknowledge(device, value);
	for (unsigned i = 0; i < device->class->queues; i++)
		if (unfinished & 1U << i)
			virtio_serve(device, i);
}

static void write_register(struct virtio_device *device, uint64_t offset, uint32_t value)
{
	switch (offset) {
	case VIRTIO_DEVICE_FEATURES_SEL:
		device->device_features_sel = value;
		break;
	case VIRTIO_DRIVER_FEATURES:
		write_driver_features(device, value);
		break;
	case VIRTIO_DRIVER_FEATURES_SEL:
		device->driver_features_sel = value;
		break;
	case VIRTIO_QUEUE_SEL:
		device->queue_sel = value;
		break;
	case VIRTIO_QUEUE_NOTIFY:
		virtio_serve(device, value);
		break;
	case VIRTIO_INTERRUPT_ACK:
		write_interrupt_ack(device, value);
		break;
	case VIRTIO_STATUS:
		write_status(device, value);
		break;
	default:
		write_queue(device, offset, value);
		break;
	}
}

/* ---- accesses ---- */

static bool is_allowed(uint64_t offset, unsigned width)
{
	return width == 4 || (offset >= VIRTIO_CONFIG && width < 4);
}

/* Behind its end the configuration space reads as 0. */
static void read_config(const struct virtio_device *device, uint64_t offset,
			unsigned width, uint64_t *value)
{
	if (range_within(offset, width, 0, device->config_size))
		memcpy(value, (const char *)device->config + offset, width);
}

static bool virtio_read(struct mmio_device *mmio, uint64_t offset, unsigned width,
			uint64_t *value)
{
	struct virtio_device *device = (struct virtio_device *)mmio;

	if (!is_allowed(offset, width))
		return false;
	*value = 0;
	if (offset >= VIRTIO_CONFIG) {
		read_config(device, offset - VIRTIO_CONFIG, width, value);
		return true;
	}
	spin_lock_take(&device->lock);
	*value = read_register(device, offset);
	spin_lock_give(&device->lock);
	return true;
}

/* No device here has a configuration that a driver can write. */
static bool virtio_write(struct mmio_device *mmio, uint64_t offset, unsigned width,
			 uint64_t value)
{
	struct virtio_device *device = (struct virtio_device *)mmio;

	if (!is_allowed(offset, width))
		return false;
	if (offset >= VIRTIO_CONFIG)
		return true;
	spin_lock_take(&device->lock);
	write_register(device, offset, (uint32_t)value);
	spin_lock_give(&device->lock);
	if (device->class->settle)
		device->class->settle(device);
	return true;
}

void virtio_init(struct virtio_device *device, const struct virtio_class *class,
		 gpa_t base, struct irq_line irq, const struct virtio_memory *memory)
{
	memset(device, 0, sizeof(*device));
	device->device = (struct mmio_device){.name = class->name,
					      .base = base,
					      .size = VIRTIO_MMIO_SIZE,
					      .read = virtio_read,
					      .write = virtio_write};
	device->class = class;
	device->memory = *memory;
	device->irq = irq;
	device->features = VIRTIO_F_VERSION_1;
}

void virtio_offer(struct virtio_device *device, uint64_t features, const void *config,
		  uint32_t config_size)
{
	device->features |= features;
	device->config = config;
	device->config_size = config_size;
}
