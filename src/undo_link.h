/*
 * undo_link.h
 *	  By which columns the rows of a table depend on other rows.
 */
#ifndef ATHAR_UNDO_LINK_H
#define ATHAR_UNDO_LINK_H

#include "history.h"

/* A unique index, or a foreign key seen from either end. */
typedef struct athar_undo_link
{
	char	   *name;
	Oid			own;			/* our table, or the partition concerned */
	Oid			other;			/* the table at the far end */
	bool		is_parent;		/* the far end is what is referred to */
	bool		has_action;		/* writes to, or restricts, who refers */
	int			count;
	int			columns[INDEX_MAX_KEYS];	/* positions in our shape */
	char	   *others[INDEX_MAX_KEYS]; /* names at the far end */
	Oid			other_types[INDEX_MAX_KEYS];
	Oid			operators[INDEX_MAX_KEYS];
} athar_undo_link;

typedef struct athar_undo_links
{
	List	   *uniques;		/* of athar_undo_link */
	List	   *referrers;
	List	   *parents;
	bool	   *unique_mask;	/* columns of unique indexes */
	bool	   *mask;			/* columns of any link */
} athar_undo_links;

extern void athar_undo_links_of(const athar_subject *subject,
								athar_undo_links *links);

#endif							/* ATHAR_UNDO_LINK_H */
