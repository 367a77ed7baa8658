/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * term.h: what is different when standard output is a terminal: colour and a
 * pager.  Elsewhere nothing is, unless --color=always says so.
 */

#ifndef XENFLIGHT_TERM_H
#define XENFLIGHT_TERM_H

#include <argp.h>
#include <stdbool.h>

enum term_color { TERM_AUTO, TERM_ALWAYS, TERM_NEVER };

struct term {
    enum term_color color;
    bool no_pager;
};

/* --color, --no-pager; the input is a struct term, zeroed before. */
extern const struct argp term_argp;
/* --color, for a command that has no pager and sets no_pager. */
extern const struct argp term_color_argp;

/*
 * Before the first output.  Colours by --color, else if it is a terminal that has
 * some and NO_COLOR is not set.  The pager is $PAGER, else less(1) if there is
 * one; none if PAGER is empty.
 */
void term_begin(const struct term *t);
/* The reader of the pager has seen enough: what is printed now is lost. */
bool term_quit(void);
/*
 * Was everything that was printed really written, or not wanted any more?  Waits
 * for the pager.  EXIT_OK or EXIT_FAIL.
 */
int term_end(void);

enum term_paint { TERM_HEAD, TERM_WHO, TERM_EVENT, TERM_BAD };

/* What turns it on and off: "" without colour. */
const char *term_on(enum term_paint paint);
const char *term_off(void);

#endif /* XENFLIGHT_TERM_H */
