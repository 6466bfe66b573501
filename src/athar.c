/*
 * athar.c
 *	  Module magic, and the one place that sees every floor: each file's
 *	  initialisation is called from here, in the order of the Makefile.
 */
#include "athar.h"

#include "buffer.h"
#include "catalog.h"
#include "reference.h"
#include "context.h"
#include "tracking.h"
#include "unchanged.h"
#include "capture.h"
#include "proof.h"
#include "seal.h"
#include "ddl.h"
#include "queue.h"
#include "watch.h"
#include "daily.h"
#include "kpi.h"
#include "suppression.h"

PG_MODULE_MAGIC;

void		_PG_init(void);

void
_PG_init(void)
{
	athar_buffer_init();
	athar_catalog_init();
	athar_reference_init();
	athar_context_init();
	athar_tracking_init();
	athar_unchanged_init();
	athar_capture_init();
	athar_proof_init();
	athar_seal_init();
	athar_ddl_init();
	athar_queue_init();
	athar_watch_init();
	athar_daily_init();
	athar_kpi_init();
	athar_suppression_init();
}
