# SPDX-License-Identifier: BSD-2-Clause
"""
scripts/debian-fetch before mirrors that are being updated. apt-get is a fake one
here: it knows which names of a suite have lists that fit their Release file,
says what that file calls the suite, and has one package.
"""
import os
import pathlib
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]

APT_GET = r"""#!/bin/bash
for argument; do
	case $argument in
	Dir::State::Lists=*) lists=${argument#*=} ;;
	Dir::Etc::SourceList=*) sources=${argument#*=} ;;
	esac
done
case " $* " in
*" update "*)
	suite=$(sed -n 's/.* \(.*\) main$/\1/p' "$sources" | tail -n 1)
	echo "$suite" >>"$FAKE/asked"
	for known in $(cat "$FAKE/whole"); do
		[ "${known%=*}" = "$suite" ] || continue
		echo "Codename: ${known#*=}" >"$lists/mirror_InRelease"
		exit 0
	done
	echo "E: File has unexpected size (1 != 2). Mirror sync in progress?"
	[ ! -e "$FAKE/later" ] || mv "$FAKE/later" "$FAKE/whole"
	exit 100
	;;
*" download "*) cp "$FAKE/package.deb" . ;;
esac
"""


@pytest.fixture(name="mirror")
def fixture_mirror(tmp_path):
    """mirror(WHOLE, later): what debian-fetch said and the suites it asked for."""
    tree = tmp_path / "tree"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN" / "control").write_text(
        "Package: thing\nVersion: 1\nArchitecture: all\nMaintainer: a <a@b>\nDescription: d\n")
    (tree / "thing").write_text("here\n")
    subprocess.run(["dpkg-deb", "-b", tree, tmp_path / "package.deb"], check=True,
                   stdout=subprocess.DEVNULL)
    (tmp_path / "apt-get").write_text(APT_GET)
    (tmp_path / "apt-get").chmod(0o755)

    def fetch(whole, later=None):
        (tmp_path / "whole").write_text(whole)
        if later:
            (tmp_path / "later").write_text(later)
        result = subprocess.run(
            [TOP / "scripts" / "debian-fetch", "--into", tmp_path / "out", "trixie", "riscv64",
             "thing"], capture_output=True, text=True, timeout=60, check=False,
            env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "FAKE": str(tmp_path),
                 "DEBIAN_MIRROR": "http://mirror.invalid", "GNOMON_RETRY_AFTER": "0"})
        return result, (tmp_path / "asked").read_text().split(), (tmp_path / "out" / "thing").exists()
    return fetch


def test_a_suite_by_its_own_name(mirror):
    result, asked, there = mirror("trixie=trixie stable=trixie")
    assert (result.returncode, asked, there) == (0, ["trixie"], True), result.stderr


def test_a_suite_that_is_whole_by_another_name_only(mirror):
    result, asked, there = mirror("stable=forky oldstable=trixie")
    assert (result.returncode, there) == (0, True), result.stderr
    assert asked == ["trixie", "stable", "oldstable"]


def test_a_suite_that_is_whole_a_little_later(mirror):
    result, asked, there = mirror("stable=forky", later="trixie=trixie")
    assert (result.returncode, there) == (0, True), result.stderr
    assert asked[-1] == "trixie" and len(asked) > 1
    assert "once more in a minute" in result.stderr


def test_a_suite_that_never_is_whole(mirror):
    result, asked, there = mirror("stable=forky")
    assert (result.returncode, there) == (1, False)
    assert asked.count("trixie") == 5
    assert "cannot read trixie (riscv64)" in result.stderr and "Mirror sync" in result.stderr
