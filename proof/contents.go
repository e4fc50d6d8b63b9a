package main

import (
	"fmt"
	"slices"
	"strings"
)

// contents is what an environment must hold: keys and values in order, in a list
// so plain that it needs no proof of its own. It is never modified, so that the
// oracle can keep what the environment held after every transaction.
//
// A key is the database's name, a zero byte and the key in it; a database alone
// stands there with an empty key.
type contents []pair

type pair struct{ key, value string }

func (c contents) find(key string) (value string, found bool) {
	i, found := c.search(key)
	if !found {
		return "", false
	}
	return c[i].value, true
}

func (c contents) search(key string) (int, bool) {
	return slices.BinarySearchFunc(c, key, func(p pair, key string) int { return strings.Compare(p.key, key) })
}

// between is the part from low to before high.
func (c contents) between(low, high string) contents {
	first, _ := c.search(low)
	end, _ := c.search(high)
	return c[first:max(first, end)]
}

// with returns the contents after changes; nil stands for a key that is deleted.
func (c contents) with(changes map[string]*string) contents {
	keys := make([]string, 0, len(changes))
	for key := range changes {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	changed := make(contents, 0, len(c)+len(changes))
	for _, key := range keys {
		at, found := c.search(key)
		changed = append(changed, c[:at]...)
		if value := changes[key]; value != nil {
			changed = append(changed, pair{key, *value})
		}
		if found {
			at++
		}
		c = c[at:]
	}
	return append(changed, c...)
}

// draft is what a transaction sees: contents and its own changes to them.
type draft struct {
	base    contents
	changes map[string]*string
	merged  contents // base with changes, nil once it is out of date
}

func newDraft(base contents) *draft {
	return &draft{base: base, changes: make(map[string]*string), merged: base}
}

func (d *draft) now() contents {
	if d.merged == nil {
		d.base = d.base.with(d.changes)
		d.changes = make(map[string]*string)
		d.merged = d.base
	}
	return d.merged
}

func (d *draft) find(key string) (string, bool) {
	if value, changed := d.changes[key]; changed {
		if value == nil {
			return "", false
		}
		return *value, true
	}
	return d.base.find(key)
}

func (d *draft) set(key string, value *string) {
	d.changes[key] = value
	d.merged = nil
}

// open notes that a database exists.
func (d *draft) open(db string) {
	if _, exists := d.find(db + "\x00"); !exists {
		d.set(db+"\x00", new(string))
	}
}

func (d *draft) drop(db string) {
	now := d.now()
	first, _ := now.search(db + "\x00")
	end, _ := now.search(db + "\x01")
	d.base = slices.Concat(now[:first], now[end:])
	d.merged = d.base
}

// difference says where two contents differ first, or "".
func difference(got, want contents) string {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return fmt.Sprintf("entry %d is %s, want %s", i, got[i], want[i])
		}
	}
	if len(got) != len(want) {
		return fmt.Sprintf("%d entries, want %d", len(got), len(want))
	}
	return ""
}

func (p pair) String() string { return fmt.Sprintf("%q of %d bytes", p.key, len(p.value)) }
