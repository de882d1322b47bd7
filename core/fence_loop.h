/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The arithmetic of a loop of fences: how many rounds it has, and what its registers
 * are behind them, with no round carried out by itself. Inline, since a loop of a few
 * rounds has to cost less than the exits that it saves. See lookahead.c.
 */
#ifndef CORE_FENCE_LOOP_H
#define CORE_FENCE_LOOP_H

#include "arch/riscv/decode_simple.h"
#include "core/types.h"

#define FENCE_LOOP_LIMIT 63 /* rounds */
#define FENCE_LOOP_STEPS 4

/*
 * A fence, additions of what does not change within the loop, each to a register of
 * its own, and a branch back to the fence: the form that compilers give to fencing one
 * page after another.
 */
struct fence_loop {
	uint64_t *address; /* of the fence */
	unsigned count;
	struct {
		uint64_t *x;
		const uint64_t *other; /* the operand that must stay as it is */
		uint64_t addend;
		bool word;
	} steps[FENCE_LOOP_STEPS];
	const struct simple_operation *branch;
};

static inline bool steps_change(const struct fence_loop *loop, const uint64_t *x)
{
	for (unsigned i = 0; i < loop->count; i++)
		if (loop->steps[i].x == x)
			return true;
	return false;
}

static inline bool add_step(struct fence_loop *loop, uint64_t *x,
			    const struct simple_operation *operation)
{
	unsigned other =
		operation->rd == operation->rs1 ? operation->rs2 : operation->rs1;

	if (operation->kind != SIMPLE_ADD || operation->rd == 0 ||
	    loop->count == FENCE_LOOP_STEPS || operation->rd == other ||
	    (operation->rd != operation->rs1 && operation->rd != operation->rs2) ||
	    steps_change(loop, &x[operation->rd]))
		return false;
	loop->steps[loop->count].x = &x[operation->rd];
	loop->steps[loop->count].other = &x[other];
	loop->steps[loop->count].addend =
		x[other] + (uint64_t)(int64_t)operation->immediate;
	loop->steps[loop->count++].word = operation->word;
	return true;
}

/* What a round adds to a register, and whether as a word. */
static inline uint64_t gain_of(const struct fence_loop *loop, const uint64_t *x,
			       bool *word)
{
	*word = false;
	for (unsigned i = 0; i < loop->count; i++)
		if (loop->steps[i].x == x) {
			*word = loop->steps[i].word;
			return loop->steps[i].addend;
		}
	return 0;
}

/* A number that 32 bits hold, sign-extended. */
static inline bool is_word(uint64_t value)
{
	return value == (uint64_t)(int64_t)(int32_t)value;
}

/*
 * The operands of a loop's branch, and what a round adds to each. Words, which wrap
 * around in 32 bits, are held in the upper ones of 64: no comparison comes out another
 * way by that.
 */
struct comparison {
	unsigned condition;
	uint64_t a, b;
	uint64_t gain_a, gain_b;
};

static inline bool find_comparison(const struct fence_loop *loop, const uint64_t *x,
				   struct comparison *comparison)
{
	const struct simple_operation *branch = loop->branch;
	uint64_t a = x[branch->rs1], b = x[branch->rs2];
	bool word_a, word_b;
	uint64_t gain_a = gain_of(loop, &x[branch->rs1], &word_a);
	uint64_t gain_b = gain_of(loop, &x[branch->rs2], &word_b);
	unsigned shift = 0;

	if (word_a || word_b) {
		if ((!word_a && (gain_a != 0 || !is_word(a))) ||
		    (!word_b && (gain_b != 0 || !is_word(b))))
			return false;
		shift = 32;
	}
	*comparison = (struct comparison){branch->condition, a << shift, b << shift,
					  gain_a << shift, gain_b << shift};
	return true;
}

/* For a condition that is known here, so that a round is next to nothing. */
static inline __attribute__((always_inline)) unsigned
rounds_while(unsigned condition, struct comparison c, unsigned limit, bool *ended)
{
	for (unsigned rounds = 1; rounds <= limit; rounds++) {
		c.a += c.gain_a;
		c.b += c.gain_b;
		if (!simple_condition_holds(condition, c.a, c.b)) {
			*ended = true;
			return rounds;
		}
	}
	*ended = false;
	return limit;
}

/*
 * While they differ: what they differ by changes by the same in each round. Few rounds
 * of a small step do not wrap around, so that it is a matter of division. False where
 * the step is none.
 */
static inline bool rounds_to_equality(const struct comparison *c, unsigned limit,
				      unsigned *rounds, bool *ended)
{
	uint64_t distance = c->b - c->a;
	uint64_t step = c->gain_a - c->gain_b;
	uint64_t count;

	if ((int64_t)step < 0) {
		distance = -distance;
		step = -step;
	}
	if (step == 0 || step > INT64_MAX / FENCE_LOOP_LIMIT)
		return false;
	count = distance / step;
	*ended = count * step == distance && count > 0 && count <= limit;
	*rounds = *ended ? (unsigned)count : limit;
	return true;
}

static inline unsigned count_rounds(const struct comparison *c, unsigned limit,
				    bool *ended)
{
	unsigned rounds;

	if (c->condition == 1 && rounds_to_equality(c, limit, &rounds, ended))
		return rounds;
	switch (c->condition) {
	case 0:
		return rounds_while(0, *c, limit, ended);
	case 1:
		return rounds_while(1, *c, limit, ended);
	case 4:
		return rounds_while(4, *c, limit, ended);
	case 5:
		return rounds_while(5, *c, limit, ended);
	case 6:
		return rounds_while(6, *c, limit, ended);
	default:
		return rounds_while(7, *c, limit, ended);
	}
}

static inline void take_rounds(const struct fence_loop *loop, unsigned rounds)
{
	for (unsigned i = 0; i < loop->count; i++) {
		uint64_t sum = *loop->steps[i].x + rounds * loop->steps[i].addend;

		if (loop->steps[i].word)
			sum = (uint64_t)(int64_t)(int32_t)sum;
		*loop->steps[i].x = sum;
	}
}

#endif
