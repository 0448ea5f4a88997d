#!/usr/bin/env python3
"""vectors.py - the proof's formats by an implementation of their standards alone (witness.py, reader.py): its vectors
are accepted by qorgan-verify and changed ones refused; those of the real server are recomputed here. Prints TAP.

RFC 6962 2.1, RFC 9162 2.1.3 and 2.1.4, C2SP signed-note, tlog-checkpoint, tlog-cosignature, tlog-proof, tlog-policy.
"""
import base64
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile

from reader import Archive, leaf_of, root_of
from service import VERIFY, Skip, check, check_equal, main
from witness import (DASH, Key, Log, consistency, cosigned, folder, need_cryptography, node, prepared, size_of, split,
                     tree_root, wait)

HEAD = "c2sp.org/tlog-proof@v1\n"
# The inputs of RFC 6962's reference implementation and the roots of their trees of 1 to 8 leaves.
CT_LEAVES = ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
CT_ROOTS = ("6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328")
# The example of golang.org/x/mod/sumdb/note.
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_NOTE = ("If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
           "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngot"
           "pRZb6KE6RyyBwJnAM=\n")


# ---- the standards ----

def inclusion(index, leaves):
    """RFC 6962 section 2.1.1, by its definition."""
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if index < k:
        return inclusion(index, leaves[:k]) + [tree_root(leaves[k:])]
    return inclusion(index - k, leaves[k:]) + [tree_root(leaves[:k])]


def root_by_inclusion(index, size, leaf, path):
    """RFC 9162 section 2.1.3.2; None where the proof has a wrong length."""
    fn, sn, root = index, size - 1, leaf
    for value in path:
        if sn == 0:
            return None
        if fn & 1 or fn == sn:
            root = node(value, root)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            root = node(root, value)
        fn, sn = fn >> 1, sn >> 1
    return root if sn == 0 else None


def roots_by_consistency(first, second, first_root, path):
    """RFC 9162 section 2.1.4.2: the roots of both sizes that the path gives."""
    path = [first_root, *path] if first & (first - 1) == 0 else list(path)
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for value in path[1:]:
        check(sn != 0, "a consistency proof is too long")
        if fn & 1 or fn == sn:
            fr, sr = node(value, fr), node(value, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node(sr, value)
        fn, sn = fn >> 1, sn >> 1
    check_equal(sn, 0, "a consistency proof is too short")
    return fr, sr


def proof_text(index, leaf, path, note):
    lines = "".join(base64.b64encode(value).decode() + "\n" for value in path)
    return f"{HEAD}extra {base64.b64encode(leaf).decode()}\nindex {index}\n{lines}\n{note}"


def proof_parse(text):
    """(index, leaf, path, note) of a C2SP tlog-proof."""
    check(text.startswith(HEAD + "extra "), text[:80])
    head, note = text[len(HEAD):].split("\n\n", 1)
    extra, index, *path = head.split("\n")
    return (int(index.removeprefix("index ")), base64.b64decode(extra.removeprefix("extra "), validate=True),
            [base64.b64decode(line, validate=True) for line in path], note)


class Cosigner:
    """A witness of our own: cosignature/v1."""

    def __init__(self, name, seed):
        self.log = Log(name, seed)
        self.name = name
        self.id = hashlib.sha256(name.encode() + b"\n\4" + self.log.public).digest()[:4]
        self.vkey = f"{name}+{self.id.hex()}+{base64.b64encode(bytes([4]) + self.log.public).decode()}"

    def line(self, note, time=1795219893):
        text = note.split("\n\n", 1)[0] + "\n"
        raw = self.log.private.sign(f"cosignature/v1\ntime {time}\n{text}".encode())
        return f"{DASH} {self.name} {base64.b64encode(self.id + time.to_bytes(8, 'big') + raw).decode()}\n"


def judged(text, *arguments):
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".tlog-proof") as file:
        file.write(text)
        file.flush()
        done = subprocess.run([VERIFY, *arguments, "--proof", file.name], capture_output=True, text=True, check=False,
                              timeout=60)
    return done.returncode, done.stdout + done.stderr


# ---- tests ----

def published():
    """this implementation gives the published roots, proofs and note"""
    need_cryptography()
    leaves = [hashlib.sha256(b"\0" + bytes.fromhex(text)).digest() for text in CT_LEAVES]
    for size, root in enumerate(CT_ROOTS, 1):
        check_equal(tree_root(leaves[:size]).hex(), root, f"the root of {size}")
        check_equal(root_of(leaves[:size]).hex(), root, f"the root of {size}, by levels")
        for index in range(size):
            path = inclusion(index, leaves[:size])
            check_equal(root_by_inclusion(index, size, leaves[index], path).hex(), root, f"{index} in {size}")
        for old in range(1, size):
            got = roots_by_consistency(old, size, tree_root(leaves[:old]), consistency(old, leaves[:size], True))
            check_equal([value.hex() for value in got], [CT_ROOTS[old - 1], root], f"{old} to {size}")
    check_equal(Key(GO_KEY).verify(GO_NOTE), 0, "the note")


def ours_are_accepted():
    """proofs, notes and cosignatures made here are proven by qorgan-verify; changed ones are not"""
    need_cryptography()
    log, witness = Log("vectors.test/log", 7), Cosigner("vectors.test/witness", 8)
    records = [leaf_of(1, b"line %d" % i, i, 1795219893000000000 + i, i, bytes(16), 1, i + 1, 0, 0, 1)
               for i in range(300)]
    log.leaves = [hashlib.sha256(b"\0" + leaf).digest() for leaf in records]
    with tempfile.TemporaryDirectory() as path:
        policy = os.path.join(path, "policy")
        with open(policy, "w", encoding="ascii") as file:
            file.write(f"log {log.vkey}\nwitness w {witness.vkey}\nquorum w\n")
        for size in (1, 2, 3, 7, 255, 256, 257, 300):
            note = log.note(size) + witness.line(log.note(size))
            for index in {0, size // 2, size - 1}:
                proof = inclusion(index, log.leaves[:size])
                text = proof_text(index, records[index], proof, note)
                status, out = judged(text, "--policy", policy)
                check_equal(status, 0, f"{index} of {size}: {out}")
                wrong = [proof_text(index, records[index - 1], proof, note) if size > 1 else "",
                         proof_text(index, records[index], proof + [bytes(32)], note),
                         proof_text(index, records[index], proof, log.note(size)),
                         proof_text(index, records[index], proof, note.replace(f"\n{size}\n", f"\n{size + 1}\n")),
                         proof_text(index, records[index], proof[:-1], note) if proof else "",
                         proof_text(index, records[index], proof[::-1], note) if proof != proof[::-1] else "",
                         proof_text(index + 1, records[index], proof, note)]
                for number, changed in enumerate(wrong):
                    if changed and (index, size) in ((0, 2), (150, 300), (299, 300)):
                        check(judged(changed, "--policy", policy)[0] != 0, f"{index} of {size}, change {number}")
        other = Cosigner("vectors.test/witness", 9)
        note = log.note(300) + other.line(log.note(300))
        text = proof_text(5, records[5], inclusion(5, log.leaves), note)
        check_equal(judged(text, "--policy", policy)[0], 1, "another key under the witness's name")
        check_equal(judged(text, "--vkey", log.vkey)[0], 0, "no witness is asked for")


def the_servers_are_recomputed():
    """the server's checkpoints, cosignatures, paths, groups and proofs, from records that reader.py decoded"""
    need_cryptography()
    if not shutil.which("zstd"):
        raise Skip("zstd is not installed")
    with folder() as (path, started):
        service, witnesses, _ = prepared(path, started, log_rotate_s=10)
        try:
            service.start()
            lines = b"".join(b"<13>Nov 20 10:00:00 web1 app[7]: line %d\n" % i for i in range(700))
            service.run("ingest", "--name", "lines", "-", text_input=lines)
            check(wait(lambda: any(name.endswith(".seg") for name in os.listdir(service.data + "/archive/seg"))),
                  "a segment")
            check(wait(lambda: size_of(cosigned(service)) > 700), "a cosigned checkpoint")
            proofs = {}
            for number in (0, 1, 255, 256, 511, 512, 700):
                service.proof(number, path + "/proof")
                done = service.run("proof", "--plain", str(number))
                proofs[number] = done.stdout.decode()
            service.stop()
            archive = Archive(service.data + "/archive")
        finally:
            service.kill()
        key, others = Key(service.public_key()), [Key(witness.vkey) for witness in witnesses]
        notes_hold(service.data + "/archive/checkpoints", archive.hashes, key, others)
        for segment in archive.segments:
            segment.check_tree(archive.hashes[:segment.end])
        for number, text in proofs.items():
            index, leaf, got, note = proof_parse(text)
            size = int(note.split("\n")[1])
            check_equal(index, number, "the index")
            check_equal(hashlib.sha256(b"\0" + leaf).digest(), archive.hashes[number], f"the leaf of {number}")
            check_equal(got, inclusion(number, archive.hashes[:size]), f"the path of {number} in {size}")
            root = root_by_inclusion(number, size, archive.hashes[number], got)
            check_equal(base64.b64encode(root).decode(), note.split("\n")[2], f"the root by the path of {number}")
            check_equal(key.verify(note), 0, "who signed the proof's checkpoint")


def notes_hold(checkpoints, hashes, key, others):
    """Every stored note is a checkpoint of these records; its path leads to the end of its group."""
    paths = 0
    for name in sorted(os.listdir(checkpoints)):
        with open(os.path.join(checkpoints, name), "rb") as file:
            data = file.read()
        if name.endswith(".path"):
            size = int(name[:16], 16)
            want = consistency(size, hashes[:-(-size // 256) * 256], True)
            check_equal(data, b"".join(want), f"the path of {size}")
            paths += 1
            continue
        text = data.decode()
        size = int(text.split("\n")[1])
        check_equal(text.split("\n")[2], base64.b64encode(tree_root(hashes[:size])).decode(), f"the root of {name}")
        check_equal(key.verify(text), 0, f"who signed {name}")
        if name == "cosigned":
            check(all(other.verify(text) for other in others), "every witness cosigned it")
    check(paths >= 1, "a path beside a note")


if __name__ == "__main__":
    sys.exit(main([published, ours_are_accepted, the_servers_are_recomputed]))
