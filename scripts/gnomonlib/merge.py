# SPDX-License-Identifier: BSD-2-Clause
"""
One bundle of several: the VM that each describes, under a name of its own.

A bundle is a FIT image, so libfdt reads and writes it. What a VM's configuration
names is copied, images and all, with the VM's name before theirs; what several
files have in common is there several times, and what one has behind its tree, as
mkimage -E leaves it, is in the tree.
"""
import pathlib
import re
import subprocess

from gnomonlib import paths
from gnomonlib.paths import BadUsage

# Properties of a configuration that name images.
NAMES = ("kernel", "ramdisk", "fdt", "gnomon,disks", "gnomon,disk-copy")
MAGIC = b"\xd0\x0d\xfe\xed"
ROOM = 1 << 12


def libfdt():
    """Debian's python3-libfdt, needed for this alone."""
    try:
        import libfdt as module
    except ImportError:
        raise BadUsage("--vm: python3-libfdt is missing: run `make run` first") from None
    return module


def named(text):
    """The name and the file in NAME=FILE."""
    name, _, path = text.partition("=")
    if not re.fullmatch(r"[A-Za-z0-9,._+-]{1,31}", name) or not path:
        raise BadUsage(f"--vm {text}: it is NAME=FILE.its or NAME=FILE.itb, the name of up to 31 "
                       "letters, digits and ,._+-")
    return name, paths.existing(path, "bundle")


def compiled(path):
    """The bundle in a file, which may be its source."""
    data = path.read_bytes()
    if data.startswith(MAGIC):
        return data
    result = subprocess.run(["dtc", "-q", "-I", "dts", "-O", "dtb", path.resolve()],
                            cwd=path.parent, capture_output=True, check=False)
    if result.returncode:
        said = result.stderr.decode(errors="replace").strip().splitlines()
        raise BadUsage(f"--vm {path}: {said[0] if said else 'dtc failed'}")
    return result.stdout


def children(tree, parent):
    module, node = libfdt(), None
    node = tree.first_subnode(parent, [module.NOTFOUND])
    while node >= 0:
        yield node
        node = tree.next_subnode(node, [module.NOTFOUND])


def properties(tree, node):
    module = libfdt()
    offset = tree.first_property_offset(node, [module.NOTFOUND])
    while offset >= 0:
        entry = tree.get_property_by_offset(offset)
        yield entry.name, bytes(entry)
        offset = tree.next_property_offset(offset, [module.NOTFOUND])


def only_vm(tree, path):
    """The configuration that a file's one VM has."""
    configurations = tree.path_offset("/configurations")
    nodes = list(children(tree, configurations))
    default = dict(properties(tree, configurations)).get("default", b"").rstrip(b"\0")
    for node in nodes:
        if len(nodes) == 1 or tree.get_name(node).encode() == default:
            return node
    raise BadUsage(f"--vm {path}: it has {len(nodes)} configurations, and no default among them")


class Source:
    """A file's VM, and what it is to be called."""

    def __init__(self, text):
        self.name, self.path = named(text)
        module = libfdt()
        self.data = compiled(self.path)
        try:
            self.tree = module.Fdt(self.data)
            self.node = only_vm(self.tree, self.path)
            self.images = list(children(self.tree, self.tree.path_offset("/images")))
        except module.FdtException as error:
            raise BadUsage(f"--vm {self.path}: no bundle ({error})") from None

    def renamed(self, key, value):
        """A property of the configuration, with the new names of images."""
        if key not in NAMES:
            return value
        return b"".join(f"{self.name}-".encode() + image + b"\0"
                        for image in value.rstrip(b"\0").split(b"\0"))


def image_properties(source, node):
    """An image's, with its data among them wherever the file has it."""
    found = dict(properties(source.tree, node))
    number = {key: int.from_bytes(found[key], "big")
              for key in ("data-size", "data-position", "data-offset") if key in found}
    if "data" in found or "data-size" not in number or len(number) < 2:
        return found
    start = number.get("data-position")
    if start is None:
        start = (source.tree.totalsize() + 3) // 4 * 4 + number["data-offset"]
    found["data"] = source.data[start:start + number["data-size"]]
    if len(found["data"]) < number["data-size"]:
        raise BadUsage(f"--vm {source.path}: image '{source.tree.get_name(node)}' reaches past "
                       "the end of the bundle")
    return {key: value for key, value in found.items() if key not in number}


def copy_node(writer, source, node, name, own):
    writer.begin_node(name)
    for key, value in own:
        writer.property(key, value)
    for child in children(source.tree, node):
        copy_node(writer, source, child, source.tree.get_name(child),
                  properties(source.tree, child))
    writer.end_node()


def write(writer, sources):
    writer.finish_reservemap()
    writer.begin_node("")
    writer.property_string("description", "Gnomon bundle")
    writer.begin_node("images")
    for source in sources:
        for node in source.images:
            copy_node(writer, source, node, f"{source.name}-{source.tree.get_name(node)}",
                      image_properties(source, node).items())
    writer.end_node()
    writer.begin_node("configurations")
    writer.property_string("default", sources[0].name)
    for source in sources:
        copy_node(writer, source, source.node, source.name,
                  [(key, source.renamed(key, value))
                   for key, value in properties(source.tree, source.node)])
    writer.end_node()
    writer.end_node()


def make(texts, into):
    """The bundle of these NAME=FILE, the first being its default; written to `into`."""
    sources = [Source(text) for text in texts]
    names = [source.name for source in sources]
    for name in names:
        if names.count(name) > 1:
            raise BadUsage(f"--vm {name}=...: there are several of that name")
    writer = libfdt().FdtSw(sum(len(source.data) for source in sources) + ROOM * len(sources))
    write(writer, sources)
    tree = writer.as_fdt()
    tree.pack()
    pathlib.Path(into).write_bytes(tree.as_bytearray())
    return into
