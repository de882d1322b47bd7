# SPDX-License-Identifier: BSD-2-Clause
"""
The gnomon command itself: usage, bundles, exit statuses, and the console that
passes through it. Gnomon is not run here: guests run natively, or a script
stands in for the emulator and says what a test needs to be said.
"""
import json
import os
import pathlib
import subprocess
import sys
import time

import pexpect
import pytest
from timeouts import TIMEOUT

TOP = pathlib.Path(__file__).resolve().parents[2]
GNOMON = str(TOP / "scripts" / "gnomon")
sys.path.insert(0, str(TOP / "scripts"))
from gnomonlib import console, cpio, merge  # noqa: E402

PANIC = "echo 1 > /proc/sys/kernel/sysrq; echo c > /proc/sysrq-trigger"

FAKE_QEMU = """\
#!/usr/bin/python3
import json, os, re, sys, time
arguments = sys.argv[1:]
append = arguments[arguments.index("-append") + 1] if "-append" in arguments else ""
nonce = (re.findall(r"report=(\\S+)", append) or [""])[0]
def out(text):
    os.write(1, text if isinstance(text, bytes) else text.encode())
def report(reason, detail="", end="\\r\\n"):
    body = {"vm": "linux", "seat": "hs", "paging": "lsp", "reason": reason,
            "detail": detail, "exits_total": 3, "exits": {"satp": 3},
            "vcpus": [], "shadow": {}}
    out(f"gnomon: report {nonce} {json.dumps(body)}" + end)
"""


def gnomon(*arguments, timeout=TIMEOUT + 30, **options):
    return subprocess.run([GNOMON, *map(str, arguments)], stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=timeout, check=False, **options)


def said(result):
    """The one line on standard error that bad usage gives."""
    lines = result.stderr.decode().splitlines()
    assert len(lines) == 1 and lines[0].startswith("gnomon: "), result.stderr
    return lines[0]


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """A build directory with a stand-in emulator; fake(body) says what it does."""
    build = tmp_path / "build"
    (build / "guest").mkdir(parents=True)
    for name in ("gnomon.bin", "gnomon-m.bin", "guest/Image", "guest/initrd.cpio.gz"):
        (build / name).write_bytes(name.encode() * 100)
    qemu = tmp_path / "qemu"
    monkeypatch.setenv("GNOMON_BUILD", str(build))
    monkeypatch.setenv("QEMU", str(qemu))
    for name in ("GNOMON_APPEND", "SEAT"):
        monkeypatch.delenv(name, raising=False)

    def behave(body):
        qemu.write_text(FAKE_QEMU + body)
        qemu.chmod(0o755)
    behave("sys.exit('this emulator was not to be run')")
    return behave


# --- usage ------------------------------------------------------------------

@pytest.mark.parametrize("arguments, names", [
    ([], "run|bundle"),
    (["walk"], "walk"),
    (["run", "--frobnicate"], "--frobnicate"),
    (["run", "--kern", "x"], "--kern"),
    (["run", "--paging", "magic"], "magic"),
    (["run", "--kernel", "/no/such/kernel"], "/no/such/kernel: No such file"),
    (["run", "--kernel", "/tmp"], "/tmp: Is a directory"),
    (["run", "--initrd", "/no/such/initrd"], "/no/such/initrd: No such file"),
    (["run", "--bundle", "/no/such.itb"], "/no/such.itb: No such file"),
    (["run", "--bundle", "x.itb", "--exec", "true"], "--exec and --bundle"),
    (["run", "--bundle", "x.itb", "--memory", "1G"], "--memory and --bundle"),
    (["run", "--bundle", "x.itb", "--paging", "lsp"], "--paging and --bundle"),
    (["run", "--bundle", "x.itb", "--shadow-memory", "1M"], "--shadow-memory and --bundle"),
    (["run", "--native", "--shadow-memory", "1M"], "--shadow-memory and --native"),
    (["run", "--shadow-memory", "little"], "--shadow-memory little"),
    (["run", "--native", "--bundle", "x.itb"], "--bundle and --native"),
    (["run", "--native", "--stats", "x.json"], "--stats and --native"),
    (["run", "--native", "--seat", "m"], "--seat and --native"),
    (["run", "--native", "--uplink", "lan"], "--uplink and --native"),
    (["run", "--native", "--host-disk", "a=/dev/null"], "--host-disk and --native"),
    (["run", "--host-disk", "a=/dev/null", "--host-disk", "a=/dev/zero"],
     "--host-disk a=...: there are several of that name"),
    (["run", "--disk", f"host:{__file__}", "--host-disk", "host0=/dev/null"],
     "--host-disk host0=...: there are several of that name"),
    (["run", "--disk", f"host:{__file__}@1M+0"], "@1M+0: a part of no bytes"),
    (["run", "--seat", "u"], "'u' (choose from 'hs', 'm')"),
    (["run", "--machine", "spike"], "'spike' (choose from 'virt', 'sifive_u')"),
    (["run", "--machine", "sifive_u", "--seat", "hs"], "seat hs needs the H extension"),
    (["run", "--machine", "sifive_u", "--native"], "--machine sifive_u and --native"),
    (["run", "--machine", "sifive_u", "--cpu", "rv64"], "--cpu and --machine sifive_u"),
    (["run", "--machine", "sifive_u", "--smp", "1"], "--smp 1: sifive_u has 2 to 5 harts"),
    (["run", "--machine", "sifive_u", "--smp", "6"], "--smp 6: sifive_u has 2 to 5 harts"),
    (["run", "--native", "--memory", "0"], "--memory 0"),
    (["run", "--memory", "lots"], "--memory lots"),
    (["run", "--memory", "-1"], "--memory"),
    (["run", "--memory", "99999999999T"], "--memory 99999999999T"),
    (["run", "--timeout", "0"], "--timeout"),
    (["run", "--timeout", "soon"], "soon"),
    (["run", "--smp", "0"], "'0' is no number of harts"),
    (["run", "--stats", ""], "--stats"),
    (["run", "--bundle", ""], "bundle"),
    (["run", "--stats", "/no/such/folder/stats.json"], "/no/such/folder/stats.json"),
    (["bundle"], "-o FILE.itb"),
    (["bundle", "-o", "/no/such/folder/x.itb"], "/no/such/folder/x.itb"),
])
def test_bad_usage_is_one_line_and_status_2(fake, arguments, names):
    result = gnomon(*arguments)
    assert result.returncode == 2
    assert names in said(result)
    assert result.stdout == b""


@pytest.mark.parametrize("gone, names", [
    ("gnomon.bin", "run `make` first"),
    ("guest/Image", "run `make run` first"),
    ("guest/initrd.cpio.gz", "run `make run` first"),
])
def test_what_is_not_built_is_named(fake, gone, names):
    path = pathlib.Path(os.environ["GNOMON_BUILD"]) / gone
    path.unlink()
    result = gnomon("run")
    assert result.returncode == 2
    assert str(path) in said(result) and names in said(result)


def test_an_emulator_that_is_not_there_is_named(fake, monkeypatch):
    monkeypatch.setenv("QEMU", "/no/such/qemu")
    result = gnomon("run")
    assert result.returncode == 2
    assert "/no/such/qemu" in said(result)


def test_an_emulator_that_refuses_its_arguments_is_bad_usage():
    result = gnomon("run", "--native", "--cpu", "abacus")
    assert result.returncode == 2
    assert b"abacus" in result.stderr
    assert b"gnomon: the emulator did not start" in result.stderr


# --- bundles ----------------------------------------------------------------

def fdtget(path, node, name, kind="s"):
    return subprocess.run(["fdtget", "-t", kind, path, node, name], check=True,
                          capture_output=True, text=True).stdout.strip()


def test_a_bundle_holds_the_guest_and_its_configuration(fake, tmp_path):
    kernel, initrd, bundle = (tmp_path / name for name in ("my kernel.bin", "rd", "x.itb"))
    kernel.write_bytes(bytes(range(256)) * 33 + b"odd")
    initrd.write_bytes(b"ramdisk")
    result = gnomon("bundle", "-o", bundle, "--kernel", kernel, "--initrd", initrd,
                    "--append", 'a="b c" \\d', "--memory", "5G", "--paging", "nested")
    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")

    vm = "/configurations/my-kernel"
    assert fdtget(bundle, "/configurations", "default") == "my-kernel"
    assert fdtget(bundle, vm, "gnomon,memory", "x") == "1 40000000"
    assert fdtget(bundle, vm, "gnomon,vcpus", "u") == "1"
    assert fdtget(bundle, vm, "gnomon,paging") == "nested"
    assert fdtget(bundle, vm, "gnomon,bootargs") == 'a="b c" \\d'
    for name, path, kind in (("kernel", kernel, "kernel"), ("ramdisk", initrd, "ramdisk")):
        node = "/images/" + fdtget(bundle, vm, name)
        assert fdtget(bundle, node, "type") == kind
        assert fdtget(bundle, node, "arch") == "riscv"
        assert fdtget(bundle, node, "compression") == "none"
        out = tmp_path / "out"
        image = ["dumpimage", "-T", "flat_dt", "-p", "0" if kind == "kernel" else "1",
                 "-o", out, bundle]
        subprocess.run(image, check=True, capture_output=True)
        assert out.read_bytes() == path.read_bytes()


def test_a_kernel_without_initrd_gets_no_ramdisk_and_no_arguments(fake, tmp_path):
    kernel, bundle = tmp_path / "k.bin", tmp_path / "x.itb"
    kernel.write_bytes(b"kernel")
    assert gnomon("bundle", "-o", bundle, "--kernel", kernel).returncode == 0
    assert fdtget(bundle, "/configurations/k", "gnomon,bootargs") == ""
    properties = subprocess.run(["fdtget", "-p", bundle, "/configurations/k"], check=True,
                                capture_output=True, text=True).stdout.split()
    assert "ramdisk" not in properties


def test_the_source_of_a_bundle_makes_the_same_bundle(fake, tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    made, compiled, source = (tmp_path / name for name in ("made.itb", "dtc.itb", "x.its"))
    result = gnomon("bundle", "--its", "-o", made, "--append", "debug")
    assert result.returncode == 0
    source.write_bytes(result.stdout)
    subprocess.run(["dtc", "-q", "-O", "dtb", "-o", compiled, source], check=True)
    assert made.read_bytes() == compiled.read_bytes()
    assert fdtget(made, "/configurations/linux", "gnomon,bootargs") == \
        "console=ttyS0 panic=-1 debug"
    assert fdtget(made, "/configurations/linux", "gnomon,memory", "u") == "0 536870912"


def test_the_default_guests_bundle_is_quick_to_make(tmp_path):
    start = time.monotonic()
    assert gnomon("bundle", "-o", tmp_path / "x.itb").returncode == 0
    assert time.monotonic() - start < 5
    assert (tmp_path / "x.itb").stat().st_size > (TOP / "build/guest/Image").stat().st_size


def test_what_is_behind_a_bundles_tree_is_in_the_merged_one(fake, tmp_path):
    kernel, bundle, merged = (tmp_path / name for name in ("k.bin", "x.itb", "merged.itb"))
    kernel.write_bytes(bytes(range(256)) * 5 + b"odd")
    for how in ([], ["-p", "0x2000"]):
        assert gnomon("bundle", "-o", bundle, "--kernel", kernel).returncode == 0
        subprocess.run(["mkimage", "-E", *how, "-F", bundle], check=True, capture_output=True)
        merge.make([f"one={bundle}"], merged)
        words = fdtget(merged, "/images/one-kernel", "data", "bx").split()
        assert bytes(int(word, 16) for word in words) == kernel.read_bytes()
    bundle.write_bytes(bundle.read_bytes()[:-4])
    assert "image 'kernel' reaches past the end" in said(gnomon("run", "--vm", f"one={bundle}"))


def test_a_default_that_is_no_text_is_no_default(fake, tmp_path):
    bundle = tmp_path / "x.itb"
    assert gnomon("bundle", "-o", bundle, "--kernel", __file__).returncode == 0
    subprocess.run(["fdtput", "-t", "bx", bundle, "/configurations", "default", "ff", "0"],
                   check=True)
    subprocess.run(["fdtput", "-c", bundle, "/configurations/another"], check=True)
    assert "no default among them" in said(gnomon("run", "--vm", f"one={bundle}"))


# --- what the emulator is told ----------------------------------------------

SHOW = "out(' '.join(arguments) + '\\n'); report('power-off')\n"


def emulator_arguments(*arguments):
    result = gnomon("run", *arguments)
    assert result.returncode == 0, result.stderr
    return result.stdout.decode().split()


def after(words, option):
    return words[words.index(option) + 1]


def test_the_emulator_gets_gnomon_and_the_bundle(fake):
    fake(SHOW)
    words = emulator_arguments("--cpu", "rv64,svade=on", "--smp", "2",
                               "--qemu-arg=-d", "--qemu-arg", "int")
    assert after(words, "-kernel") == os.environ["GNOMON_BUILD"] + "/gnomon.bin"
    assert after(words, "-initrd").endswith(".itb")
    assert after(words, "-append").startswith("report=")
    assert after(words, "-cpu") == "rv64,svade=on"
    assert after(words, "-smp") == "2"
    assert "-no-reboot" in words and words[-2:] == ["-d", "int"]


def test_in_seat_m_gnomon_is_the_firmware_of_a_hart_without_h(fake, monkeypatch):
    fake(SHOW)
    words = emulator_arguments("--seat", "m")
    assert after(words, "-kernel") == os.environ["GNOMON_BUILD"] + "/gnomon-m.bin"
    assert after(words, "-bios") == "none"
    assert after(words, "-cpu") == "rv64,h=false,sstc=false"
    assert after(emulator_arguments("--seat", "m", "--cpu", "max"), "-cpu") == "max"
    monkeypatch.setenv("SEAT", "m")
    assert after(emulator_arguments(), "-bios") == "none"
    for options in (["--seat", "hs"], ["--native"]):
        result = gnomon("run", *options)
        assert b"-bios" not in result.stdout and b"-cpu rv64 " in result.stdout


def test_sifive_u_is_for_seat_m_and_has_harts_of_its_own(fake, monkeypatch):
    fake(SHOW)
    words = emulator_arguments("--machine", "sifive_u")
    assert (after(words, "-M"), after(words, "-bios"), after(words, "-smp")) == \
        ("sifive_u", "none", "2")
    assert "-cpu" not in words
    assert after(emulator_arguments("--machine", "sifive_u", "--smp", "5"), "-smp") == "5"
    assert after(emulator_arguments("--machine", "virt"), "-M") == "virt"
    monkeypatch.setenv("SEAT", "hs")
    result = gnomon("run", "--machine", "sifive_u")
    assert result.returncode == 2 and "use seat m" in said(result)


def test_a_disk_of_the_machine_has_any_name(fake):
    fake(SHOW)
    words = emulator_arguments("--host-disk", "1/x=/dev/null", "--host-disk", "b=/dev/zero,ro")
    drives = [word for word in words if word.startswith("file=")]
    assert drives == ["file=/dev/null,if=none,id=host-disk0,format=raw,readonly=off",
                      "file=/dev/zero,if=none,id=host-disk1,format=raw,readonly=on"]
    assert "virtio-blk-device,drive=host-disk0,serial=1/x" in words
    assert "virtio-blk-device,drive=host-disk1,serial=b" in words


def test_another_seat_in_the_environment_is_bad_usage(fake, monkeypatch):
    monkeypatch.setenv("SEAT", "u")
    result = gnomon("run")
    assert result.returncode == 2 and said(result) == "gnomon: SEAT=u: neither hs nor m"


# The share of RAM that Gnomon closes to guests there is what decides.
@pytest.mark.parametrize("memory, machine", [
    ("512M", "704M"), ("1G", "1216M"), ("6G", "6656M")])
def test_the_machine_of_seat_m_has_more_room(fake, memory, machine):
    fake(SHOW)
    assert after(emulator_arguments("--seat", "m", "--memory", memory), "-m") == machine


@pytest.mark.parametrize("memory, machine", [
    ("512M", "704M"), ("1G", "1216M"), ("64M", "256M"), ("67108864", "256M"), ("0", "192M"),
])
def test_the_machine_has_room_for_guest_and_gnomon(fake, memory, machine):
    fake(SHOW)
    assert after(emulator_arguments("--memory", memory), "-m") == machine


def test_too_much_memory_is_left_to_gnomon_to_refuse(fake):
    fake(SHOW)
    size = after(emulator_arguments("--memory", "4000000G"), "-m")
    assert int(size.rstrip("M")) <= 16384


def test_the_machine_has_room_for_a_ready_bundle(fake, tmp_path):
    fake(SHOW)
    bundle = tmp_path / "x.itb"
    assert gnomon("bundle", "-o", bundle, "--memory", "1G").returncode == 0
    words = emulator_arguments("--bundle", bundle)
    assert after(words, "-m") == "1216M"
    assert after(words, "-initrd") == str(bundle)


def test_a_broken_bundle_is_left_to_gnomon_to_refuse(fake, tmp_path):
    fake("out('gnomon: bundle: no FIT image\\r\\n'); report('stopped', 'no FIT image')\n")
    bundle = tmp_path / "x.itb"
    bundle.write_bytes(b"\xd0\x0d\xfe\xed garbage")
    result = gnomon("run", "--bundle", bundle)
    assert result.returncode == 3
    assert result.stdout == b"gnomon: bundle: no FIT image\r\n"


def test_nothing_is_left_in_the_temporary_folder(fake, tmp_path, monkeypatch):
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    fake("out('x'); time.sleep(60)\n")
    assert gnomon("run", "--exec", "true", "--timeout", "0.5").returncode == 124
    assert list(temporary.iterdir()) == []


# --- the report -------------------------------------------------------------

@pytest.mark.parametrize("reason, status", [
    ("power-off", 0), ("reboot", 0), ("failure", 1), ("stopped", 3), ("nonsense", 3),
])
def test_the_report_decides_the_status(fake, reason, status):
    fake(f"out('hello\\r\\n'); report('{reason}')\n")
    result = gnomon("run")
    assert (result.returncode, result.stdout, result.stderr) == (status, b"hello\r\n", b"")


def test_the_report_goes_to_the_stats_file(fake, tmp_path):
    fake("report('power-off', 'by the guest')\n")
    stats = tmp_path / "stats.json"
    assert gnomon("run", "--stats", stats).returncode == 0
    written = json.loads(stats.read_text())
    assert written["detail"] == "by the guest"
    assert written["exits"] == {"satp": 3} and written["exits_total"] == 3


@pytest.mark.parametrize("body", [
    "out('gnomon: report 0000 {\"reason\": \"power-off\"}\\n')\n",
    "out(f'gnomon: report {nonce} no json\\n')\n",
    "out(f'gnomon: report {nonce} [1]\\n')\n",
    "out('only the guest\\n')\n",
])
def test_no_report_of_gnomons_own_is_status_3(fake, body):
    fake(body)
    result = gnomon("run")
    assert result.returncode == 3
    assert "no report" in said(result)


def test_the_report_is_cut_out_of_an_unfinished_line(fake):
    fake("out(b'no newline \\xff gnomon: rep '); report('power-off'); out('more\\n')\n")
    result = gnomon("run")
    assert result.stdout == b"no newline \xff gnomon: rep more\n"


def test_a_report_without_an_end_counts(fake):
    fake("report('failure', end='')\n")
    result = gnomon("run")
    assert (result.returncode, result.stdout) == (1, b"")


# What Gnomon says on a machine that cannot be powered off, and the emulator goes on.
PARKED = "out(f'gnomon: report {nonce} parked\\r\\n'); time.sleep(600)\n"


@pytest.mark.parametrize("before, status", [
    ("report('power-off')", 0), ("report('failure')", 1), ("report('stopped')", 3),
    ("out('internal error\\r\\n')", 3),
])
def test_the_emulator_is_ended_when_gnomon_is_done(fake, before, status):
    fake(f"out('gnomon: Gnomon starts\\r\\n'); {before}; out('done\\r\\n'); " + PARKED)
    result = gnomon("run")
    assert result.returncode == status
    assert result.stdout.endswith(b"done\r\n") and b"parked" not in result.stdout


def test_a_guest_cannot_say_that_gnomon_is_done(fake):
    fake("out('gnomon: Gnomon starts\\r\\ngnomon: report parked\\r\\ngnomon: report 0000 parked\\r\\nmore\\r\\n'); "
         "time.sleep(0.2); report('failure')\n")
    result = gnomon("run")
    assert (result.returncode, result.stdout.count(b"parked")) == (1, 2)


def test_a_slow_report_still_counts(fake):
    fake("for c in f'gnomon: report {nonce} '[:20]: out(c); time.sleep(0.07)\n"
         "report_line = f'gnomon: report {nonce} '[20:]\n"
         "out(report_line + '{\"reason\": \"failure\", \"detail\": \"\"}\\n')\n")
    assert gnomon("run").returncode == 1


# --- the console ------------------------------------------------------------

def feed_bytewise(cut, data):
    parts = []
    for at in range(len(data)):
        parts += cut.feed(data[at:at + 1])
    return parts + cut.close()


@pytest.mark.parametrize("data, text, lines", [
    (b"", b"", []),
    (b"plain", b"plain", []),
    (b"a<<m> x y\r\nb", b"a<b", [b"x y"]),
    (b"<m<m> 1\n<m> 2\n", b"<m", [b"1", b"2"]),
    (b"end <m", b"end <m", []),
    (b"end <m> unended", b"end ", [b"unended"]),
])
def test_marked_lines_are_cut_out_wherever_input_is_split(data, text, lines):
    for parts in (feed_bytewise(console.Cut(b"<m> "), data),
                  (lambda cut: cut.feed(data) + cut.close())(console.Cut(b"<m> "))):
        assert b"".join(part for marked, part in parts if not marked) == text
        assert [part for marked, part in parts if marked] == lines


def test_a_pause_lets_go_of_text_but_once():
    cut = console.Cut(b"<m> ")
    assert cut.feed(b"ab<m") == [(False, b"ab")]
    assert cut.waiting and cut.idle() == b"<m"
    assert not cut.waiting and cut.idle() == b""
    assert cut.feed(b"cd") == [(False, b"cd")]
    assert cut.feed(b"<") == [(False, b"")] and cut.idle() == b"<"
    assert cut.feed(b"m> line\nrest") == [(False, b""), (True, b"line"), (False, b"rest")]


def test_a_prompt_like_gnomons_own_lines_shows_at_once(fake):
    fake("out('gnomon: Gnomon starts\\ngnomon: ')\nsys.stdin.read(1)\n"
         "report('power-off')\n")
    child = pexpect.spawn(GNOMON, ["run"], timeout=TIMEOUT)
    child.expect_exact("starts\r\ngnomon: ")
    child.sendline("")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def test_piped_input_reaches_the_guest(fake):
    fake("out(sys.stdin.read().upper()); report('power-off')\n")
    result = subprocess.run([GNOMON, "run"], input=b"typed\n", capture_output=True,
                            timeout=TIMEOUT, check=False)
    assert (result.returncode, result.stdout) == (0, b"TYPED\n")


def test_the_firmware_is_heard_only_without_gnomon(fake):
    fake("out('OpenSBI\\ngnomon: Gnomon starts\\nguest\\n'); report('power-off')\n")
    assert gnomon("run").stdout == b"gnomon: Gnomon starts\nguest\n"
    fake("out('OpenSBI\\nno next stage\\n')\n")
    assert gnomon("run").stdout == b"OpenSBI\nno next stage\n"


@pytest.mark.parametrize("words", [["--qemu-arg", "-s"], ["--qemu-arg=-s"]])
def test_an_argument_for_the_emulator_may_look_like_an_option(fake, words):
    fake(SHOW)
    assert emulator_arguments(*words)[-1] == "-s"


@pytest.mark.parametrize("redirection, status", [
    (">&-", 0), ("<&-", 0), ("2>&-", 0), (">/dev/full", 2),
])
def test_odd_standard_files_are_no_accident(fake, redirection, status):
    fake("out('gnomon: Gnomon starts\\n'); report('power-off')\n")
    result = subprocess.run(["bash", "-c", f"{GNOMON} run {redirection}"], timeout=TIMEOUT,
                            capture_output=True, check=False)
    assert result.returncode == status
    assert result.stderr.count(b"\n") == (1 if status else 0)


def test_a_reader_that_goes_away_ends_the_run(fake):
    fake("while True: out('x' * 4096)\n")
    start = time.monotonic()
    line = f"{GNOMON} run | head -c 1; echo ${{PIPESTATUS[0]}}"
    result = subprocess.run(["bash", "-c", line], stdin=subprocess.DEVNULL, timeout=TIMEOUT,
                            capture_output=True, check=False)
    assert result.stdout == b"x141\n" and result.stderr == b""
    assert time.monotonic() - start < 10


def test_a_command_shows_its_output_and_gnomons_lines_only(fake, tmp_path):
    fake("""
import gzip
data = open(arguments[arguments.index('-initrd') + 1], 'rb').read()
token = re.search(rb'exec/token\\0+([0-9a-f]{32})\\n', data)[1].decode()
assert b'echo "$HOME"\\n' in data
out('OpenSBI\\ngnomon: boot\\r\\nLinux\\n')
out(f'{token} begin\\noutput\\nand more{token} end 5\\nPower')
out(' down\\ngnomon: bye\\n'); report('power-off')
""")
    result = gnomon("run", "--exec", 'echo "$HOME"')
    assert result.stdout == b"gnomon: boot\r\noutput\nand moregnomon: bye\n"
    assert result.returncode == 5


def test_a_command_that_never_began_shows_what_came_instead(fake):
    fake("out('gnomon: boot\\nKernel panic\\n'); report('reboot')\n")
    result = gnomon("run", "--exec", "true")
    assert result.stdout == b"gnomon: boot\nKernel panic\n"
    assert result.returncode == 1
    assert said(result) == "gnomon: the guest ended before the command did"


def test_a_command_in_a_vm_that_was_stopped_is_status_3(fake):
    fake("out('gnomon: stopped\\n'); report('stopped', 'wild')\n")
    assert gnomon("run", "--exec", "true").returncode == 3


def test_the_terminal_is_put_back_when_the_emulator_is_killed(fake):
    fake("""
import tty, fcntl, signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
tty.setraw(0)
fcntl.fcntl(0, fcntl.F_SETFL, fcntl.fcntl(0, fcntl.F_GETFL) | os.O_NONBLOCK)
out('raw\\n')
time.sleep(60)
""")
    line = (f"stty -a | tail -n 2; {GNOMON} run --timeout 1; echo status $?; "
            "stty -a | tail -n 2; cat /proc/self/fdinfo/0")
    child = pexpect.spawn("bash", ["-c", line], timeout=TIMEOUT, encoding="utf-8")
    child.expect(pexpect.EOF)
    before, _, rest = child.before.partition("raw")
    assert "status 124" in rest and "timed out after 1 s" in rest
    settings = before.strip()
    assert "icanon" in settings and settings in rest
    flags = int(rest.split("flags:")[1].split()[0], 8)
    assert not flags & os.O_NONBLOCK


def test_no_emulator_outlives_a_command_that_is_killed(fake, tmp_path):
    fake(f"open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\n"
         "out('gnomon: Gnomon starts\\n'); time.sleep(60)\n")
    with subprocess.Popen([GNOMON, "run"], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"gnomon: Gnomon starts\n"
        pid = int((tmp_path / "pid").read_text())
        assert running(pid)
        process.kill()
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and running(pid):
        time.sleep(0.05)
    assert not running(pid)


def running(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")")[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


# --- the default guest, natively --------------------------------------------

def native(*arguments):
    return gnomon("run", "--native", "--timeout", str(TIMEOUT), *arguments)


@pytest.mark.parametrize("command, output, status", [
    ("printf abc", b"abc", 0),
    ("echo out; echo err >&2; exit 42", b"out\nerr\n", 42),
    ("printf '\\001\\n\\r\\377'; read x || false", b"\1\n\r\xff", 1),
    ("no-such-command", b"/exec/command: line 1: no-such-command: not found\n", 127),
])
def test_exec_gives_output_and_status_natively(command, output, status):
    result = native("--exec", command)
    assert result.stdout.endswith(output) if status == 127 else result.stdout == output
    assert (result.returncode, result.stderr) == (status, b"")


def test_exec_takes_other_memory_and_arguments_natively():
    result = native("--memory", "128M", "--smp", "2", "--append", "gnomon.test=1",
                    "--exec", "nproc; cat /proc/cmdline; free -m | grep Mem:")
    cpus, line, memory = result.stdout.decode().splitlines()
    assert cpus == "2"
    assert line == "console=ttyS0 panic=-1 quiet loglevel=1 gnomon.test=1"
    assert int(memory.split()[1]) < 128


def test_a_panic_ends_the_run_and_is_shown_natively():
    result = native("--exec", "echo before; " + PANIC)
    assert result.returncode == 1
    assert result.stdout.startswith(b"before\n") and b"Kernel panic" in result.stdout
    assert said(result) == "gnomon: the guest ended before the command did"


def test_exec_leaves_standard_input_alone_natively():
    line = f"{GNOMON} run --native --timeout {TIMEOUT} --exec true; cat"
    result = subprocess.run(["bash", "-c", line], input=b"mine\n", capture_output=True,
                            timeout=TIMEOUT + 30, check=False)
    assert (result.stdout, result.stderr) == (b"mine\n", b"")


def test_a_timeout_ends_the_run_natively():
    start = time.monotonic()
    result = gnomon("run", "--native", "--timeout", "4", "--exec", "echo up; sleep 100")
    assert time.monotonic() - start < 60
    assert result.returncode == 124
    assert said(result) == "gnomon: timed out after 4 s"
    assert result.stdout in (b"up\n", b"") or b"OpenSBI" in result.stdout


@pytest.fixture
def console_at_prompt():
    child = pexpect.spawn(GNOMON, ["run", "--native"], timeout=TIMEOUT, encoding="utf-8")
    child.expect_exact("~ # ")
    yield child
    child.close(force=True)


def test_the_shell_has_job_control_and_powers_off_natively(console_at_prompt):
    child = console_at_prompt
    child.sendline("sleep 1000; echo interrupted=$?")
    time.sleep(0.5)
    child.sendcontrol("c")
    child.expect_exact("~ # ")
    child.sendline("tty; exit")
    child.expect_exact("/dev/ttyS0")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def test_control_a_x_leaves_natively(console_at_prompt):
    console_at_prompt.send("\x01x")
    console_at_prompt.expect_exact("QEMU: Terminated")
    console_at_prompt.expect(pexpect.EOF)
    console_at_prompt.close()
    assert console_at_prompt.exitstatus == 0


def test_archives_lie_one_after_another_at_multiples_of_four():
    archive = cpio.Archive()
    archive.file("a", b"12345")
    second = archive.finish()
    both = cpio.append(b"x" * 5, second)
    assert both.index(second) == 8 and both[5:8] == bytes(3)


# --- the set-up -------------------------------------------------------------

def probe(qemu):
    return subprocess.run([TOP / "scripts" / "probe-qemu", qemu], capture_output=True,
                          text=True, timeout=TIMEOUT, check=False)


def test_the_probe_refuses_an_emulator_that_loses_access_faults():
    result = probe(TOP / "build" / "qemu-trixie" / "qemu-system-riscv64")
    assert result.returncode == 1
    assert "VTVM traps writes of satp: yes" in result.stdout
    assert "access faults reach HS-mode: no" in result.stdout


def test_the_probe_refuses_an_emulator_that_says_nothing():
    result = probe("/bin/true")
    assert (result.returncode, result.stdout) == (1, "probe: no answer\n")


def test_setup_has_nothing_to_say_when_nothing_is_missing(monkeypatch):
    monkeypatch.delenv("QEMU", raising=False)
    result = subprocess.run([TOP / "scripts" / "setup", "test"], capture_output=True,
                            timeout=TIMEOUT, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")
