#!/usr/bin/env python3
"""Check leaves of a sealed athar log against a checkpoint, without the database.
  verify_leaves.py CHECKPOINT < leaves     every leaf, one a line: the root must come out
  verify_leaves.py CHECKPOINT INDEX PROOF < leaf     one leaf, by its proof: a hash in hexadecimal a line"""
import base64, hashlib, re, sys

def node(left, right):
    return hashlib.sha256(b'\1' + left + right).digest()

def leaf_hash(line):    # a hash in quotes stands for a leaf that was withheld
    held_back = re.fullmatch(rb'"([0-9a-f]{64})"', line)
    return bytes.fromhex(held_back[1].decode()) if held_back else hashlib.sha256(b'\0' + line).digest()

def root_of(lines):
    count, peaks = 0, []    # of complete subtrees: (leaves, hash), larger ones first
    for count, line in enumerate(lines, 1):
        peaks.append((1, leaf_hash(line.rstrip(b'\r\n'))))
        while len(peaks) > 1 and peaks[-1][0] == peaks[-2][0]:
            (size, right), (_, left) = peaks.pop(), peaks.pop()
            peaks.append((2 * size, node(left, right)))
    root = peaks.pop()[1] if peaks else hashlib.sha256().digest()
    while peaks:
        root = node(peaks.pop()[1], root)
    return count, root

def climb(line, index, last, proof):
    root = leaf_hash(line.rstrip(b'\r\n'))
    for hash in proof:
        if last == 0:
            return None
        root = node(hash, root) if index & 1 or index == last else node(root, hash)
        while not index & 1 and index == last and index:
            index, last = index >> 1, last >> 1
        index, last = index >> 1, last >> 1
    return root if last == 0 else None

name, size, root = open(sys.argv[1], encoding='utf-8').read().split('\n')[:3]
size, root = int(size), base64.b64decode(root, validate=True)
if len(sys.argv) > 2:
    index, proof = int(sys.argv[2]), [bytes.fromhex(hash) for hash in open(sys.argv[3]).read().split()]
    good = 0 <= index < size and climb(sys.stdin.buffer.readline(), index, size - 1, proof) == root
else:
    good = root_of(sys.stdin.buffer) == (size, root)
print(f'{name} {size}: ' + ('the leaves are those of the checkpoint' if good else 'NOT the leaves of the checkpoint'))
sys.exit(0 if good else 1)
