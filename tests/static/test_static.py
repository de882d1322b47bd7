# SPDX-License-Identifier: BSD-2-Clause
"""Static analysis finds nothing in the tree, and would find something."""
import pathlib
import re
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]


def check(*files):
    """`make check`: whether it is content, its last line, and its complaints."""
    result = subprocess.run(["make", "-s", "-C", TOP, "check",
                             f"FILES={' '.join(map(str, files))}"],
                            capture_output=True, text=True, check=False)
    return result.returncode == 0, result.stdout.splitlines()[-1], result.stderr


def test_the_tree_is_clean():
    clean, summary, complaints = check()
    assert clean, complaints
    counts = [int(number) for number in re.findall(r"\d+", summary)]
    headers = [path for room in ("arch", "core", "mm", "lsp", "drivers", "guests", "tests")
               for path in (TOP / room).rglob("*.h") if "freestanding" not in path.parts]
    assert summary.startswith("check: clean: ")
    assert counts[0] > 90 and counts[1] > counts[0] and counts[2] == len(headers)


DEFECTS = {
    "cppcheck": ("x.c", "int f(void);\nint f(void)\n{\n\tint a[2] = {0};\n\n\treturn a[2];\n}\n"),
    "analyzer": ("x.c", "int f(int *p);\nint f(int *p)\n{\n\tint n = 0;\n\n\tif (!p)\n\t\tn = 1;\n"
                 "\tfor (int i = 0; i < 2; i++)\n\t\tn += *p;\n\treturn n;\n}\n"),
    "headers": ("x.h", "uint64_t f(void);\n"),
}
BAD_HEADERS = {
    "an include is missing": "pte_t f(void);\n",
    "no guard": "struct twice {\n\tint a;\n};\n",
    "a conversion": "static inline char f(long n)\n{\n\treturn n;\n}\n",
    "a change of sign": "static inline unsigned f(int n)\n{\n\treturn n;\n}\n",
}


@pytest.mark.parametrize("part", DEFECTS)
def test_each_part_finds_a_planted_defect(tmp_path, part):
    name, text = DEFECTS[part]
    (tmp_path / name).write_text(text)
    clean, summary, complaints = check(tmp_path / name)
    assert not clean and summary.startswith("check: failed: ")
    assert part in summary and str(tmp_path / name) in complaints


@pytest.mark.parametrize("what", BAD_HEADERS)
def test_each_defect_of_a_header_is_found(tmp_path, what):
    (tmp_path / "x.h").write_text(BAD_HEADERS[what])
    assert check(tmp_path / "x.h")[1] == "check: failed: headers"


def test_what_is_right_passes(tmp_path):
    (tmp_path / "x.h").write_text("#ifndef X\n#define X\n#include \"core/types.h\"\n"
                                  "uint64_t f(uint64_t n);\n#endif\n")
    (tmp_path / "x.c").write_text(f"#include \"{tmp_path}/x.h\"\n"
                                  "uint64_t f(uint64_t n)\n{\n\treturn n + 1;\n}\n")
    clean, summary, complaints = check(tmp_path / "x.h", tmp_path / "x.c")
    assert clean, complaints
    assert summary.endswith("1 headers by themselves")
