/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz.h: a fuzz target is a program with libFuzzer's entry point.  Without
 * libFuzzer, fuzz-main.c calls it with the files of a corpus and with random
 * changes of each.
 */

#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#endif /* TESTS_FUZZ_H */
