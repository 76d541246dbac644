/* SPDX-License-Identifier: MIT
 *
 * text.h: puts text together in memory that the caller owns: messages, file names, filter rules.
 * What has no room is left out; the text always ends with a 0.
 *
 *	char memory[100];
 *	struct text t = { memory, sizeof memory, 0 };
 *	text_add(&t, "eth0 has ");
 *	text_add_number(&t, 7, 1);
 *	... t.at is "eth0 has 7", t.len is 10
 */
#ifndef RAWCAP_TEXT_H
#define RAWCAP_TEXT_H

#include <stddef.h>
#include <stdint.h>

struct text {
	char *at;	/* the memory */
	size_t size;	/* bytes of it, from 1 */
	size_t len;	/* bytes of text in it, the 0 behind them not counted */
};

static inline void text_add_char(struct text *t, char c)
{
	if (t->len + 1 < t->size)
		t->at[t->len++] = c;
	t->at[t->len] = 0;
}

static inline void text_add(struct text *t, const char *text)
{
	while (*text)
		text_add_char(t, *text++);
}

/* Adds at most MAX bytes of TEXT, which a stranger chose: each byte that is not printable ASCII, and
 * could play tricks on a terminal, becomes a question mark. */
static inline void text_add_foreign(struct text *t, const char *text, size_t max)
{
	for (; *text && max > 0; text++, max--)
		text_add_char(t, *text < ' ' || *text > '~' ? '?' : *text);
}

/* Adds N in decimal, with zeros in front up to WIDTH digits (1 to 20). */
static inline void text_add_number(struct text *t, uint64_t n, unsigned width)
{
	char digits[20];	/* of 2^64 - 1 */
	unsigned count = 0;

	while (n > 0 || count < width) {
		digits[count++] = (char)('0' + n % 10);
		n /= 10;
	}
	while (count > 0)
		text_add_char(t, digits[--count]);
}

/* Empties T and returns it, for a new text. */
static inline struct text *text_clear(struct text *t)
{
	t->len = 0;
	t->at[0] = 0;
	return t;
}

#endif
