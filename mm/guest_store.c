/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stores in a guest's place (unprivileged specification, "Load and Store
 * Instructions" and "Atomic Memory Operations"). See guest_store.h.
 */
#include "mm/guest_store.h"
#include "core/panic.h"
#include "mm/guest_memory.h"

static uint64_t sign_extend(uint64_t value, unsigned width)
{
	unsigned unused = 64 - 8 * width;

	return (uint64_t)((int64_t)(value << unused) >> unused);
}

static uint64_t zero_extend(uint64_t value, unsigned width)
{
	unsigned unused = 64 - 8 * width;

	return value << unused >> unused;
}

/* Both operands sign-extended, which keeps the order of unsigned numbers too. */
static uint64_t combine(enum store_operation operation, uint64_t old, uint64_t value)
{
	switch (operation) {
	case STORE_ADD:
		return old + value;
	case STORE_XOR:
		return old ^ value;
	case STORE_AND:
		return old & value;
	case STORE_OR:
		return old | value;
	case STORE_MIN:
		return (int64_t)old < (int64_t)value ? old : value;
	case STORE_MAX:
		return (int64_t)old > (int64_t)value ? old : value;
	case STORE_MIN_UNSIGNED:
		return old < value ? old : value;
	case STORE_MAX_UNSIGNED:
		return old > value ? old : value;
	case STORE_SET:
	case STORE_SWAP:
	case STORE_CONDITIONAL:
		break;
	}
	return value;
}

static bool is_expected(const struct guest_store *store, uint64_t old)
{
	return sign_extend(old, store->width) ==
	       sign_extend(store->expected, store->width);
}

static uint64_t new_value(const struct guest_store *store, uint64_t old)
{
	if (store->operation == STORE_CONDITIONAL && !is_expected(store, old))
		return old;
	return combine(store->operation, sign_extend(old, store->width),
		       sign_extend(store->value, store->width));
}

uint64_t guest_store_result(const struct guest_store *store, unsigned offset,
			    uint64_t before)
{
	unsigned shift = 8 * offset;
	uint64_t mask = zero_extend(~UINT64_C(0), store->width) << shift;

	return (before & ~mask) | (new_value(store, before >> shift) << shift & mask);
}

static void set(void *at, unsigned width, uint64_t value)
{
	switch (width) {
	case 1:
		__atomic_store_n((uint8_t *)at, (uint8_t)value, __ATOMIC_RELEASE);
		break;
	case 2:
		__atomic_store_n((uint16_t *)at, (uint16_t)value, __ATOMIC_RELEASE);
		break;
	case 4:
		__atomic_store_n((uint32_t *)at, (uint32_t)value, __ATOMIC_RELEASE);
		break;
	default:
		__atomic_store_n((uint64_t *)at, value, __ATOMIC_RELEASE);
	}
}

static uint64_t change_word(const struct guest_store *store, uint32_t *at)
{
	uint32_t old = __atomic_load_n(at, __ATOMIC_RELAXED);

	while (!__atomic_compare_exchange_n(at, &old, (uint32_t)new_value(store, old),
					    false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
		;
	return old;
}

static uint64_t change_double(const struct guest_store *store, uint64_t *at)
{
	uint64_t old = __atomic_load_n(at, __ATOMIC_RELAXED);

	while (!__atomic_compare_exchange_n(at, &old, new_value(store, old), false,
					    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
		;
	return old;
}

uint64_t guest_store_apply(const struct guest_store *store, hpa_t at)
{
	void *pointer = hpa_pointer(at);
	uint64_t old;

	assert(is_aligned(at.raw, store->width));
	if (store->operation == STORE_SET) {
		set(pointer, store->width, store->value);
		return 0;
	}
	old = store->width == 4 ? change_word(store, pointer)
				: change_double(store, pointer);
	if (store->operation == STORE_CONDITIONAL)
		return !is_expected(store, old);
	return sign_extend(old, store->width);
}
