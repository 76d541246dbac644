# Single runs (run.sh) -> SVG: for each load without a filter to tmpfs a panel, a bar for each
# program as long as its median of ns/packet, cut where it would leave the panel, with a line from
# the least to the most.
BEGIN {
	FS = "\t"
	BAR = 16; LEFT = 110; WIDTH = 400; GAP = 44; MOST = 4	# MOST: of tcpdump's, what a panel shows
}

{
	split($1, k, ",")
	if (k[3] != "tmpfs" || k[4] != "-")
		next
	load = k[1] "," k[2]
	if (!(load in count))
		loads[++nloads] = load
	if (!($1 in runs))
		program[load, ++count[load]] = k[5]
	value[load, k[5], ++runs[$1]] = $2
	n[load, k[5]] = runs[$1]
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

function bar(load, name, y, scale,   m, w, most, cut) {
	m = order(load SUBSEP name, n[load, name])
	cut = m * scale > WIDTH
	w = cut ? WIDTH : m * scale
	most = sorted[n[load, name]] * scale
	text(LEFT - 6, y + 12, "end", 11, name)
	printf "<rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>\n", LEFT, y + 2,
	    w, BAR - 4, name ~ /^rawcap/ ? "#2a78b8" : name ~ /^(floor|walk|plain)$/ ? "#bbb" : "#d98a3d"
	if (!cut)
		printf "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\" stroke=\"#333\"/>\n",
		    LEFT + sorted[1] * scale, LEFT + (most > WIDTH ? WIDTH : most), y + 8, y + 8
	text(LEFT + WIDTH + 6, y + 12, "start", 11, sprintf("%.0f%s", m, cut ? " (cut)" : ""))
}

END {
	height = 60
	for (l = 1; l <= nloads; l++)
		height += count[loads[l]] * BAR + GAP
	printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"640\" height=\"%d\" ", height
	print "font-family=\"sans-serif\">"
	print "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>"
	text(12, 20, "start", 14, "CPU per captured packet, ns (user + system; shorter is better)")
	text(12, 36, "start", 9, subtitle)
	y = 50
	for (l = 1; l <= nloads; l++) {
		split(loads[l], k, ",")
		text(12, y + 14, "start", 12,
		    k[1] " bytes, " (k[2] ? k[2] " packets/s" : "flat out") ", to tmpfs")
		y += 22
		most = 1
		base = 0
		for (p = 1; p <= count[loads[l]]; p++) {
			name = program[loads[l], p]
			m = order(loads[l] SUBSEP name, n[loads[l], name])
			most = m > most ? m : most
			if (name == "tcpdump")
				base = m * MOST
		}
		most = base && most > base ? base : most
		for (p = 1; p <= count[loads[l]]; p++) {
			bar(loads[l], program[loads[l], p], y, WIDTH / (most * 1.1))
			y += BAR
		}
		y += GAP - 22
	}
	print "</svg>"
}
