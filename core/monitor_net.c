/* SPDX-License-Identifier: BSD-2-Clause */
/* What the monitor shows of networks: the switch's ports, one a line. */
#include "core/monitor.h"
#include "core/switch.h"

static void print_port(const struct switch_view *view)
{
	monitor_print("%-16s %-16s %012lx %10lu %10lu %10lu %7u\n", view->network,
		      view->name ? view->name : "-", view->mac, view->counts.sent,
		      view->counts.received, view->counts.dropped, view->waiting);
}

bool monitor_net(unsigned count, char **words)
{
	struct switch_view view;
	unsigned ports = 0;

	(void)words;
	if (count > 0)
		return false;
	for (unsigned i = 0; i < SWITCH_PORT_LIMIT; i++) {
		if (!switch_view(i, &view))
			continue;
		if (ports++ == 0)
			monitor_print("%-16s %-16s %-12s %10s %10s %10s %7s\n", "NETWORK",
				      "PORT", "ADDRESS", "SENT", "RECEIVED", "DROPPED",
				      "WAITING");
		print_port(&view);
	}
	if (ports == 0)
		monitor_print("no VM has a network card\n");
	return true;
}
