/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bundles: what to run, as a FIT image (a device tree with the kernels in it).
 *
 * Each node under /configurations is one VM: kernel, ramdisk and fdt name images
 * (inline `data`, or `data-offset` or `data-position` with `data-size`);
 * gnomon,memory and gnomon,shadow-memory (bytes, one or two cells), gnomon,vcpus,
 * gnomon,paging and gnomon,bootargs say the rest; gnomon,disks names images that are
 * disks, gnomon,disk-copy those of them that the VM gets a copy of, to be written, and
 * gnomon,devices is a list of "rng" and "console"; gnomon,net names the network of each
 * network card, gnomon,net-mac may have 6 bytes for each; gnomon,weight (10 to 1000) is
 * its vCPUs' share of the harts, and gnomon,pin a list of cells, the id of each vCPU's
 * hart or -1; gnomon,on-reboot is "stop", the default, or "restart". An image with
 * gnomon,host-disk is no data but a part of a disk of the host's: gnomon,offset,
 * gnomon,size, gnomon,read-only. Input from outside: every length is checked here. Its
 * memory must outlive the configuration, and is only read.
 */
#ifndef CORE_BUNDLE_H
#define CORE_BUNDLE_H

#include "core/types.h"

/* What a configuration gets where it is silent; its paging mode is then "lsp". */
#define BUNDLE_DEFAULT_MEMORY (512 * MIB)
#define BUNDLE_DEFAULT_VCPUS  1
#define BUNDLE_DEFAULT_WEIGHT 100

#define BUNDLE_LEAST_WEIGHT 10
#define BUNDLE_MOST_WEIGHT  1000

struct bundle {
	const void *base;
	uint64_t size;
};

/* A piece of the bundle; data is NULL where the configuration names none. */
struct blob {
	const void *data;
	uint64_t size;
};

#define VM_DISK_LIMIT 4
#define VM_NET_LIMIT  2
#define VM_PIN_LIMIT  8

/* The pin of a vCPU that floats. */
#define BUNDLE_PIN_NONE UINT32_MAX

/* Other devices, as bits. */
#define VM_DEVICE_RNG	  1U
#define VM_DEVICE_CONSOLE 2U

struct disk_config {
	const char *name; /* the image's */
	struct blob image;
	bool is_copied;
	const char *host; /* the host's disk that it is a part of; NULL: image is it */
	uint64_t offset;  /* bytes, of that disk */
	uint64_t size;	  /* 0: all behind that */
	bool is_read_only;
};

struct vm_config {
	const char *name;
	struct blob kernel; /* never empty */
	struct blob ramdisk;
	struct blob fdt;
	uint64_t memory;	/* bytes, at least 1 */
	uint64_t shadow_memory; /* bytes; 0: as much as the paging mode sees fit */
	unsigned vcpus;		/* at least 1 */
	const char
		*paging; /* as written: nobody has looked yet if there is such a mode */
	const char *bootargs; /* never NULL */
	unsigned disk_count;
	struct disk_config disks[VM_DISK_LIMIT];
	unsigned devices;
	bool restarts; /* when it reboots */
	unsigned net_count;
	const char *networks[VM_NET_LIMIT];
	const uint8_t *macs;	     /* one after the other; NULL: none are said */
	unsigned weight;	     /* of each vCPU */
	unsigned pin_count;	     /* 0: all float */
	uint32_t pins[VM_PIN_LIMIT]; /* ids of harts */
};

/*
 * Check that [base, base + size) is a whole bundle with at least one VM. base
 * is a multiple of 8; bytes behind the bundle do no harm. On failure *why says
 * what is wrong in words, ready to be printed, until the next failure.
 * STATUS_NOT_FOUND: there is none; STATUS_INVALID, STATUS_CORRUPT: no bundle.
 */
enum status bundle_open(struct bundle *bundle, const void *base, uint64_t size,
			const char **why);

/*
 * Bytes from the start of a sound device tree to the last one that an image under its
 * /images has: the bundle's size, where nobody tells. UINT64_MAX: one has an impossible
 * place.
 */
uint64_t bundle_extent(const void *tree);

/* How many VMs the bundle describes. */
unsigned bundle_count(const struct bundle *bundle);

/* The VM that /configurations/default names; 0, the first, where it is silent. */
unsigned bundle_default(const struct bundle *bundle);

/*
 * Read the index-th VM, 0 being the first in the order of the file.
 * STATUS_NOT_FOUND: no such VM, or something it names is not there;
 * STATUS_UNSUPPORTED: a compressed image; STATUS_INVALID, STATUS_CORRUPT: a
 * value or a length that cannot be right. *why as above.
 */
enum status bundle_vm(const struct bundle *bundle, unsigned index,
		      struct vm_config *config, const char **why);

#endif
