#!/usr/bin/env python3
"""compare.py PCAPSHOW FILE...: holds pcapshow's lines against those of `tcpdump -nnS`.

Every packet falls into one class:
  equal      the whole line is the same
  transport  the same up to and including the transport's own fields; the payload's protocol differs
  explained  differs for one of the reasons listed in EXPLAINED
  different  anything else: the run fails
"""
import collections, os, re, subprocess, sys

OPTIONS = ['-t']
ADDRESS = r'[0-9a-f.:]+'

# (what it is, tcpdump's line, our line): both must match
EXPLAINED = [
]


def lines(command):
    env = dict(os.environ, TZ='UTC')
    done = subprocess.run(command, capture_output=True, env=env)
    if done.returncode < 0:
        sys.exit('%s: signal %d' % (command, -done.returncode))
    out = {}
    key = None
    for line in done.stdout.decode('latin-1').split('\n'):
        m = re.match(r'(\d+)\.\d{6} ?(.*)', line)
        if m:
            key = int(m.group(1))
            out[key] = [m.group(2).rstrip()]
        elif key is not None and line:
            out[key].append(line.rstrip())
    return out


def transport(line):
    """The line up to and including what the transport itself says."""
    m = re.match(r'(.*?Flags \[[^]]*\].*?, length \d+)(?=$|[:. ])', line)
    if m:
        return m.group(1)
    m = re.match(r'((?:.*?IP6? )?%s\.\d+ > %s\.\d+: )' % (ADDRESS, ADDRESS), line)
    if m and 'Flags' not in line and ' ICMP' not in line:
        return m.group(1)
    m = re.match(r'(.*?(?:IP6? ))?%s > %s: (?!ICMP)' % (ADDRESS, ADDRESS), line)
    if m:
        return m.group(0)
    return line


def classify(theirs, ours, kind):
    t, o = theirs[0], ours[0]
    if t == o:
        return 'equal', ''
    for what, a, b in EXPLAINED:
        if re.search(a, t) and re.search(b, o):
            return 'explained', what
    if transport(t) == transport(o):
        return 'transport', ''
    return 'different', ''


def main():
    pcapshow, files = sys.argv[1], sys.argv[2:]
    total, reasons, bad = collections.Counter(), collections.Counter(), 0
    for f in files:
        theirs = lines(['tcpdump', '-nnS', '-tt', '-r', f])
        ours = lines([pcapshow, f, '-tt'])
        count = collections.Counter()
        for n in sorted(set(theirs) | set(ours)):
            if n not in theirs or n not in ours:
                kind, why = ('explained', 'no line') if False else ('different', '')
                t, o = theirs.get(n, ['(none)']), ours.get(n, ['(none)'])
            else:
                t, o = theirs[n], ours[n]
                kind, why = classify(t, o, '')
            count[kind] += 1
            if why:
                reasons[why] += 1
            if kind == 'different':
                bad += 1
                if bad <= int(os.environ.get('SHOWN', '40')):
                    print('%s %d\n  tcpdump: %s\n  rawcap:  %s' % (os.path.basename(f), n, t[0], o[0]))
        print('%-20s %s' % (os.path.basename(f), ', '.join('%d %s' % (count[k], k) for k in ('equal', 'transport', 'explained', 'different') if count[k])))
        total += count
    print('%-20s %s' % ('all', ', '.join('%d %s' % (total[k], k) for k in ('equal', 'transport', 'explained', 'different'))))
    for why, n in reasons.most_common():
        print('%7d %s' % (n, why))
    return bad > 0


sys.exit(main())
