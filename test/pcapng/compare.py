#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""compare.py [--cut] DUMP FILE...: DUMP reads each FILE as strict.py does, and what it writes of what
it read is perfect and has the same packets. --cut: so is each FILE cut at every byte."""
import os
import subprocess
import sys
import tempfile

import strict

args = sys.argv[1:]
cut = args[0] == '--cut'
dump, files = args[cut], args[cut + 1:]
scratch = tempfile.mkdtemp()
part, copy = os.path.join(scratch, 'part'), os.path.join(scratch, 'copy')


def packets(text):
    return [line for line in text.splitlines() if line.startswith('packet')]


def differ(name, what):
    sys.exit('%s: %s' % (name, what))


def compare(name, data):
    with open(part, 'wb') as f:
        f.write(data)
    run = subprocess.run([dump, '-w', copy, part], capture_output=True, text=True)
    theirs, why = strict.read(data, True)
    ours = run.stdout.splitlines()
    if run.stderr or run.returncode != (why is not None):
        differ(name, run.stderr or 'exit status %d' % run.returncode)
    for a, b in zip(ours, theirs.splitlines()):
        if a.split(':')[0] != b:
            differ(name, 'we read %.150s\nthey read %.150s' % (a, b))
    if len(ours) != len(theirs.splitlines()):
        differ(name, 'another number of lines')
    with open(copy, 'rb') as f:
        again, why = strict.read(f.read())
    if why or packets(again) != packets(run.stdout):
        differ(name, 'written again: %s' % why)
    return len(packets(again))


total = 0
for name in files:
    with open(name, 'rb') as f:
        whole = f.read()
    for size in range(len(whole) + 1) if cut else [len(whole)]:
        total += compare('%s, %d bytes' % (name, size), whole[:size])
    os.remove(part)
print('%d files, %d packets' % (len(files), total))
sys.exit(total == 0)
