package structure

import (
	"strconv"

	"github.com/stowage-db/stowage/store"
)

// HSet sets fields of a hash, given as pairs of a field and its value, and tells how
// many of them are new. Of a field that is given twice the last value stays.
func (t *Tx) HSet(key string, pairs ...string) (added int64, err error) {
	if err := t.writable("hset"); err != nil {
		return 0, err
	}
	if len(pairs) == 0 || len(pairs)%2 != 0 {
		return 0, fail(store.InvalidArgument, "hset: pairs of a field and a value", nil)
	}
	for i := 0; i < len(pairs); i += 2 {
		if err := fits("hset", key, pairs[i]); err != nil {
			return 0, err
		}
		if err := t.canHold("hset", pairs[i+1]); err != nil {
			return 0, err
		}
	}
	h, err := t.change("hset", key, Hash)
	if err != nil {
		return 0, err
	}
	for i := 0; i < len(pairs); i += 2 {
		stored := h.memberKey(key, pairs[i])
		_, found, err := t.get(stored)
		if err != nil {
			return 0, t.whole(err)
		}
		if !found {
			added++
		}
		if err := t.put(stored, []byte(pairs[i+1])); err != nil {
			return 0, err
		}
	}
	if added == 0 {
		return 0, nil
	}
	h.count += added
	return added, t.save(key, h)
}

// HGet returns the value of a field, and whether there is one.
func (t *Tx) HGet(key, field string) (value string, found bool, err error) {
	values, err := t.HMGet(key, field)
	value, found = values[field]
	return value, found, err
}

// HMGet returns the values of those of the fields that there are.
func (t *Tx) HMGet(key string, fields ...string) (map[string]string, error) {
	if err := fits("hmget", key, fields...); err != nil {
		return nil, err
	}
	h, found, err := t.holding("hmget", key, Hash)
	if err != nil || !found {
		return nil, err
	}
	values := make(map[string]string, len(fields))
	for _, field := range fields {
		value, found, err := t.get(h.memberKey(key, field))
		if err != nil {
			return nil, err
		}
		if found {
			values[field] = string(value)
		}
	}
	return values, nil
}

// HGetAll returns all fields with their values.
func (t *Tx) HGetAll(key string) (map[string]string, error) {
	h, found, err := t.holding("hgetall", key, Hash)
	if err != nil || !found {
		return nil, err
	}
	common := h.of(tagMember, key)
	values := make(map[string]string, h.count)
	c := t.db.Cursor(t.db.Prefix(common))
	defer c.Close()
	for field, value := range c.Forward() {
		values[string(field[len(common):])] = string(value)
	}
	return values, c.Err()
}

// HDel deletes fields, and tells how many there were.
func (t *Tx) HDel(key string, fields ...string) (int64, error) {
	return t.deleteMembers("hdel", key, Hash, fields)
}

// deleteMembers deletes members of a structure, and tells how many there were.
func (t *Tx) deleteMembers(op, key string, kind Kind, members []string) (n int64, err error) {
	if err := t.writable(op); err != nil {
		return 0, err
	}
	if err := fits(op, key, members...); err != nil {
		return 0, err
	}
	h, found, err := t.holding(op, key, kind)
	if err != nil || !found {
		return 0, err
	}
	anew := h.many(len(members))
	if anew {
		if err := t.uncount(key, &h); err != nil {
			return 0, err
		}
	}
	for _, member := range members {
		stored := h.memberKey(key, member)
		value, found, err := t.get(stored)
		if err != nil {
			return 0, t.whole(err)
		}
		if !found {
			continue
		}
		if kind == SortedSet {
			err = t.unrate(key, &h, append(value[:len(value):len(value)], member...))
		} else {
			h.count--
		}
		if err != nil {
			return 0, err
		}
		if err := t.clear(stored); err != nil {
			return 0, err
		}
		n++
	}
	if n == 0 && !anew {
		return 0, nil
	}
	return n, t.save(key, h)
}

// HExists tells whether there is a field.
func (t *Tx) HExists(key, field string) (bool, error) {
	_, found, err := t.HGet(key, field)
	return found, err
}

// HLen tells how many fields there are.
func (t *Tx) HLen(key string) (int64, error) {
	h, _, err := t.holding("hlen", key, Hash)
	return h.count, err
}

// HIncrBy adds to the whole number that a field holds, as IncrBy does.
func (t *Tx) HIncrBy(key, field string, by int64) (int64, error) {
	value, found, err := t.HGet(key, field)
	if err != nil {
		return 0, err
	}
	var number []byte
	if found {
		number = []byte(value)
	}
	sum, err := added("hincrby", number, by)
	if err != nil {
		return 0, err
	}
	_, err = t.HSet(key, field, strconv.FormatInt(sum, 10))
	return sum, err
}
