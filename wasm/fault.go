package main

import (
	"os"

	"github.com/stowage-db/stowage/store"
)

// fault fails in the way the host's tests ask for. It is reached by no method of
// the JavaScript API, and changes nothing.
//
//	panic   the operation panics: it fails with internal, all else goes on
//	exit    the instance ends
//	hang    the operation waits inside a call, which no operation may
func (o *operation) fault() error {
	how, err := o.request.Text()
	if err != nil {
		return err
	}
	switch how {
	case "panic":
		panic("asked for")
	case "exit":
		os.Exit(3)
	case "hang":
		<-make(chan struct{})
	}
	return &store.Error{Code: store.InvalidArgument, Op: "fault"}
}
