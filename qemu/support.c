// SPDX-License-Identifier: MIT
/*
 * support.c: what a compiler calls for integers where the machine has no instruction. A compiler's own
 * library has it too, but larger, and Debian's for MIPS and RISC-V is made for an FPU that a router's
 * processor may not have: a linker that is strict takes none of it. dist.sh links this in front.
 */
#include <stdint.h>

int __popcountdi2(uint64_t n);
int __popcountsi2(uint32_t n);

int __popcountdi2(uint64_t n)
{
	int bits = 0;

	for (; n; n &= n - 1)
		bits++;
	return bits;
}

int __popcountsi2(uint32_t n)
{
	return __popcountdi2(n);
}

#if UINTPTR_MAX < UINT64_MAX
uint64_t __udivdi3(uint64_t n, uint64_t divisor);
uint64_t __umoddi3(uint64_t n, uint64_t divisor);
int64_t __divdi3(int64_t n, int64_t divisor);
int64_t __moddi3(int64_t n, int64_t divisor);
uint64_t __ashldi3(uint64_t n, int bits);
uint64_t __lshrdi3(uint64_t n, int bits);
int64_t __ashrdi3(int64_t n, int bits);

static uint64_t left_over;	/* of the last division */

uint64_t __udivdi3(uint64_t n, uint64_t divisor)
{
	left_over = 0;
	for (int bit = 0; bit < 64; bit++) {
		left_over = left_over << 1 | n >> 63;
		n <<= 1;
		if (left_over >= divisor) {
			left_over -= divisor;
			n |= 1;
		}
	}
	return n;
}

uint64_t __umoddi3(uint64_t n, uint64_t divisor)
{
	__udivdi3(n, divisor);
	return left_over;
}

static uint64_t without_sign(int64_t n)
{
	return n < 0 ? -(uint64_t)n : (uint64_t)n;
}

int64_t __divdi3(int64_t n, int64_t divisor)
{
	uint64_t quotient = __udivdi3(without_sign(n), without_sign(divisor));

	return (int64_t)((n < 0) == (divisor < 0) ? quotient : -quotient);
}

int64_t __moddi3(int64_t n, int64_t divisor)
{
	uint64_t rest = __umoddi3(without_sign(n), without_sign(divisor));

	return (int64_t)(n < 0 ? -rest : rest);
}

#ifdef __mips__	/* the others' compilers do these in place, or all of their kind at once */
static uint64_t words(uint32_t high, uint32_t low)
{
	return (uint64_t)high << 32 | low;
}

/* Shifts by 0 to 63. */
uint64_t __ashldi3(uint64_t n, int bits)
{
	uint32_t low = (uint32_t)n, high = (uint32_t)(n >> 32);

	if (bits >= 32)
		return words(low << (bits - 32), 0);
	return bits ? words(high << bits | low >> (32 - bits), low << bits) : n;
}

uint64_t __lshrdi3(uint64_t n, int bits)
{
	uint32_t low = (uint32_t)n, high = (uint32_t)(n >> 32);

	if (bits >= 32)
		return high >> (bits - 32);
	return bits ? words(high >> bits, low >> bits | high << (32 - bits)) : n;
}

int64_t __ashrdi3(int64_t n, int bits)
{
	uint64_t u = (uint64_t)n;

	return (int64_t)(n < 0 ? ~__lshrdi3(~u, bits) : __lshrdi3(u, bits));
}
#endif

#ifdef __arm__
int raise(int sig);
void barrier(void) __asm__("__sync_synchronize");

/* Quotient and remainder at once, in r0 to r3. */
__asm__(".text\n"
	".globl __aeabi_uldivmod\n"
	".type __aeabi_uldivmod, %function\n"
	"__aeabi_uldivmod:	push {r4, lr}\n"
	"	bl __udivdi3\n"
	"	ldr r2, =left_over\n"
	"	ldmia r2, {r2, r3}\n"
	"	pop {r4, pc}\n"
	".ltorg\n");

/* setjmp(3): musl's has instructions for each FPU that it might find. */
__asm__(".arm\n"
	".globl setjmp, longjmp\n"
	".type setjmp, %function\n"
	".type longjmp, %function\n"
	"setjmp:	mov ip, sp\n"
	"	stmia r0, {r4-ip, lr}\n"
	"	mov r0, #0\n"
	"	bx lr\n"
	"longjmp:	ldmia r0, {r4-ip, lr}\n"
	"	mov sp, ip\n"
	"	mov r0, r1\n"
	"	bx lr\n");

/* What the compiler's library calls for a division by 0. */
int raise(int sig)
{
	(void)sig;
	__builtin_trap();
}

#if __ARM_ARCH < 6
void barrier(void)	/* Documentation/arm/kernel_user_helpers.rst: kuser_memory_barrier */
{
	((void (*)(void))0xffff0fa0)();
}
#endif
#endif
#endif

#if defined __mips__ || defined __riscv
uint32_t __bswapsi2(uint32_t n);
uint64_t __bswapdi2(uint64_t n);

uint32_t __bswapsi2(uint32_t n)
{
	return n << 24 | (n & 0xff00) << 8 | (n >> 8 & 0xff00) | n >> 24;
}

uint64_t __bswapdi2(uint64_t n)
{
	return (uint64_t)__bswapsi2((uint32_t)n) << 32 | __bswapsi2((uint32_t)(n >> 32));
}
#endif
