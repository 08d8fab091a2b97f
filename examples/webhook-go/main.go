// SPDX-License-Identifier: Apache-2.0

// Takes webhooks, and only those whose sender knows the secret: x-hub-signature-256 is the HMAC of
// the body, as GitHub and others send it. Each delivery counts once, however often it comes.
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"skerry"
)

const keptMs = 24 * 60 * 60 * 1000

func init() { skerry.Handle(take) }

func main() {}

func take() {
	secret, err := skerry.Secret("WEBHOOK_SECRET")
	if err != nil || secret == nil {
		skerry.Answer(503, "There is no secret yet.\n")
		return
	}
	body := skerry.Body()
	sent, _ := hex.DecodeString(strings.TrimPrefix(skerry.Header("x-hub-signature-256"), "sha256="))
	mac := hmac.New(sha256.New, secret)
	mac.Write(body)
	if !hmac.Equal(sent, mac.Sum(nil)) {
		skerry.Answer(401, "The signature is wrong.\n")
		return
	}
	key := "webhook:" + hex.EncodeToString(mac.Sum(nil))
	switch _, err := skerry.KvPutIf(key, nil, keptMs, 0); err {
	case nil:
		skerry.Log("took " + skerry.Header("x-github-event"))
		skerry.Answer(202, "Taken.\n")
	case skerry.Errno(skerry.Conflict):
		skerry.Answer(200, "That was here before.\n")
	default:
		skerry.Answer(503, "Try again.\n")
	}
}
