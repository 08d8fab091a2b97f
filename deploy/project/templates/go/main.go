// SPDX-License-Identifier: Apache-2.0

// @NAME@ answers "Hello, <path>!".
//
// Go's runtime starts, and init functions run, while the module is deployed; each request finds
// memory as it was then. Package skerry has all that a function can ask for.
package main

import (
	"strings"

	"skerry"
)

func init() { skerry.Handle(hello) }

func main() {}

func hello() {
	name := strings.TrimPrefix(skerry.Path(), "/")
	if name == "" {
		name = "world"
	}
	skerry.SetHeader("content-type", "text/plain")
	skerry.Say("Hello, " + name + "!\n")
}
