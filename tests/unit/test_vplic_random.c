/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: drivers/vplic.c drivers/mmio.c */
/*
 * The guest's interrupt controller under random wires and accesses, against a
 * model that keeps one plain record per source and looks at all of them each
 * time: after every step all outputs and pending bits must be the model's.
 */
#include "tests/unit/vplic_bench.h"

/* The model: what is known of a source, and nothing else. */
static struct {
	bool level, pending, claimed, enabled[CONTEXTS];
	uint32_t priority;
} model[SOURCES + 1];
static uint32_t model_threshold[CONTEXTS];

static unsigned model_best(unsigned context, uint32_t above)
{
	unsigned best = 0;

	for (unsigned source = SOURCES; source >= 1; source--) {
		if (model[source].pending && model[source].enabled[context] &&
		    model[source].priority > above &&
		    (!best || model[source].priority >= model[best].priority))
			best = source;
	}
	return best;
}

static void model_gateways(void)
{
	for (unsigned source = 1; source <= SOURCES; source++) {
		if (model[source].level && !model[source].claimed)
			model[source].pending = true;
	}
}

static unsigned model_claim(unsigned context)
{
	unsigned source = model_best(context, 0);

	model[source].pending = false;
	model[source].claimed = true;
	return source;
}

static void model_complete(unsigned context, unsigned source)
{
	if (source >= 1 && source <= SOURCES && model[source].enabled[context])
		model[source].claimed = false;
}

static unsigned random_below(unsigned limit)
{
	static uint64_t state = 0xfedcba987654321;

	state = state * 6364136223846793005 + 1442695040888963407;
	return (unsigned)((state >> 32) % limit);
}

static void random_step(void)
{
	unsigned source = 1 + random_below(SOURCES);
	unsigned context = random_below(CONTEXTS);
	unsigned value = random_below(8);

	switch (random_below(7)) {
	case 0:
		model[source].level = value & 1;
		wire(source, value & 1);
		break;
	case 1:
		model[source].priority = value;
		set_priority(source, value);
		break;
	case 2:
		model[source].enabled[context] = value & 1;
		set_enable(context, source, value & 1);
		break;
	case 3:
		model_threshold[context] = value;
		set_threshold(context, value);
		break;
	case 4:
		assert_int_equal(claim(context), model_claim(context));
		break;
	default:
		source += random_below(20) == 0 ? SOURCES : 0;
		model_complete(context, source);
		complete(context, source);
		break;
	}
	model_gateways();
}

static void random_steps(void **state)
{
	(void)state;
	memset(model, 0, sizeof(model));
	memset(model_threshold, 0, sizeof(model_threshold));
	for (unsigned step = 0; step < 200000; step++) {
		random_step();
		for (unsigned context = 0; context < CONTEXTS; context++)
			assert_int_equal(output[context],
					 model_best(context, model_threshold[context]) !=
						 0);
		for (unsigned source = 1; source <= SOURCES; source++)
			assert_int_equal(is_pending(source), model[source].pending);
	}
	assert_true(notifications > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(random_steps, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
