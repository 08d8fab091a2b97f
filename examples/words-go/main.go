// SPDX-License-Identifier: Apache-2.0

// A WAGI command that takes a second to get ready, once: it learns which words follow which in a
// text, comes to its checkpoint, and makes a sentence for each request.
package main

import (
	"bufio"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	random "math/rand/v2"
	"net/url"
	"os"
	"strings"

	"skerry/command"
)

const text = `the server runs the function and the function answers the request while the
builder freezes the command and each request goes on from the command that the builder froze so the
function begins where the command was and the server answers before the request has waited`

var follows = map[string][]string{}

func learn() {
	words := strings.Fields(text)
	for round := 0; round < 2000; round++ {
		for i := range words {
			next := words[(i+1)%len(words)]
			if list := follows[words[i]]; len(list) < 100 {
				follows[words[i]] = append(list, next)
			}
		}
	}
}

// A generator of this request: what was seeded before the checkpoint is the same in all.
func generator() *random.Rand {
	var seed [32]byte
	_, _ = rand.Read(seed[:])
	return random.New(random.NewPCG(binary.LittleEndian.Uint64(seed[:]),
		binary.LittleEndian.Uint64(seed[8:])))
}

func main() {
	learn()
	command.Checkpoint()

	query, _ := url.ParseQuery(os.Getenv("QUERY_STRING"))
	word := query.Get("from")
	if follows[word] == nil {
		word = "the"
	}
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	fmt.Fprintf(out, "content-type: text/plain\n\n%s", word)
	dice := generator()
	for i := 0; i < 11; i++ {
		list := follows[word]
		word = list[dice.IntN(len(list))]
		fmt.Fprintf(out, " %s", word)
	}
	fmt.Fprintln(out)
}
