/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The monitor: what a person at the host's console asks of Gnomon while guests run.
 *
 * It lives on the boot hart, driven by keys and by the host's timer, with the console
 * held. Each key does a bounded amount of work; what a command prints waits in the
 * monitor's screen and goes out in slices, and no key is taken before it is out. All of
 * it goes to the person, none into a VM.
 */
#ifndef CORE_MONITOR_H
#define CORE_MONITOR_H

#include "core/types.h"

/* The keys that lead to it, and whether VMs in the background are heard: see options.h.
 */
void monitor_init(const uint8_t *escape, unsigned escape_count, bool interleave);

/* ---- for its commands ---- */

/* The formats of log_line(). '\n' ends a line, and nothing that is not printable gets
 * through; but for what monitor_control() prints. */
void monitor_print(const char *format, ...) __attribute__((format(printf, 1, 2)));
void monitor_control(const char *sequence);

/* Call redraw() now and each second until a key is pressed, the screen being cleared. */
void monitor_live(void (*redraw)(void));

/* A word as a decimal number: false if it is none, or more than most. */
bool monitor_number(const char *word, uint64_t most, uint64_t *number);

/* The VM of that name, or NULL, and that is said. NULL: the one whose console it is. */
struct vm *monitor_vm(const char *name);

#define MONITOR_WORDS 6

/*
 * One command. words: what was typed behind its name, so many. False: that was wrong,
 * and nothing was done.
 */
struct monitor_command {
	const char *name; /* may be of two words */
	const char *arguments;
	const char *help;
	bool (*run)(unsigned count, char **words);
	/* Instead: what it does to the VM it names; what is said is why it cannot. */
	const char *(*life)(struct vm *vm);
};

/* Run a line, which is cut up. */
void monitor_run(char *line);

/* The commands, by what they show. */
bool monitor_stats(unsigned count, char **words);
bool monitor_trace(unsigned count, char **words);
bool monitor_trace_on(unsigned count, char **words);
bool monitor_trace_off(unsigned count, char **words);
bool monitor_shadow(unsigned count, char **words);
bool monitor_memory(unsigned count, char **words);
bool monitor_harts(unsigned count, char **words);
bool monitor_net(unsigned count, char **words);

#endif
