# Single runs (run.sh) -> Markdown: a table of medians for each load and program, and one of
# start-up.
# gawk and mawk both know all that is used here.
BEGIN { FS = "\t" }

{
	if (!($1 in runs))
		keys[++nkeys] = $1
	n = ++runs[$1]
	for (i = 2; i <= NF; i++)
		value[$1, i, n] = $i
	split($1, k, ",")
	if ($7 > 0) {
		if (!(k[5] in starts))
			programs[++nprograms] = k[5]
		m = ++starts[k[5]]
		value[k[5], 7, m] = $7
		if ($6 > rss[k[5]])
			rss[k[5]] = $6
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

function row(key,   n, k, peer, ns, ratio) {
	n = runs[key]
	split(key, k, ",")
	peer = k[1] "," k[2] "," k[3] "," k[4] ",tcpdump"
	ns = median(key, 2, n)
	ratio = peer in runs ? sprintf("%.2f", ns / median(peer, 2, runs[peer])) : ""
	order(key, 2, n)
	printf "| %d B, %s, %s%s | %s | %.0f (%.0f-%.0f) | %s | %.1f %% | %.2f | %.2f |\n", k[1],
	    k[2] ? k[2] / 1000 "k/s" : "flat out", k[3], k[4] == "-" ? "" : ", `" k[4] "`", k[5], ns,
	    sorted[1], sorted[n], ratio, median(key, 8, n), median(key, 3, n), median(key, 5, n)
}

END {
	print "\n| frame, rate, to | program | ns/packet | of tcpdump's | kept | sleeps/1000 |" \
	    " writes/1000 |"
	print "| --- | --- | --- | --- | --- | --- | --- |"
	for (i = 1; i <= nkeys; i++)
		row(keys[i])
	print "\n| program | ms from exec to bound | peak RSS, KiB, ring included |"
	print "| --- | --- | --- |"
	for (i = 1; i <= nprograms; i++)
		printf "| %s | %.1f | %d |\n", programs[i],
		    median(programs[i], 7, starts[programs[i]]), rss[programs[i]]
}
