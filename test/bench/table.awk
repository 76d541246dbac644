# Stalls and single runs (run.sh) -> Markdown: medians for each load and program, start-up with what a
# stall loses, and the ratios that say how far from the limits rawcap is.
# gawk and mawk both know all that is used here.
BEGIN { FS = "\t" }

function remember(program) {
	if (!(program in known)) {
		known[program] = 1
		programs[++nprograms] = program
	}
}

# A stall: program, bytes of a frame, lost, sent.
NF == 4 {
	remember($1)
	value[$1 FS $2, "lost", ++stalls[$1 FS $2]] = $3 * 100 / $4
	if (!($2 in stalled)) {
		stalled[$2] = 1
		sizes[++nsizes] = $2
	}
	next
}

{
	key = $1 FS $2
	if (!(key in runs))
		keys[++nkeys] = key
	if (!($1 in seen)) {
		seen[$1] = 1
		loads[++nloads] = $1
	}
	n = ++runs[key]
	for (i = 3; i <= NF; i++)
		value[key, i, n] = $i
	if ($8 > 0) {
		program = $1 ~ /no options/ ? $2 "-default" : $2
		remember(program)
		value[program, "start", ++starts[program]] = $8
		if ($7 > rss[program])
			rss[program] = $7
	}
}

# Puts the N values of KEY's column into sorted[].
function order(key, column, n,   i, j, v) {
	for (i = 1; i <= n; i++) {
		v = value[key, column, i] + 0
		for (j = i - 1; j > 0 && sorted[j] > v; j--)
			sorted[j + 1] = sorted[j]
		sorted[j + 1] = v
	}
}

function median(key, column, n) {
	order(key, column, n)
	return sorted[int((n + 1) / 2)]
}

# What cannot be undercut: the bare write and the bare walk, which is measured beside tmpfs.
function limit(load,   beside) {
	beside = load
	sub(/, (pipe|null)/, ", tmpfs", beside)
	return cost(load, "floor") && cost(beside, "walk") ? cost(load, "floor") + cost(beside, "walk") : 0
}

# The median of a program's ns/packet in a load; 0 if it was not measured.
function cost(load, program) {
	return median(load FS program, 3, runs[load FS program])
}

function ratio(a, b) { return a && b ? sprintf("%.2f", a / b) : "" }

function row(key,   n, k, ns) {
	n = runs[key]
	split(key, k, FS)
	ns = median(key, 3, n)
	printf "| %s | %s | %.0f (%.0f-%.0f) | %s | %.1f %% | %.2f | %.2f |\n", k[1], k[2], ns, sorted[1],
	    sorted[n], ratio(ns, cost(k[1], "tcpdump")), median(key, 9, n), median(key, 4, n), median(key, 6, n)
}

function table_of_runs(   i) {
	print "\n| frame, rate, to | program | ns/packet | of tcpdump's | kept | sleeps/1000 |" \
	    " writes/1000 |"
	print "| --- | --- | --- | --- | --- | --- | --- |"
	for (i = 1; i <= nkeys; i++)
		row(keys[i])
}

# What a stall of a second loses of frames of SIZE.
function lost(program, size) {
	if (!stalls[program FS size])
		return ""
	return sprintf("%.1f %%", median(program FS size, "lost", stalls[program FS size]))
}

function table_of_programs(   i, j) {
	if (nsizes)
		print "\n`-default`: without any options. Lost: of 1.5 MB (of frames of 64 ... bytes, headers" \
		    " included) that arrive in a second in which the program stands still."
	printf "\n| program | ms from exec to bound | peak RSS, KiB, ring included |"
	for (j = 1; j <= nsizes; j++)
		printf " lost, %d B |", sizes[j]
	printf "\n| --- | --- | --- |"
	for (j = 1; j <= nsizes; j++)
		printf " --- |"
	for (i = 1; i <= nprograms; i++) {
		printf "\n| %s | ", programs[i]
		if (starts[programs[i]])
			printf "%.1f | %d |", median(programs[i], "start", starts[programs[i]]), rss[programs[i]]
		else
			printf "| |"
		for (j = 1; j <= nsizes; j++)
			printf " %s |", lost(programs[i], sizes[j])
	}
	print ""
}

function table_of_ratios(   i, load, r) {
	print "\n| ns/packet of ... to that of ... | rawcap, tcpdump | rawcap, floor + walk |" \
	    " rawcap-pcapng, rawcap | rawcap-B0, plain |"
	print "| --- | --- | --- | --- | --- |"
	for (i = 1; i <= nloads; i++) {
		load = loads[i]
		r = cost(load, "rawcap")
		printf "| %s | %s | %s | %s | %s |\n", load, ratio(r, cost(load, "tcpdump")), ratio(r, limit(load)),
		    ratio(cost(load, "rawcap-pcapng"), r), ratio(cost(load, "rawcap-B0"), cost(load, "plain"))
	}
}

END {
	table_of_ratios()
	table_of_programs()
	table_of_runs()
}
