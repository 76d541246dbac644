/* What must hold of every line that show.h writes, whatever the packet. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../show.h"

static void wrong(const char *what, const struct show *s)
{
	fprintf(stderr, "%s: linktype %u, %u bytes of %u\n", what, s->linktype, s->caplen,
	    s->origlen);
	abort();
}

/* One line: ended by "\n", nothing but printable ASCII before (a hex line starts with a tab; text may
 * hold tabs; a verbose line has lines inside, which begin with a blank or a tab), inside its buffer. */
static void check_line(const char *line, size_t n, const struct show *s)
{
	size_t i;

	if (n < 1 || n > SHOW_LINE)
		wrong("length", s);
	if (line[n - 1] != '\n')
		wrong("end", s);
	for (i = 0; i + 1 < n; i++) {
		if (line[i] >= 32 && line[i] <= 126)
			continue;
		if (line[i] == '\t' && (i == 0 || s->verbose || s->hex & SHOW_TEXT))
			continue;
		if (line[i] != '\n' || !s->verbose || (line[i + 1] != ' ' && line[i + 1] != '\t'))
			wrong("character", s);
	}
}

/* Shows a packet from a copy that ends where its bytes end, so that the sanitizer sees one byte
 * too far; twice, for it may remember nothing but times; with guards around the line. Returns the lines of hex. */
static unsigned check_packet(struct show *s)
{
	static char room[2][SHOW_LINE + 16];
	unsigned char *copy = malloc(s->caplen ? s->caplen : 1);
	char *line = room[0] + 8;
	struct show again;
	uint32_t at;
	unsigned lines = 0;
	size_t n;

	if (s->caplen)
		memcpy(copy, s->bytes, s->caplen);
	s->bytes = copy;
	memset(room, 0x55, sizeof room);
	again = *s;
	n = show_packet(line, s);
	check_line(line, n, s);
	/* what is left in the struct from one packet must not matter to the next */
	memset((char *)&again + offsetof(struct show, cut), 0xa5, sizeof again - offsetof(struct show, cut));
	if (show_packet(room[1] + 8, &again) != n || memcmp(room[1] + 8, line, n))
		wrong("not the same again", s);
	if (memcmp(room[0], "UUUUUUUU", 8) || memcmp(line + SHOW_LINE, "UUUUUUUU", 8))
		wrong("outside the buffer", s);
	if (s->linklen > s->caplen)
		wrong("link header behind the end", s);
	for (at = 0; (n = show_hex(line, s, &at)) != 0; lines++)
		check_line(line, n, s);
	free(copy);
	return lines;
}
