# SPDX-License-Identifier: BSD-2-Clause
"""
Debian's own kernel, to a shell command and through real work, judged by what
comes out of it: the exit status, the output and the exits by reason.
"""
import hashlib

import pytest

# Exits that each paging mode cannot do without, and those it must never see.
REASONS = {
    "lsp": ({"satp-write", "sfence-all", "sfence-address", "shadow-miss", "mmio-write"},
            {"gstage-miss", "console-poll"}),
    "nested": ({"mmio-read", "mmio-write"},
               {"satp-read", "satp-write", "sfence-all", "sfence-asid", "sfence-address",
                "sfence-address-asid", "shadow-miss", "guest-page-fault",
                "console-poll"}),
}


# --- a command --------------------------------------------------------------

def test_a_command_gives_output_and_status(run, how):
    result = run("--exec", "uname -sm; echo err >&2; exit 42", how=how)
    assert result.status == 42, result
    assert result.lines == ["Linux riscv64", "err"]
    assert result.err == ""


def test_a_command_that_succeeds_is_status_0_and_counted_by_reason(run, paging):
    result = run("--exec", "true", how=paging)
    assert (result.status, result.lines) == (0, []), result
    stats = result.stats
    assert (stats["vm"], stats["paging"], stats["reason"]) == ("linux", paging, "power-off")
    assert [vcpu["id"] for vcpu in stats["vcpus"]] == [0]
    needed, impossible = REASONS[paging]
    assert needed <= set(stats["exits"])
    assert not impossible & set(stats["exits"])
    assert not [line for line in result.checklist if line.startswith("warning:")]
    assert result.said[-1] == f"vm linux: power-off, after {stats['exits_total']} exits"
    if paging == "lsp":
        assert 0 < stats["shadow"]["trees"] < stats["shadow"]["fills"]
        assert 0 < stats["shadow"]["pages"] <= stats["shadow"]["page_limit"]
        vcpu, = stats["shadow"]["vcpus"]
        assert vcpu["trees"] > 0 and vcpu["fills"] > 0


def test_what_the_guest_sees_is_what_was_asked_for(run, anywhere):
    result = run("--exec", "cat /proc/cmdline; nproc; free -m | awk '/Mem:/ {print $2}'",
                 "--memory", "192M", "--append", "gnomon.test=1", how=anywhere)
    line, cpus, memory = result.lines
    assert line.endswith(" gnomon.test=1")
    assert cpus == "1"
    assert 96 < int(memory) < 192
    assert result.stats["memory"] == 192 << 20


def test_a_kernel_panic_ends_the_run_with_status_1(run, anywhere):
    result = run("--exec", "echo before; echo 1 > /proc/sys/kernel/sysrq; "
                 "echo c > /proc/sysrq-trigger", how=anywhere)
    assert result.status == 1
    assert result.lines[0] == "before" and "Kernel panic" in result.out
    assert result.err == "gnomon: the guest ended before the command did\n"


@pytest.mark.parametrize("cpu, present, absent", [
    ("rv64,sv48=off,sv57=off", set(), {"sbi-timer", "host-timer"}),
    ("rv64,sv57=off", set(), {"sbi-timer", "host-timer"}),
    ("rv64,sstc=false", {"sbi-timer", "host-timer"}, set()),
    ("rv64,svade=true,svadu=false", set(), {"sbi-timer"}),
])
def test_other_cpus_run_a_command(run, paging, cpu, present, absent):
    result = run("--cpu", cpu, "--exec", "sleep 0.1; echo $((6 * 7))", how=paging)
    assert (result.status, result.lines) == (0, ["42"]), result
    assert present <= set(result.stats["exits"])
    assert not absent & set(result.stats["exits"])


# --- real work --------------------------------------------------------------

def numbers(last):
    """What `seq LAST` prints."""
    return b"".join(b"%d\n" % number for number in range(1, last + 1))


def md5(data):
    return hashlib.md5(data).hexdigest() + "  -"


FILE = numbers(200000)
JOBS = {
    "100 forks": (
        "n=0; for i in $(seq 100); do /bin/true && n=$((n + 1)); done; echo $n",
        ["100"]),
    "hash of a file": (
        "seq 200000 > /tmp/file; wc -c < /tmp/file; sha256sum < /tmp/file",
        [str(len(FILE)), hashlib.sha256(FILE).hexdigest() + "  -"]),
    "sort": (
        "seq 20000 | sort -r | sort -n | md5sum",
        [md5(numbers(20000))]),
    "find in /proc": (
        "find /proc -maxdepth 2 -name cmdline 2>/dev/null | grep -c -e /1/ -e '^/proc/cmd'",
        ["2"]),
    "tar and gzip, there and back": (
        "cd /tmp; mkdir from to; for i in $(seq 40); do seq $((i * 20)) > from/$i; done; "
        "tar czf all.tgz from && tar xzf all.tgz -C to && diff -r from to/from && "
        "cat to/from/40 | md5sum",
        [md5(numbers(800))]),
    "dd through tmpfs": (
        "mkdir /mnt; mount -t tmpfs tmpfs /mnt; "
        "dd if=/tmp/file of=/mnt/file bs=4k 2>/dev/null; md5sum < /mnt/file; umount /mnt",
        [md5(FILE)]),
    "many processes with pipes": (
        "for i in $(seq 32); do (seq 1000 | tr 0-9 a-j | grep -c a) & done | sort | uniq -c",
        ["     32 181"]),
    "signals and wait": (
        "exec 2> /dev/null; sleep 1000 & kill $!; wait $!; echo $?; "
        "sleep 1000 & kill -9 $!; wait $!; echo $?",
        ["143", "137"]),
    "a fatal signal": (
        "exec 2> /dev/null; sh -c 'kill -SEGV $$'; echo $?",
        ["139"]),
}


@pytest.fixture(scope="module", params=["native", "lsp", "nested"])
def work(request, tmp_path_factory, run_in):
    """Every job's lines, from one boot; what "native" gives, the others must."""
    script = "".join(f"echo '### {name}'\n({job}) 2>&1\n" for name, (job, _) in JOBS.items())
    result = run_in(tmp_path_factory.mktemp("work"), "--exec", script, how=request.param)
    assert result.status == 0, result
    parts = {}
    for line in result.lines:
        if line.startswith("### "):
            lines = parts[line[4:]] = []
        else:
            lines.append(line)
    return parts


@pytest.mark.parametrize("name", JOBS)
def test_work_gives_the_right_result(work, name):
    assert work[name] == JOBS[name][1]


# Fills all memory but 12 MB with data that is different in every page.
FILL = """
mkdir /mnt; mount -t tmpfs -o size=100% tmpfs /mnt; seq 200000 > /mnt/file
count=$(awk '/MemAvailable/ { print int($2 / 1024) - 12 }' /proc/meminfo)
for i in $(seq $count); do echo chunk $i; head -c 1048576 /mnt/file; done > /mnt/big
echo $count; md5sum < /mnt/big
"""


def test_memory_filled_to_the_brim_keeps_what_is_in_it(run, anywhere):
    result = run("--memory", "128M", "--exec", FILL, how=anywhere)
    assert result.status == 0, result
    count, digest = result.lines
    assert int(count) > 20
    data = b"".join(b"chunk %d\n" % i + FILE[:1 << 20] for i in range(1, int(count) + 1))
    assert digest == md5(data)


def test_a_guest_that_runs_out_of_memory_kills_the_process_and_goes_on(run, anywhere):
    result = run("--memory", "96M", "--exec", "tail /dev/zero; echo $?", how=anywhere)
    assert result.status == 0, result
    assert result.lines[-1] == "137"


# --- emulators with known defects -------------------------------------------

def test_lost_access_faults_cost_one_warning(run, emulator, paging):
    result = run("--exec", "echo $((6 * 7)); exit 3", how=paging, QEMU=emulator("trixie"))
    assert (result.status, result.lines) == (3, ["42"]), result
    warning, = (line for line in result.checklist if line.startswith("warning:"))
    assert "access faults" in warning


def test_without_satp_traps_lazy_shadow_paging_is_refused(run, emulator):
    result = run("--exec", "true", how="lsp", QEMU=emulator("bookworm"))
    assert "paging mode lsp is not possible on this machine" in result.refusal
    assert "satp" in result.refusal


def test_without_satp_traps_nested_paging_works(run, emulator):
    result = run("--exec", "echo $((6 * 7))", how="nested", QEMU=emulator("bookworm"))
    assert (result.status, result.lines) == (0, ["42"]), result
    # This emulator can lose a vstimecmp interrupt for good: guests must not have that.
    assert {"sbi-timer", "host-timer"} <= set(result.stats["exits"])
