/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz-main.c DIRECTORY [SEED]: call a fuzz target with each file of a corpus,
 * then with FUZZ_ROUNDS (environment, default 300) changed copies of it.  A
 * fault ends the program; sanitizers detect more of them.  The output is TAP.
 */

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tests/lib/gen.h"

#define INPUT_BYTES (1 << 20)

static uint8_t input[INPUT_BYTES], copy[INPUT_BYTES];

/* Apply a few of: flip a bit, set a byte, set a word, cut, move a piece. */
static size_t change(uint64_t *seed, size_t len)
{
    unsigned int n = 1 + gen_random(seed) % 4;

    while ( n-- && len > 8 )
    {
        uint64_t x = gen_random(seed);
        size_t at = (x >> 32) % (len - 4), to = (x >> 16) % (len - 4);
        static const uint32_t edge[] = { 0, 1, 0x7fffffff, 0x80000000,
                                         0xffffffff, 0x10000 };

        switch ( x % 5 )
        {
        case 0:
            copy[at] ^= 1 << (x >> 8) % 8;
            break;
        case 1:
            copy[at] = x >> 8;
            break;
        case 2:
            memcpy(copy + at, &edge[(x >> 8) % 6], 4);
            break;
        case 3:
            len = at + 1;
            break;
        case 4:
            memmove(copy + to, copy + at, len - (at > to ? at : to));
            break;
        }
    }

    return len;
}

static size_t load(const char *path)
{
    FILE *f = fopen(path, "re");
    size_t len = 0;

    if ( f )
    {
        len = fread(input, 1, sizeof(input), f);
        fclose(f);
    }
    return len;
}

static int not_hidden(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

int main(int argc, char **argv)
{
    const char *text = getenv("FUZZ_ROUNDS");
    unsigned int rounds = text ? strtoul(text, NULL, 10) : 300;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 88172645463325252;
    struct dirent **names;
    int n = argc > 1 ? scandir(argv[1], &names, not_hidden, alphasort) : -1;

    if ( n < 1 )
    {
        printf("not ok 1 - no corpus\n1..1\n");
        return 1;
    }

    printf("# seed %llu\n1..%d\n", (unsigned long long)seed, n);
    for ( int i = 0; i < n; i++ )
    {
        char path[4096];
        size_t len;

        snprintf(path, sizeof(path), "%s/%s", argv[1], names[i]->d_name);
        len = load(path);
        LLVMFuzzerTestOneInput(input, len);
        for ( unsigned int r = 0; r < rounds; r++ )
        {
            memcpy(copy, input, len);
            LLVMFuzzerTestOneInput(copy, change(&seed, len));
        }
        printf("%sok %d - %s, %u changed copies\n", len ? "" : "not ", i + 1,
               names[i]->d_name, rounds);
        fflush(stdout);
        free(names[i]);
    }

    free(names);
    return 0;
}
