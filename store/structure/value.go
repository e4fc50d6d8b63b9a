package structure

import (
	"strconv"
	"time"

	"github.com/stowage-db/stowage/store"
)

// Get returns the value of a plain key, and whether there is one.
func (t *Tx) Get(key string) (value string, found bool, err error) {
	h, found, err := t.holding("get", key, String)
	return string(h.value), found, err
}

// Set sets the value of a key, whatever kind it had, for a time: 0 is for ever, KeepTTL
// as long as it would have stayed.
func (t *Tx) Set(key, value string, ttl time.Duration) error {
	if err := t.writable("set"); err != nil {
		return err
	}
	if err := t.canHold("set", value); err != nil {
		return err
	}
	old, found, err := t.live("set", key)
	if err != nil {
		return err
	}
	if ttl < KeepTTL || ttl > 0 && ttl < time.Millisecond {
		return fail(store.InvalidArgument, "set: time to live", nil)
	}
	until := int64(0)
	if ttl > 0 {
		until = t.now + ttl.Milliseconds()
	} else if ttl == KeepTTL && found {
		until = old.expires
	}
	if err := t.discard(key); err != nil {
		return err
	}
	h := header{kind: String, value: []byte(value)}
	if err := t.limit(key, &h, until); err != nil {
		return err
	}
	return t.save(key, h)
}

// SetNX sets the value of a key that does not exist, and tells whether it did.
func (t *Tx) SetNX(key, value string, ttl time.Duration) (bool, error) {
	if _, found, err := t.live("setnx", key); err != nil || found {
		return false, err
	}
	return true, t.Set(key, value, ttl)
}

// GetDel returns the value of a plain key and deletes it.
func (t *Tx) GetDel(key string) (value string, found bool, err error) {
	if err := t.writable("getdel"); err != nil {
		return "", false, err
	}
	h, found, err := t.holding("getdel", key, String)
	if err != nil || !found {
		return "", false, err
	}
	return string(h.value), true, t.bury(key, h)
}

// IncrBy adds to the whole number that a plain key holds, 0 where there is none.
// InvalidArgument where it holds no such number, or the sum goes beyond 64 bits.
func (t *Tx) IncrBy(key string, by int64) (int64, error) {
	h, err := t.change("incrby", key, String)
	if err != nil {
		return 0, err
	}
	sum, err := added("incrby", h.value, by)
	if err != nil {
		return 0, err
	}
	h.value = strconv.AppendInt(nil, sum, 10)
	return sum, t.save(key, h)
}

// added is the sum of a number and one in decimal, 0 where that is missing.
func added(op string, to []byte, by int64) (int64, error) {
	n, err := int64(0), error(nil)
	if to != nil {
		if n, err = strconv.ParseInt(string(to), 10, 64); err != nil || strconv.FormatInt(n, 10) != string(to) {
			return 0, fail(store.InvalidArgument, op+": not a whole number", nil)
		}
	}
	sum := n + by
	if (sum > n) != (by > 0) && by != 0 {
		return 0, fail(store.InvalidArgument, op+": beyond 64 bits", nil)
	}
	return sum, nil
}

// SetBool sets whether something is so, for a time as Set does.
func (t *Tx) SetBool(key string, is bool, ttl time.Duration) error {
	if is {
		return t.Set(key, "1", ttl)
	}
	return t.Set(key, "0", ttl)
}

// GetBool tells whether something is so, and whether that is known. WrongType where
// the key holds anything but what SetBool stores.
func (t *Tx) GetBool(key string) (is, known bool, err error) {
	value, known, err := t.Get(key)
	if err == nil && known && value != "0" && value != "1" {
		return false, false, fail(store.WrongType, "getbool", nil)
	}
	return value == "1", known, err
}

// canHold fails where values are too large to be stored with their headers.
func (t *Tx) canHold(op string, values ...string) error {
	for _, value := range values {
		if len(value) > t.db.MaxValueBytes()-16 {
			return fail(store.TooLarge, op+": value", nil)
		}
	}
	return nil
}
