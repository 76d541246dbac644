/* SPDX-License-Identifier: MIT */
/* steps_count.c - counts for steps.c; compiled without the coverage that calls it */
unsigned long steps_taken;
void __sanitizer_cov_trace_pc(void);

void __sanitizer_cov_trace_pc(void)
{
	steps_taken++;
}
