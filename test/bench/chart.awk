# Single runs (run.sh) -> SVG: for each load without a filter to tmpfs a panel with an axis, a bar for
# each capture program as long as its median of ns/packet, and a line from the least to the most. A bar
# that would leave the panel has a break in it and its number behind it.
BEGIN {
	FS = "\t"
	BAR = 16; LEFT = 110; WIDTH = 400; HEAD = 22; AXIS = 34
	MOST = 4	# of tcpdump's, what a panel shows
	OURS = "#2a78b8"; OTHERS = "#d98a3d"
}

$1 ~ /^[0-9]+ B, [^,]*, tmpfs$/ && $2 !~ /^(floor|walk|plain)$/ {
	if (!($1 in count))
		loads[++nloads] = $1
	if (!(($1, $2) in n))
		program[$1, ++count[$1]] = $2
	value[$1, $2, ++n[$1, $2]] = $3
}

function order(key, n,   i, j, v) {
	for (i = 1; i <= n; i++) {
		v = value[key, i] + 0
		for (j = i - 1; j > 0 && sorted[j] > v; j--)
			sorted[j + 1] = sorted[j]
		sorted[j + 1] = v
	}
	return sorted[int((n + 1) / 2)]
}

function text(x, y, anchor, size, what) {
	printf "<text x=\"%d\" y=\"%d\" text-anchor=\"%s\" font-size=\"%d\">%s</text>\n", x, y, anchor,
	    size, what
}

function box(x, y, width, height, color) {
	printf "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"/>\n", x, y, width,
	    height, color
}

function line(x1, y1, x2, y2, color) {
	printf "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\"/>\n", x1, y1, x2, y2,
	    color
}

# A white stripe through a bar, oblique, from X.
function break_mark(x, y) {
	printf "<polygon points=\"%d,%d %d,%d %d,%d %d,%d\" fill=\"#fff\"/>\n", x, y + BAR, x + 8, y, x + 14,
	    y, x + 6, y + BAR
}

function bar(load, name, y, scale,   m, most, cut) {
	m = order(load SUBSEP name, n[load, name])
	cut = m * scale > WIDTH
	most = sorted[n[load, name]] * scale
	text(LEFT - 6, y + 12, "end", 11, name)
	box(LEFT, y + 2, cut ? WIDTH : m * scale, BAR - 4, name ~ /^rawcap/ ? OURS : OTHERS)
	if (cut)
		break_mark(LEFT + WIDTH - 40, y)
	else
		line(LEFT + sorted[1] * scale, y + 8, LEFT + (most > WIDTH ? WIDTH : most), y + 8, "#333")
	text(LEFT + WIDTH + 6, y + 12, "start", 11, sprintf("%.0f", m))
}

# A round number of ns, so that an axis up to MOST has four to ten of them.
function step(most,   s) {
	for (s = 1; most / s > 10; s *= 10)
		;
	return most / s < 2 ? s / 5 : most / s < 5 ? s / 2 : s
}

# The axis from 0 to MOST ns below a panel whose bars begin at TOP.
function axis(top, y, most, scale,   ns, s) {
	s = step(most)
	line(LEFT, y, LEFT + WIDTH, y, "#888")
	for (ns = 0; ns <= most; ns += s) {
		line(LEFT + ns * scale, top, LEFT + ns * scale, y + 4, "#ccc")
		text(LEFT + ns * scale, y + 14, "middle", 9, ns)
	}
	text(LEFT + WIDTH + 6, y + 14, "start", 9, "ns/packet")
}

# What the panel of a load shows: its longest bar, but not more than MOST of tcpdump's.
function extent(load,   p, m, most, base) {
	for (p = 1; p <= count[load]; p++) {
		m = order(load SUBSEP program[load, p], n[load, program[load, p]])
		most = m > most ? m : most
		if (program[load, p] == "tcpdump")
			base = m * MOST
	}
	return 1.05 * (base && most > base ? base : most)
}

function panel(load, y,   p, most, scale, top) {
	most = extent(load)
	scale = WIDTH / most
	text(12, y + 14, "start", 12, load)
	top = y += HEAD
	axis(top, top + count[load] * BAR + 2, most, scale)
	for (p = 1; p <= count[load]; p++) {
		bar(load, program[load, p], y, scale)
		y += BAR
	}
}

function legend(y) {
	box(12, y, 12, 10, OURS)
	text(28, y + 9, "start", 10, "rawcap")
	box(80, y, 12, 10, OTHERS)
	text(96, y + 9, "start", 10, "others")
	line(150, y + 5, 174, y + 5, "#333")
	text(180, y + 9, "start", 10, "least to most")
	box(264, y, 34, 10, OTHERS)
	break_mark(274, y - 3)
	text(304, y + 9, "start", 10, "too long for the panel: its number is right of it")
}

END {
	height = 70
	for (l = 1; l <= nloads; l++)
		height += HEAD + count[loads[l]] * BAR + AXIS
	printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"640\" height=\"%d\" ", height
	print "font-family=\"sans-serif\">"
	box(0, 0, 640, height, "#fff")
	text(12, 20, "start", 14, "CPU per captured packet, ns (user + system; shorter is better)")
	text(12, 36, "start", 9, subtitle)
	legend(44)
	y = 64
	for (l = 1; l <= nloads; l++) {
		panel(loads[l], y)
		y += HEAD + count[loads[l]] * BAR + AXIS
	}
	print "</svg>"
}
