/* The verb `ledger` as a program of its own, so that its test needs no other verb's libraries. */
#include "cmd/cmd.h"

int main(int argc, char **argv)
{
    return verb_ledger.run(argc, argv);
}
