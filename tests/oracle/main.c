/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The oracle's command: sequences of random operations, each from a seed that
 * also decides the machine they run on. One that fails is shrunk, printed and
 * saved, and can be run again from its file.
 */
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/types.h"
#include "tests/oracle/sequence_file.h"
#include "tests/oracle/shrink.h"
#include "tests/unit/host_ram.h"

#define OPERATIONS_DEFAULT 20000
#define BUDGET_LEAST	   32 /* Sv57: see the engine's least_pages() */

static struct {
	uint64_t first, last; /* seeds */
	size_t operations;    /* of each */
	const char *profile;  /* NULL: by the seed */
	const char *strength; /* likewise */
	const struct oracle_engine *engine;
	const char *save;
	const char *replay;
	unsigned jobs;
	bool quiet;
} options = {
	.jobs = 1,
	.engine = &engine_lsp,
	.first = 1,
	.last = 100,
	.operations = OPERATIONS_DEFAULT,
	.save = "oracle-failure.txt",
};

static uint64_t state_of(uint64_t seed, uint64_t purpose)
{
	uint64_t state = (seed * 2 + purpose) * 0x9e3779b97f4a7c15u | 1;

	random_next(&state);
	return state;
}

/* What machine a seed is for: half of them the worst there is. */
static struct oracle_setting setting_of(uint64_t seed)
{
	static const char *const some[] = {"plain", "qemu", "plain", "cva6"};
	static const uint8_t asid_bits[] = {16, 2, 4, 0, 16, 3, 1};
	static const uint8_t budgets[] = {0, BUDGET_LEAST, 0, 45, 0};
	uint64_t state = state_of(seed, 0);
	unsigned vcpus = 1 + random_below(&state, ORACLE_VCPU_LIMIT);
	struct oracle_setting setting = {
		.engine = options.engine,
		.profile = some[random_below(&state, ARRAY_LENGTH(some))],
		.asid_bits = asid_bits[random_below(&state, ARRAY_LENGTH(asid_bits))],
		.vcpus = vcpus,
		.vms = vcpus > 1 && random_below(&state, 3) == 0 ? 2 : 1,
		.budget = budgets[random_below(&state, ARRAY_LENGTH(budgets))],
		.strength = random_below(&state, 9) ? MODEL_PROMISE : MODEL_ISA,
	};

	if (options.profile)
		setting.profile = options.profile;
	/* It remembers faults, as the ISA allows. */
	if (setting.engine == &engine_lsp_poison)
		setting.strength = MODEL_ISA;
	if (options.strength)
		setting.strength = (enum model_strength)oracle_find_name(
			oracle_strengths, options.strength);
	return setting;
}

static int replay(void)
{
	FILE *file = fopen(options.replay, "r");
	struct oracle_counts counts;
	struct oracle_setting setting;
	struct operation *operations;
	size_t count;
	bool good;

	if (!file) {
		perror(options.replay);
		return 2;
	}
	good = sequence_read(file, &setting, &operations, &count);
	fclose(file);
	if (!good) {
		fprintf(stderr, "oracle: %s: the first line is no setting\n",
			options.replay);
		return 2;
	}
	good = oracle_survives(&setting, operations, count, -1, &counts);
	free(operations);
	printf("oracle: %s: %zu operations, %s\n", options.replay, count,
	       good ? "no violation" : "a violation");
	return good ? 0 : 1;
}

/* ---- seeds ---- */

static struct operation *operations_of(uint64_t seed,
				       const struct oracle_setting *setting)
{
	struct operation *operations = malloc(options.operations * sizeof(*operations));
	struct generator generator;

	if (!operations)
		abort();
	generator_create(&generator, state_of(seed, 1), setting->vcpus);
	for (size_t i = 0; i < options.operations; i++)
		operations[i] = operation_random(&generator);
	return operations;
}

static void report_failure(uint64_t seed, const struct oracle_setting *setting,
			   struct operation *operations)
{
	struct oracle_counts counts;
	size_t left;

	printf("oracle: seed %" PRIu64 " fails; shrinking\n", seed);
	fflush(stdout);
	left = oracle_shrink(setting, operations, options.operations);
	sequence_print_setting(stdout, setting);
	for (size_t i = 0; i < left; i++)
		operation_print(stdout, &operations[i]);
	fflush(stdout);
	oracle_survives(setting, operations, left, -1, &counts);
	if (!sequence_save(options.save, setting, operations, left))
		perror(options.save);
	printf("oracle: seed %" PRIu64 ": %zu operations are enough; again with "
	       "--replay %s\n",
	       seed, left, options.save);
}

static void add(struct oracle_counts *sum, const struct oracle_counts *more)
{
	uint64_t *to = (uint64_t *)sum;
	const uint64_t *from = (const uint64_t *)more;

	for (size_t i = 0; i < sizeof(*sum) / sizeof(uint64_t); i++)
		to[i] += from[i];
}

/* What one of several workers found; failed: the seed that did, 0 if none. */
struct share {
	uint64_t failed;
	struct oracle_counts counts;
};

static bool run_seed(uint64_t seed, struct oracle_counts *sum, int nowhere)
{
	struct oracle_setting setting = setting_of(seed);
	struct operation *operations = operations_of(seed, &setting);
	struct oracle_counts counts = {0};
	bool good = oracle_survives(&setting, operations, options.operations, nowhere,
				    &counts);

	if (good)
		add(sum, &counts);
	free(operations);
	return good;
}

/* Every so manieth seed, until one fails. */
static void run_share(unsigned number, int report)
{
	int nowhere = open("/dev/null", O_WRONLY);
	struct share share = {0};

	for (uint64_t seed = options.first + number; seed <= options.last;
	     seed += options.jobs)
		if (!run_seed(seed, &share.counts, nowhere)) {
			share.failed = seed;
			break;
		}
	if (write(report, &share, sizeof(share)) != sizeof(share))
		abort();
	_exit(0);
}

static void begin_shares(int report)
{
	for (unsigned i = 0; i < options.jobs; i++) {
		pid_t child = fork();

		if (child < 0)
			abort();
		if (child == 0)
			run_share(i, report);
	}
	close(report);
}

/* Ends with the first failure: what the others are at is of no interest then. */
static struct share run_shares(void)
{
	struct share sum = {0}, share;
	int report[2];

	if (pipe(report) != 0)
		abort();
	begin_shares(report[1]);
	for (unsigned left = options.jobs; left > 0 && !sum.failed; left--) {
		if (read(report[0], &share, sizeof(share)) != sizeof(share))
			abort();
		sum.failed = share.failed;
		add(&sum.counts, &share.counts);
	}
	close(report[0]);
	return sum;
}

static void print_counts(const struct oracle_counts *counts)
{
	const struct {
		const char *name;
		uint64_t count;
	} lines[] = {
		{"stores", counts->kinds[OPERATION_STORE]},
		{"satp writes", counts->kinds[OPERATION_SATP]},
		{"fences", counts->kinds[OPERATION_FENCE]},
		{"remote fences", counts->kinds[OPERATION_REMOTE_FENCE]},
		{"accesses", counts->kinds[OPERATION_ACCESS]},
		{"instruction reads", counts->kinds[OPERATION_READ]},
		{"moves", counts->kinds[OPERATION_MOVE]},
		{"restarts", counts->kinds[OPERATION_RESTART]},
		{"RAM found", counts->filled},
		{"with no fault", counts->without_fault},
		{"page faults", counts->page_faults},
		{"access faults", counts->access_faults},
		{"device accesses", counts->devices},
		{"stale results", counts->stale},
		{"scarcities", counts->kinds[OPERATION_SCARCITY]},
		{"refusals for want of pages", counts->refusals},
		{"races with a store", counts->races},
		{"vector switches", counts->vector_switches},
		{"A or D set", counts->marks},
		{"races with the setting of A or D", counts->mark_races},
		{"vector fences", counts->vector_fences},
		{"fast fills", counts->fast_fills},
	};
	const char *const *names = options.engine->counts;

	for (size_t i = 0; i < ARRAY_LENGTH(lines); i++)
		printf("%12" PRIu64 " %s\n", lines[i].count, lines[i].name);
	for (size_t i = 0; i < ENGINE_COUNTS && names[i]; i++)
		printf("%12" PRIu64 " %s\n", counts->engine[i], names[i]);
}

static void shrink_and_print(uint64_t seed)
{
	struct oracle_setting setting = setting_of(seed);
	struct operation *operations = operations_of(seed, &setting);

	report_failure(seed, &setting, operations);
	free(operations);
}

static int run_seeds(void)
{
	struct share sum = run_shares();

	if (sum.failed && !options.quiet)
		shrink_and_print(sum.failed);
	else if (!options.quiet)
		print_counts(&sum.counts);
	printf("oracle: seeds %" PRIu64 " to %" PRIu64 ", %" PRIu64 " operations, %s\n",
	       options.first, options.last, sum.counts.operations,
	       sum.failed ? "a violation" : "no violation");
	return sum.failed ? 1 : 0;
}

/* ---- the command line ---- */

static _Noreturn void usage(void)
{
	fprintf(stderr,
		"usage: oracle [--mode lsp|lsp-poison|shadow|shadow-unsync] [--seeds "
		"A[-B]]\n"
		"              [--operations N] [--profile NAME] [--model promise|isa]\n"
		"              [--jobs N] [--save FILE] [--quiet]\n"
		"       oracle --replay FILE\n"
		"Profiles: plain, qemu, cva6; without the option, by the seed.\n");
	exit(2);
}

static uint64_t number(const char *text, char **end)
{
	uint64_t value = strtoull(text, end, 10);

	if (*end == text)
		usage();
	return value;
}

static const char *one_of(const char *const *names, const char *name)
{
	int at = oracle_find_name(names, name);

	if (at < 0) {
		fprintf(stderr, "oracle: %s is unknown\n", name);
		exit(2);
	}
	return names[at];
}

static void take_mode(const char *name)
{
	options.engine = oracle_engine_find(name);
	if (!options.engine) {
		fprintf(stderr, "oracle: %s is unknown\n", name);
		exit(2);
	}
}

static void take_seeds(const char *text)
{
	char *end;

	options.first = options.last = number(text, &end);
	if (*end == '-')
		options.last = number(end + 1, &end);
	if (*end || options.first > options.last)
		usage();
}

static void take_operations(const char *text)
{
	char *end;

	options.operations = number(text, &end);
	if (*end || options.operations == 0)
		usage();
}

static void take_jobs(const char *text)
{
	char *end;

	options.jobs = (unsigned)number(text, &end);
	if (*end || options.jobs == 0 || options.jobs > 256)
		usage();
}

static void take_option(int option)
{
	switch (option) {
	case 'j':
		take_jobs(optarg);
		break;
	case 's':
		take_seeds(optarg);
		break;
	case 'o':
		take_operations(optarg);
		break;
	case 'p':
		options.profile = one_of(oracle_profiles, optarg);
		break;
	case 'e':
		take_mode(optarg);
		break;
	case 'm':
		options.strength = one_of(oracle_strengths, optarg);
		break;
	case 'f':
		options.save = optarg;
		break;
	case 'r':
		options.replay = optarg;
		break;
	case 'q':
		options.quiet = true;
		break;
	default:
		usage();
	}
}

int main(int argc, char **argv)
{
	static const struct option known[] = {
		{"mode", required_argument, NULL, 'e'},
		{"seeds", required_argument, NULL, 's'},
		{"operations", required_argument, NULL, 'o'},
		{"profile", required_argument, NULL, 'p'},
		{"model", required_argument, NULL, 'm'},
		{"save", required_argument, NULL, 'f'},
		{"replay", required_argument, NULL, 'r'},
		{"jobs", required_argument, NULL, 'j'},
		{"quiet", no_argument, NULL, 'q'},
		{NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1)
		take_option(option);
	if (optind != argc)
		usage();
	return options.replay ? replay() : run_seeds();
}
