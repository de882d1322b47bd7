# SPDX-License-Identifier: BSD-2-Clause
"""
The plugins for QEMU (docs/tlb-model.md), on a guest whose page-table walks have
known depths: what the TLB model counts natively, nested and shadowed is what the
levels of the tables say; whose instructions run agrees with Gnomon's own counters.
"""
import collections
import sys

import pytest

from conftest import BUILD, TOP, start

sys.path.insert(0, str(TOP / "scripts"))
from benchlib import plugin  # noqa: E402
from gnomonlib import paths, target  # noqa: E402

LEVELS = {"sv39": 3, "sv48": 4, "sv57": 5}
GSTAGE_LEVELS = 3  # Gnomon takes Sv39x4


def on(mode):
    """"m lsp" is on seat m."""
    seat, _, how = mode.rpartition(" ")
    return {"how": how, "SEAT": seat} if seat else {"how": how}


def arguments(words):
    return [f"--qemu-arg={word}" for word in words]


def tlb(out, *models, marks=True):
    return arguments(plugin.tlb(out, models, marks))


def lines_of(out):
    return [line for region in plugin.read(out) for line in region]


def regions_of(lines, model):
    """The lines of one model with something in them, in order."""
    return [line for line in lines if line["model"] == model and sum(line["accesses"])]


@pytest.fixture(scope="module", params=["native", "nested", "lsp", "m lsp"])
def walked(request, tmp_path_factory):
    """(mode, lines the guest printed, lines of the plugin)"""
    directory = tmp_path_factory.mktemp("walks")
    out = directory / "tlb"
    result = start(directory, "--kernel", BUILD / "guests" / "walks.bin", "--memory", "128M",
                   *tlb(out, "plain", "pages:gpages=1", "pointers:pointers=8",
                        "all:pointers=8:gpointers=8:gleaves=8", "large:entries=4096:ways=4"),
                   **on(request.param))
    assert result.status == 0, result
    walks = [dict(pair.split("=") for pair in line.split()[1:])
             for line in result.lines if line.startswith("walks ")]
    assert len(walks) == 2 * len(LEVELS) and all(walk["wrong"] == "0" for walk in walks)
    return request.param, walks, lines_of(out)


def expect_misses(line, reads, loads):
    """All reads miss and take so many loads, but for the first, which may come
    before counting begins; of the kernel's own pages there are few."""
    assert reads - 1 <= line["by_loads"][loads] <= reads
    assert sum(line["misses"]) - line["by_loads"][loads] < 16


def test_loads_by_the_miss_are_the_levels(walked):
    mode, walks, lines = walked
    regions = regions_of(lines, "plain")
    assert len(regions) == len(walks)
    for walk, line in zip(walks, regions):
        own = LEVELS[walk["mode"]] - int(walk["level"])
        # Gnomon maps a guest's RAM in 2 MiB leaves where it can: one level less.
        each = GSTAGE_LEVELS - 1 if mode == "nested" else 0
        assert line["virtual"] == (mode in ("nested", "lsp"))
        expect_misses(line, int(walk["reads"]), own * (each + 1) + each)


def test_4_kib_gstage_leaves_would_take_15_19_and_23(walked):
    mode, walks, lines = walked
    for walk, line in zip(walks, regions_of(lines, "pages")):
        own = LEVELS[walk["mode"]] - int(walk["level"])
        each = GSTAGE_LEVELS if mode == "nested" else 0
        reads = int(walk["reads"])
        assert reads - 1 <= line["by_loads"][own * (each + 1) + each] <= reads + 16


def test_walk_caches_leave_the_last_level(walked):
    mode, walks, lines = walked
    each = GSTAGE_LEVELS - 1 if mode == "nested" else 0
    for walk, line in zip(walks, regions_of(lines, "pointers")):
        assert line["by_loads"][1 + 2 * each] > 0.98 * int(walk["reads"])
    for walk, line in zip(walks, regions_of(lines, "all")):
        assert line["by_loads"][1] > 0.98 * int(walk["reads"])


def test_what_fits_does_not_miss_again(walked):
    _, walks, lines = walked
    for walk, line in zip(walks, regions_of(lines, "large")):
        reads = int(walk["reads"])
        assert line["accesses"][1] >= reads - 1
        assert 1024 <= sum(line["misses"]) < 1024 + 16


def test_every_translation_is_where_qemu_went(walked):
    for line in walked[2]:
        assert line["wrong_hits"] == line["wrong_misses"] == line["incomplete"] == 0
        assert line["compared"] >= 8191 or not sum(line["accesses"])


def test_a_tlb_that_forgets_nothing_by_itself_is_never_stale(tmp_path):
    """From Linux's first instruction to its first programs, each access goes where
    such a TLB says: no real fence of Gnomon's is missing, which QEMU would hide."""
    out = tmp_path / "tlb"
    result = start(tmp_path, "--exec", "for i in 1 2 3; do /bin/true; done",
                   "--memory", "192M", *tlb(out, "large:entries=65536:ways=4", marks=False),
                   how="lsp")
    assert result.status == 0, result
    guest = [line for line in lines_of(out) if line["virtual"]]
    assert sum(line["compared"] for line in guest) > 1000000
    for line in lines_of(out):
        assert line["wrong_hits"] == line["wrong_misses"] == 0, line


@pytest.mark.parametrize("paging", ["nested", "lsp", "m lsp"])
def test_exits_are_classed_as_gnomon_counts_them(paging, tmp_path):
    """A guest's whole life; only its last exit does not lead back to it."""
    out = tmp_path / "instructions"
    result = start(tmp_path, "--kernel", BUILD / "guests" / "walks.bin", "--memory", "128M",
                   *arguments(("-icount", "shift=0", *plugin.instructions(
                       out, target.of_seat(paths.qemu(), on(paging).get("SEAT", "hs")), marks=False))),
                   **on(paging))
    assert result.status == 0, result
    lines = lines_of(out)
    counts = collections.Counter()
    for line in lines:
        # On seat m the probes at boot run in guests' memory, before there is a guest.
        probes = paging == "m lsp" and line["special"] == "uncounted" and line["count"] < 100
        assert probes or line["special"] in ("", "start", "firmware-alone", "total"), line
        for reason in line.get("fast", []) + line.get("full", []):
            counts[reason] += line["count"]
    missing = collections.Counter(result.stats["exits"])
    missing.subtract(counts)
    # The first exit may come before the guest's first instruction.
    assert {reason for reason, count in missing.items() if count} <= {"sbi-other", "shadow-miss"}
    assert missing["sbi-other"] == 1 and 0 <= missing["shadow-miss"] <= 1
    for line in lines:
        if line.get("count") and line["special"] != "start":
            least, most = (line["hypervisor"]["deciles"][at] for at in (0, -1))
            assert 0 <= least <= most
            assert least * line["count"] <= line["hypervisor"]["total"] <= most * line["count"]
    assert lines[-1]["special"] == "total" and lines[-1]["guest"] > 6 * 8192 * 5


@pytest.mark.parametrize("name, option, why", [
    ("tlb", "model=odd:entries=24:ways=4", "no power of two"),
    ("tlb", "model=x:colour=3", "a field that no model has"),
    ("tlb", "colour=3", "an option that there is not"),
    ("tlb", "word", "an option that there is not"),
    ("tlb", "region=all", "an option that there is not"),
    ("tlb", "out=again", "out twice"),
    ("tlb", "model=", "without a name"), ("tlb", "model=:ways=4", "without a name"),
    ("tlb", 'model=a"b', "odd characters"), ("tlb", f"model={32 * 'x'}", "too long"),
    ("tlb", "model=x,model=x:ways=8", "two models of one name"),
    ("tlb", "model=x::ways=4", "without a value"), ("tlb", "model=x:ways", "without a value"),
    ("tlb", "model=x:entries=64k", "no number up to 1048576"),
    ("tlb", "model=x:entries=-64", "no number up to 1048576"),
    ("tlb", "model=x:entries=", "no number up to 1048576"),
    ("tlb", "model=x:entries=1048577", "no number up to 1048576"),
    ("tlb", "model=x:pointers=18446744073709551617", "no number up to 1048576"),
    ("tlb", "model=x:entries=0", "no power of two"),
    ("tlb", "model=x:split=2", "neither 0 nor 1"),
    ("tlb", "model=x:gpages=yes", "neither 0 nor 1"),
    ("instructions", "vector=0", "are needed"),
    ("instructions", "vector=0x1g", "no number"), ("instructions", "size=", "no number"),
    ("instructions", "size=-1", "no number"), ("instructions", "image=x", "no number"),
    ("instructions", "region=all", "an option that there is not"),
    ("instructions", "word", "an option that there is not"),
    ("instructions", "LAYOUT,size=4096,vector=4096", "no instruction of the image"),
    ("instructions", "LAYOUT,size=4096,vector=3", "no instruction of the image"),
    ("instructions", "LAYOUT,size=4096,vector=8,vector=0x8", "one vector twice"),
    ("instructions", "LAYOUT,LAYOUT", "once too often"),
])
def test_bad_options_are_refused(name, option, why, tmp_path):
    path = BUILD / "plugins" / f"{name}.so"
    option = option.replace("LAYOUT", f"layout={BUILD / 'plugins' / 'layout'}")
    result = start(tmp_path, "--kernel", BUILD / "guests" / "hello.bin",
                   "--qemu-arg=-plugin", f"--qemu-arg={path},out={tmp_path / 'out'},{option}")
    assert result.status != 0 and why in result.err, result


def test_results_that_are_lost_are_said(tmp_path):
    for words in (plugin.tlb("/dev/full", ["plain"], marks=False),
                  plugin.instructions("/dev/full", target.of_seat(paths.qemu()), marks=False)):
        result = start(tmp_path, "--kernel", BUILD / "guests" / "hello.bin", *arguments(words))
        assert "the results could not be written" in result.err, result
