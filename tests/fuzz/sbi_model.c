/* SPDX-License-Identifier: BSD-2-Clause */
/* The SBI, by its specification. See sbi_model.h. */
#include "tests/fuzz/sbi_model.h"

#include <string.h>

#include "core/sbi_numbers.h"
#include "drivers/ns16550.h"
#include "tests/unit/vm_bench.h"

/* ---- memory ---- */

struct guarded pieces[2];
char expected_ram[RAM_SIZE];
struct after after;

static char ram_pattern(uint64_t offset)
{
	return (char)(offset * 7 + (offset >> 8) + 1);
}

void restore_ram(uint64_t from, uint64_t to)
{
	for (uint64_t at = from; at < to; at++)
		pieces[at / PIECE].start[at % PIECE] = expected_ram[at] = ram_pattern(at);
}

static bool is_ram(uint64_t address, uint64_t size)
{
	unsigned __int128 end = (unsigned __int128)address + size;

	return address >= RAM_BASE && end <= RAM_BASE + RAM_SIZE;
}

/* ---- counters ---- */

void model_event(unsigned vcpu, uint64_t code)
{
	for (unsigned i = 3; i < 64; i++) {
		struct modelled_counter *counter = &after.counters[vcpu][i];

		if (counter->started && counter->event == (0xf0000 | code))
			counter->value++;
	}
}

void model_exit(unsigned vcpu, enum exit_reason reason)
{
	model_event(vcpu, 256);
	model_event(vcpu, 257 + reason);
}

void model_reset(unsigned vcpu)
{
	memset(after.counters[vcpu], 0, sizeof(after.counters[vcpu]));
}

static void request(unsigned from, unsigned to, uint64_t sent)
{
	if (from != to) {
		model_event(from, sent);
		model_event(to, sent + 1);
	}
}

/* ---- what a call must do ---- */

static bool names(uint64_t mask, uint64_t base, unsigned id)
{
	if (base == UINT64_MAX)
		return true;
	return id >= base && id - base < 64 && (mask >> (id - base) & 1);
}

static bool harts_exist(uint64_t mask, uint64_t base)
{
	uint64_t id;

	for (unsigned i = 0; base != UINT64_MAX && i < 64; i++)
		if ((mask >> i & 1) &&
		    (__builtin_add_overflow(base, i, &id) || id >= bench_vm.vcpu_count))
			return false;
	return true;
}

static unsigned caller;

static int64_t to_harts(uint64_t mask, uint64_t base, void (*what)(unsigned id))
{
	if (!harts_exist(mask, base))
		return SBI_ERR_INVALID_PARAM;
	for (unsigned i = 0; i < bench_vm.vcpu_count; i++)
		if (names(mask, base, i))
			what(i);
	return SBI_SUCCESS;
}

static void interrupt(unsigned id)
{
	after.interrupts[id] |= 1u << GUEST_SOFTWARE;
	request(caller, id, 6);
}

static void fence_translations(unsigned id)
{
	after.fences[id]++;
	request(caller, id, 10);
}

static void fence_asid(unsigned id)
{
	after.fences[id]++;
	request(caller, id, 12);
}

static void fence_instructions(unsigned id)
{
	after.instruction_fences++;
	request(caller, id, 8);
}

static void set_timer(unsigned id, uint64_t deadline)
{
	struct vcpu *vcpu = &after.vcpus[id];

	model_event(id, 5);
	after.interrupts[id] &= ~(1u << GUEST_TIMER);
	/* The machine had been on for -time_delta when the guest's time began. */
	if (__builtin_add_overflow(deadline, -vcpu->arch.time_delta,
				   &vcpu->timer_deadline))
		vcpu->timer_deadline = UINT64_MAX;
	after.host_deadline = vcpu->timer_deadline;
}

static void end_vm(enum vm_end end)
{
	if (after.end == VM_RUNNING)
		after.end = end;
}

static void print_byte(uint64_t byte)
{
	after.byte = (char)byte;
	after.printed = &after.byte;
	after.printed_length = 1;
}

static unsigned received(void)
{
	return after.uart.modem_control & NS16550_MCR_LOOP ? 0 : after.uart.count;
}

static uint8_t received_byte(unsigned index)
{
	return after.uart.fifo[(after.uart.head + index) % NS16550_FIFO_LENGTH];
}

static bool known(uint64_t extension)
{
	static const uint64_t all[] = {0x10,	   0x54494d45, 0x735049,
				       0x52464e43, 0x48534d,   0x53525354,
				       0x4442434e, 0x504d55,   0x535441};

	for (unsigned i = 0; i < ARRAY_LENGTH(all); i++)
		if (extension == all[i])
			return true;
	return extension <= 8;
}

static struct answer answer(int64_t error)
{
	return (struct answer){.error = error};
}

static struct answer answer_value(uint64_t value)
{
	return (struct answer){.value_known = true, .value = value};
}

static struct answer base(const struct call *call)
{
	switch (call->function) {
	case 0:
		return answer_value(0x02000000);
	case 1:
	case 2:
		return answer(SBI_SUCCESS);
	case 3:
		return answer_value(known(call->a[0]));
	case 4:
	case 5:
	case 6:
		return answer_value(0);
	default:
		return answer(SBI_ERR_NOT_SUPPORTED);
	}
}

static struct answer timer(const struct call *call)
{
	if (call->function != 0)
		return answer(SBI_ERR_NOT_SUPPORTED);
	set_timer(call->caller, call->a[0]);
	return answer(SBI_SUCCESS);
}

static struct answer ipi(const struct call *call)
{
	if (call->function != 0)
		return answer(SBI_ERR_NOT_SUPPORTED);
	return answer(to_harts(call->a[0], call->a[1], interrupt));
}

static struct answer rfence(const struct call *call)
{
	static void (*const fences[])(unsigned id) = {fence_instructions,
						      fence_translations, fence_asid};

	if (call->function > 2)
		return answer(SBI_ERR_NOT_SUPPORTED);
	return answer(to_harts(call->a[0], call->a[1], fences[call->function]));
}

static struct answer hsm_start(const struct call *call)
{
	struct vcpu *target = &after.vcpus[call->a[0] % VCPU_LIMIT];

	if (call->a[0] >= bench_vm.vcpu_count)
		return answer(SBI_ERR_INVALID_PARAM);
	if (target->state == VCPU_STARTED)
		return answer(SBI_ERR_ALREADY_AVAILABLE);
	if (!is_ram(call->a[1], 1))
		return answer(SBI_ERR_INVALID_ADDRESS);
	target->state = VCPU_STARTED;
	target->arch.pc = call->a[1];
	target->timer_deadline = UINT64_MAX;
	after.resets++;
	model_reset((unsigned)call->a[0]);
	return answer(SBI_SUCCESS);
}

static void hsm_stop(unsigned id)
{
	after.vcpus[id].state = VCPU_STOPPED;
	for (unsigned i = 0; i < bench_vm.vcpu_count; i++)
		if (after.vcpus[i].state == VCPU_STARTED)
			return;
	end_vm(VM_STOPPED);
}

static struct answer hsm(const struct call *call)
{
	uint64_t first = call->a[0];

	switch (call->function) {
	case 0:
		return hsm_start(call);
	case 1:
		hsm_stop(call->caller);
		return answer(SBI_SUCCESS);
	case 2:
		if (first >= bench_vm.vcpu_count)
			return answer(SBI_ERR_INVALID_PARAM);
		return answer_value(after.vcpus[first].state);
	case 3:
		if ((uint32_t)first == 0)
			return answer(SBI_SUCCESS);
		return answer((uint32_t)first == 0x80000000 ? SBI_ERR_NOT_SUPPORTED
							    : SBI_ERR_INVALID_PARAM);
	default:
		return answer(SBI_ERR_NOT_SUPPORTED);
	}
}

static struct answer srst(const struct call *call)
{
	uint32_t type = (uint32_t)call->a[0], reason = (uint32_t)call->a[1];

	if (call->function != 0)
		return answer(SBI_ERR_NOT_SUPPORTED);
	if (type > 2 || reason > 1)
		return answer(SBI_ERR_INVALID_PARAM);
	end_vm(reason == 1 ? VM_FAILURE : type == 0 ? VM_POWER_OFF : VM_REBOOT);
	return answer(SBI_SUCCESS);
}

static struct answer dbcn_write(uint64_t size, uint64_t offset)
{
	static char text[4096];

	after.printed_length = size < sizeof(text) ? size : sizeof(text);
	for (uint64_t i = 0; i < after.printed_length; i++)
		text[i] = expected_ram[offset + i];
	after.printed = text;
	return answer_value(after.printed_length);
}

static struct answer dbcn_read(uint64_t size, uint64_t offset)
{
	unsigned count = received();

	if (size < count)
		count = (unsigned)size;
	for (unsigned i = 0; i < count; i++)
		expected_ram[offset + i] = (char)received_byte(i);
	if (offset < after.dirty_from)
		after.dirty_from = offset;
	if (offset + count > after.dirty_to)
		after.dirty_to = offset + count;
	return answer_value(count);
}

static struct answer dbcn(const struct call *call)
{
	uint64_t offset = call->a[1] - RAM_BASE;

	if (call->function == 2) {
		print_byte(call->a[0]);
		return answer_value(0);
	}
	if (call->function > 2)
		return answer(SBI_ERR_NOT_SUPPORTED);
	if (call->a[2] != 0 || !is_ram(call->a[1], call->a[0]))
		return answer(SBI_ERR_INVALID_PARAM);
	return call->function == 0 ? dbcn_write(call->a[0], offset)
				   : dbcn_read(call->a[0], offset);
}

/* The set of a base and a mask; -1 if one of them is not there. */
static bool set_of(const struct call *call, bool *set)
{
	bool valid = true;

	memset(set, 0, 64 * sizeof(*set));
	for (unsigned i = 0; i < 64; i++) {
		uint64_t index = call->a[0] + i;

		if (!(call->a[1] >> i & 1))
			continue;
		if (index < call->a[0] || index >= 64 || index == 1)
			valid = false;
		else
			set[index] = true;
	}
	return valid;
}

static bool can_count(unsigned index, uint64_t event)
{
	uint64_t code = event - 0xf0000;

	if (index < 3)
		return event == (index == 0 ? 1 : 2);
	return event >= 0xf0000 &&
	       ((code >= 5 && code <= 13) || (code >= 256 && code < 257 + REASON_COUNT));
}

static struct answer config_counter(struct modelled_counter *counters,
				    const struct call *call)
{
	bool set[64], skip = call->a[2] & 1;

	if (!set_of(call, set))
		return answer(SBI_ERR_INVALID_PARAM);
	for (unsigned i = 0; i < 64; i++) {
		struct modelled_counter *counter = &counters[i];

		if (!set[i])
			continue;
		if (!counter->started && (skip || counter->event == 0) &&
		    can_count(i, call->a[3]) && call->a[4] == 0) {
			counter->event = call->a[3];
			counter->started = call->a[2] & 4;
			if (call->a[2] & 2)
				counter->value = 0;
			return answer_value(i);
		}
		if (skip)
			break;
	}
	return answer(SBI_ERR_NOT_SUPPORTED);
}

static struct answer start_counters(struct modelled_counter *counters,
				    const struct call *call)
{
	int64_t error = SBI_SUCCESS;
	bool set[64];

	if (!set_of(call, set))
		return answer(SBI_ERR_INVALID_PARAM);
	for (unsigned i = 0; i < 64; i++)
		if (set[i] && counters[i].event == 0)
			return answer(SBI_ERR_INVALID_PARAM);
	if (call->a[2] & 2)
		return answer(SBI_ERR_NO_SHMEM);
	for (unsigned i = 0; i < 64; i++) {
		if (set[i] && counters[i].started) {
			error = SBI_ERR_ALREADY_STARTED;
		} else if (set[i]) {
			counters[i].started = true;
			if (call->a[2] & 1)
				counters[i].value = call->a[3];
		}
	}
	return answer(error);
}

static struct answer stop_counters(struct modelled_counter *counters,
				   const struct call *call)
{
	int64_t error = SBI_SUCCESS;
	bool set[64];

	if (!set_of(call, set))
		return answer(SBI_ERR_INVALID_PARAM);
	if (call->a[2] & 2)
		return answer(SBI_ERR_NO_SHMEM);
	for (unsigned i = 0; i < 64; i++) {
		if (set[i] && !counters[i].started)
			error = SBI_ERR_ALREADY_STOPPED;
		if (set[i])
			counters[i].started = false;
		if (set[i] && (call->a[2] & 1))
			counters[i].event = 0;
	}
	return answer(error);
}

/* Of cycle and instret only what calls answer: their values are the hart's. */
static struct answer pmu(const struct call *call)
{
	struct modelled_counter *counters = after.counters[call->caller];
	uint64_t index = call->a[0];

	switch (call->function) {
	case 0:
		return answer_value(64);
	case 1:
		if (index >= 64 || index == 1)
			return answer(SBI_ERR_INVALID_PARAM);
		return answer_value(index < 3 ? 0x3fc00 + index
					      : UINT64_C(1) << 63 | 0x3f000);
	case 2:
		return config_counter(counters, call);
	case 3:
		return start_counters(counters, call);
	case 4:
		return stop_counters(counters, call);
	case 5:
	case 6:
		if (index >= 64 || index < 3)
			return answer(SBI_ERR_INVALID_PARAM);
		return answer_value(call->function == 5 ? counters[index].value : 0);
	default:
		return answer(SBI_ERR_NOT_SUPPORTED);
	}
}

/* Nothing is written after the call: no vCPU leaves its hart here. */
static struct answer sta(const struct call *call)
{
	const uint64_t low = call->a[0], high = call->a[1];
	const uint64_t offset = low - RAM_BASE;

	if (call->function != 0)
		return answer(SBI_ERR_NOT_SUPPORTED);
	if (call->a[2] != 0)
		return answer(SBI_ERR_INVALID_PARAM);
	if (low == UINT64_MAX && high == UINT64_MAX)
		return answer_value(0);
	if (low % 64 != 0)
		return answer(SBI_ERR_INVALID_PARAM);
	if (high != 0 || !is_ram(low, 64))
		return answer(SBI_ERR_INVALID_ADDRESS);
	memset(expected_ram + offset, 0, 64);
	if (offset < after.dirty_from)
		after.dirty_from = offset;
	if (offset + 64 > after.dirty_to)
		after.dirty_to = offset + 64;
	return answer_value(0);
}

/* The mask that a legacy call points to, in the guest's virtual memory. */
static int64_t to_pointed(uint64_t pointer, void (*what)(unsigned id))
{
	uint64_t mask = 0, end = MASK_AT + 2ull * scripted.code_length;

	if (pointer == 0)
		return to_harts(0, UINT64_MAX, what);
	if (pointer % 2 != 0 || pointer < MASK_AT || pointer > end || end - pointer < 8)
		return SBI_ERR_INVALID_ADDRESS;
	for (unsigned i = 0; i < 4; i++)
		mask |= (uint64_t)scripted.code[(pointer - MASK_AT) / 2 + i] << 16 * i;
	return to_harts(mask, 0, what);
}

static struct answer legacy(const struct call *call)
{
	struct answer result = {.legacy = true};

	switch (call->extension) {
	case 0:
		set_timer(call->caller, call->a[0]);
		break;
	case 1:
		print_byte(call->a[0]);
		break;
	case 2:
		result.error = received() > 0 ? received_byte(0) : -1;
		break;
	case 3:
		after.interrupts[call->caller] &= ~(1u << GUEST_SOFTWARE);
		break;
	case 4:
		result.error = to_pointed(call->a[0], interrupt);
		break;
	case 5:
		result.error = to_pointed(call->a[0], fence_instructions);
		break;
	case 8:
		end_vm(VM_POWER_OFF);
		break;
	case 6:
		result.error = to_pointed(call->a[0], fence_translations);
		break;
	default:
		result.error = to_pointed(call->a[0], fence_asid);
	}
	return result;
}

static enum exit_reason reason_of(uint64_t extension)
{
	switch (extension) {
	case 0x54494d45:
		return REASON_SBI_TIMER;
	case 0x735049:
		return REASON_SBI_IPI;
	case 0x52464e43:
		return REASON_SBI_RFENCE;
	case 0x4442434e:
		return REASON_SBI_CONSOLE;
	case 0x504d55:
		return REASON_SBI_PMU;
	default:
		return REASON_SBI_OTHER;
	}
}

struct answer expect(const struct call *call)
{
	caller = call->caller;
	model_exit(caller, reason_of(call->extension));
	switch (call->extension) {
	case 0x10:
		return base(call);
	case 0x54494d45:
		return timer(call);
	case 0x735049:
		return ipi(call);
	case 0x52464e43:
		return rfence(call);
	case 0x48534d:
		return hsm(call);
	case 0x53525354:
		return srst(call);
	case 0x4442434e:
		return dbcn(call);
	case 0x504d55:
		return pmu(call);
	case 0x535441:
		return sta(call);
	default:
		return call->extension <= 8 ? legacy(call)
					    : answer(SBI_ERR_NOT_SUPPORTED);
	}
}
