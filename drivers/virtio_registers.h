/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The registers of a virtio-mmio device (VIRTIO 1.2, section 4.2.2), its status bits and
 * what is in its rings, for the drivers of the host's and for the devices shown to
 * guests. Offsets in bytes; registers are 32 bits wide.
 */
#ifndef DRIVERS_VIRTIO_REGISTERS_H
#define DRIVERS_VIRTIO_REGISTERS_H

#include "core/types.h"

#define VIRTIO_MAGIC  UINT32_C(0x74726976) /* "virt" */
#define VIRTIO_MODERN 2U		   /* of VIRTIO_VERSION; 1 is legacy */

#define VIRTIO_MAGIC_VALUE	   0x000U
#define VIRTIO_VERSION		   0x004U
#define VIRTIO_DEVICE_ID	   0x008U
#define VIRTIO_VENDOR_ID	   0x00cU
#define VIRTIO_DEVICE_FEATURES	   0x010U
#define VIRTIO_DEVICE_FEATURES_SEL 0x014U
#define VIRTIO_DRIVER_FEATURES	   0x020U
#define VIRTIO_DRIVER_FEATURES_SEL 0x024U
#define VIRTIO_QUEUE_SEL	   0x030U
#define VIRTIO_QUEUE_NUM_MAX	   0x034U
#define VIRTIO_QUEUE_NUM	   0x038U
#define VIRTIO_QUEUE_READY	   0x044U
#define VIRTIO_QUEUE_NOTIFY	   0x050U
#define VIRTIO_INTERRUPT_STATUS	   0x060U
#define VIRTIO_INTERRUPT_ACK	   0x064U
#define VIRTIO_STATUS		   0x070U
#define VIRTIO_QUEUE_DESC_LOW	   0x080U
#define VIRTIO_QUEUE_DESC_HIGH	   0x084U
#define VIRTIO_QUEUE_DRIVER_LOW	   0x090U
#define VIRTIO_QUEUE_DRIVER_HIGH   0x094U
#define VIRTIO_QUEUE_DEVICE_LOW	   0x0a0U
#define VIRTIO_QUEUE_DEVICE_HIGH   0x0a4U
#define VIRTIO_SHM_LEN_LOW	   0x0b0U
#define VIRTIO_SHM_LEN_HIGH	   0x0b4U
#define VIRTIO_SHM_BASE_LOW	   0x0b8U
#define VIRTIO_SHM_BASE_HIGH	   0x0bcU
#define VIRTIO_CONFIG_GENERATION   0x0fcU
#define VIRTIO_CONFIG		   0x100U

/* Section 2.1. */
#define VIRTIO_STATUS_ACKNOWLEDGE 1U
#define VIRTIO_STATUS_DRIVER	  2U
#define VIRTIO_STATUS_DRIVER_OK	  4U
#define VIRTIO_STATUS_FEATURES_OK 8U
#define VIRTIO_STATUS_NEEDS_RESET 64U
#define VIRTIO_STATUS_FAILED	  128U

/* Section 6. */
#define VIRTIO_F_VERSION_1 (UINT64_C(1) << 32)

#define VIRTIO_INTERRUPT_USED	1U
#define VIRTIO_INTERRUPT_CONFIG 2U

/* Section 2.7.5, of a descriptor. */
#define VIRTIO_DESCRIPTOR_NEXT	   1U
#define VIRTIO_DESCRIPTOR_WRITE	   2U
#define VIRTIO_DESCRIPTOR_INDIRECT 4U

/* Section 2.7.6, of the available ring: no interrupt for what is used. */
#define VIRTIO_AVAILABLE_NO_INTERRUPT 1U

/* Sections 2.7.5 and 2.7.8: a part of a chain, and what a device says of a whole one. */
struct virtio_descriptor {
	uint64_t address;
	uint32_t length;
	uint16_t flags;
	uint16_t next;
};

struct virtio_used_entry {
	uint32_t id;
	uint32_t length;
};

#endif
