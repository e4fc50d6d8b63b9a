//go:build js && wasm

// Command go-worker is a Cloudflare Worker: notes in Workers KV behind a small REST API.
//
//	GET    /notes              all notes, ?author=ann those of Ann
//	GET    /notes/7
//	PUT    /notes/7            {"author": "ann", "text": "milk"}
//	DELETE /notes/7
//
// An answer to a write has a header Token. Whoever sends that along with a later request
// reads what was written, wherever it is answered; others do after a minute. The table
// is that of `table({ key: 'id', indexes: ['author'] })` in JavaScript.
package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/syumai/workers"
	"github.com/syumai/workers/cloudflare/cron"

	"github.com/stowage-db/stowage/store"
)

func main() {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /notes", with(func(n *notes, r *http.Request) (any, error) {
		return n.list(r.Context(), r.URL.Query().Get("author"))
	}))
	mux.HandleFunc("GET /notes/{id}", with(func(n *notes, r *http.Request) (any, error) {
		id, err := idOf(r)
		if err != nil {
			return nil, err
		}
		return n.get(r.Context(), id)
	}))
	mux.HandleFunc("PUT /notes/{id}", with(func(n *notes, r *http.Request) (any, error) {
		id, err := idOf(r)
		if err != nil {
			return nil, err
		}
		var note note
		if err := json.NewDecoder(r.Body).Decode(&note); err != nil || note.Author == "" || note.Text == "" {
			return nil, errBadRequest
		}
		note.ID = id
		return note, n.put(r.Context(), note)
	}))
	mux.HandleFunc("DELETE /notes/{id}", with(func(n *notes, r *http.Request) (any, error) {
		id, err := idOf(r)
		if err != nil {
			return nil, err
		}
		return nil, n.delete(r.Context(), id)
	}))
	cron.ScheduleTaskNonBlock(compact)
	serve(mux)
}

// serve is workers.Serve for a program that does not end once it has answered: a callback of the answer's stream is
// waiting for it to go on then, which would fail, and be reported where the client had gone. It is collected with the request.
func serve(handler http.Handler) {
	workers.ServeNonBlock(handler)
	workers.Ready()
	select {}
}

var (
	errBadRequest = errors.New("a note has a number in its path, and is an object with author and text")
	errNoNote     = errors.New("there is no such note")
)

// idOf returns the number in a path, no larger than JavaScript can count.
func idOf(r *http.Request) (int, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 54)
	if err != nil {
		return 0, errBadRequest
	}
	return int(id), nil
}

// with opens the notes for one request, and answers with what is made of them.
func with(answer func(n *notes, r *http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		n, err := open(r.Context(), r.Header.Get("Token"))
		var body any
		if err == nil {
			defer n.env.Close(r.Context())
			body, err = answer(n, r)
		}
		if err != nil {
			w.WriteHeader(status(err))
			body = map[string]string{"error": err.Error(), "code": string(codeOf(err))}
		} else if token := n.env.Token(); token != "" {
			w.Header().Set("Token", token)
		}
		_ = json.NewEncoder(w).Encode(body) // fails where the client has gone
	}
}

func codeOf(err error) store.Code {
	switch {
	case errors.Is(err, errNoNote):
		return store.NotFound
	case errors.Is(err, errBadRequest):
		return store.InvalidArgument
	}
	return store.CodeOf(err)
}

func status(err error) int {
	if errors.Is(err, errNoNote) {
		return http.StatusNotFound
	}
	switch codeOf(err) {
	case store.InvalidArgument:
		return http.StatusBadRequest
	case store.TooLarge:
		return http.StatusRequestEntityTooLarge
	case store.NotFound, store.BackendFailed, store.Timeout: // what a token names has not come here yet, or KV does not answer
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}
