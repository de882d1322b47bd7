/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What `perf stat -a` does, on the first CPU: counts events while it touches memory
 * and writes to the console, and prints each as "event type config count".
 *
 *   perf_counts MEGABYTES TYPE:CONFIG...     (in the notation of strtoull)
 *
 * Ends with 1, and says which, if the kernel refuses an event.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EVENTS_MAX 64
#define PAGE	   4096

static int open_event(const char *text)
{
	struct perf_event_attr attr = {.size = sizeof(attr), .disabled = 1};
	char *config;

	attr.type = (uint32_t)strtoull(text, &config, 0);
	attr.config = strtoull(config + 1, NULL, 0);
	return (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, 0);
}

static void work(size_t size)
{
	char *memory = mmap(NULL, size + PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int console = open("/dev/console", O_WRONLY);

	madvise(memory, size + PAGE, MADV_NOHUGEPAGE);
	for (size_t at = 0; at < size; at += PAGE)
		memory[at] = 1;
	for (size_t i = 0; i < size / PAGE / 64; i++)
		dprintf(console, "line %zu of some text on the console\n", i);
	munmap(memory, size + PAGE);
	close(console);
}

int main(int count, char **arguments)
{
	int events[EVENTS_MAX];
	uint64_t counts[EVENTS_MAX];

	for (int i = 2; i < count; i++) {
		events[i] = open_event(arguments[i]);
		if (events[i] < 0) {
			printf("%s: %s\n", arguments[i], strerror(errno));
			return 1;
		}
	}
	for (int i = 2; i < count; i++)
		ioctl(events[i], PERF_EVENT_IOC_ENABLE, 0);
	work(strtoull(arguments[1], NULL, 0) << 20);
	for (int i = 2; i < count; i++)
		if (read(events[i], &counts[i], sizeof(counts[i])) != sizeof(counts[i]))
			return 1;
	for (int i = 2; i < count; i++)
		printf("event %s %llu\n", arguments[i], (unsigned long long)counts[i]);
	return 0;
}
