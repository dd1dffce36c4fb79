/*-------------------------------------------------------------------------
 * inspect_build.h
 *	  The setting vecstore.simd and vecstore.build_info().
 *-------------------------------------------------------------------------
 */
#ifndef VS_INSPECT_BUILD_H
#define VS_INSPECT_BUILD_H

/* Defines vecstore.simd.  Needs vs_simd_init(). */
extern void vs_inspect_build_init(void);

#endif							/* VS_INSPECT_BUILD_H */
