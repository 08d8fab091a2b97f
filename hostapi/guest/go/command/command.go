// SPDX-License-Identifier: Apache-2.0

// Package command is for WAGI commands in Go: programs that are started with each request, or go on
// from a checkpoint (docs/checkpoints.md). It wants GOOS=wasip1 and no -buildmode.
package command

import (
	"os"
	"strconv"
	"strings"
	"unsafe"
)

// More variables than most requests have.
const environmentRoom = 64

//go:wasmimport skerry checkpoint_v1
func checkpointV1() int32

//go:wasmimport wasi_snapshot_preview1 environ_sizes_get
func environSizes(count, bytes unsafe.Pointer) int32

//go:wasmimport wasi_snapshot_preview1 environ_get
func environGet(rows, text unsafe.Pointer) int32

//go:wasmimport wasi_snapshot_preview1 args_sizes_get
func argsSizes(count, bytes unsafe.Pointer) int32

//go:wasmimport wasi_snapshot_preview1 args_get
func argsGet(rows, text unsafe.Pointer) int32

// Checkpoint is called once, when the program is ready for a request: it is run up to here when it
// is deployed, and each request goes on from here, with os.Args, the environment, standard input and
// the time of its own. False: nothing was frozen, as in `skerry run --request`.
//
// Other goroutines are frozen where they are: there should be none that works. A start that leaves
// much garbage calls runtime.GC before, so that requests need not.
//
// Go's runtime reads random bytes when it starts, so the function has to say `reseeds: true`. What
// crypto/rand gives is of the request; what math/rand gives at the top level, and the order of maps,
// is the same in each: use a rand.New that was seeded behind the checkpoint.
func Checkpoint() bool {
	// There is no environment yet. Room for one is made here, so that requests need not grow it.
	for i := 0; i < environmentRoom; i++ {
		_ = os.Setenv("_"+strconv.Itoa(i), "")
	}
	for i := 0; i < environmentRoom; i++ {
		_ = os.Unsetenv("_" + strconv.Itoa(i))
	}
	wentOn := checkpointV1() == 1
	for _, row := range texts(environSizes, environGet) {
		if at := strings.IndexByte(row, '='); at > 0 {
			_ = os.Setenv(row[:at], row[at+1:])
		}
	}
	if args := texts(argsSizes, argsGet); len(args) > 0 {
		os.Args = args
	}
	return wentOn
}

// Texts that end with NUL, of which WASI first says how many there are and how long.
func texts(sizes, get func(a, b unsafe.Pointer) int32) []string {
	var count, bytes uint32
	if sizes(unsafe.Pointer(&count), unsafe.Pointer(&bytes)) != 0 || count == 0 || bytes == 0 {
		return nil
	}
	rows := make([]uint32, count)
	text := make([]byte, bytes)
	if get(unsafe.Pointer(&rows[0]), unsafe.Pointer(&text[0])) != 0 {
		return nil
	}
	return strings.Split(unsafe.String(&text[0], len(text)-1), "\x00")
}
