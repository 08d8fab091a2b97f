// SPDX-License-Identifier: Apache-2.0
/* Stands in for a header that cmark's build makes: the benchmark's program does not ask for the
 * version.
 */
#define CMARK_VERSION        0
#define CMARK_VERSION_STRING ""
