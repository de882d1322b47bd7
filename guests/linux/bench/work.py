# SPDX-License-Identifier: BSD-2-Clause
"""
The Python workload: COUNT rounds of what an interpreter does all day (objects,
dictionaries, lists, strings, sorting), each with a result that is known.
"""
import sys


class Node:
    __slots__ = ("key", "left", "right")

    def __init__(self, key):
        self.key, self.left, self.right = key, None, None


def insert(root, key):
    if root is None:
        return Node(key)
    if key < root.key:
        root.left = insert(root.left, key)
    else:
        root.right = insert(root.right, key)
    return root


def walk(root):
    if root is not None:
        yield from walk(root.left)
        yield root.key
        yield from walk(root.right)


def one_round(size):
    keys = [i * 7919 % size for i in range(size)]
    root = None
    for key in keys:
        root = insert(root, key)
    words = {key: str(key).rjust(8, "0") for key in keys}
    joined = ",".join(words[key] for key in walk(root))
    back = [int(word) for word in joined.split(",")]
    return back == sorted(keys) == list(range(size)) and len(joined) == 9 * size - 1


def main():
    return 0 if all(one_round(1000) for _ in range(int(sys.argv[1]))) else 1


sys.exit(main())
