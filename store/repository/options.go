package repository

import (
	"github.com/stowage-db/stowage/store"
)

// Option tells what a query asks for.
type Option func(*options)

// options are what a query asks for.
type options struct {
	given    optionSet
	noMemory bool
	fields   []string
}

// optionSet is a set of options.
type optionSet uint16

const (
	optionFields optionSet = 1 << iota
)

// only fails with InvalidQuery where other options were given than a kind of repository has.
func (o *options) only(known optionSet) error {
	if o.given&^known != 0 {
		return fail(store.InvalidQuery, "repository: an option that this kind of repository does not have", nil)
	}
	return nil
}

// NoMemory has a query ask the fallback alone, and leave the fast tier as it is.
func NoMemory() Option { return func(o *options) { o.noMemory = true } }

// Fields are those of a hash that are wanted; the others stay zero.
func Fields(names ...string) Option {
	return func(o *options) {
		o.given |= optionFields
		o.fields = append([]string{}, names...)
	}
}
