/* SPDX-License-Identifier: BSD-2-Clause */
/* The monitor's screen: its prompt, its keys and its time. See monitor.h. */
#include "core/monitor.h"
#include "core/arch.h"
#include "core/console.h"
#include "core/console_mux.h"
#include "core/log.h"
#include "core/machine.h"
#include "core/monitor_line.h"
#include "core/vm.h"
#include "core/vms.h"
#include <stdarg.h>

#define ESCAPE 0x1b

static struct {
	struct screen screen;
	struct monitor_line line;
	void (*live)(void); /* NULL: it is at the prompt */
} monitor;

static void put(char byte)
{
	mux_keep(&monitor.screen, (uint8_t)byte);
}

void monitor_control(const char *sequence)
{
	while (*sequence)
		put(*sequence++);
}

static void put_printable(char byte)
{
	if (byte == '\n')
		put('\r');
	put(byte == '\n' || (byte >= ' ' && byte <= '~') ? byte : '?');
}

void monitor_print(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	format_list(put_printable, format, &arguments);
	va_end(arguments);
}

/* ---- live ---- */

static void redraw(void)
{
	monitor_control("\x1b[H\x1b[J");
	monitor.live();
	monitor_print("\nany key ends this");
	mux_wake(arch_time() + machine.fdt.timebase_frequency);
}

void monitor_live(void (*live)(void))
{
	monitor.live = live;
	redraw();
}

static void end_live(void)
{
	monitor.live = NULL;
	mux_wake(UINT64_MAX);
	monitor_print("\n");
}

static void tick(void)
{
	if (monitor.live)
		redraw();
}

/* ---- keys ---- */

static void go_on(void)
{
	if (!monitor.live)
		monitor_line_begin(&monitor.line);
}

static void key(uint8_t byte)
{
	if (monitor.live) {
		end_live();
		go_on();
		/* What the key sends behind that is of it, too. */
		if (byte == ESCAPE)
			monitor_line_key(&monitor.line, byte);
		return;
	}
	/* Somebody has printed a line of his own since. */
	if (!console_is_in_line())
		monitor_line_redraw(&monitor.line);
	switch (monitor_line_key(&monitor.line, byte)) {
	case LINE_EDITED:
		return;
	case LINE_DONE:
		monitor_run(monitor.line.text);
		break;
	case LINE_CANCELLED:
		break;
	}
	/* It may have gone to a VM's console. */
	if (mux_is_shown(&monitor.screen))
		go_on();
}

static void shown(bool is_shown)
{
	if (!is_shown) {
		monitor.live = NULL;
		mux_wake(UINT64_MAX);
		return;
	}
	monitor_print("[monitor: %s or console leads back, help lists commands]\n",
		      mux_escape_text());
	monitor_line_begin(&monitor.line);
}

void monitor_init(const uint8_t *escape, unsigned escape_count, bool interleave)
{
	static const struct screen_owner owner = {key, shown, tick};

	monitor.line.prompt = "gnomon> ";
	monitor.line.put = put;
	mux_init(machine.fdt.timebase_frequency);
	mux_monitor(&monitor.screen, &owner);
	mux_escape(escape, escape_count);
	mux_interleave(interleave);
}

/* ---- for commands ---- */

bool monitor_number(const char *word, uint64_t most, uint64_t *number)
{
	*number = 0;
	for (; *word; word++) {
		if (*word < '0' || *word > '9')
			return false;
		*number = *number * 10 + (uint64_t)(*word - '0');
		if (*number > most)
			return false;
	}
	return *number > 0;
}

static struct vm *vm_of_console(void)
{
	const struct screen *screen = mux_last();

	for (struct vm *vm = vms_first(); vm; vm = vms_next(vm))
		if (&vm->screen == screen)
			return vm;
	return NULL;
}

struct vm *monitor_vm(const char *name)
{
	struct vm *vm = name ? vms_find(name) : vm_of_console();

	if (!vm && name)
		monitor_print("there is no VM '%s': `vm list` lists them\n", name);
	else if (!vm)
		monitor_print("there is no VM\n");
	return vm;
}
