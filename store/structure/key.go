package structure

import (
	"bytes"
	"encoding/binary"
	"math"
	"time"

	"github.com/stowage-db/stowage/store"
)

// What TTL tells of a key that has no time to live. Set takes KeepTTL.
const (
	Forever time.Duration = -1 // the key does not expire
	Absent  time.Duration = -2 // there is no such key
	KeepTTL time.Duration = -1 // what Set leaves as it is
)

// Type tells what kind of structure a key holds, None where there is none.
func (t *Tx) Type(key string) (Kind, error) {
	h, _, err := t.live("type", key)
	return h.kind, err
}

// Exists tells how many of the keys exist, one that is given twice counting twice.
func (t *Tx) Exists(keys ...string) (n int64, err error) {
	for _, key := range keys {
		_, found, err := t.live("exists", key)
		if err != nil {
			return 0, err
		}
		if found {
			n++
		}
	}
	return n, nil
}

// Del deletes keys of any kind, and tells how many there were. What a large structure
// held is removed later, by Sweep.
func (t *Tx) Del(keys ...string) (n int64, err error) {
	if err := t.writable("del"); err != nil {
		return 0, err
	}
	for _, key := range keys {
		if err := fits("del", key); err != nil {
			return 0, err
		}
	}
	for _, key := range keys {
		h, found, err := t.load("del", key)
		if err != nil {
			return 0, t.whole(err)
		}
		if !found {
			continue
		}
		if !h.expired(t.now) {
			n++
		}
		if err := t.bury(key, h); err != nil {
			return 0, err
		}
	}
	return n, nil
}

// Expire has a key expire after a time, which counts in milliseconds: at once where
// that is not positive. It tells whether there is such a key.
func (t *Tx) Expire(key string, ttl time.Duration) (bool, error) {
	return t.expire("expire", key, t.now+ttl.Milliseconds())
}

// latest is when anything expires at last: JavaScript counts no further.
const latest = 1<<53 - 1

// ExpireAt has a key expire at a time. It tells whether there is such a key.
func (t *Tx) ExpireAt(key string, at time.Time) (bool, error) {
	until := int64(0) // of what has passed; UnixMilli of times far away is anything
	if at.After(time.UnixMilli(latest)) {
		until = latest
	} else if at.After(time.UnixMilli(0)) {
		until = at.UnixMilli()
	}
	return t.expire("expireat", key, until)
}

func (t *Tx) expire(op, key string, at int64) (bool, error) {
	if err := t.writable(op); err != nil {
		return false, err
	}
	h, found, err := t.live(op, key)
	if err != nil || !found {
		return false, err
	}
	if at <= t.now {
		return true, t.bury(key, h)
	}
	if err := t.limit(key, &h, at); err != nil {
		return false, err
	}
	return true, t.save(key, h)
}

// TTL tells how long a key stays, Forever or Absent; the longest Duration where it is longer.
func (t *Tx) TTL(key string) (time.Duration, error) {
	h, found, err := t.live("ttl", key)
	switch {
	case err != nil:
		return 0, err
	case !found:
		return Absent, nil
	case h.expires == 0:
		return Forever, nil
	default:
		return time.Duration(min(h.expires-t.now, math.MaxInt64/int64(time.Millisecond))) * time.Millisecond, nil
	}
}

// Persist has a key not expire any more, and tells whether it would have.
func (t *Tx) Persist(key string) (bool, error) {
	if err := t.writable("persist"); err != nil {
		return false, err
	}
	h, found, err := t.live("persist", key)
	if err != nil || !found || h.expires == 0 {
		return false, err
	}
	if err := t.limit(key, &h, 0); err != nil {
		return false, err
	}
	return true, t.save(key, h)
}

// load reads the header of a key, which may have expired.
func (t *Tx) load(op, key string) (h header, found bool, err error) {
	if err := fits(op, key); err != nil {
		return h, false, err
	}
	b, found, err := t.get(headerKey(key))
	if err != nil || !found {
		return h, false, err
	}
	h, ok := readHeader(b)
	if !ok {
		return header{}, false, corrupt(op)
	}
	return h, true, nil
}

// live reads the header of a key that has not expired.
func (t *Tx) live(op, key string) (h header, found bool, err error) {
	h, found, err = t.load(op, key)
	if err != nil || !found || h.expired(t.now) {
		return header{}, false, err
	}
	return h, true, nil
}

// holding reads the header of a key that holds a kind of structure, if anything.
func (t *Tx) holding(op, key string, kind Kind) (h header, found bool, err error) {
	h, found, err = t.live(op, key)
	if err == nil && found && h.kind != kind {
		return header{}, false, fail(store.WrongType, op, nil)
	}
	return h, found, err
}

// change reads the header of a key whose structure is going to change; where there is
// none it is one without members, which counts once it is saved.
func (t *Tx) change(op, key string, kind Kind) (header, error) {
	if err := t.writable(op); err != nil {
		return header{}, err
	}
	h, found, err := t.holding(op, key, kind)
	if err != nil || found {
		return h, err
	}
	if err := t.discard(key); err != nil {
		return header{}, err
	}
	h = header{kind: kind}
	if kind != String {
		h.version, err = t.nextVersion(key)
	}
	return h, err
}

// discard removes what a key holds, expired or not.
func (t *Tx) discard(key string) error {
	h, found, err := t.load("expire", key)
	if err != nil || !found {
		return err
	}
	return t.bury(key, h)
}

// nextVersion is one that no record of the key has, though there may be some that
// are to be removed.
func (t *Tx) nextVersion(key string) (uint32, error) {
	c := t.db.Cursor(t.db.Prefix(named(tagRemains, key)))
	defer c.Close()
	if !c.Last() {
		return 0, c.Err()
	}
	b := c.Key()
	return binary.BigEndian.Uint32(b[len(b)-4:]) + 1, nil
}

// save writes a header; a structure without members is removed.
func (t *Tx) save(key string, h header) error {
	if h.kind == SortedSet {
		if err := t.level(key, &h); err != nil {
			return err
		}
	}
	if h.kind == String || h.count > 0 {
		return t.put(headerKey(key), h.append(nil))
	}
	return t.remove(key, h)
}

// limit sets when a key expires, 0 for never. The header is still to be saved.
func (t *Tx) limit(key string, h *header, at int64) error {
	if h.expires != 0 {
		if err := t.clear(expiryKey(h.expires, key)); err != nil {
			return err
		}
	}
	if h.expires = at; at == 0 {
		return nil
	}
	return t.put(expiryKey(at, key), nil)
}

// remove removes the header of a key, which is all that makes it exist.
func (t *Tx) remove(key string, h header) error {
	if err := t.limit(key, &h, 0); err != nil {
		return err
	}
	return t.clear(headerKey(key))
}

// buryAtOnce is how many members are removed with their structure. Those of a larger
// one are left to Sweep, so that deleting costs the same however large it is.
const buryAtOnce = 64

// bury deletes a structure.
func (t *Tx) bury(key string, h header) error {
	if err := t.remove(key, h); err != nil || h.kind == String || h.count == 0 {
		return err
	}
	if h.count > buryAtOnce {
		return t.put(h.of(tagRemains, key), nil)
	}
	_, err := t.erase(h.of(tagRemains, key)[1:], 4*buryAtOnce)
	return t.whole(err)
}

// erase removes records of a structure, so many at most, and tells how many.
func (t *Tx) erase(common []byte, most int) (n int, err error) {
	for _, tag := range [...]byte{tagMember, tagScore, tagCount} {
		found, err := t.keys(t.db.Prefix(append([]byte{tag}, common...)), most-n)
		if err != nil {
			return n, err
		}
		for _, stored := range found {
			if err := t.clear(stored); err != nil {
				return n, err
			}
		}
		n += len(found)
	}
	return n, nil
}

// keys are the first stored keys of a range, so many at most.
func (t *Tx) keys(r store.KeyRange, most int) (found [][]byte, err error) {
	c := t.db.Cursor(r)
	defer c.Close()
	for ok := most > 0 && c.First(); ok; ok = len(found) < most && c.Next() {
		found = append(found, bytes.Clone(c.Key()))
	}
	return found, c.Err()
}
