/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * term.h: colour and a pager on a terminal.  Other output is plain unless
 * --color=always is given.
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

/* --color, --no-pager.  The input is a struct term, zeroed before. */
extern const struct argp term_argp;
/* --color only, for a command without a pager.  It must set no_pager. */
extern const struct argp term_color_argp;

/*
 * Callers must call this before the first output.  Colour follows --color;
 * without it, it is used on a terminal that has colours unless NO_COLOR is set.
 * The pager is $PAGER, else less(1) if installed; none if PAGER is empty.
 */
void term_begin(const struct term *t);
/* Return true if the pager has quit: further output is lost. */
bool term_quit(void);
/*
 * Wait for the pager.  Return EXIT_OK if all output was written or the pager quit
 * early, else EXIT_FAIL.
 */
int term_end(void);

enum term_paint { TERM_HEAD, TERM_NAME, TERM_EVENT, TERM_BAD };

/* Return the escape sequence that begins or ends the colour, or "". */
const char *term_on(enum term_paint paint);
const char *term_off(void);

#endif /* XENFLIGHT_TERM_H */
