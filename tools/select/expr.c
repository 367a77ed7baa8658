/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * expr.c: parse filter expressions, bind them to a file, and evaluate them.
 */

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/text.h"
#include "tools/select/expr.h"

#define VALUE_BYTES 80
#define MAX_NODES   (2 * EXPR_MAX_TESTS)
#define WORD_CHARS  "_.:*?[]-"

enum op { OP_HAS, OP_EQ, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE, OP_AND };

enum subject { SUBJ_FIELD, SUBJ_EVENT, SUBJ_CLASS, SUBJ_CHANNEL, SUBJ_PCPU,
               SUBJ_RAN, SUBJ_RAN_VCPU };

static const char *const subject_name[] = {
    [SUBJ_EVENT] = "event", [SUBJ_CLASS] = "class", [SUBJ_CHANNEL] = "channel",
    [SUBJ_PCPU] = "pcpu", [SUBJ_RAN] = "ran", [SUBJ_RAN_VCPU] = "ran_vcpu",
};

struct test {
    size_t at;                 /* offset in the text, for messages */
    enum subject subject;
    enum op op;
    bool quoted;               /* never a number */
    bool is_number;
    __int128 number;           /* holds any uint64_t or int64_t */
    struct doc_domids *domids; /* domains named by the word; NULL: none */
    char name[EVENT_WORD_BYTES];
    char word[VALUE_BYTES];
    /* By event id: index of the field, -1 if absent. */
    int8_t field[XEN_FLIGHTREC_IDS];
};

enum kind { NODE_TEST, NODE_NOT, NODE_ALL, NODE_ANY };

struct node {
    enum kind kind;
    uint16_t a, b;             /* child nodes; NODE_TEST: a is the test */
};

struct expr {
    const struct event_dict *dict;
    const struct lives *lives;
    unsigned int nr_tests, nr_nodes, root;
    struct node node[MAX_NODES];
    struct test test[EXPR_MAX_TESTS];
};

/*
 * Parsing.
 */

struct parser {
    const char *text, *next;
    struct expr *e;
    unsigned int depth;
    char *err;
    size_t bytes;
};

static int wrong(struct parser *p, const char *why)
{
    char safe[24];

    if ( *p->next )
        snprintf(p->err, p->bytes, "at character %zu, before \"%s\": %s",
                 p->next - p->text + 1,
                 text_escape(safe, sizeof(safe), p->next), why);
    else
        snprintf(p->err, p->bytes, "at its end: %s", why);
    return -EINVAL;
}

static void skip_blanks(struct parser *p)
{
    while ( isspace((unsigned char)*p->next) )
        p->next++;
}

static bool take(struct parser *p, const char *token)
{
    skip_blanks(p);
    if ( strncmp(p->next, token, strlen(token)) )
        return false;
    p->next += strlen(token);
    return true;
}

static int new_node(struct parser *p, struct node n, unsigned int *out)
{
    if ( p->e->nr_nodes == MAX_NODES )
        return wrong(p, "the expression is too long");
    *out = p->e->nr_nodes;
    p->e->node[p->e->nr_nodes++] = n;
    return 0;
}

static int parse_name(struct parser *p, struct test *t)
{
    size_t len = 0;

    skip_blanks(p);
    t->at = p->next - p->text;
    while ( isalnum((unsigned char)p->next[len]) || p->next[len] == '_' )
        len++;
    if ( !len || isdigit((unsigned char)*p->next) )
        return wrong(p, "the name of a field is expected");
    if ( len >= sizeof(t->name) )
        return wrong(p, "no field has such a long name");

    memcpy(t->name, p->next, len);
    p->next += len;
    for ( unsigned int i = SUBJ_EVENT; i <= SUBJ_RAN_VCPU; i++ )
        if ( !strcmp(t->name, subject_name[i]) )
            t->subject = i;
    return 0;
}

static enum op parse_op(struct parser *p)
{
    static const struct {
        const char *text;
        enum op op;
    } ops[] = {
        { "==", OP_EQ }, { "!=", OP_NE }, { "<=", OP_LE }, { ">=", OP_GE },
        { "<", OP_LT }, { ">", OP_GT },
    };

    for ( size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++ )
        if ( take(p, ops[i].text) )
            return ops[i].op;
    if ( p->next[0] == '&' && p->next[1] != '&' && take(p, "&") )
        return OP_AND;
    return OP_HAS;
}

/* "12", "-3", "0x1f", "10ms" */
static bool number_of(const char *word, __int128 *out)
{
    bool minus = word[0] == '-';
    uint64_t n;
    char *end;

    word += minus;
    if ( !isdigit((unsigned char)*word) )
        return false;
    errno = 0;
    n = strtoull(word, &end, word[0] == '0' && (word[1] | 32) == 'x' ? 16 : 10);
    if ( (errno || *end) && text_duration(word, &n) )
        return false;
    *out = minus ? -(__int128)n : (__int128)n;
    return true;
}

static int parse_value(struct parser *p, struct test *t)
{
    size_t len = 0;

    skip_blanks(p);
    t->quoted = take(p, "\"");
    if ( t->quoted )
        while ( p->next[len] && p->next[len] != '"' )
            len++;
    else
        while ( isalnum((unsigned char)p->next[len]) ||
                (p->next[len] && strchr(WORD_CHARS, p->next[len])) )
            len++;

    if ( len >= sizeof(t->word) )
        return wrong(p, "the value is too long");
    if ( t->quoted ? p->next[len] != '"' : !len )
        return wrong(p, t->quoted ? "the closing quote is missing"
                                  : "a value is expected");

    memcpy(t->word, p->next, len);
    t->is_number = !t->quoted && number_of(t->word, &t->number);
    if ( t->op > OP_NE && !t->is_number )
        return wrong(p, "this operator needs a number");
    p->next += len + t->quoted;
    return 0;
}

static int parse_test(struct parser *p, unsigned int *out)
{
    unsigned int n = p->e->nr_tests;
    struct test *t = &p->e->test[n];
    int rc;

    if ( n == EXPR_MAX_TESTS )
        return wrong(p, "the expression is too long");
    p->e->nr_tests++;

    rc = parse_name(p, t);
    if ( rc )
        return rc;
    t->op = parse_op(p);
    if ( t->op != OP_HAS )
        rc = parse_value(p, t);
    return rc ? rc : new_node(p, (struct node){ NODE_TEST, n, 0 }, out);
}

static int parse_any(struct parser *p, unsigned int *out);

static int parse_not(struct parser *p, unsigned int *out)
{
    unsigned int a;
    int rc;

    if ( p->depth == EXPR_MAX_DEPTH )
        return wrong(p, "nested too deeply");

    p->depth++;
    if ( take(p, "!") )
    {
        rc = parse_not(p, &a);
        if ( !rc )
            rc = new_node(p, (struct node){ NODE_NOT, a, 0 }, out);
    }
    else if ( take(p, "(") )
    {
        rc = parse_any(p, out);
        if ( !rc && !take(p, ")") )
            rc = wrong(p, "\")\" is expected");
    }
    else
        rc = parse_test(p, out);
    p->depth--;
    return rc;
}

static int parse_all(struct parser *p, unsigned int *out)
{
    int rc = parse_not(p, out);

    while ( !rc && take(p, "&&") )
    {
        unsigned int a = *out, b;

        rc = parse_not(p, &b);
        if ( !rc )
            rc = new_node(p, (struct node){ NODE_ALL, a, b }, out);
    }
    return rc;
}

static int parse_any(struct parser *p, unsigned int *out)
{
    int rc = parse_all(p, out);

    while ( !rc && take(p, "||") )
    {
        unsigned int a = *out, b;

        rc = parse_all(p, &b);
        if ( !rc )
            rc = new_node(p, (struct node){ NODE_ANY, a, b }, out);
    }
    return rc;
}

int expr_parse(const char *text, struct expr **out, char *err, size_t bytes)
{
    struct parser p = { .text = text, .next = text, .err = err,
                        .bytes = bytes };
    int rc;

    if ( strnlen(text, EXPR_MAX_BYTES) == EXPR_MAX_BYTES )
    {
        snprintf(err, bytes, "longer than %d characters", EXPR_MAX_BYTES);
        return -EINVAL;
    }

    p.e = calloc(1, sizeof(*p.e));
    if ( !p.e )
    {
        snprintf(err, bytes, "out of memory");
        return -ENOMEM;
    }

    rc = parse_any(&p, &p.e->root);
    skip_blanks(&p);
    if ( !rc && *p.next )
        rc = wrong(&p, "&& or || is expected");
    if ( rc )
        expr_free(p.e);
    else
        *out = p.e;
    return rc;
}

void expr_free(struct expr *e)
{
    for ( unsigned int i = 0; e && i < e->nr_tests; i++ )
        free(e->test[i].domids);
    free(e);
}

/*
 * Binding.
 */

static bool is_pattern(const char *word)
{
    return strpbrk(word, "*?[") != NULL;
}

static bool table_has(const struct event_enum *names, const char *word)
{
    const char *name;
    uint64_t value;

    for ( unsigned int i = 0; (name = event_enum_row(names, i, &value)); i++ )
        if ( !fnmatch(word, name, FNM_CASEFOLD) )
            return true;

    return false;
}

/* Return true if the field may have a value with this name. */
static bool can_be(const struct expr *e, const struct test *t,
                   const struct event_field *f)
{
    switch ( f->kind )
    {
    case EVENT_ARG:    /* depends on the hypercall */
        return true;
    case EVENT_DOMAIN:
        return t->domids ||
               table_has(event_enum_find(e->dict, "domid"), t->word);
    case EVENT_VCPU:
        if ( !strcasecmp(t->word, "none") )
            return true;
        break;
    }

    return table_has(f->names, t->word);
}

static int no_such(const struct test *t, const char *why, const char *name,
                   char *err, size_t bytes)
{
    char safe[64];

    snprintf(err, bytes, "at character %zu: %s \"%s\"", t->at + 1, why,
             text_escape(safe, sizeof(safe), name));
    return -ENOENT;
}

static bool is_word(const struct test *t)
{
    return t->op != OP_HAS && !t->is_number;
}

static int bind_field(struct expr *e, struct test *t, char *err, size_t bytes)
{
    bool known = false, possible = !is_word(t);

    for ( unsigned int i = 0; i < event_dict_events(e->dict); i++ )
    {
        const struct event_desc *d = event_dict_event(e->dict, i);
        int n = event_field_index(d, t->name);

        t->field[d->id] = n;
        if ( n < 0 )
            continue;
        known = true;
        possible = possible || can_be(e, t, &d->field[n]);
    }

    if ( !known )
        return no_such(t, "no event in this file has a field", t->name, err,
                       bytes);
    if ( !possible && !is_pattern(t->word) )
        return no_such(t, "this field never has the value", t->word, err, bytes);
    return 0;
}

static int bind_domains(struct test *t, const struct doc *doc)
{
    struct doc_domids set;

    free(t->domids);
    t->domids = NULL;
    if ( !is_word(t) || !doc_find_domains(doc, t->word, &set) )
        return 0;
    t->domids = malloc(sizeof(set));
    if ( !t->domids )
        return -ENOMEM;
    *t->domids = set;
    return 0;
}

static int bind_test(struct expr *e, struct test *t, const struct doc *doc,
                     char *err, size_t bytes)
{
    if ( bind_domains(t, doc) )
    {
        snprintf(err, bytes, "out of memory");
        return -ENOMEM;
    }
    if ( t->subject == SUBJ_FIELD )
        return bind_field(e, t, err, bytes);
    if ( t->subject == SUBJ_RAN && is_word(t) && !t->domids &&
         !is_pattern(t->word) &&
         !table_has(event_enum_find(e->dict, "domid"), t->word) )
        return no_such(t, "the file has no domain", t->word, err, bytes);
    return 0;
}

int expr_resolve(struct expr *e, const struct doc *doc,
                 const struct lives *lives, char *err, size_t bytes)
{
    int rc = 0;

    e->dict = doc->dict;
    e->lives = lives;
    for ( unsigned int i = 0; !rc && i < e->nr_tests; i++ )
        rc = bind_test(e, &e->test[i], doc, err, bytes);
    return rc;
}

/*
 * Evaluation.
 */

/* The value that a test compares: a number, a text, or both. */
struct have {
    bool is_number;
    bool is_domain;            /* the number is that of a domain at @tsc */
    uint64_t tsc;
    __int128 number;
    const char *text;
    /*
     * Of a value composed of a code and flags: the code, and the text of it.
     */
    bool is_composed;
    __int128 code;
    const char *name;
};

static bool compare(enum op op, __int128 have, __int128 want)
{
    switch ( op )
    {
    case OP_EQ:
        return have == want;
    case OP_NE:
        return have != want;
    case OP_LT:
        return have < want;
    case OP_LE:
        return have <= want;
    case OP_GT:
        return have > want;
    case OP_GE:
        return have >= want;
    case OP_AND:
        return (have & want) != 0;
    case OP_HAS:
        break;
    }
    return true;
}

/* A set of bits, "{a,b}", matches if one of its members does. */
static bool match_set(const char *word, const char *set)
{
    char one[EVENT_WORD_BYTES];

    while ( *set == '{' || *set == ',' )
    {
        size_t len = strcspn(++set, ",}");

        snprintf(one, sizeof(one), "%.*s", (int)len, set);
        if ( !fnmatch(word, one, FNM_CASEFOLD) )
            return true;
        set += len;
    }
    return false;
}

/* Whether the value is the number of a domain that the word names. */
static bool names_domain(const struct expr *e, const struct test *t,
                         const struct have *h)
{
    return h->is_domain && t->domids && h->number < DOC_DOMIDS &&
           doc_has_domid(t->domids, h->number) &&
           (!e->lives || lives_is(e->lives, t->word, h->number, h->tsc));
}

static bool judge(const struct expr *e, const struct test *t,
                  const struct have *h)
{
    bool same;

    if ( t->op == OP_HAS )
        return true;
    if ( t->is_number && h->is_composed && h->code == t->number &&
         (t->op == OP_EQ || t->op == OP_NE) )
        return t->op == OP_EQ;
    if ( t->is_number )
        return h->is_number && compare(t->op, h->number, t->number);
    if ( names_domain(e, t, h) )
        same = true;
    else
        same = h->text && (h->text[0] == '{'
                               ? match_set(t->word, h->text)
                               : !fnmatch(t->word, h->text, FNM_CASEFOLD));
    same = same ||
           (h->name && !fnmatch(t->word, h->name, FNM_CASEFOLD));
    return same == (t->op == OP_EQ);
}

static __int128 as_number(const struct event_field *f, uint64_t value)
{
    return event_is_signed(f) ? (__int128)event_signed(f, value) : value;
}

static bool test_field(const struct expr *e, const struct test *t,
                       const struct merge_record *rec)
{
    char text[EVENT_TEXT_BYTES], name[EVENT_WORD_BYTES];
    const struct event_field *f;
    struct have h = { .is_number = true, .tsc = rec->tsc };
    uint64_t value;
    int n;

    if ( !rec->desc )
        return false;
    n = t->field[rec->desc->id];
    if ( n < 0 || !event_get(rec->desc, n, rec->data, rec->words, &value) )
        return false;

    f = &rec->desc->field[n];
    h.number = as_number(f, value);
    h.code = event_value_code(f->names, value);
    h.is_composed = h.code != (__int128)value;
    if ( is_word(t) )
    {
        event_field_text(e->dict, rec->desc, n, rec->data, rec->words, text,
                         sizeof(text));
        h.text = text;
        snprintf(name, sizeof(name), "%.*s", (int)strcspn(text, "|"), text);
        h.name = name;
    }
    h.is_domain = f->kind == EVENT_DOMAIN;
    return judge(e, t, &h);
}

static bool test_ran(const struct expr *e, const struct test *t,
                     const struct merge_record *rec)
{
    struct have h = { .is_number = true, .tsc = rec->tsc };

    if ( rec->domid == MERGE_NO_DOMAIN )
        return false;
    if ( t->subject == SUBJ_RAN )
    {
        h.is_domain = true;
        h.number = rec->domid;
        h.text = event_value_name(event_enum_find(e->dict, "domid"),
                                  rec->domid);
        return judge(e, t, &h);
    }

    h.number = rec->vcpu;
    return rec->vcpu != EVENT_NO_VCPU && judge(e, t, &h);
}

static bool eval_test(const struct expr *e, const struct test *t,
                      const struct merge_record *rec)
{
    char name[EVENT_NAME_BYTES];
    struct have h = { 0 };

    switch ( t->subject )
    {
    case SUBJ_FIELD:
        return test_field(e, t, rec);
    case SUBJ_RAN:
    case SUBJ_RAN_VCPU:
        return test_ran(e, t, rec);
    case SUBJ_EVENT:
        h.text = event_name(rec->desc, rec->event, name);
        break;
    case SUBJ_CLASS:
        h.text = event_class(rec->event);
        break;
    case SUBJ_CHANNEL:
        h.text = rec->channel == XEN_FLIGHTREC_CH_RARE ? "rare" : "busy";
        break;
    case SUBJ_PCPU:
        h.is_number = true;
        h.number = rec->cpu;
        break;
    }
    return judge(e, t, &h);
}

static bool eval(const struct expr *e, unsigned int at,
                 const struct merge_record *rec)
{
    const struct node *n = &e->node[at];

    switch ( n->kind )
    {
    case NODE_TEST:
        return eval_test(e, &e->test[n->a], rec);
    case NODE_NOT:
        return !eval(e, n->a, rec);
    case NODE_ALL:
        return eval(e, n->a, rec) && eval(e, n->b, rec);
    case NODE_ANY:
        return eval(e, n->a, rec) || eval(e, n->b, rec);
    }
    return false;
}

bool expr_match(const struct expr *e, const struct merge_record *rec)
{
    return eval(e, e->root, rec);
}
