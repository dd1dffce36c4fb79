/*-------------------------------------------------------------------------
 * ann_options.h
 *	  Settings (vecann.*) and index options (WITH (...)).
 *-------------------------------------------------------------------------
 */
#ifndef VS_ANN_OPTIONS_H
#define VS_ANN_OPTIONS_H

#include "postgres.h"

#include "utils/relcache.h"

extern int	vs_ann_probes;		/* vecann.probes; 0 = automatic */
extern double vs_ann_epsilon;	/* vecann.epsilon */
extern bool vs_ann_background_seals;	/* vecann.background_seals */
extern int	vs_ann_max_background_seals;	/* vecann.max_background_seals */

#define VS_ANN_DEFAULT_BITS			4
#define VS_ANN_PENDING_AUTO			(-1)

typedef struct VsAnnOptions
{
	int32		vl_len_;		/* varlena header (do not touch directly!) */
	int			bits;
	int			pending_limit;
	int			dimensions;		/* 0: from the column or first row */
} VsAnnOptions;

/*
 * Defines the settings and index options.  Called once, when the library is
 * loaded.
 */
extern void vs_ann_options_init(void);

/* Parses the index options: amoptions of the access method. */
extern bytea *vs_ann_options(Datum reloptions, bool validate);

/* Return an option of an open index, or its default. */
extern int	vs_ann_option_bits(Relation index);
extern int	vs_ann_option_pending_limit(Relation index);
extern int	vs_ann_option_dimensions(Relation index);

#endif							/* VS_ANN_OPTIONS_H */
