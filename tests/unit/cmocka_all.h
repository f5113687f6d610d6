/* cmocka wants these before it. */
#ifndef TQ_TEST_CMOCKA_ALL_H
#define TQ_TEST_CMOCKA_ALL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
