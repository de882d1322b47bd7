/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the compile job of the Linux workloads compiles: a few ways to count
 * primes, a small sort and a small hash table, with no header and no library, so
 * that compiler, assembler and linker are all that is needed. Ends with the number
 * of primes below 100 if everything agrees, and with something else otherwise.
 */
typedef unsigned long word;

#define LIMIT 1000
#define SLOTS 512

static unsigned char composite[LIMIT];
static word table[SLOTS], sorted[LIMIT];

static word by_sieve(word limit)
{
	word count = 0;

	for (word i = 2; i < limit; i++) {
		if (composite[i])
			continue;
		count++;
		for (word multiple = i * i; multiple < limit; multiple += i)
			composite[multiple] = 1;
	}
	return count;
}

static int is_prime(word n)
{
	for (word d = 2; d * d <= n; d++)
		if (n % d == 0)
			return 0;
	return n >= 2;
}

static word by_division(word limit)
{
	word count = 0;

	for (word n = 0; n < limit; n++)
		count += (word)is_prime(n);
	return count;
}

static word power(word base, word exponent, word modulus)
{
	word result = 1;

	for (; exponent; exponent >>= 1) {
		if (exponent & 1)
			result = result * base % modulus;
		base = base * base % modulus;
	}
	return result;
}

/* Fermat's test with three bases: 561 is the least number that might deceive it. */
static word by_fermat(word limit)
{
	static const word bases[] = {2, 3, 5};
	word count = 0;

	for (word n = 2; n < limit; n++) {
		int passed = 1;

		for (unsigned i = 0; i < 3; i++)
			passed &= n == bases[i] || power(bases[i], n - 1, n) == 1;
		count += (word)passed;
	}
	return count;
}

static word mix(word x)
{
	x ^= x >> 31;
	x *= 0x9e3779b97f4a7c15UL;
	return x ^ x >> 29;
}

static int insert(word key)
{
	for (word i = mix(key), probes = 0; probes < SLOTS; i++, probes++) {
		word *slot = &table[i % SLOTS];

		if (*slot == key)
			return 0;
		if (!*slot) {
			*slot = key;
			return 1;
		}
	}
	return 0;
}

static word by_hashing(word limit)
{
	word count = 0;

	for (word n = 0; n < limit; n++)
		if (is_prime(n))
			count += (word)insert(n) + (word)insert(n);
	return count;
}

static void sort(word *values, long low, long high)
{
	long i = low, j = high;
	word middle = values[low + (high - low) / 2];

	while (i <= j) {
		while (values[i] < middle)
			i++;
		while (values[j] > middle)
			j--;
		if (i <= j) {
			word other = values[i];

			values[i++] = values[j];
			values[j--] = other;
		}
	}
	if (low < j)
		sort(values, low, j);
	if (i < high)
		sort(values, i, high);
}

static word by_sorting(word limit)
{
	word count = 0;

	for (word i = 0; i < limit; i++)
		sorted[i] = is_prime(i) ? mix(i) >> 1 : ~0UL;
	sort(sorted, 0, (long)limit - 1);
	while (count < limit && sorted[count] != ~0UL)
		count++;
	return count;
}

__attribute__((noreturn)) static void leave(word status)
{
	register word a0 __asm__("a0") = status;
	register word a7 __asm__("a7") = 93; /* exit */

	__asm__ volatile("ecall" : : "r"(a0), "r"(a7));
	__builtin_unreachable();
}

__attribute__((noreturn)) void _start(void)
{
	word count = by_division(100);

	if (by_fermat(100) != count || by_hashing(100) != count || by_sorting(100) != count ||
	    by_sieve(LIMIT) != by_division(LIMIT) || by_sieve(2) != 0)
		leave(1);
	leave(count);
}
