#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""
Shows that the tests would notice: breaks the engine in each of the ways that
mutants.py lists, runs the oracle and then the unit tests against it until one
fails, and says how many were caught of how many. What caught a mutant the last
time, by the table in docs/mutation.md, is tried first. Run by `make mutation`,
which builds what is right; of that only what is made of the broken source is
made anew.
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


def made_of(source, objects):
    """Those of the objects that are made of the source, as the compiler said."""
    return [path for path in objects
            if source in path.with_suffix(".d").read_text().split()]


class Program:
    """How a test program is linked: the words of its .link file."""

    def __init__(self, path):
        self.words = path.read_text().split()
        self.objects = [pathlib.Path(word) for word in self.words if word.endswith(".o")]
        self.sanitizers = [word for word in self.words if word.startswith("-fsanitize=")]


class Check:
    def __init__(self, options):
        self.options = options
        self.compiler = shlex.split(options.compiler)
        self.libs = shlex.split(options.libs)
        self.objects = pathlib.Path(options.objects)
        self.oracle_objects = sorted(self.objects.rglob("*.o"))
        self.build = pathlib.Path(options.build).resolve()
        self.programs = {path.stem: Program(path)
                         for path in sorted(pathlib.Path(options.unit).glob("test_*.link"))}
        self.last = last_catchers(options.last)

    def broken(self, mutant, directory, path, source, flags):
        """The object at `path` as it is with the broken source."""
        target = directory / path
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            build([*self.compiler, f"-I{directory}", *flags, "-w", "-Wno-error", "-c",
                   directory / source if source == mutant.source else TOP / source,
                   "-o", target])
        return target

    def link_oracle(self, mutant, directory):
        flags = shlex.split(self.options.flags)
        objects = dict(zip(self.oracle_objects, self.oracle_objects))
        for path in made_of(mutant.source, self.oracle_objects):
            source = str(path.relative_to(self.objects).with_suffix(".c"))
            objects[path] = self.broken(mutant, directory, path, source, flags)
        build([*self.compiler, *objects.values(), "-o", directory / "oracle", *self.libs])

    def by_oracle(self, mutant, directory, variant):
        program = directory / "oracle"
        if not program.exists():
            self.link_oracle(mutant, directory)
        result = run([program, "--quiet", *shlex.split(variant)], timeout=SECONDS)
        if result.returncode not in (0, 1):
            raise Failure(f"the oracle ended with {result.returncode}: {result.stdout}")
        return result.returncode == 1

    def by_unit_test(self, mutant, directory, name):
        program, target = self.programs[name], directory / name
        flags = shlex.split(self.options.unit_flags) + program.sanitizers
        words = dict(zip(program.words, program.words))
        for path in made_of(mutant.source, program.objects):
            source = "/".join(path.relative_to(self.options.unit).with_suffix(".c").parts[1:])
            words[str(path)] = self.broken(mutant, directory, path, source, flags)
        build([*self.compiler, *words.values(), "-o", target])
        return run([target], timeout=SECONDS).returncode != 0

    def checks(self, mutant):
        """Each that may catch it, and its name; first the one that did the last time."""
        found = []
        if made_of(mutant.source, self.oracle_objects):
            for variant in variants(self.options.oracle, mutant):
                found.append((f"oracle, {variant}", self.by_oracle, variant))
        names = [name for name, program in self.programs.items()
                 if made_of(mutant.source, program.objects)]
        its_own = f"test_{pathlib.Path(mutant.source).stem}"
        half = its_own.rpartition("_")[0]  # that bears its name, or half of it
        for name in sorted(names, key=lambda name: (name != its_own, not name.startswith(half))):
            found.append((f"{name}.c", self.by_unit_test, name))
        return sorted(found, key=lambda check: check[0] != self.last.get(mutant.name))

    def one(self, number):
        mutant = mutants.MUTANTS[number]
        directory = self.build / f"{number:02}"
        try:
            edit(mutant, directory)
            for name, is_caught, argument in self.checks(mutant):
                if is_caught(mutant, directory, argument):
                    return name
            return None
        except (Failure, subprocess.TimeoutExpired) as failure:
            raise Failure(f"{mutant.name}: {failure}") from failure


def last_catchers(path):
    """What caught each mutant, by an earlier table()."""
    rows = re.findall(r"^\| \S+ \| (.*) \| (.*) \|$", pathlib.Path(path).read_text(), re.M)
    return dict(rows)


def variants(oracle, mutant):
    """The oracle's arguments: what some modes have alone is looked for in those."""
    if mutant in mutants.DELEGATING:
        return [f"{variant} --mode lsp-poison" for variant in oracle]
    if not fnmatch.fnmatch(mutant.source, "lsp/protect*.c"):
        return oracle
    return [f"{variant} --seeds 1-25 --operations 5000 --mode {mode}"
            for variant in oracle for mode in ("shadow", "shadow-unsync")]


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
    parser.add_argument("--unit", required=True, help="where the unit tests are built")
    parser.add_argument("--unit-flags", default="-std=gnu11 -O1 -I.")
    parser.add_argument("--last", required=True, help="the table of an earlier run")
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
