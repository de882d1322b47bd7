/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The plugin that says whose instructions run: the guest's, Gnomon's or the
 * firmware's, by the physical address they lie at; and for each VM exit how many of
 * the latter two it took. Options:
 *   out=FILE       a JSON object a line: one for each class of exits, one "total"
 *   image=A,size=N where Gnomon lies, after it has been loaded
 *   vector=OFFSET  into it, of the code an exit begins with; as many as there are
 *   layout=FILE    made from layout.c
 *   region=marks   count only between MARK_BEGIN and MARK_END (fences.h), each such
 *                  region by itself; else the whole run is one
 * An exit begins in a vector and ends with the guest's next instruction, or in a
 * vector again where the hart has gone back to the guest and came nowhere. Its class
 * is the reason that Gnomon itself has counted for it. Harts share nothing but the
 * configuration.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scripts/plugin/exit_classes.h"
#include "scripts/plugin/fences.h"
#include "scripts/plugin/machine.h"
#include "scripts/plugin/options.h"

#define VECTORS_LIMIT 8
#define SRET	      UINT32_C(0x10200073)
#define MRET	      UINT32_C(0x30200073)
#define HSTATUS_SPV   (UINT64_C(1) << 7)
#define MSTATUS_MPP   (UINT64_C(3) << 11)
#define FIRMWARE_ONE  (UINT64_C(1) << 32)

enum owner { OWNER_GUEST, OWNER_GNOMON, OWNER_FIRMWARE };

/* What QEMU's own code counts and tests, in a scoreboard. */
struct board {
	uint64_t guest; /* instructions of its own */
	/* Since the guest's last instruction: the firmware's << 32 | Gnomon's. */
	uint64_t away;
};

struct hart {
	uint64_t guest; /* instructions of its own that are recorded */
	bool was_guest; /* it has run a guest's instruction */
	bool in_exit;	/* came by a vector */
	bool leaving;	/* has executed the sret or mret back since */
	uint64_t vcpu;	/* physical address of its struct vcpu */
	uint64_t before[2 * REASONS_LIMIT];
	struct exit_classes classes;
};

static FILE *out;
static bool by_marks;
static bool recording, in_region;
static unsigned region;
static uint64_t image = UINT64_C(0x80200000), image_size, counters_offset;
static uint64_t vectors[VECTORS_LIMIT];
static unsigned vector_count, reason_count, hart_count;
static char reasons[REASONS_LIMIT][40];
static struct hart *harts;
static struct qemu_plugin_scoreboard *boards;

static struct board *board_of(unsigned vcpu)
{
	return qemu_plugin_scoreboard_find(boards, vcpu);
}

static qemu_plugin_u64 board_entry(size_t offset)
{
	return (qemu_plugin_u64){boards, offset};
}

/* ---- classes ---- */

/* All fast counters, then all full ones. */
static void read_counters(const struct hart *hart, uint64_t *values)
{
	for (unsigned i = 0; i < 2 * reason_count; i++) {
		values[i] = 0;
		machine_load(NULL, HPA(hart->vcpu + counters_offset + 8 * i), &values[i]);
	}
}

static uint64_t changed(const uint64_t *before, const uint64_t *after)
{
	uint64_t set = 0;

	for (unsigned i = 0; i < reason_count; i++)
		set |= (uint64_t)(before[i] != after[i]) << i;
	return set;
}

static struct exit_class *class_of_exit(struct hart *hart)
{
	uint64_t now[2 * REASONS_LIMIT] = {0};
	uint64_t fast, full;

	read_counters(hart, now);
	fast = changed(hart->before, now);
	full = changed(hart->before + reason_count, now + reason_count);
	return exit_class_of(&hart->classes, fast | full ? NULL : "uncounted", fast,
			     full);
}

static struct exit_class *class_of_absence(struct hart *hart, uint64_t away)
{
	const char *special = (uint32_t)away ? "no-vector" : "firmware-alone";

	if (hart->was_guest && hart->in_exit)
		return class_of_exit(hart);
	return exit_class_of(&hart->classes, hart->was_guest ? special : "start", 0, 0);
}

/* The hart was away from the guest, and is so no more. */
static void finish(struct hart *hart, struct board *board)
{
	uint64_t away = board->away;

	board->away = 0;
	if (recording)
		exit_class_add(class_of_absence(hart, away), (uint32_t)away,
			       (uint32_t)(away / FIRMWARE_ONE));
	hart->in_exit = hart->leaving = false;
}

/* ---- the results ---- */

static void write_reasons(uint64_t set)
{
	const char *separator = "";

	fputc('[', out);
	for (unsigned i = 0; i < reason_count; i++) {
		if (set >> i & 1) {
			fprintf(out, "%s\"%s\"", separator, reasons[i]);
			separator = ", ";
		}
	}
	fputc(']', out);
}

static void write_hart(unsigned vcpu)
{
	struct hart *hart = &harts[vcpu];

	for (unsigned i = 0; i < hart->classes.count; i++) {
		struct exit_class *group = &hart->classes.all[i];

		fprintf(out,
			"{\"region\": %u, \"hart\": %u, \"special\": \"%s\", \"fast\": ",
			region, vcpu, group->special ? group->special : "");
		write_reasons(group->fast);
		fputs(", \"full\": ", out);
		write_reasons(group->full);
		exit_class_write(out, group);
		fputs("}\n", out);
	}
	fprintf(out,
		"{\"region\": %u, \"hart\": %u, \"special\": \"total\", \"guest\": "
		"%lu}\n",
		region, vcpu, (unsigned long)hart->guest);
}

/* ---- callbacks of code that runs ---- */

/* Only where board->away is not 0. */
static void on_guest(unsigned vcpu, void *userdata)
{
	(void)userdata;
	finish(&harts[vcpu], board_of(vcpu));
	harts[vcpu].was_guest = true;
}

/* Before the first instruction of a vector; xscratch is the guest's struct vcpu. */
static void on_vector(unsigned vcpu, void *userdata)
{
	struct hart *hart = &harts[vcpu];

	(void)userdata;
	if (hart->in_exit && hart->leaving)
		finish(hart, board_of(vcpu));
	if (hart->in_exit)
		return;
	hart->in_exit = true;
	machine_read(machine_privilege().level == 3 ? REGISTER_MSCRATCH
						    : REGISTER_SSCRATCH,
		     &hart->vcpu);
	read_counters(hart, hart->before);
}

/* Back to a guest, and not out of a trap of Gnomon's own. */
static void on_mret(unsigned vcpu, void *userdata)
{
	uint64_t mstatus = 0;

	(void)userdata;
	machine_read(REGISTER_MSTATUS, &mstatus);
	harts[vcpu].leaving = (mstatus & MSTATUS_MPP) != MSTATUS_MPP;
}

static void on_sret(unsigned vcpu, void *userdata)
{
	uint64_t hstatus = 0;

	(void)userdata;
	machine_read(REGISTER_HSTATUS, &hstatus);
	harts[vcpu].leaving = (hstatus & HSTATUS_SPV) != 0;
}

static void end_region(void)
{
	for (unsigned vcpu = 0; vcpu < hart_count; vcpu++)
		write_hart(vcpu);
	fflush(out);
	region++;
}

/* What was counted before is forgotten. */
static void begin_region(void)
{
	for (unsigned vcpu = 0; vcpu < hart_count; vcpu++) {
		struct hart *hart = &harts[vcpu];

		hart->guest = 0;
		exit_classes_forget(&hart->classes);
	}
}

static void record_from_here(bool record)
{
	for (unsigned vcpu = 0; vcpu < hart_count; vcpu++) {
		if (recording)
			harts[vcpu].guest += board_of(vcpu)->guest;
		board_of(vcpu)->guest = 0;
	}
	recording = record;
}

static void on_mark(unsigned vcpu, void *userdata)
{
	bool is_begin = (uintptr_t)userdata == MARK_BEGIN;

	(void)vcpu;
	if (is_begin && !in_region)
		begin_region();
	record_from_here(is_begin);
	if (in_region && (uintptr_t)userdata == MARK_END)
		end_region();
	in_region = (uintptr_t)userdata != MARK_END;
}

/* ---- translation of code ---- */

static enum owner owner_of(uint64_t physical)
{
	if (physical == NO_PHYSICAL)
		return OWNER_FIRMWARE;
	if (range_within(physical, 1, image, image_size))
		return OWNER_GNOMON;
	return range_within(physical, 1, RAM_BASE, FIRMWARE_SIZE) ? OWNER_FIRMWARE
								  : OWNER_GUEST;
}

static void instrument_gnomon(struct qemu_plugin_insn *insn, uint64_t physical)
{
	for (unsigned i = 0; i < vector_count; i++)
		if (physical == image + vectors[i])
			qemu_plugin_register_vcpu_insn_exec_cb(
				insn, on_vector, QEMU_PLUGIN_CB_R_REGS, NULL);
	if (machine_code(insn) == MRET)
		qemu_plugin_register_vcpu_insn_exec_cb(insn, on_mret,
						       QEMU_PLUGIN_CB_R_REGS, NULL);
	if (machine_code(insn) == SRET)
		qemu_plugin_register_vcpu_insn_exec_cb(insn, on_sret,
						       QEMU_PLUGIN_CB_R_REGS, NULL);
}

static void count(struct qemu_plugin_insn *insn, size_t entry, uint64_t number)
{
	qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(
		insn, QEMU_PLUGIN_INLINE_ADD_U64, board_entry(entry), number);
}

static void instrument_guest(struct qemu_plugin_insn *insn)
{
	uint32_t code = machine_code(insn);

	if (by_marks && code_is_mark(code))
		qemu_plugin_register_vcpu_insn_exec_cb(
			insn, on_mark, QEMU_PLUGIN_CB_NO_REGS, (void *)(uintptr_t)code);
	count(insn, offsetof(struct board, guest), 1);
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	(void)id;
	for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		uint64_t physical = machine_physical(insn);

		switch (owner_of(physical)) {
		case OWNER_GUEST:
			if (i == 0)
				qemu_plugin_register_vcpu_tb_exec_cond_cb(
					tb, on_guest, QEMU_PLUGIN_CB_NO_REGS,
					QEMU_PLUGIN_COND_NE,
					board_entry(offsetof(struct board, away)), 0,
					NULL);
			instrument_guest(insn);
			break;
		case OWNER_GNOMON:
			instrument_gnomon(insn, physical);
			count(insn, offsetof(struct board, away), 1);
			break;
		case OWNER_FIRMWARE:
			count(insn, offsetof(struct board, away), FIRMWARE_ONE);
			break;
		}
	}
}

static void on_end(qemu_plugin_id_t id, void *userdata)
{
	(void)id;
	(void)userdata;
	record_from_here(false);
	if (!by_marks)
		end_region();
	results_close(out, "instructions");
}

/* ---- the start ---- */

static void on_vcpu(qemu_plugin_id_t id, unsigned vcpu)
{
	(void)id;
	(void)vcpu;
	machine_find_registers();
}

static const char *read_layout(const char *path)
{
	FILE *file = fopen(path, "r");
	char word[40], name[40];
	unsigned long value;

	if (!file)
		return "the layout cannot be read";
	while (fscanf(file, "%39s", word) == 1) {
		if (!strcmp(word, "counters") && fscanf(file, "%lu", &value) == 1)
			counters_offset = value;
		else if (!strcmp(word, "reason") && reason_count < REASONS_LIMIT &&
			 fscanf(file, "%39s %lu", name, &value) == 2 &&
			 value == reason_count)
			strcpy(reasons[reason_count++], name);
		else
			break;
	}
	value = feof(file) != 0;
	fclose(file);
	return value && reason_count ? NULL : "the layout makes no sense";
}

static const char *set_number(uint64_t *number, const char *value)
{
	return option_number(value, UINT64_MAX, number)
		       ? NULL
		       : "an address, size or offset that is no number";
}

static const char *set_option(const char *name, const char *value)
{
	if (!strcmp(name, "image"))
		return set_number(&image, value);
	if (!strcmp(name, "size"))
		return set_number(&image_size, value);
	if (!strcmp(name, "vector") && vector_count < VECTORS_LIMIT)
		return set_number(&vectors[vector_count++], value);
	if (!strcmp(name, "layout") && reason_count == 0)
		return read_layout(value);
	if (!strcmp(name, "out") && !out)
		out = fopen(value, "w");
	else if (!strcmp(name, "region") && !strcmp(value, "marks"))
		by_marks = true;
	else
		return "an option that there is not, or once too often";
	return NULL;
}

/* All options are read: whether the vectors can be code of the image. */
static const char *vectors_mistake(void)
{
	if (!out || !image_size || !vector_count || !reason_count)
		return "out (a file that can be written), size, vector and layout are "
		       "needed";
	for (unsigned i = 0; i < vector_count; i++) {
		if (vectors[i] >= image_size || vectors[i] % 2 != 0)
			return "a vector that is no instruction of the image";
		for (unsigned j = 0; j < i; j++)
			if (vectors[i] == vectors[j])
				return "one vector twice";
	}
	return NULL;
}

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_INTERFACE;

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info,
					   int argc, char **argv);

int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc,
			char **argv)
{
	const char *mistake = NULL;

	for (int i = 0; i < argc && !mistake; i++) {
		char *equals = strchr(argv[i], '=');

		if (!equals) {
			mistake = "an option without a value";
			break;
		}
		*equals = '\0';
		mistake = set_option(argv[i], equals + 1);
	}
	if (!mistake)
		mistake = vectors_mistake();
	if (!mistake && !info->system_emulation)
		mistake = "no system is emulated";
	if (mistake) {
		fprintf(stderr, "instructions plugin: %s\n", mistake);
		return -1;
	}
	recording = !by_marks;
	hart_count = (unsigned)info->system.smp_vcpus;
	harts = calloc(hart_count, sizeof(*harts));
	boards = qemu_plugin_scoreboard_new(sizeof(struct board));
	qemu_plugin_register_vcpu_init_cb(id, on_vcpu);
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
	qemu_plugin_register_atexit_cb(id, on_end, NULL);
	return 0;
}
