// SPDX-License-Identifier: Apache-2.0

// Answers "Hello, <path>!" as a WAGI command: environment variables in, a header block, an empty
// line and the body out.
package main

import (
	"fmt"
	"os"
	"strings"
)

func main() {
	name := strings.TrimPrefix(os.Getenv("PATH_INFO"), "/")
	if name == "" {
		name = "world"
	}
	fmt.Printf("content-type: text/plain\n\nHello, %s!\n", name)
}
