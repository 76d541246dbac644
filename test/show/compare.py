#!/usr/bin/env python3
"""compare.py PCAPSHOW FILE...: holds pcapshow's lines against those of `tcpdump -nnS` (`-nnSvv` for -v).

Every packet falls into one class:
  equal    the whole line is the same
  more     all of tcpdump's line, and something behind it
  payload  the same up to where the payload begins, of which rawcap tells less: tcpdump's line begins with all
           of rawcap's, or it is the same up to the end of what TCP or UDP itself says
  cut      the packet is cut or contradicts itself, both lines say so, and the one begins as the other does
  other    rawcap's line gives the number of a protocol that it does not show, by BY_NUMBER and SHOWN
  excused  differs only by one of EXCUSES, each an exact change of tcpdump's line; README.md says the same in words
  different

Of the packets that are whole (all of their bytes are there, and tcpdump finds nothing wrong with them) and of
protocols that rawcap shows, LEAST percent have to be equal, more, payload or excused, and EQUAL percent equal or
more; both 100 by default, and then no packet at all may be different.
With LOOKS=1 each is compared with -x -X -xx -XX -A too, line by line.
"""
import collections, os, re, struct, subprocess, sys, tempfile

# How rawcap's line ends where it gives a protocol that it does not show by its number, or only names it. What the issue
# of its protocols lists must not be among the numbers: SHOWN.
BY_NUMBER = re.compile(r'ethertype [^()]* ?\(0x(?P<type>\w{4})\), length \d+:$| ip-proto-(?P<protocol>\d+)( \d+)?$|link type (?P<link>\d+), length \d+$'
                       r'|pid [\w ]+ \(0x(?P<pid>\w{4})\), length \d+:$|IPX, length \d+$|(ES-IS|CLNP|OSI NLPID \S+ unknown), length: \d+$|(OSI NLPID \S+ \(0x\w\w\): )length: \d+$'
                       r'|(unknown PPP protocol \(0x\w+\)|LQM|BAP|MLPPP|VJC IP) ?$|igmp (dvmrp|pimv1)$|(gre|geneve)-proto-0x\w+$|ethertype Unknown, *$'
                       r'|RPL, length \d+$|(router renumbering|node information|ha discovery|mobile router|[mM]obile).*|(NetBeui|DSAP).*|dsap IPX .*|\bIPX Unnumbered.*|igmp-(30|31)$')
SHOWN = {
    'type': '0800 86dd 0806 8035 8847 8848 8863 8864 888e 88cc 8809 880b'.split(),
    'protocol': '0 1 2 4 6 17 41 43 44 47 50 51 58 59 60 89 112 132'.split(),
    'link': '0 1 9 12 50 101 104 105 107 108 113 127 228 229 276 281 282 284 285'.split(),
    'pid': '2000 010b'.split(),
}

# what a packet has that is not whole, or not sound, as tcpdump says it
UNSOUND = re.compile(r'\[\||\(invalid\)|truncated|\[bad |bad-|\bbogus|\[Invalid|wrong link|version error|too short|BAD PTR|BAD LABEL|'
                     r'\[len \d+|remaining|unknown ip \d|UDP, bad length|\[prefix length|cut off|Bad chunk|trunc|ERROR|smaller than|larger than|'
                     r'TOO LONG|missing|\(packet |\[length|fragment\?|No length|\[!init|\[domain|extra after|invalid')
ADDRESS = r'[0-9a-f.:]+'

# tcpdump's line, changed exactly so, is rawcap's: (what, pattern, replacement)
EXCUSES = [
    ('names of DNS types that tcpdump 4.99.3 does not know', r'\bType(64|65|50|51|52|257)\b',
     lambda m: {'64': 'SVCB', '65': 'HTTPS', '50': 'NSEC3', '51': 'NSEC3PARAM', '52': 'TLSA', '257': 'CAA'}[m.group(1)]),
    ('VXLAN: what it carries stands on the same line', r'(VXLAN, .* vni \d+) ', r'\1: '),
    ('SCTP: channels of ForCES are not told', r'(: sctp)(?:\[ForCES ..\])+(.*?)( ForCES .*)?$', r'\1\2'),
    ('IKEv1: who began is not remembered', r'(isakmp: phase \S+) [IR?] ', r'\1 . '),
    ('802.11: SAE is named', r'Authentication \(Reserved\)', 'Authentication (SAE)'),
    ('OSPF: a type that cannot be', r'unknown LS-type (\d+)', r'unknown packet type (\1)'),
    ('DSA: why the switch sent it to the CPU', r', code [^,]+,', ','),
    ('cooked: the interface is a number in a file', r'^(\S+ +)((?:In|Out|B|M|P|\?) *)(ifindex \d+ )?', None),
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
    m = re.match(r'(.*(?:%s\.?\d+ > (?:%s\.)?\d+|\d+ > \d+): )(Flags \[[^]]*\].*?, length \d+)?' % (ADDRESS, ADDRESS), line)
    return m.group(0) if m else line


def excused(t, o, index):
    """tcpdump's line with the excuses that hold made good, and which those are."""
    used = []
    for what, pattern, change in EXCUSES:
        if change is None:
            if index is None:
                continue
            new = re.sub(pattern, lambda m: 'ifindex %d %s' % (index, m.group(2)), t, count=1)
        else:
            new = re.sub(pattern, change, t).rstrip()
        if new != t:
            t = new
            used.append(what)
    return t, used


def classify(t, o, index=None):
    if t == o:
        return 'equal', ''
    t, used = excused(t, o, index)
    o = re.sub(r'(isakmp: phase \S+) [IR?] ', r'\1 . ', o)
    if used and t == o:
        return 'equal', used[0]
    if re.sub(r'\w* ?\[bad opt\]\]?$', '', t) == re.sub(r'\[bad opt\]\], length \d+$', '', o):
        return 'equal', 'TCP options that cannot be: the length is told all the same'
    if '<DOMAIN NAME TOO LONG>' in t and '<DOMAIN NAME TOO LONG>' in o:
        return 'cut', ''
    if re.search(r'(DeAuthentication|Disassociation).*: reason \d+$|: status \d+$|: category \d+ Act#\d+$', o) and t.startswith(re.sub(r'(reason \d+|status \d+|category \d+ Act#\d+)$', '', o)):
        return 'payload', '802.11: rare reasons and states, and actions, by number'
    if o.startswith(t) and t:
        return 'more', ''
    t = re.sub(r' *\[remaining caplen.*?\]', '', t)
    bare = re.sub(r' *(\[\|[\w. -]+\]>?|\(invalid\))*$', '', t), re.sub(r' *(\[\|[\w. -]+\]|\(invalid\))*$', '', o)
    if bare[0] != t and bare[1] != o and (bare[0].startswith(bare[1].rstrip()) or bare[1].startswith(bare[0].rstrip())):
        return 'cut', ''
    if bare[0] != t and o.startswith(bare[0].rstrip()):
        return 'more', ''
    o = re.sub(r',? ?, SNMP(v1|v2c|v3)$', '', o)
    if t.startswith(o) and len(o) > len(transport(o).rstrip()) or t.startswith(o) and 'Flags [' in o:
        return 'payload', ''
    if transport(t) == transport(o) and (re.search(r': UDP, length \d+$', o) or 'Flags [' in o):
        return 'payload', ''
    m = BY_NUMBER.search(o)
    if m and not any(m.groupdict()[k] in v for k, v in SHOWN.items()):
        return 'other', ''
    return 'different', ''


def packets(path):
    """The packets of a pcap file: (caplen, origlen, bytes); and its link type."""
    data = open(path, 'rb').read()
    order = '<' if data[0] != 0xa1 else '>'
    at, out = 24, []
    while at + 16 <= len(data):
        _, _, caplen, origlen = struct.unpack(order + '4I', data[at:at + 16])
        out.append((caplen, origlen, data[at + 16:at + 16 + caplen]))
        at += 16 + caplen
    return data[:24], order, out


def merged(paths, out):
    """The packets of files of one link type in one file, in which a packet's time is its number, so that the lines of
    two programs find each other. Returns where each comes from, and the packets."""
    origins, all_of_it = [], []
    for path in paths:
        for n, packet in enumerate(packets(path)[2]):
            origins.append('%s %d' % (os.path.basename(path), n))
            all_of_it.append(packet)
    with open(out, 'wb') as f:
        f.write(struct.pack('<IHHIIII', 0xa1b2c3d4, 2, 4, 0, 0, 262144, linktype(paths[0])))
        for n, (caplen, origlen, data) in enumerate(all_of_it):
            f.write(struct.pack('<4I', n, 0, caplen, origlen) + data)
    return origins, all_of_it


def linktype(path):
    head, order, _ = packets(path)
    return struct.unpack(order + 'I', head[20:24])[0]


class Count:
    def __init__(self):
        self.all, self.sound, self.reasons, self.examples = collections.Counter(), collections.Counter(), collections.Counter(), []

    def add(self, other):
        self.all += other.all
        self.sound += other.sound
        self.reasons += other.reasons
        self.examples += other.examples


def compare(pcapshow, f, options, origins, all_of_it):
    verbose = '-v' in options
    theirs = lines(['tcpdump', '-nnS', '-tt', '-r', f] + [x if x != '-v' else '-vv' for x in options])
    ours = lines([pcapshow, f, '-tt'] + options)
    sll2 = linktype(f) == 276
    count = Count()
    for n, (caplen, origlen, data) in enumerate(all_of_it):
        t, o = theirs.get(n), ours.get(n, ['(no line)'])
        if t is None:
            continue
        if looks(options):
            if sum(x.startswith('\t0x0000:') for x in t) == 1:   # some it shows twice
                a, b = [[x.replace('\t', ' ') for x in l if x.startswith('\t0x')] for l in (t, o)]
                kind = ('equal' if a == b else 'different'), ''
            else:
                continue
        else:
            join = (lambda l: ' '.join(x.strip() for x in l if x.strip()).replace(' ,', ','))
            t = [join([re.sub(r'^\t +0x[0-9a-f]{4}: (?: [0-9a-f]{2,4})+|^\t0x.*', '', x) for x in t])]   # hex without being asked
            o = [join(o)]
            kind = classify(t[0], o[0], int.from_bytes(data[4:8], 'big') if sll2 else None)
        count.all[kind[0]] += 1
        if kind[1]:
            count.reasons[kind[1]] += 1
        if caplen == origlen and not UNSOUND.search(t[0]) and kind[0] != 'other':
            count.sound[kind[0]] += 1
            strict = True
        else:
            strict = STRICT
        if kind[0] == 'different' and strict:
            count.examples.append('%s %s\n  tcpdump: %s\n  rawcap:  %s' % (origins[n], ' '.join(options), t[0], o[0]))
    return count


def looks(options):
    return any(o[1:2] in 'xXA' for o in options)


def figures(c):
    return ', '.join('%d %s' % (c[k], k) for k in KINDS if c[k])


def main():
    pcapshow, files = sys.argv[1], sys.argv[2:]
    shown = int(os.environ.get('SHOWN', '20'))
    scratch = tempfile.TemporaryDirectory()
    total, hexes = Count(), Count()
    ways = [[], ['-e']] + [o.split() for o in os.environ.get('WAYS', '').split(',') if o]
    if os.environ.get('LOOKS'):
        ways += [['-x'], ['-X'], ['-xx'], ['-XX']]
    groups = collections.defaultdict(list)
    for f in files:
        groups[linktype(f)].append(f)
    for group in groups.values():
        copy = os.path.join(scratch.name, 'merged.pcap')
        origins, all_of_it = merged(group, copy)
        for options in ways:
            c = compare(pcapshow, copy, options, origins, all_of_it)
            (hexes if looks(options) else total).add(c)
    print('\n'.join((total.examples + hexes.examples)[:shown]))
    whole = sum(total.sound.values())
    good = whole - total.sound['different'] - total.sound['cut']
    same = total.sound['equal'] + total.sound['more']
    print('lines: %d: %s' % (sum(total.all.values()), figures(total.all)))
    print('whole, of protocols that are shown: %d: %s' % (whole, figures(total.sound)))
    print('%.2f %% the same up to the payload, %.2f %% the same' % (good * 100 / max(whole, 1), same * 100 / max(whole, 1)))
    if hexes.all:
        print('hex: %s' % figures(hexes.all))
    for why, n in total.reasons.most_common():
        print('%7d %s' % (n, why))
    failed = good * 100 < LEAST * whole or same * 100 < EQUAL * whole or hexes.all['different'] or not same
    return bool(failed or (STRICT and total.all['different']))


KINDS = ('equal', 'more', 'payload', 'cut', 'other', 'different')
LEAST, EQUAL = float(os.environ.get('LEAST', '100')), float(os.environ.get('EQUAL', '0'))
STRICT = 'LEAST' not in os.environ
sys.exit(main())
