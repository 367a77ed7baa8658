/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * common/flightrec/state.c: hold the state that the parts around the core
 * share: the set of buffers, and whether events are recorded.
 *
 * It calls the core and nothing else of the recorder.
 */

#include <xen/flightrec.h>
#include <xen/trace.h>

#include "glue.h"

DEFINE_SPINLOCK(fr_lock);
struct fr_set fr_set;
bool __read_mostly fr_ready;

bool fr_running(void)
{
    return test_bit(TRC_SINK_FLIGHTREC, &tb_init_done);
}

void fr_mark(uint32_t event, const uint32_t *words, unsigned int nr)
{
    if ( fr_running() )
        fr_trace(event, words, nr * sizeof(*words));
}

void fr_start(void)
{
    set_bit(TRC_SINK_FLIGHTREC, &tb_init_done);
    fr_mark(XEN_FLIGHTREC_EV_START, NULL, 0);
}

void fr_halt(void)
{
    fr_mark(XEN_FLIGHTREC_EV_STOP, NULL, 0);
    clear_bit(TRC_SINK_FLIGHTREC, &tb_init_done);
}

/*
 * Local variables:
 * mode: C
 * c-file-style: "BSD"
 * c-basic-offset: 4
 * tab-width: 4
 * indent-tabs-mode: nil
 * End:
 */
