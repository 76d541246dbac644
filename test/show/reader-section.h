/* ---- reading: a file of either byte order and either resolution. No I/O in here. ---- */

enum {
	PCAP_FILE_HEADER = 24,		/* bytes in front of the first record */
	PCAP_RECORD_HEADER = 16,	/* bytes in front of each packet */
	PCAP_CAPLEN_MAX = 262144,	/* libpcap's MAXIMUM_SNAPLEN: a record that claims more is a lie */
};

/* What a file header says about the records. */
struct savefile {
	uint32_t snaplen;	/* 1..262144: of a longer packet only so much is to be used */
	uint32_t linktype;
	uint32_t fraction;	/* nanoseconds in the unit of the records: 1 or 1000 */
	uint8_t swapped;	/* the writer's byte order is not the one of this machine */
};

/* What a record header says about its packet. */
struct record {
	uint32_t sec, nsec;	/* nsec is 0..999999999 */
	uint32_t caplen;	/* bytes that follow, at most PCAP_CAPLEN_MAX */
	uint32_t origlen;	/* as written: may be a lie */
};

/* A 32-bit number of the file. */
static uint32_t savefile_u32(const struct savefile *f, const unsigned char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof v);
	return f->swapped ? __builtin_bswap32(v) : v;
}

/* Takes the first 24 bytes of a file. Returns 0, or why this file is not read. */
static const char *savefile_header(struct savefile *f, const unsigned char *p)
{
	uint32_t magic, version;

	f->swapped = (p[0] == 0xa1) == (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);
	magic = savefile_u32(f, p);
	version = savefile_u32(f, p + 4);	/* two 16-bit numbers: in one, the byte order decides which is in front */
	if (magic == 0x0a0d0d0a)
		return "pcapng, not pcap";
	f->fraction = magic == 0xa1b23c4d ? 1 : 1000;
	if (f->fraction == 1000 && magic != 0xa1b2c3d4)
		return "not a pcap file";
	if (version != 0x00040002 && version != 0x00020004)
		return "not pcap version 2.4";
	f->snaplen = savefile_u32(f, p + 16);
	if (f->snaplen - 1 >= PCAP_CAPLEN_MAX)
		f->snaplen = PCAP_CAPLEN_MAX;
	f->linktype = savefile_u32(f, p + 20) & 0x03ffffff;	/* above: length of a frame check sequence */
	return 0;
}

/* Takes the 16 bytes in front of a packet. False if they cannot be true: the rest of the file is lost. */
static int savefile_record(const struct savefile *f, const unsigned char *p, struct record *r)
{
	r->sec = savefile_u32(f, p);
	r->nsec = savefile_u32(f, p + 4) * f->fraction % 1000000000;
	r->caplen = savefile_u32(f, p + 8);
	r->origlen = savefile_u32(f, p + 12);
	return r->caplen <= PCAP_CAPLEN_MAX;
}
