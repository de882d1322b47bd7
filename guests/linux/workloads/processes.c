/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Workloads of processes: a null system call, making and ending processes, and
 * switching between two of them. What a hypervisor sees of these is satp writes,
 * fences, and the faults of memory that is copied on write.
 */
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guests/linux/workloads/workload.h"

bool run_syscall(const struct workload *self, uint64_t count, uint64_t size)
{
	long parent = getppid(), sum = 0;

	for (uint64_t i = 0; i < WARM_UP; i++)
		syscall(SYS_getppid);
	measure_begin();
	for (uint64_t i = 0; i < count; i++)
		sum += syscall(SYS_getppid) - parent;
	measure_end();
	return measure_report(self, count, size, sum == 0);
}

/* Whether the child ended by itself with this status. */
static bool ended_with(pid_t child, int expected)
{
	int status;

	return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
	       WEXITSTATUS(status) == expected;
}

static bool fork_once(uint64_t i)
{
	int status = (int)(i & 0x7f);
	pid_t child = fork();

	if (child == 0)
		_exit(status);
	return ended_with(child, status);
}

static bool exec_once(uint64_t i)
{
	char program[] = "/proc/self/exe", name[] = "workloads", word[] = "exit";
	char *arguments[] = {name, word, NULL};
	pid_t child = fork();

	(void)i;
	if (child == 0) {
		execv(program, arguments);
		_exit(127);
	}
	return ended_with(child, EXEC_STATUS);
}

static bool run_each(const struct workload *self, uint64_t count,
		     bool (*once)(uint64_t i))
{
	bool correct = true;

	for (uint64_t i = 0; i < WARM_UP; i++)
		correct &= once(i);
	measure_begin();
	for (uint64_t i = 0; i < count; i++)
		correct &= once(i);
	measure_end();
	return measure_report(self, count, 0, correct);
}

bool run_fork(const struct workload *self, uint64_t count, uint64_t size)
{
	(void)size;
	return run_each(self, count, fork_once);
}

bool run_exec(const struct workload *self, uint64_t count, uint64_t size)
{
	(void)size;
	return run_each(self, count, exec_once);
}

/* Gives back each number that comes, plus one, until there are no more. */
static _Noreturn void answer(int from, int to)
{
	uint64_t value;

	while (read(from, &value, sizeof(value)) == sizeof(value)) {
		value++;
		if (write(to, &value, sizeof(value)) != sizeof(value))
			_exit(1);
	}
	_exit(0);
}

static bool round_trips(int to, int from, uint64_t count, uint64_t *value)
{
	for (uint64_t i = 0; i < count; i++)
		if (write(to, value, sizeof(*value)) != sizeof(*value) ||
		    read(from, value, sizeof(*value)) != sizeof(*value))
			return false;
	return true;
}

/* Both are on one CPU, as all children of this process are. */
bool run_pipe(const struct workload *self, uint64_t count, uint64_t size)
{
	uint64_t value = 0;
	int there[2], back[2];
	bool correct;
	pid_t child;

	if (pipe(there) || pipe(back))
		return false;
	child = fork();
	if (child == 0) {
		close(there[1]);
		answer(there[0], back[1]);
	}
	correct = round_trips(there[1], back[0], WARM_UP, &value);
	measure_begin();
	correct &= round_trips(there[1], back[0], count, &value);
	measure_end();
	close(there[1]);
	correct &= ended_with(child, 0) && value == WARM_UP + count;
	return measure_report(self, count, size, correct);
}

bool run_program(char *const argv[])
{
	pid_t child = fork();

	if (child == 0) {
		execv(argv[0], argv);
		_exit(127);
	}
	return ended_with(child, 0);
}
