package sync

import (
	"encoding/json"

	"github.com/stowage-db/stowage/store"
)

// Change is what became of one row.
type Change struct {
	Key any            // the identity of the row; a list where several columns are the key
	Row map[string]any // its columns; nil where it was deleted

	added   bool   // it is new to the shape
	partial bool   // only what has changed: the others are as they were
	hash    uint64 // of its texts, where somebody verifies them
	exact   bool   // the texts can be had back from the row, so that its hash can
}

// compositeKey is the member with the identity of rows that have several key columns, or
// none.
const compositeKey = "_key"

// Chunk is what one answer of an origin comes to.
type Chunk struct {
	Handle, Offset string // where it leads
	Columns        Columns
	Changes        []Change
	UpToDate       bool   // this is all there is
	Cursor         string // to be sent with the next live request
	Rows           int64  // that the shape has, for a progress bar; −1 where that is not told
	Checksum       string // of all rows that are here once the chunk was applied; "" where that is not told
	ETag           string
	Bytes          int64
}

// message is one of an answer's.
type message struct {
	Key     string `json:"key"`
	Value   texts  `json:"value"`
	Headers struct {
		Operation string `json:"operation"`
		Control   string `json:"control"`
	} `json:"headers"`
}

// mustRefetch says that a shape begins anew, under a handle where that is told.
type mustRefetch struct{ handle string }

func (*mustRefetch) Error() string { return "the shape begins anew" }

// readMessages reads the body of an answer, and tells whether it says that this is all.
// With verify, rows are hashed.
func (c Columns) readMessages(body []byte, verify bool) (changes []Change, upToDate bool, err error) {
	var messages []message
	if err := json.Unmarshal(body, &messages); err != nil {
		return nil, false, strange("something that is no list of messages", err)
	}
	keys, names := c.key(), c.hashed()
	for i := range messages {
		m := &messages[i]
		switch m.Headers.Control {
		case "up-to-date":
			upToDate = true
		case "must-refetch":
			return nil, false, &mustRefetch{}
		}
		if m.Headers.Operation == "" {
			continue
		}
		change, err := c.readChange(m, keys)
		if err != nil {
			return nil, false, err
		}
		if verify && change.Row != nil && !change.partial {
			change.hash = hashTexts(m.Value, names)
			change.exact = c.hashRow(change.Row, names) == change.hash
		}
		changes = append(changes, change)
	}
	return changes, upToDate, nil
}

func (c Columns) readChange(m *message, keys []string) (Change, error) {
	if m.Value == nil {
		return Change{}, strange("a message without a value", nil)
	}
	row, err := c.readRow(m.Value)
	if err != nil {
		return Change{}, err
	}
	change := Change{Key: m.Key, Row: row, added: m.Headers.Operation == "insert", exact: true}
	if len(keys) == 1 {
		change.Key = row[keys[0]]
	} else if len(keys) > 1 {
		list := make([]any, len(keys))
		for i, name := range keys {
			if list[i] = row[name]; list[i] == nil {
				return Change{}, strange("a row without its key", nil)
			}
		}
		change.Key = list
	}
	if change.Key == nil {
		return Change{}, strange("a row without its key", nil)
	}
	switch m.Headers.Operation {
	case "delete":
		change.Row = nil
		return change, nil
	case "insert":
	case "update":
		for name := range c {
			if _, has := m.Value[name]; !has {
				change.partial = true
			}
		}
	default:
		return Change{}, strange("an operation that there is not", nil)
	}
	if len(keys) != 1 {
		row[compositeKey] = change.Key
	}
	return change, nil
}

// strange is the error for an answer that the protocol does not know.
func strange(what string, cause error) error {
	return &store.Error{Code: store.OriginFailed, Op: "read an answer of the origin: " + what, Err: cause}
}
