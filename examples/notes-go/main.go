// SPDX-License-Identifier: Apache-2.0

// A JSON API with routes: notes in the tenant's key-value store.
//
//	GET /notes          all of them
//	POST /notes         {"text": "..."}: one more
//	GET /notes/ID       one
//	DELETE /notes/ID
package main

import (
	"encoding/json"
	"strconv"
	"strings"

	"skerry"
)

const prefix = "notes:"

type note struct {
	ID   string `json:"id"`
	Text string `json:"text"`
}

func init() { skerry.Handle(route) }

func main() {}

func route() {
	id, isOne := strings.CutPrefix(skerry.Path(), "/notes/")
	switch method := skerry.Method(); {
	case !isOne && skerry.Path() != "/notes":
		problem(404, "there is /notes and /notes/ID")
	case !isOne && method == "GET":
		list()
	case !isOne && method == "POST":
		create()
	case isOne && method == "GET":
		show(id)
	case isOne && method == "DELETE":
		remove(id)
	default:
		problem(405, method+" is not for this")
	}
}

func list() {
	notes := []note{}
	keys, err := skerry.KvList(prefix)
	for _, key := range keys {
		text, _, _ := skerry.KvGet(key)
		notes = append(notes, note{strings.TrimPrefix(key, prefix), string(text)})
	}
	answer(200, notes, err)
}

func create() {
	var made note
	if json.Unmarshal(skerry.Body(), &made) != nil || made.Text == "" {
		problem(400, `a body like {"text": "..."} is wanted`)
		return
	}
	number, err := skerry.KvAdd("notes-number", 1)
	made.ID = strconv.FormatInt(number, 10)
	if err == nil {
		err = skerry.KvPut(prefix+made.ID, []byte(made.Text))
	}
	skerry.SetHeader("location", "/notes/"+made.ID)
	answer(201, made, err)
}

func show(id string) {
	text, _, err := skerry.KvGet(prefix + id)
	if err == nil && text == nil {
		problem(404, "there is no such note")
		return
	}
	answer(200, note{id, string(text)}, err)
}

func remove(id string) {
	if err := skerry.KvDelete(prefix + id); err == skerry.Errno(skerry.NotFound) {
		problem(404, "there is no such note")
	} else {
		answer(200, note{ID: id}, err)
	}
}

func answer(status int, value any, err error) {
	if err != nil {
		problem(503, err.Error())
		return
	}
	text, _ := json.Marshal(value)
	skerry.SetStatus(status)
	skerry.SetHeader("content-type", "application/json")
	skerry.Write(append(text, '\n'))
}

func problem(status int, detail string) {
	text, _ := json.Marshal(map[string]any{"status": status, "detail": detail})
	skerry.SetStatus(status)
	skerry.SetHeader("content-type", "application/problem+json")
	skerry.Write(append(text, '\n'))
}
