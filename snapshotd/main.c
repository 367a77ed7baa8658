/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* main.c: read options and configuration, and run one of the three processes. */

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "snapshotd/common/conf.h"
#include "snapshotd/engine/engine.h"
#include "lib/xen/hyp.h"
#include "snapshotd/common/log.h"
#include "snapshotd/monitor/monitor.h"
#include "snapshotd/xenstore/xenstore.h"

enum { OPT_ENGINE = 256, OPT_XENSTORE };

struct options {
    const char *conf;
    const char *backend;
    bool check, engine, xenstore, to_syslog;
};

static const struct argp_option option_list[] = {
    { "config", 'c', "FILE", 0, "Configuration (" CONF_DEFAULT_FILE ")", 0 },
    { "check", 'n', NULL, 0, "Check the configuration and exit", 0 },
    { "syslog", 's', NULL, 0, "Log to syslog instead of stderr", 0 },
    { "backend", 'b', "BACKEND", 0, "auto, flightrec or tbuf; [KIND@]hosted:DIR for tests", 0 },
    { "engine", OPT_ENGINE, NULL, OPTION_HIDDEN, NULL, 0 },
    { "xenstore", OPT_XENSTORE, NULL, OPTION_HIDDEN, NULL, 0 },
    { 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;

    switch ( key )
    {
    case 'c':
        o->conf = arg;
        return 0;
    case 'n':
        o->check = true;
        return 0;
    case 's':
        o->to_syslog = true;
        return 0;
    case 'b':
        o->backend = arg;
        return 0;
    case OPT_ENGINE:
        o->engine = true;
        return 0;
    case OPT_XENSTORE:
        o->xenstore = true;
        return 0;
    case ARGP_KEY_ARG:
        argp_usage(state);
    }
    return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
    .options = option_list,
    .parser = parse,
    .doc = "Writes the flight recorder's history to a file when a guest crashes "
           "or on request.\v"
           "Examples:\n"
           "  snapshotd --check --config FILE\n"
           "  systemctl enable --now snapshotd\n\n"
           "Stays in the foreground.  SIGUSR1 requests a trace snapshot.  See "
           "snapshotd(8).",
};

static int read_conf(struct conf *conf, const char *path)
{
    char why[1024];
    int rc = conf_load(conf, path, why, sizeof(why));

    if ( rc )
        log_error("%s", why);
    return rc;
}

/* The command line takes precedence over the configuration. */
static const char *choose_backend(const char *said, enum hyp_kind conf)
{
    static char both[CONF_PATH];
    static const char *const name[] = {
        [HYP_FLIGHTREC] = "flightrec", [HYP_TBUF] = "tbuf"
    };
    enum hyp_kind kind;

    if ( conf == HYP_AUTO )
        return said;
    if ( !said )
        return name[conf];
    if ( strchr(said, '@') || !hyp_kind(said, &kind) )
        return said;
    snprintf(both, sizeof(both), "%s@%s", name[conf], said);
    return both;
}

int main(int argc, char **argv)
{
    struct options o = { 0 };
    struct monitor_options opt = { 0 };

    argp_program_version = "snapshotd " XENFLIGHT_VERSION;
    argp_err_exit_status = EXIT_CODE_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    umask(077);
    log_open(o.engine     ? "snapshotd[engine]"
             : o.xenstore ? "snapshotd[xenstore]"
                          : "snapshotd",
             o.to_syslog);
    if ( o.engine )
        return engine_run(o.backend);
    if ( o.xenstore )
        return xenstore_run();
    if ( read_conf(&opt.conf, o.conf) )
        return EXIT_CODE_CONF;
    if ( o.check )
        return EXIT_CODE_OK;
    if ( geteuid() )
    {
        log_error("not root: Xen's devices need it: run it as root");
        return EXIT_CODE_ROOT;
    }
    opt.conf_path = o.conf;
    opt.backend = choose_backend(o.backend, opt.conf.backend);
    opt.to_syslog = o.to_syslog;
    return monitor_run(&opt);
}
