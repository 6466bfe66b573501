/*
 * athar.c
 *	  Module magic, and the one place that sees every floor: each file's
 *	  initialisation is called from here, in the order of the Makefile.
 */
#include "athar.h"

PG_MODULE_MAGIC;

void		_PG_init(void);

void
_PG_init(void)
{
}
