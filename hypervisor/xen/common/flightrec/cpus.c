/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * common/flightrec/cpus.c: hold the pointer to each pCPU's recorder.
 *
 * The core reads it through the seam (fr_this_cpu()), so it is defined below
 * the core; buffers.c writes it.
 */

#include "ring.h"

struct fr_cpu *__read_mostly flightrec_cpu[NR_CPUS];

/*
 * Local variables:
 * mode: C
 * c-file-style: "BSD"
 * c-basic-offset: 4
 * tab-width: 4
 * indent-tabs-mode: nil
 * End:
 */
