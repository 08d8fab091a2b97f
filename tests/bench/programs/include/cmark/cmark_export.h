// SPDX-License-Identifier: Apache-2.0
/* Stands in for a header that cmark's build makes: cmark is linked into the program, so that its
 * symbols need no decoration.
 */
#define CMARK_EXPORT
