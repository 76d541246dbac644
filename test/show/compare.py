#!/usr/bin/env python3
"""compare.py PCAPSHOW FILE...: holds pcapshow's lines against those of `tcpdump -nnS`.

Every packet falls into one class:
  equal      the whole line is the same
  transport  the same up to and including the transport's own fields; the payload's protocol differs
  explained  differs for one of the reasons listed in EXPLAINED
  different  anything else: the run fails
"""
import collections, os, re, struct, subprocess, sys, tempfile

ADDRESS = r'[0-9a-f.:]+'
CUT = r' *\[(?:remaining caplen.*)?\[?\|[\w.]+\]>?$'

# why, tcpdump's line, rawcap's line: both patterns must be found. README.md says the same in words.
EXPLAINED = [
    ('an IP header that cannot be is only called invalid', r'IP\d* \(invalid\)|bad-hlen|bad-len|version error|wrong link-layer|unknown ip|truncated-ip6? \d+$', r'\(invalid\)|\[\|'),
    ('TCP options that cannot be are shown as unknown, in hex, or as a bad opt', r'options \[.*(\[bad opt\]|\[len \d+\]|invalid sack)', r'options \['),
    ('TCP header length that cannot be: shown in fewer words', r'bad hdr length', r'bad hdr length'),
    ('TCP options that are rare are unknown, in hex', r'(mptcp|tfo|exp-|scps|uto|md5|tcp-ao|echo|cc\w*) ', r'unknown-\d+ 0x'),
    ('UDP length below 8 is a bad length', r'truncated-udp', r'UDP, bad length|\[\|udp\]'),
    ('ICMP kinds beyond echo, unreachable, redirect, time exceeded: by number', r'ICMP (?!echo)', r'ICMP type-#'),
    ('ICMP unreachable codes that are rare: by number', r'ICMP .*unreachable - ', r'ICMP .* unreachable - #'),
    ('ICMP unreachable port of neither TCP nor UDP', r'protocol \d+ port', r'  port \d+ unreachable'),
    ('ICMPv6 kinds beyond those for which lines are equal: by number', r'ICMP6, (?!echo|router|neighbor)', r'unknown icmp6 type|unreachable, #'),
    ('ICMPv6 quoting a packet that tcpdump does not look into', r'unreachable port \[\|icmp6\]', r'unreachable port, '),
    ('ICMPv6 without a byte', r'ICMP6, length 0', r'\[\|icmp6\]'),
    ('multicast listener query: version and group not shown', r'multicast listener query', r'multicast listener query'),
    ('IPv6 routing header: only named', r'RT6 \(', r'RT6'),
    ('IPv6 extension headers that are refused or not known to tcpdump', r'Hop-by-Hop|Jumbo|mobility', r''),
    ('ARP of another operation, or for another protocol than IPv4', r'^(ARP, )?(Inverse|Unknown|NACK|.* \(len \d+\), )|^ *\[\|arp', r'^(ARP, )?(ARP|Unknown|Re)'),
    ('ARP with addresses of other lengths: only named', r'^(ARP, )?(Re|.*\(len \d+\), )', r'^ARP, length'),
    ('ARP for a hardware address that ends in four zeros: not shown', r'who-has \S+ \(..:..:00:00:00:00\)', r'who-has'),
    ('protocols that rawcap only names or numbers', r'', r'(EAPOL|LLDP|STP 802\.1d|LLC|PPPoE.*|802\.11 [\w ]+?|igmp|GRE|sctp|PPP)(, length \d+)?$| ip-proto-\d+ \d+$'),
    ('ethertypes that rawcap does not know', r'', r'ethertype Unknown \(0x\w+\)'),
    ('802.3 is shown as an ethertype under -e', r'802\.3, length', r'ethertype 802\.3'),
    ('direction of a cooked packet under -e: not right-aligned', r'^ *(In|B|M|P|Out|\?) ', r'^(In|B|M|P|Out|\?) '),
    ('the options in an IPv6 extension header are not looked into', r'HBH +\[\|hbhopt\]$', r'HBH '),
    ('an extension header with nothing behind it', r'(HBH|DSTOPT)( +\[\|.*)?$|frag \(\d+\|\d+\)$', r'(HBH|DSTOPT)( +\[\|.*)?$|\[\|frag6'),
    ('PPPoE that cannot be', r'PPPoE', r'PPPoE'),
    ('cooked VLAN: named only under -e', r'^ethertype IPv4, IP', r'^IP '),
    ('rawcap goes %d layers deep' % 16, r'', r': *$'),
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
    m = re.match(r'(.*?%s\.?\d+ > (?:%s\.)?\d+: )(.*)' % (ADDRESS, ADDRESS), line)
    if not m or m.group(2).startswith('ICMP'):
        return line
    if not m.group(2).startswith('Flags ['):
        return m.group(1)
    m = re.match(r'(.*?Flags \[[^]]*\].*?, length \d+)(?=$|[:,. ])', line)
    return m.group(1) if m else line


def interface(line):
    """SLL2 begins with the name that the interface has on the machine that reads the file."""
    return re.sub(r'^\S+ +((?:In|Out|B|M|P|\?) +)(?:ifindex \d+ )?', r'\1', line)


def classify(t, o):
    if t == o:
        return 'equal', ''
    if transport(t) == transport(o):
        return 'transport', ''
    if o.startswith('ifindex '):
        kind, why = classify(interface(t), re.sub(r'^ifindex \d+ ', '', o))
        return ('explained', 'SLL2: ifindex for the name of the interface') if kind in ('equal', 'transport') else (kind, why)
    a, b = re.sub(CUT, '', t), re.sub(CUT, '', o)
    if a != t and b != o and (a.startswith(b) or b.startswith(a) or a.rstrip('PI ').rstrip() == b.rstrip('PI ').rstrip()):
        return 'explained', 'cut: the fields before the cut are shown, or less of them'
    link = re.compile(r'^(?:[0-9a-f:]{17} > |ethertype ).*?length \d+: (?:vlan.*?ethertype .*?\), )*')
    if link.match(t) and link.match(o) and link.match(t).group() == link.match(o).group():
        t, o = link.sub('', t), link.sub('', o)
    for what, first, second in EXPLAINED:
        if re.search(first, t) and re.search(second, o):
            return 'explained', what
    return 'different', ''


def numbered(path, out):
    """A copy of the file in which a packet's time is its number, so that the lines of two programs find each other."""
    data = open(path, 'rb').read()
    order = '<' if data[0] != 0xa1 else '>'
    at, n = 24, 0
    with open(out, 'wb') as f:
        f.write(data[:24])
        while at + 16 <= len(data):
            _, _, caplen, origlen = struct.unpack(order + '4I', data[at:at + 16])
            f.write(struct.pack(order + '4I', n, 0, caplen, origlen) + data[at + 16:at + 16 + caplen])
            at, n = at + 16 + caplen, n + 1


def compare(pcapshow, f, options):
    theirs = lines(['tcpdump', '-nnS', '-tt', '-r', f] + options)
    ours = lines([pcapshow, f, '-tt'] + options)
    hexed = [o for o in options if o.lower().startswith('-x')]
    count, reasons, examples = collections.Counter(), collections.Counter(), []
    for n in sorted(set(theirs) | set(ours)):
        t, o = theirs.get(n, ['(no line)']), ours.get(n, ['(no line)'])
        kind, why = classify(t[0], o[0])
        if t[0].startswith('[Invalid header') or t[0] == '(no line)' and n == 0:
            kind, why = 'explained', 'lengths that contradict each other'
        if hexed and kind in ('equal', 'transport') and 'unknown icmp6' not in t[0] and not re.search(CUT, t[0]) and not re.search(CUT, o[0]):
            t, o = [' '.join(x.replace('\t', ' ') for x in l if x.startswith('\t0x')) for l in (t, o)]
            if t != o:
                kind, why = 'different', ''
                t, o = [t], [o]
        count[kind] += 1
        if why:
            reasons[why] += 1
        if kind == 'different':
            examples.append('%s %d %s\n  tcpdump: %s\n  rawcap:  %s' % (os.path.basename(f), n, ' '.join(options), t[0], o[0]))
    return count, reasons, examples


def main():
    pcapshow, files = sys.argv[1], sys.argv[2:]
    shown = int(os.environ.get('SHOWN', '20'))
    scratch = tempfile.TemporaryDirectory()
    total, reasons, examples = collections.Counter(), collections.Counter(), []
    for f in files:
        copy = os.path.join(scratch.name, os.path.basename(f))
        numbered(f, copy)
        for options in ([], ['-e'], ['-x'], ['-X'], ['-xx'], ['-XX']):
            c, r, e = compare(pcapshow, copy, options)
            print('%-16s %-3s %s' % (os.path.basename(f), ' '.join(options), ', '.join('%d %s' % (c[k], k) for k in KINDS if c[k])))
            if not options or options == ['-e']:
                total += c
                reasons += r
            examples += e
    print('\n'.join(examples[:shown]))
    print('%d packets: %s' % (sum(total.values()), ', '.join('%d %s' % (total[k], k) for k in KINDS)))
    for why, n in reasons.most_common():
        print('%7d %s' % (n, why))
    return bool(examples) or not total['equal']


KINDS = ('equal', 'transport', 'explained', 'different')
sys.exit(main())
