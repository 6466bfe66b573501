/*
 * mapping.h
 *	  Which of a table's columns today is meant by a name in the log.
 */
#ifndef ATHAR_MAPPING_H
#define ATHAR_MAPPING_H

#include "tracking.h"

/*
 * Made for one table and its present shape, by whoever reads on behalf of the
 * present user: values of other types are read with his rights.
 */
typedef struct athar_mapping athar_mapping;

extern athar_mapping *athar_mapping_make(Relation relation,
										 const athar_tracked *now,
										 athar_shape *shape);
extern void athar_mapping_mute(athar_mapping *mapping);
extern AttrNumber athar_mapping_attnum(athar_mapping *mapping, int32 table_id,
									   const char *name);
extern athar_field *athar_mapping_field(athar_mapping *mapping,
										int32 table_id, int position);
extern bool athar_mapping_has_key(athar_mapping *mapping, int32 table_id);
extern Jsonb *athar_mapping_translate(athar_mapping *mapping, int32 table_id,
									  Jsonb *document, bool warns);
extern Jsonb *athar_mapping_spell(athar_mapping *mapping, int32 table_id,
								  Jsonb *key);

#endif							/* ATHAR_MAPPING_H */
