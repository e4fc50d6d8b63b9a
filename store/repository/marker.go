package repository

import "strings"

// A marker stands in the fast tier for an entity that the fallback does not have. It is
// a boolean under the key "name:not-found:parts", where that of the entity is
// "name:parts": no two keys of a repository meet, for all have equally many parts.
const markerPart = "not-found:"

// marker is the key of the marker for an entity's key.
func (p *pair) marker(key string) string {
	return p.prefix + markerPart + key[len(p.prefix):]
}

// unmarked is the key of the entity that a key would be the marker of; others are as they are.
func (p *pair) unmarked(key string) string {
	rest, is := strings.CutPrefix(key, p.prefix+markerPart)
	if !is {
		return key
	}
	return p.prefix + rest
}

// mark sets the marker of a key.
func (p *pair) mark(key string) Write {
	return Write{Key: p.marker(key), Kind: KindBoolean, Value: Value{Is: true}, Expiry: p.expire}
}

// unmark removes it.
func (p *pair) unmark(key string) Write { return Write{Key: p.marker(key)} }
