/* SPDX-License-Identifier: BSD-2-Clause */
/* Marks for tables. See check_window.h. */
#include "lsp/check_window.h"

struct check_window check_window_at(uint64_t address)
{
	return (struct check_window){
		.base = align_down(address, CHECK_WINDOW_SIZE),
		.next = UINT64_MAX,
	};
}

bool check_window_mark(struct check_window *window, const pte_t *table)
{
	uint64_t address = (uintptr_t)table;
	uint64_t index = (address - window->base) >> PAGE_SHIFT;
	uint64_t bit = UINT64_C(1) << index % 64;

	if (address < window->base)
		return true;
	if (index >= CHECK_WINDOW_PAGES) {
		if (address < window->next)
			window->next = address;
		return true;
	}
	if (window->marks[index / 64] & bit)
		return false;
	window->marks[index / 64] |= bit;
	return true;
}
