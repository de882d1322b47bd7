#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""
Shows that the tests would notice: breaks the engine in each of the ways that
mutants.py lists, runs the oracle and then the unit tests against it until one
fails, and says how many were caught of how many. Run by `make mutation`, which
builds what is broken and names the compiler.
"""
import argparse
import concurrent.futures
import fnmatch
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import mutants  # noqa: E402

TOP = pathlib.Path(__file__).resolve().parents[2]
SECONDS = 300


class Failure(Exception):
    """The check itself could not be made."""


def run(command, **options):
    return subprocess.run(command, cwd=TOP, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", check=False, **options)


def build(command):
    result = run(command)
    if result.returncode:
        raise Failure(f"{shlex.join(map(str, command))}\n{result.stdout}")


def edit(mutant, directory):
    """The broken source, where an include path of its own finds it first.

    The directory may be another mutant's, of an earlier run with another list.
    """
    text = (TOP / mutant.source).read_text()
    count = text.count(mutant.old)
    if count != 1:
        raise Failure(f"its old text stands {count} times in {mutant.source}")
    shutil.rmtree(directory, ignore_errors=True)
    target = directory / mutant.source
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text.replace(mutant.old, mutant.new))
    return target


def includes(source, broken):
    """Whether an object of the oracle's is made of the broken source, if not it alone."""
    if broken.endswith(".h"):
        return source.startswith("lsp/") or source == "tests/oracle/fresh_asids.c"
    return source == "tests/oracle/fresh_asids.c" and broken == "lsp/asid.c"


class Check:
    def __init__(self, options):
        self.options = options
        self.compiler = shlex.split(options.compiler)
        self.flags = [flag for flag in shlex.split(options.flags) if flag != "-Werror"]
        self.libs = shlex.split(options.libs)
        self.objects = pathlib.Path(options.objects)
        self.build = pathlib.Path(options.build).resolve()

    def objects_for(self, mutant, broken, directory):
        """The oracle's objects, those that hold the broken source made anew."""
        for path in sorted((TOP / self.objects).rglob("*.o")):
            source = str(path.relative_to(TOP / self.objects).with_suffix(".c"))
            if source != mutant.source and not includes(source, mutant.source):
                yield path
                continue
            target = directory / source.replace("/", "-").replace(".c", ".o")
            build([*self.compiler, "-w", f"-I{directory}", *self.flags, "-c",
                   broken if source == mutant.source else TOP / source, "-o", target])
            yield target

    def by_oracle(self, mutant, broken, directory):
        if not (TOP / self.objects / mutant.source).with_suffix(".o").exists() \
                and mutant.source != "lsp/asid.c":
            return None
        program = directory / "oracle"
        objects = list(self.objects_for(mutant, broken, directory))
        build([*self.compiler, *objects, "-o", program, *self.libs])
        for variant in variants(self.options.oracle, mutant):
            command = [program, "--quiet", *shlex.split(variant)]
            result = run(command, timeout=SECONDS)
            if result.returncode == 1:
                return f"oracle, {variant}".removesuffix(", ")
            if result.returncode:
                raise Failure(f"the oracle ended with {result.returncode}: {result.stdout}")
        return None

    def by_unit_tests(self, mutant, broken, directory):
        tree = directory / "tree"
        make_tree(tree, mutant, broken)
        for test in tests_of(mutant.source):
            program = f"build/unit/{test.stem}"
            build(["make", "-s", "-C", tree, "WARNINGS=-w",
                   f"HOSTCC={self.options.compiler}", program])
            if run([tree / program], timeout=SECONDS).returncode:
                return test.name
        return None

    def one(self, number):
        mutant = mutants.MUTANTS[number]
        directory = self.build / f"{number:02}"
        try:
            broken = edit(mutant, directory)
            return self.by_oracle(mutant, broken, directory) or \
                self.by_unit_tests(mutant, broken, directory)
        except (Failure, subprocess.TimeoutExpired) as failure:
            raise Failure(f"{mutant.name}: {failure}") from failure


def variants(oracle, mutant):
    """The oracle's arguments: what some modes have alone is looked for in those."""
    if mutant in mutants.DELEGATING:
        return [f"{variant} --mode lsp-poison" for variant in oracle]
    if not fnmatch.fnmatch(mutant.source, "lsp/protect*.c"):
        return oracle
    return [f"{variant} --seeds 1-25 --operations 5000 --mode {mode}"
            for variant in oracle for mode in ("shadow", "shadow-unsync")]


def make_tree(tree, mutant, broken):
    """The project as it is, but for one file."""
    shutil.rmtree(tree, ignore_errors=True)
    folder = pathlib.Path(mutant.source).parent
    (tree / folder).mkdir(parents=True)
    for path in TOP.iterdir():
        if path.name not in ("build", ".git", folder.parts[0]):
            (tree / path.name).symlink_to(path)
    for path in (TOP / folder).iterdir():
        (tree / folder / path.name).symlink_to(
            broken if path.name == broken.name else path)


def tests_of(source):
    """The unit tests made of it; first the one that bears its name, or half of it."""
    def is_made_of(test):
        lines = re.findall(r"^/\* sources: (.*) \*/$", test.read_text(), re.M)
        names = " ".join(lines).split()
        # lsp/lsp.c stands for all of its engine: see tests/unit/unit.mk.
        return any(fnmatch.fnmatch(source, name) for name in names) or \
            ("lsp/lsp.c" in names and source.startswith("lsp/")
             and not source.startswith("lsp/protect"))

    name = f"test_{pathlib.Path(source).stem}"
    tests = filter(is_made_of, sorted((TOP / "tests/unit").glob("test_*.c")))
    half = name.rpartition("_")[0]
    return sorted(tests, key=lambda test: (test.stem != name, not test.stem.startswith(half)))


def wanted(options):
    numbers = range(len(mutants.MUTANTS))
    if options.only:
        numbers = [n for n in numbers if options.only in mutants.MUTANTS[n].name]
    return list(numbers)


def summary(results):
    """How many of how many, and by what."""
    catchers = [catcher for _, catcher in results if catcher]
    by_oracle = sum(catcher.startswith("oracle") for catcher in catchers)
    return (f"{len(catchers)} of {len(results)} caught: {by_oracle} by the oracle, "
            f"{len(catchers) - by_oracle} by a unit test.")


def table(results):
    yield summary(results)
    yield ""
    yield "| source | mutant | caught by |"
    yield "| --- | --- | --- |"
    for number, catcher in results:
        mutant = mutants.MUTANTS[number]
        yield f"| {mutant.source} | {mutant.name} | {catcher or '**nothing**'} |"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--compiler", default="gcc")
    parser.add_argument("--flags", default="-std=gnu11 -O2 -I.")
    parser.add_argument("--libs", default="-lcmocka", help="the oracle is linked with")
    parser.add_argument("--objects", required=True, help="of the oracle that is right")
    parser.add_argument("--build", required=True, help="where the broken ones go")
    parser.add_argument("--oracle", action="append", required=True, metavar="ARGUMENTS",
                        help="a run of the oracle; may be repeated")
    parser.add_argument("--only", help="mutants with this in their name")
    parser.add_argument("--table", help="write the result to this file as Markdown")
    return parser.parse_args()


def main():
    options = arguments()
    numbers = wanted(options)
    if not numbers:
        sys.exit(f"mutation: no mutant has '{options.only}' in its name")
    check = Check(options)
    results, failures = [], []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        futures = [(number, pool.submit(check.one, number)) for number in numbers]
        for number, future in futures:
            try:
                results.append((number, future.result()))
            except Failure as failure:
                failures.append(str(failure))
                print(f"mutation: not made: {failure}", flush=True)
                continue
            print(f"mutation: {mutants.MUTANTS[number].name}: "
                  f"{results[-1][1] or 'NOT CAUGHT'}", flush=True)
    if options.table:
        pathlib.Path(options.table).write_text("\n".join(table(results)) + "\n")
    caught = sum(1 for _, catcher in results if catcher)
    print(f"mutation: {caught} of {len(numbers)} caught"
          + (f", {len(failures)} not made" if failures else ""))
    return 0 if caught == len(numbers) else 1


if __name__ == "__main__":
    sys.exit(main())
